"""Tables out: CSV, JSON lines or Parquet by the ending of the name, whole or not at all."""

from __future__ import annotations

import csv
import json
import math
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import chain
from pathlib import Path
from typing import Any

from tonewright.audio.files import atomic_output
from tonewright.errors import MissingExtraError, UsageError
from tonewright.timbre.tables.settings import TEXTS, WHOLE_NUMBERS

ENDINGS = (".csv", ".jsonl", ".parquet")
_GROUP_ROWS = 8192

Write = Callable[[Mapping[str, Any]], None]


def ending_of(path: str | os.PathLike[str]) -> str:
    """The ending that chooses the format.

    Raises
    ------
    UsageError
        If there is no such format.
    MissingExtraError
        If it is Parquet and pyarrow is not installed.
    """
    ending = Path(path).suffix.lower()
    if ending not in ENDINGS:
        raise UsageError(f"{os.fspath(path)}: name a table that ends in {', '.join(ENDINGS)}")
    if ending == ".parquet":
        arrow()
    return ending


def arrow() -> tuple[Any, Any]:
    """pyarrow and its part that reads and writes Parquet."""
    try:
        import pyarrow
        import pyarrow.parquet
    except ModuleNotFoundError as error:
        raise MissingExtraError("pyarrow", "timbre") from error
    return pyarrow, pyarrow.parquet


def write_table(
    path: str | os.PathLike[str],
    rows: Iterable[Mapping[str, Any]],
    *,
    columns: Sequence[str] | None = None,
    overwrite: bool = False,
) -> None:
    """Write a table, whole or not at all, in memory that does not grow with the number of rows.

    Numbers that are NaN or infinite become empty cells (CSV) or null.

    Parameters
    ----------
    path : .csv, .jsonl or .parquet
    rows : name of the column to value
    columns : names in their order; those of the first row where not given
    overwrite : replace what is there

    Raises
    ------
    UsageError
        If the name has another ending, or there are no rows and no columns.
    OutputError
        If the file is there already or cannot be written.
    """
    remaining = iter(rows)
    if columns is None:
        first = next(remaining, None)
        if first is None:
            raise UsageError(f"{os.fspath(path)}: no rows to tell the columns by")
        columns, remaining = tuple(first), chain((first,), remaining)
    writer = _WRITERS[ending_of(path)]
    with atomic_output(path, overwrite=overwrite) as temporary, writer(temporary, columns) as write:
        for row in remaining:
            write(row)


def plain(value: Any) -> Any:
    """A cell as plain Python: None where it is no number."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, float) or hasattr(value, "dtype"):
        number = float(value)
        return number if math.isfinite(number) else None
    return value


@contextmanager
def _csv(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    # Names of files that are no UTF-8 go back to the bytes that they are.
    with path.open("w", encoding="utf-8", errors="surrogateescape", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        yield lambda row: writer.writerow([plain(row.get(name)) for name in columns])


@contextmanager
def _json_lines(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    with path.open("w", encoding="ascii") as file:
        yield lambda row: print(json.dumps({name: plain(row.get(name)) for name in columns}), file=file)


@contextmanager
def _parquet(path: Path, columns: Sequence[str]) -> Iterator[Write]:
    pyarrow, parquet = arrow()
    kinds = {**dict.fromkeys(TEXTS, pyarrow.string()), **dict.fromkeys(WHOLE_NUMBERS, pyarrow.int64())}
    schema = pyarrow.schema([(name, kinds.get(name, pyarrow.float64())) for name in columns])
    group: list[dict[str, Any]] = []

    def flush() -> None:
        if group:
            file.write_table(pyarrow.Table.from_pylist(group, schema=schema))
            group.clear()

    def write(row: Mapping[str, Any]) -> None:
        group.append({name: _arrow_cell(name, plain(row.get(name))) for name in columns})
        if len(group) == _GROUP_ROWS:
            flush()

    with parquet.ParquetWriter(path, schema) as file:
        yield write
        flush()


def _arrow_cell(name: str, value: Any) -> Any:
    """A cell as its column wants it; letters that UTF-8 lacks are lost."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    return int(value) if value is not None and name in WHOLE_NUMBERS else value


_WRITERS: dict[str, Callable[[Path, Sequence[str]], AbstractContextManager[Write]]] = {
    ".csv": _csv,
    ".jsonl": _json_lines,
    ".parquet": _parquet,
}
