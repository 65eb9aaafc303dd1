"""Tables in: what `tonewright.timbre.tables` has written, and tables like that."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tonewright.errors import TonewrightError
from tonewright.timbre.names import DESCRIPTORS, EXTRAS
from tonewright.timbre.tables.settings import FACTS, WHOLE_NUMBERS
from tonewright.timbre.tables.writing import arrow, ending_of

NUMBERS = frozenset(("start_s", *FACTS, *DESCRIPTORS, *EXTRAS))


@dataclass(frozen=True, eq=False)
class Table:
    """A table in memory.

    Parameters
    ----------
    path : where it was read
    columns : name to the cells of all rows; numbers are NaN where there is none, other cells as they are
    """

    path: Path
    columns: Mapping[str, list[Any]]

    def __len__(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values()), ()))

    def rows(self) -> Iterator[dict[str, Any]]:
        """Row by row."""
        for cells in zip(*self.columns.values(), strict=True):
            yield dict(zip(self.columns, cells, strict=True))


def read_table(path: str | os.PathLike[str]) -> Table:
    """Read a table.

    Parameters
    ----------
    path : .csv, .jsonl or .parquet

    Raises
    ------
    UsageError
        If the name has another ending.
    TonewrightError
        If the file is missing, or is no such table.
    """
    columns: dict[str, list[Any]] = {}
    for number, row in enumerate(read_rows(path)):
        for name, value in row.items():
            if name not in columns:
                columns[name] = [math.nan if name in NUMBERS else None] * number
            columns[name].append(value)
        for name, cells in columns.items():
            if len(cells) == number:
                cells.append(math.nan if name in NUMBERS else None)
    return Table(Path(path), columns)


def read_rows(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """The rows of a table one after another, in memory that does not grow with their number.

    Yields
    ------
    name of the column to value; numbers of this package are NaN where there is none
    """
    reader = _READERS[ending_of(path)]
    try:
        for row in reader(Path(path)):
            yield {name: _cell(name, value) for name, value in row.items()}
    except FileNotFoundError as error:
        raise TonewrightError(f"{os.fspath(path)}: there is no such table") from error
    except IsADirectoryError as error:
        raise TonewrightError(f"{os.fspath(path)}: is a folder; name a table") from error
    except (ValueError, csv.Error) as error:
        words = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise TonewrightError(f"{os.fspath(path)}: cannot be read as a table ({words})") from error


def _cell(name: str, value: Any) -> Any:
    if name not in NUMBERS:
        return value
    if value is None or value == "":
        return math.nan
    try:
        number = float(value)
    except (TypeError, ValueError) as error:
        raise ValueError(f"column {name}: {value!r} is no number") from error
    return int(number) if name in WHOLE_NUMBERS and number.is_integer() else number


def _csv(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        for row in csv.DictReader(file, strict=True):
            if None in row or None in row.values():
                raise ValueError("a row is longer or shorter than the first")
            yield row


def _json_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            row = json.loads(line)
            if not isinstance(row, dict):
                raise ValueError("a line is no JSON object")
            yield row


def _parquet(path: Path) -> Iterator[dict[str, Any]]:
    _, parquet = arrow()
    with path.open("rb") as raw, parquet.ParquetFile(raw) as file:
        for batch in file.iter_batches(batch_size=4096):
            yield from batch.to_pylist()


_READERS: dict[str, Callable[[Path], Iterator[dict[str, Any]]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
