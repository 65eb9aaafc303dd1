"""A web server on loopback that can break off, refuse, change its files and forget ranges."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest


@dataclass
class Served:
    """A file of the server and its moods; `breaks` and `refusals` are used up one request at a time."""

    content: bytes
    etag: str | None = '"1"'
    modified: str | None = None
    ranges: bool = True
    heeds_if_range: bool = True
    says_length: bool = True
    content_type: str = "application/zip"
    breaks: list[int] = field(default_factory=list)
    refusals: list[int] = field(default_factory=list)
    pause_seconds: float = 0.0


class Web:
    """The files of a server and the requests it got."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.files: dict[str, Served] = {}
        self.requests: list[dict[str, str]] = []

    def serve(self, name: str, content: bytes, **moods: object) -> str:
        """Put a file there; its address."""
        self.files[f"/{name}"] = Served(content, **moods)  # type: ignore[arg-type]
        return f"{self.address}/{name}"

    def __getitem__(self, name: str) -> Served:
        return self.files[f"/{name}"]


class _Handler(BaseHTTPRequestHandler):
    web: Web

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        self.web.requests.append(
            {"path": self.path, **{key.lower(): text for key, text in self.headers.items()}}
        )
        served = self.web.files.get(self.path)
        if served is None:
            self.send_error(404)
            return
        time.sleep(served.pause_seconds)
        if served.refusals:
            self.send_error(served.refusals.pop(0))
            return
        start = self._start(served)
        if start is not None and start >= len(served.content):
            self.send_error(416)
            return
        self._answer(served, start)

    def _start(self, served: Served) -> int | None:
        found = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        condition = self.headers.get("If-Range")
        if not found or not served.ranges:
            return None
        if served.heeds_if_range and condition not in (None, served.etag, served.modified):
            return None
        return int(found[1])

    def _answer(self, served: Served, start: int | None) -> None:
        body = served.content[start or 0 :]
        self.send_response(200 if start is None else 206)
        self.send_header("Content-Type", served.content_type)
        if served.says_length:
            self.send_header("Content-Length", str(len(body)))
        if served.etag:
            self.send_header("ETag", served.etag)
        if served.modified:
            self.send_header("Last-Modified", served.modified)
        if start is not None:
            total = len(served.content)
            self.send_header("Content-Range", f"bytes {start}-{total - 1}/{total}")
        self.end_headers()
        self.wfile.write(body[: served.breaks.pop(0)] if served.breaks else body)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: object) -> None:
        """A client that goes away in the middle is what is tested."""


@pytest.fixture(scope="session")
def _server() -> Iterator[Web]:
    with _Server(("127.0.0.1", 0), _Handler) as server:
        _Handler.web = web = Web(f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield web
        server.shutdown()
        thread.join()


@pytest.fixture
def web(_server: Web, monkeypatch: pytest.MonkeyPatch) -> Web:
    """The server, without files and requests."""
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    _server.files.clear()
    _server.requests.clear()
    return _server


@pytest.fixture(scope="session")
def md5():
    """Checksums as the table of public sets writes them."""
    return lambda content: f"md5:{hashlib.md5(content).hexdigest()}"
