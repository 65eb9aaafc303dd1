"""The rows of one file, made where the jobs run."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tonewright.errors import AudioError, TonewrightError
from tonewright.timbre.tables.journal import Entry
from tonewright.timbre.tables.origins import digest_of
from tonewright.timbre.tables.settings import Settings


class Task(NamedTuple):
    """A file to describe.

    Parameters
    ----------
    number : its place in the table
    path : where it is
    stamp, digest : as in `origins`; the digest is empty where it is not known yet
    """

    number: int
    path: str
    stamp: str
    digest: str = ""

    def __str__(self) -> str:
        """The path, which is what errors name."""
        return self.path


def with_digest(task: Task) -> Task:
    """The same with its digest."""
    return task._replace(digest=digest_of(task.path))


def entry_of(task: Task, *, settings: Settings) -> Entry:
    """What a file is like; of one that cannot be decoded, why.

    Errors of other kinds, which another attempt may not meet, are raised.
    """
    digest = task.digest or digest_of(task.path)
    try:
        rows = rows_of(task.path, settings)
    except AudioError as error:
        rows = [failed_row(error)]
    return Entry(task.stamp, digest, rows)


def rows_of(path: str, settings: Settings) -> list[dict[str, Any]]:
    """The rows that a file has in a table, without the columns that say of which file they are.

    Raises
    ------
    AudioError
        If it cannot be read.
    """
    if settings.window_s is None:
        from tonewright.timbre.description import describe_file

        return [describe_file(path, mode=settings.mode, raw=settings.raw).as_dict()]
    from tonewright.timbre.along import along_file

    return along_file(
        path, window_s=settings.window_s, hop_s=settings.hop_s, mode=settings.mode, raw=settings.raw
    ).rows()


def failed_row(error: Exception) -> dict[str, Any]:
    """The row of a file that could not be described: the reason alone."""
    if isinstance(error, AudioError):
        words = error.reason
    elif isinstance(error, TonewrightError):
        words = str(error)
    else:
        words = f"{type(error).__name__}: {error}"
        if not isinstance(error, (OSError, MemoryError)):
            words += " (a fault of Tonewright's)"
    return {"notes": " ".join(words.split())}


def failure(rows: Iterable[Mapping[str, Any]]) -> str:
    """Why a file could not be described, by its rows; empty where it could."""
    first = next(iter(rows), {})
    rate = first.get("sample_rate")
    known = rate is not None and not math.isnan(rate)
    return "" if known else str(first.get("notes") or "no reason was given")
