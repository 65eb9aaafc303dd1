"""Files from the web: fetched in one piece or many, checked, placed whole.

Resuming follows RFC 9110: a range of bytes is asked for on the condition that the file is still the one
that was begun (`Range` with `If-Range`). Hashes and placing are pooch's.
"""

from __future__ import annotations

import errno
import http.client
import os
import re
import shutil
import time
import urllib.parse
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from tonewright.audio.sources.archives import in_words
from tonewright.audio.sources.asking import DownloadError, PassingError, ask, host_of
from tonewright.audio.sources.partial import Part, Version
from tonewright.errors import OutputError, UsageError

Progress = Callable[[int, int], None]

_BLOCK_BYTES = 1 << 16
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_SUM = re.compile(r"md5:[0-9a-f]{32}|sha1:[0-9a-f]{40}|sha256:[0-9a-f]{64}")


def download(
    address: str,
    target: str | os.PathLike[str],
    *,
    checksum: str | Sequence[str] | None = None,
    size: int | None = None,
    progress: Progress | None = None,
    overwrite: bool = False,
    advice: str = "",
    attempts: int = 5,
    pause_seconds: float = 1.0,
    timeout_seconds: float = 30.0,
) -> Path:
    """Fetch a file and check it; a file that is there with the right checksum is left as it is.

    What has arrived is kept in ``<target>.part`` when the connection breaks, the disk is full or the
    program is stopped, and the next call goes on from there, if the server can do that and still has the
    same file; else it starts again. A file with another checksum is removed.

    Parameters
    ----------
    address : http or https
    target : where the file goes
    checksum : "md5:…" or "sha256:…"; of several, one must be right; None to take what comes
    size : its bytes, where known; a server with another file is refused at once
    progress : called with (done, total) in bytes
    overwrite : replace another file that is there
    advice : what people can do instead, for the errors
    attempts : how often to try without a byte more
    pause_seconds : before the second attempt; twice as long before each further one
    timeout_seconds : how long to wait for an answer or for more bytes

    Raises
    ------
    DownloadError
        If it cannot be fetched or its checksum is wrong.
    OutputError
        If it cannot be written, or another file is there.
    """
    place, sums = Path(target), _sums(checksum)
    if urllib.parse.urlsplit(address).scheme not in ("http", "https"):
        raise UsageError(f"{address}: is no address that starts with http:// or https://")
    if place.is_file() and _is_there(place, sums, size, overwrite=overwrite):
        return place
    advice = advice or f"try again, or fetch {address} yourself"
    place.parent.mkdir(parents=True, exist_ok=True)
    part = Part(place)
    transfer = _Transfer(address, part, size, progress, advice, timeout_seconds)
    try:
        transfer.run(attempts, pause_seconds)
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted: {part.in_words()}") from None
    return _checked(address, place, part, sums, advice)


def checksum_of(path: str | os.PathLike[str], algorithm: str) -> str:
    """A file's checksum as "algorithm:…"."""
    import pooch

    return f"{algorithm}:{pooch.file_hash(os.fspath(path), alg=algorithm)}"


def matching(path: str | os.PathLike[str], checksums: Sequence[str]) -> str | None:
    """The first of these checksums that a file has; None if it has none."""
    return next((known for known in checksums if checksum_of(path, known.partition(":")[0]) == known), None)


def _sums(checksum: str | Sequence[str] | None) -> tuple[str, ...]:
    sums = () if checksum is None else (checksum,) if isinstance(checksum, str) else tuple(checksum)
    for known in sums:
        if not _SUM.fullmatch(known):
            raise UsageError(f"{known}: is no checksum of the form md5:… or sha256:…")
    return sums


def _is_there(place: Path, sums: tuple[str, ...], size: int | None, *, overwrite: bool) -> bool:
    """Whether the file that is there is the one; an error if it is another and is to stay."""
    found = place.stat().st_size
    if matching(place, sums) if sums else size in (None, found):
        return True
    if overwrite:
        return False
    wrong = (
        f"{checksum_of(place, sums[0].partition(':')[0])}, not {sums[0]}"
        if sums
        else f"{found} bytes, not {size}"
    )
    raise OutputError(
        f"{place}: is there and is another file (it has {wrong}); move it away, or replace it with --force"
    )


