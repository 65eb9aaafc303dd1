"""Packages fetched ahead of those that are being decoded."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from concurrent.futures import Future
from functools import partial
from pathlib import Path
from typing import Self

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages import Fetched, fetch, prefetch

_AHEAD = 2  # unpacked and waiting


class Fetching:
    """Fetches packages in order in the background; a context manager.

    A thread a manager downloads whatever is to come; another one unpacks two packages ahead of the one that
    is in hand.

    Parameters
    ----------
    sources : in the order in which they will be asked for
    downloads : a folder of our own
    """

    def __init__(self, sources: Sequence[Source], downloads: Path) -> None:
        self._sources, self._downloads = tuple(sources), downloads
        self._found: dict[str, Future[Fetched]] = {source.name: Future() for source in self._sources}
        self._room = threading.Semaphore(1 + _AHEAD)
        self._stopped = threading.Event()

    def __enter__(self) -> Self:
        """Begin to fetch."""
        packed = [source for source in self._sources if source.manager == "npm"]
        others = [[source] for source in self._sources if source.manager != "npm"]
        # Of no use once the process ends, and not waited for: what they left is taken up the next time.
        for work in (partial(self._download, [packed]), partial(self._download, others), self._unpack):
            threading.Thread(target=work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        """Fetch nothing more."""
        self._stopped.set()
        self._room.release()

    def get(self, source: Source) -> Fetched:
        """The package of a source, unpacked; waits for it, and raises what `fetch` does."""
        return self._found[source.name].result()

    def done(self) -> None:
        """The package in hand is not needed any more; another one may be unpacked."""
        self._room.release()

    def _download(self, groups: Sequence[Sequence[Source]]) -> None:
        for group in groups:
            if group and not self._stopped.is_set():
                prefetch(group, self._downloads)

    def _unpack(self) -> None:
        for source in self._sources:
            self._room.acquire()
            if self._stopped.is_set():
                return
            try:
                self._found[source.name].set_result(fetch(source, self._downloads))
            except BaseException as error:  # raised where it is asked for
                self._found[source.name].set_exception(error)
