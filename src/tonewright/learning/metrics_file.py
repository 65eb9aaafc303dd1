"""Reading a run's ``metrics.csv``; loads no framework."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

FIRST_COLUMNS = ("step", "epoch")


def read_metrics(path: Path) -> list[dict[str, str]]:
    """Rows of a ``metrics.csv``; none where there is no file."""
    if not path.is_file():
        return []
    with path.open(newline="", encoding="utf-8", errors="replace") as file:
        return list(csv.DictReader(file))


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