@dataclass(frozen=True)
class _Transfer:
    """The way of one file from a server to its part."""

    address: str
    part: Part
    size: int | None
    progress: Progress | None
    advice: str
    timeout_seconds: float

    def run(self, attempts: int, pause_seconds: float) -> None:
        """Try until all bytes are here or nothing moves any more."""
        part = self.part
        if part.version is not None and part.version.address != self.address:
            part.clear()
        best, failures = part.have, 0
        while not part.complete:
            try:
                with ask(
                    self.address,
                    part,
                    advice=self.advice,
                    timeout_seconds=self.timeout_seconds,
                    begun=best > 0,
                ) as response:
                    self.accept(response)
                    self.append(response)
                return
            except PassingError as error:
                failures = 0 if part.have > best else failures + 1
                best = max(best, part.have)
                if failures >= attempts:
                    host = host_of(self.address)
                    raise DownloadError(
                        f"{host}: {error}, {attempts} times; {part.in_words()}; {self.advice}"
                    ) from error
                time.sleep(pause_seconds * 2 ** max(0, failures - 1))

    def accept(self, response: http.client.HTTPResponse) -> None:
        """Find out whether the answer continues what is here; if not, start again."""
        headers, part = response.headers, self.part
        ranges = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", headers.get("Content-Range", ""))
        text = (ranges[2] if ranges else "") if response.status == 206 else headers.get("Content-Length", "")
        total = int(text) if text.isdecimal() else self.size
        version = Version(self.address, headers.get("ETag", ""), headers.get("Last-Modified", ""), total)
        if headers.get_content_type() == "text/html":
            host = host_of(self.address)
            raise DownloadError(f"{host} answers with a web page instead of the file; {self.advice}")
        if None not in (self.size, total) and total != self.size:
            raise DownloadError(
                f"{self.address}: has {total} bytes, not {self.size} as published: it is another file;"
                f" {self.advice}"
            )
        if response.status != 206:
            self.check_room(total)
            part.begin(version)
        elif ranges is None or int(ranges[1]) != part.have or version != part.version:
            part.clear()
            raise PassingError("the file has changed")

    def check_room(self, total: int | None) -> None:
        """See that the disk holds the file."""
        folder = self.part.path.parent
        free = shutil.disk_usage(folder).free + self.part.have
        if total is not None and total > free:
            raise OutputError(
                f"{folder}: the file has {in_words(total)} and the disk {in_words(free)} free; make room for"
                f" {in_words(total - free)}"
            )

    def append(self, response: http.client.HTTPResponse) -> None:
        """Take bytes until there are no more."""
        total, have = self.part.total, self.part.have
        with self.part.path.open("ab", buffering=0) as file:
            while True:
                try:
                    block = response.read1(_BLOCK_BYTES)
                except (OSError, http.client.HTTPException) as error:
                    raise PassingError(f"the connection broke ({type(error).__name__})") from error
                if not block:
                    break
                self.write(file.write, block)
                have += len(block)
                if self.progress is not None:
                    self.progress(have, total or have)
        if total is not None and have < total:
            raise PassingError(f"the connection broke at {in_words(have)} of {in_words(total)}")

    def write(self, write: Callable[[bytes], int | None], block: bytes) -> None:
        """Write all of a block; an unbuffered file may take less at a time."""
        try:
            while block:
                block = block[write(block) or 0 :]
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            part = self.part
            missing = f"{in_words(part.total - part.have)} are missing" if part.total else "more is to come"
            raise OutputError(
                f"{part.path}: the disk is full and {missing}; make room: {part.in_words()}"
            ) from error


def _checked(address: str, place: Path, part: Part, sums: tuple[str, ...], advice: str) -> Path:
    """Give the file its name if it is the right one; else keep nothing."""
    import pooch

    def hand_over(_address: str, output: Any, _pooch: object) -> None:
        # A second name: if the check is interrupted, the part is still there.
        Path(output).unlink()
        try:
            os.link(part.path, output)
        except OSError:
            part.path.replace(output)

    known = (matching(part.path, sums) or sums[0]) if len(sums) > 1 else next(iter(sums), None)
    pooch.get_logger().setLevel("WARNING")
    if known is None:
        place.unlink(missing_ok=True)  # pooch would take it for the one
    try:
        pooch.retrieve(address, known, place.name, place.parent, downloader=cast(Any, hand_over))
    except ValueError as error:
        part.clear()
        found = re.search(r"got (\w+)", str(error))
        algorithm = (known or "").partition(":")[0]
        raise DownloadError(
            f"{address}: what arrived has the checksum {algorithm}:{found[1] if found else '?'}, not {known}"
            f" as published, and was removed; {advice}"
        ) from error
    part.clear()
    return place
