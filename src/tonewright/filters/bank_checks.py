"""What numbers make a bank of filters: shapes, words and limits, refused in words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.errors import UsageError

if TYPE_CHECKING:
    from tonewright.filters.bank import Bank

KINDS = ("parallel", "series")
SHAPES = ("peaking", "low_shelf", "high_shelf")
MOST_FILTERS = 1024
MOST_ORDER = 16
# What can be heard or measured lies far inside; double precision holds the poles of what lies inside.
LEAST_HZ, MOST_HZ = 0.1, 1e6
LEAST_Q, MOST_Q, MOST_SHELF_Q = 1e-3, 1000.0, 10.0
MOST_GAIN = 1e6
MOST_GAIN_DB, MOST_TOTAL_DB, MOST_LEVEL_DB = 120.0, 1200.0, 240.0


def checked_numbers(values: Any, name: str) -> np.ndarray:
    """Float64, one-dimensional, finite, read-only."""
    try:
        array = np.array(values)
    except (ValueError, TypeError) as error:
        raise UsageError(f"a bank's {name} has shape (filters,); got rows of different lengths") from error
    if array.dtype.kind not in "iuf":
        raise UsageError(f"a bank's {name} holds something that is not a number")
    if array.ndim != 1:
        raise UsageError(f"a bank's {name} has shape (filters,); got {array.shape}")
    array = array.astype(np.float64)
    if not np.isfinite(array).all():
        at = int(np.isfinite(array).argmin())
        raise UsageError(f"the {name} of filter {at + 1} is {array[at]}; every number must be finite")
    array.flags.writeable = False
    return array


def check_arrangement(bank: Bank) -> None:
    """Refuse wrong counts, words and orders."""
    for name, number in (("order", bank.order), ("level_db", bank.level_db)):
        if isinstance(number, bool) or not isinstance(number, int | float | np.integer | np.floating):
            raise UsageError(f"a bank's {name} is a number; got {str(number)[:40]!r}")
    if bank.kind not in KINDS:
        raise UsageError(f"a bank's kind is {str(bank.kind)[:40]!r}; choose from {', '.join(KINDS)}")
    counts = bank.frequency_hz.size, bank.q.size, bank.gain.size
    if len(set(counts)) > 1:
        raise UsageError(
            f"a bank has as many frequencies as qs and gains; got {counts[0]}, {counts[1]} and {counts[2]}"
        )
    if not 1 <= counts[0] <= MOST_FILTERS:
        raise UsageError(f"a bank has {counts[0]} filters; it must have 1 to {MOST_FILTERS}")
    most = MOST_ORDER if bank.kind == "parallel" else 1
    if not 1 <= bank.order <= most or bank.order != int(bank.order):
        raise UsageError(f"the order of a {bank.kind} bank is {bank.order}; it must be from 1 to {most}")
    if bank.shapes and bank.kind == "parallel":
        raise UsageError("a parallel bank has band-passes only; leave its shapes out")
    if bank.shapes and len(bank.shapes) != counts[0]:
        raise UsageError(f"a bank of {counts[0]} filters has {len(bank.shapes)} shapes; give each filter one")
    for shape in bank.shapes:
        if shape not in SHAPES:
            raise UsageError(f"a filter's shape is {str(shape)[:40]!r}; choose from {', '.join(SHAPES)}")


def check_limits(bank: Bank) -> None:
    """Refuse filters that are unstable in double precision, or absurd."""
    series = bank.kind == "series"
    most_gain, unit = (MOST_GAIN_DB, " dB") if series else (MOST_GAIN, "")
    _check_between(bank.frequency_hz, "frequency of filter {}", LEAST_HZ, MOST_HZ, " Hz")
    _check_between(bank.q, "q of filter {}", LEAST_Q, MOST_Q, "")
    _check_between(bank.gain, "gain of filter {}", -most_gain, most_gain, unit)
    _check_between(np.array([bank.level_db]), "level", -MOST_LEVEL_DB, MOST_LEVEL_DB, " dB")
    shelves = np.array([shape != "peaking" for shape in bank.shapes], dtype=bool)
    if series and (bank.q[shelves] > MOST_SHELF_Q).any():
        raise UsageError(f"a shelf's q is {bank.q[shelves].max():g}; it must be at most {MOST_SHELF_Q:g}")
    total = float(np.abs(bank.gain).sum())
    if series and total > MOST_TOTAL_DB:
        raise UsageError(f"a series' gains come to {total:g} dB in all; {MOST_TOTAL_DB:g} dB is the most")


def _check_between(values: np.ndarray, name: str, low: float, high: float, unit: str) -> None:
    wrong = ~((values >= low) & (values <= high))
    if wrong.any():
        at = int(wrong.argmax())
        bounds = f"{low:g} to {high:g}{unit}"
        raise UsageError(f"the {name.format(at + 1)} is {values[at]:g}{unit}; it must lie from {bounds}")
