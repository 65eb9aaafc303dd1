"""Questions to web servers, and what their refusals mean."""

from __future__ import annotations

import http.client
import socket
import ssl
import urllib.error
import urllib.parse
import urllib.request

from tonewright import __version__
from tonewright.audio.sources.partial import Part
from tonewright.errors import TonewrightError, UsageError

# May be over in a moment: time-outs, too many requests, servers out of order.
_PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})


class DownloadError(TonewrightError):
    """A file that could not be fetched, or is not the one that was published."""


class PassingError(Exception):
    """Something that may be over at the next attempt."""


def host_of(address: str) -> str:
    """The server's name in an address."""
    return urllib.parse.urlsplit(address).netloc


def ask(
    address: str, part: Part, *, advice: str, timeout_seconds: float, begun: bool
) -> http.client.HTTPResponse:
    """Ask for what is missing of a file, or for all of it where nothing is here.

    Parameters
    ----------
    address : http or https
    part : what is here
    advice : what people can do instead, for the errors
    timeout_seconds : how long to wait for an answer
    begun : whether something has arrived before: then a failure to connect is a passing one

    Raises
    ------
    PassingError
        If it is worth asking again.
    DownloadError
        If it is not.
    """
    headers = {"User-Agent": f"tonewright/{__version__}", "Accept-Encoding": "identity"}
    if part.have and part.version is not None:
        headers["Range"] = f"bytes={part.have}-"
        if part.version.condition:
            headers["If-Range"] = part.version.condition
    try:
        request = urllib.request.Request(address, headers=headers)
        return urllib.request.urlopen(request, timeout=timeout_seconds)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == 416:
            part.clear()
            raise PassingError("the file has changed") from error
        if error.code in _PASSING:
            raise PassingError(f"it answers with {error.code} ({error.reason})") from error
        raise DownloadError(f"{host_of(address)} {_refusal(error.code)}: {address}; {advice}") from error
    except urllib.error.URLError as error:
        raise _failure(error.reason, host_of(address), advice, begun=begun) from error
    except (ValueError, http.client.InvalidURL) as error:
        raise UsageError(f"{address}: is no address ({error})") from error
    except (OSError, http.client.HTTPException) as error:
        raise _failure(error, host_of(address), advice, begun=begun) from error


def _refusal(code: int) -> str:
    if code in (401, 403):
        return f"refuses ({code}) and may want you to log in or to ask for access"
    if code in (404, 410):
        return f"has no such file ({code}); it may have moved"
    return f"answers with an error ({code})"


def _failure(reason: object, host: str, advice: str, *, begun: bool) -> Exception:
    """What a failure to connect means."""
    if isinstance(reason, ssl.SSLCertVerificationError):
        return DownloadError(
            f"the certificate of {host} cannot be checked ({reason.verify_message}); see that this machine's"
            f" clock and certificates are right; {advice}"
        )
    if isinstance(reason, TimeoutError):
        return PassingError("it gives no answer in time")
    if isinstance(reason, socket.gaierror):
        words = "its name is not found"
    elif isinstance(reason, OSError):
        words = (reason.strerror or str(reason)).lower()
    else:
        words = str(reason)
    if begun or isinstance(reason, (http.client.HTTPException, ConnectionResetError)):
        return PassingError(f"the connection broke ({words})")
    return DownloadError(f"no connection to {host} ({words}); {advice}")
