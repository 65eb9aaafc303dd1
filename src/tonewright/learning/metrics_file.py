"""Reading and writing a run's ``metrics.csv``; loads no framework."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.files import atomic_output

FIRST_COLUMNS = ("step", "epoch")


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Rows of a ``metrics.csv``; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return list(csv.DictReader(file))


def write_metrics(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write rows as a ``metrics.csv``, whole or not at all.

    Parameters
    ----------
    rows : values by name; the columns are the names in the order in which they appear
    columns : names to begin with, before those of the rows
    """
    names = dict.fromkeys([*FIRST_COLUMNS, *columns, *(name for row in rows for name in row)])
    with (
        atomic_output(path, overwrite=True) as temporary,
        temporary.open("w", newline="", encoding="utf-8") as file,
    ):
        writer = csv.DictWriter(file, list(names))
        writer.writeheader()
        writer.writerows(rows)


class MetricsTable:
    """A ``metrics.csv`` that grows: a row for each logging, columns as they appear.

    `rows` counts what was written; a checkpoint keeps that count, and a resumed run continues its file
    from there, so that the file of an interrupted run ends equal to that of an uninterrupted one.

    Parameters
    ----------
    path : the file
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = list(FIRST_COLUMNS)
        self.rows = 0

    def continue_from(self, rows: int) -> None:
        """Keep the first `rows` of an earlier run and drop those after, which will be run again."""
        kept = read_metrics(self.path)[:rows]
        seen = dict.fromkeys(name for row in kept for name, text in row.items() if text)
        self.columns = [*FIRST_COLUMNS, *(name for name in seen if name not in FIRST_COLUMNS)]
        self.rows = len(kept)
        self._rewrite(kept)

    def add(self, row: Mapping[str, Any]) -> None:
        """Add a row, which begins with its step."""
        self.rows += 1
        new = [name for name in row if name not in self.columns]
        if new or self.rows == 1:
            self.columns += new
            self._rewrite([*read_metrics(self.path), dict(row)])
        else:
            with self.path.open("a", newline="", encoding="utf-8") as file:
                csv.DictWriter(file, self.columns).writerow(row)

    def _rewrite(self, rows: Sequence[Mapping[str, Any]]) -> None:
        kept = [{name: row[name] for name in row if name in self.columns} for row in rows]
        write_metrics(self.path, kept, self.columns)


def metric_series(path: Path) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Every value of a ``metrics.csv`` as name -> (steps (n,), values (n,)); what is no number is skipped."""
    series: dict[str, tuple[list[int], list[float]]] = {}
    for number, row in enumerate(read_metrics(path)):
        step = _number(row.get("step"))
        for name, text in row.items():
            value = _number(text) if name and name not in FIRST_COLUMNS else None
            if value is not None:
                steps, values = series.setdefault(name, ([], []))
                steps.append(number if step is None else int(step))
                values.append(value)
    return {name: (np.array(steps), np.array(values)) for name, (steps, values) in series.items()}


def _number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except (TypeError, ValueError):
        return None
