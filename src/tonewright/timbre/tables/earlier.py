"""An earlier table at the same place: its rows are taken over where they were made in the same way."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from tonewright.errors import OutputError, TonewrightError
from tonewright.timbre.tables.journal import Entry, Journal
from tonewright.timbre.tables.reading import read_rows
from tonewright.timbre.tables.settings import ORIGIN, Settings

_ADVICE = "choose another name, or replace it with --force"


def take_over(table: Path, settings: Settings, journal: Journal) -> None:
    """Put the rows of an earlier table, if there is one, into the journal of the next.

    Beside a journal that holds something already, what is no such table is of no account: it was to be
    replaced before.

    Raises
    ------
    OutputError
        If it was made with other settings, or something else is there.
    """
    if table.is_dir():
        raise OutputError(f"{table}: is a folder; name a file")
    if not table.exists() or not table.stat().st_size:
        return
    begun = len(journal) > 0
    try:
        for entry in _entries(_checked(table, settings), settings):
            if entry.digest and journal.by_stamp(entry.stamp) is None:
                journal.add(entry)
    except OutputError:
        if not begun:
            journal.discard()
            raise


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
