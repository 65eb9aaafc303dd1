"""The sounds of a package, decoded and screened in several processes, in the order of its files."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import Any, Self

from tonewright.audio.processes import deaf_to_interrupts
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.decoding import Refused, sounds
from tonewright.audio.sources.packages import Fetched
from tonewright.audio.sources.screening import Screened, screen

# A piece of music is some 30 MB when it comes back, and a batch of anything else no more than that.
_BATCH = {"voices": 32, "music": 1, "instruments": 32}
_MOST_IN_FLIGHT = 6


class Workers:
    """Processes that decode and screen; a context manager.

    What waits to be taken is bounded, whatever the number of processes.

    Parameters
    ----------
    jobs : processes; 1 does the work in this one, None takes one a core
    """

    def __init__(self, jobs: int | None = None) -> None:
        from joblib import cpu_count

        self.jobs = jobs or cpu_count()
        self._executor: Executor | None = None

    def __enter__(self) -> Self:
        """Begin; processes start at the first package."""
        return self

    def __exit__(self, kind: type[BaseException] | None, *rest: object) -> None:
        """End the processes, at once where there was an error."""
        if self._executor is not None:
            executor: Any = self._executor
            executor.shutdown(wait=kind is None, kill_workers=kind is not None)
            self._executor = None

    def screened(
        self, source: Source, fetched: Fetched, *, told: Callable[[int, int], None] | None = None
    ) -> Iterator[Screened | Refused]:
        """What becomes of each sound of a source, in the order of its files.

        Parameters
        ----------
        source, fetched : what to decode
        told : called with (done, total) in parts of the work

        Raises
        ------
        SourceError
            If none of the package's files is among those of the source, or a decoder is missing.
        """
        shares = shared(source, fetched)
        for done, found in enumerate(self._results(shares, fetched), start=1):
            yield from found
            if told is not None:
                told(done, len(shares))

    def _results(self, shares: list[Source], fetched: Fetched) -> Iterator[Iterable[Screened | Refused]]:
        if self.jobs == 1 or len(shares) == 1:  # a whole bank at once would be much to send
            yield from (_screened(share, fetched) for share in shares)
            return
        waiting: deque[Future] = deque()
        for share in shares:
            with deaf_to_interrupts():  # processes start when something is submitted
                waiting.append(self._processes().submit(_in_process, share, fetched))
            if len(waiting) >= min(2 * self.jobs, _MOST_IN_FLIGHT):
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()

    def _processes(self) -> Executor:
        from joblib.externals.loky import get_reusable_executor

        executor: Executor = self._executor or get_reusable_executor(max_workers=self.jobs)
        self._executor = executor
        return executor


def shared(source: Source, fetched: Fetched) -> list[Source]:
    """A source as several, each with some of its files in their order; together they are the whole.

    Banks, files whose names differ in nothing but the suffix, and names that would be read as patterns are
    not shared out.
    """
    root = fetched.folder / source.root
    paths = sorted(path for path in _paths(root) if source.holds(path))
    stems = {PurePosixPath(path).with_suffix("") for path in paths}
    if source.decoder in ("soundfont", "bank") or len(stems) < len(paths) or "*" in (text := "".join(paths)):
        return [source]
    if "?" in text or not paths:
        return [source]
    size = _BATCH[source.part] * max(1, len(source.stems))
    batches = [tuple(paths[start : start + size]) for start in range(0, len(paths), size)]
    if any(len({_folder(path) for path in batch}) > _BATCH[source.part] for batch in batches if source.stems):
        return [source]  # a song lacks a stem
    return [replace(source, files=batch, without=()) for batch in batches]


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _paths(root: Path) -> Iterator[str]:
    for folder, _, names in os.walk(root):
        for name in names:
            yield Path(folder, name).relative_to(root).as_posix()


def _in_process(share: Source, fetched: Fetched) -> list[Screened | Refused]:
    # Ctrl-C reaches every process of a terminal; the first one answers it, and ends these.
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    return list(_screened(share, fetched))


def _screened(share: Source, fetched: Fetched) -> Iterator[Screened | Refused]:
    for raw in sounds(share, fetched):
        yield raw if isinstance(raw, Refused) else screen(raw, share)
