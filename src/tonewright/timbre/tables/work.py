"""The files of a table in the making: which are known, which are to be described."""

from __future__ import annotations

import math
from array import array
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from tonewright.errors import AudioError, MissingExtraError
from tonewright.timbre.tables.entries import Task, entry_of, failed_row, failure, with_digest
from tonewright.timbre.tables.finding import Found
from tonewright.timbre.tables.journal import Entry, Journal
from tonewright.timbre.tables.origins import stamp_of
from tonewright.timbre.tables.settings import ORIGIN, TEXTS, Settings

Run = Callable[[Callable[[Task], Any], Iterable[Task]], Iterator[tuple[Task, Any]]]


class Work:
    """Files, each with the place of its entry in the journal; their rows stay there.

    Parameters
    ----------
    found : the files
    settings : how they are described
    journal : what is known, and where it is kept
    progress : called with (done, total)
    """

    def __init__(
        self,
        found: list[Found],
        settings: Settings,
        journal: Journal,
        progress: Callable[[int, int], None] | None,
    ) -> None:
        self._found, self._settings, self._journal, self._progress = found, settings, journal, progress
        self._stamps = [stamp_of(one.path) for one in found]
        self._places = array("q", [-1]) * len(found)
        self.described = self.reused = self.done = 0
        self.failed: list[tuple[str, str]] = []

    def __len__(self) -> int:
        """Number of files."""
        return len(self._found)

    def do(self, run: Run) -> None:
        """Find an entry for every file: by its stamp, by its bytes, or by describing it.

        Parameters
        ----------
        run : as `run_jobs`
        """
        tasks = list(self._unknown())
        if tasks and self._journal.knows_digests:
            tasks = list(self._unlike(run(with_digest, tasks)))
        if not tasks:
            return
        for task, result in run(partial(entry_of, settings=self._settings), tasks):
            if isinstance(result, (ImportError, MissingExtraError)):
                raise result  # every file would meet it
            if isinstance(result, Exception):
                result = Entry(task.stamp, "", [failed_row(result)])
            self.described += 1
            self._settle(task.number, self._journal.add(result))

    def rows(self) -> Iterator[dict[str, Any]]:
        """The table, in the order of the files; `failed` is told while they are given."""
        self.failed.clear()
        empty = {name: "" if name in TEXTS else math.nan for name in self._settings.columns}
        for found, stamp, place in zip(self._found, self._stamps, self._places, strict=True):
            entry = self._journal.entry(place)
            if reason := failure(entry.rows):
                self.failed.append((found.path, reason))
            origin = dict(zip(ORIGIN, (self._settings.words, stamp, entry.digest), strict=True))
            for row in entry.rows:
                yield {**empty, "file": found.path, **row, **origin}

    def digests(self) -> set[str]:
        """Of the bytes of all files, as far as they are known."""
        return {self._journal.entry(place).digest for place in self._places} - {""}

    def _unknown(self) -> Iterator[Task]:
        """Files whose stamps are not known."""
        for number, (one, stamp) in enumerate(zip(self._found, self._stamps, strict=True)):
            place = self._journal.by_stamp(stamp)
            if one.reason:
                row = failed_row(AudioError(one.path, one.reason))
                self._settle(number, self._journal.add(Entry(stamp, "", [row])))
            elif place is None:
                yield Task(number, one.path, stamp)
            else:
                self.reused += 1
                self._settle(number, place)

    def _unlike(self, told: Iterator[tuple[Task, Any]]) -> Iterator[Task]:
        """Files whose bytes are not known either."""
        for task, result in told:
            digest = result.digest if isinstance(result, Task) else ""
            place = self._journal.by_digest(digest)
            if place is None:
                yield task._replace(digest=digest)
                continue
            known = self._journal.entry(place)
            self.reused += 1
            self._settle(task.number, self._journal.add(Entry(task.stamp, digest, known.rows)))

    def _settle(self, number: int, place: int) -> None:
        self._places[number] = place
        self.done += 1
        if self._progress is not None:
            self._progress(self.done, len(self))
