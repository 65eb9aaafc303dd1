"""An earlier table at the same place: what of it is known, and which of its rows stay."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from tonewright.errors import OutputError, TonewrightError
from tonewright.timbre.tables.journal import Entry, Journal
from tonewright.timbre.tables.origins import stamp_of
from tonewright.timbre.tables.reading import read_rows
from tonewright.timbre.tables.settings import ORIGIN, Settings

_ADVICE = "choose another name, or replace it with --force"


def take_over(table: Path, settings: Settings, journal: Journal) -> bool:
    """Put the rows of an earlier table, if there is one, into the journal of the next.

    Beside a journal that holds something already, what is no such table is of no account: it was to be
    replaced before.

    Returns
    -------
    whether there is such a table, the rows of which may stay

    Raises
    ------
    OutputError
        If it was made with other settings, or something else is there.
    """
    if table.is_dir():
        raise OutputError(f"{table}: is a folder; name a file")
    if not table.exists() or not table.stat().st_size:
        return False
    begun = len(journal) > 0
    try:
        for entry in _entries(_checked(table, settings), settings):
            if entry.digest and journal.by_stamp(entry.stamp) is None:
                journal.add(entry)
    except OutputError:
        if not begun:
            journal.discard()
            raise
        return False
    return True


class Staying:
    """Rows of an earlier table whose files were not asked for this time; they stay as they are.

    Of files that are gone, only those stay that have values, were in no folder that was asked for, and whose
    bytes were not found under another name.

    Parameters
    ----------
    table : the earlier table, which `take_over` has found to be of these settings
    settings : with which it was made
    asked : files and folders as they were named
    found : the files that they are

    Attributes
    ----------
    kept, gone : files whose rows stay, and that are gone, with their rows; told while rows are given
    """

    def __init__(
        self, table: Path, settings: Settings, *, asked: Iterable[str], found: Iterable[str]
    ) -> None:
        self._table, self._settings = table, settings
        self._folders = tuple(os.path.join(_place(path), "") for path in asked)  # noqa: PTH118
        self._found = {_place(path) for path in found}
        self.kept = self.gone = 0

    def rows(self, digests: Callable[[], set[str]]) -> Iterator[dict[str, Any]]:
        """The rows, in their order.

        Parameters
        ----------
        digests : of all files that were asked for; called where a file is gone
        """
        self.kept = self.gone = 0
        known: set[str] | None = None
        for file, rows in groupby(_checked(self._table, self._settings), key=itemgetter("file")):
            if _place(file) in self._found:
                continue
            if not stamp_of(file):
                known = digests() if known is None else known
                rows = list(rows)
                if not rows[0]["digest"] or rows[0]["digest"] in known:
                    continue
                if _place(file).startswith(self._folders):
                    self.gone += 1
                    continue
            self.kept += 1
            yield from rows


def _place(path: str) -> str:
    return os.path.abspath(path)  # noqa: PTH100, a path object costs more


def _checked(table: Path, settings: Settings) -> Iterator[dict[str, Any]]:
    """The rows of a table of these settings; no table is without rows."""
    row: dict[str, Any] = {}
    try:
        for row in read_rows(table):
            if "settings" not in row:
                break
            if row["settings"] != settings.words:
                made = f"{row['settings']}; now {settings.words}"
                raise OutputError(f"{table}: was made with other settings ({made}); {_ADVICE}")
            if strange := set(row) ^ set(settings.columns):
                names = ", ".join(sorted(strange))
                raise OutputError(f"{table}: has other columns than a table of timbre ({names}); {_ADVICE}")
            yield row
    except OutputError:
        raise
    except TonewrightError as error:
        raise OutputError(f"{error}; {_ADVICE}") from error
    if "settings" not in row:
        raise OutputError(f"{table}: is there and no table of timbre; {_ADVICE}")


def _entries(rows: Iterable[dict[str, Any]], settings: Settings) -> Iterator[Entry]:
    """Rows of one file after another as an entry."""
    held: tuple[str, str, str] | None = None
    group: list[dict[str, Any]] = []
    inner = [name for name in settings.columns if name not in ("file", *ORIGIN)]
    for row in rows:
        origin = row["file"], row["stamp"] or "", row["digest"] or ""
        if held is not None and origin != held:
            yield Entry(*held[1:], group)
            group = []
        held = origin
        group.append({name: row[name] for name in inner})
    if held is not None:
        yield Entry(*held[1:], group)
