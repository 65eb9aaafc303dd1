"""A bank to be fitted as plain arrays: what the compiled loops work on."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tonewright.filters.bank import Bank
from tonewright.filters.bank_checks import MOST_TOTAL_DB
from tonewright.filters.fitting.target import Target

LOG_PARALLEL, LOG_SERIES, COMPLEX_PARALLEL = 0, 1, 2
BELL, LOW_SHELF, HIGH_SHELF = 0, 1, 2
SHAPES = ("peaking", "low_shelf", "high_shelf")

_Q, _SHELF_Q = (0.2, 20.0), (0.3, 1.2)
# Of a parallel bank, over the target's highest point: neighbours that cancel each other stay within reach.
_GREATEST_GAIN = 10 ** (30 / 20)
_GREATEST_LEVEL_DB = 200.0
# Filters may lie a little beyond the band, where their skirts are of use.
_BELOW, _ABOVE, _HIGHEST_SHARE = 0.7, 1.1, 0.48
# Of a complex target below its highest point: from there on errors are absolute.
_COMPLEX_FLOOR = 10 ** (-60 / 20)
_FEWEST_FOR_SHELVES = 3
_WITHIN = 0.999
# By mode. 16 gains of 10 dB in series count as much as an error of .07 dB.
_RIDGES = {LOG_PARALLEL: 1e-5, LOG_SERIES: 3e-6, COMPLEX_PARALLEL: 1e-6}


class Problem(NamedTuple):
    r"""What is to be made small, over the numbers of a bank between two bounds: Σ r², and a ridge Σ g².

    The numbers, (3 filters + 1,), are all ln tan(ω₀/2), all ln Q, all gains (parallel: factors; series: dB)
    and a level in dB, which is free in a series only.

    Attributes
    ----------
    mode : `LOG_PARALLEL` or `LOG_SERIES` for decibels, `COMPLEX_PARALLEL` for magnitude and phase
    tangents, cotangents : (points,), tan(ω/2) and its inverse
    target : (points,) dB; complex: (2 points,), the real parts and behind them the imaginary ones
    roots : (points,), roots of the weights
    one_sided : (points,), where only what stands above the target counts
    order : of each resonator
    shapes : (filters,) of integers, `BELL`, `LOW_SHELF` or `HIGH_SHELF`
    low, high : (3 filters + 1,)
    ridge : what the square of a gain costs, so that filters do not work against each other for nothing
    """

    mode: int
    tangents: np.ndarray
    cotangents: np.ndarray
    target: np.ndarray
    roots: np.ndarray
    one_sided: np.ndarray
    order: int
    shapes: np.ndarray
    low: np.ndarray
    high: np.ndarray
    ridge: float = 0.0

    @property
    def filters(self) -> int:
        """Number of filters."""
        return self.shapes.size

    @property
    def points(self) -> int:
        """Number of frequencies."""
        return self.tangents.size


def problem_of(target: Target, *, filters: int, kind: str, order: int) -> Problem:
    """The problem of fitting so many filters to a target.

    Parameters
    ----------
    target : without level; where it has a response, magnitude and phase are fitted
    filters : at least 1
    kind : "parallel" or "series"
    order : of each resonator
    """
    tangents = np.tan(np.pi * target.frequencies_hz / target.sample_rate)
    mode, wanted, roots = LOG_SERIES, target.shape_db, np.sqrt(target.weights)
    if kind == "parallel":
        mode = LOG_PARALLEL
    if target.response is not None:
        mode, wanted = COMPLEX_PARALLEL, np.concatenate([np.real(target.response), np.imag(target.response)])
        roots = roots / np.maximum(np.abs(target.response), _COMPLEX_FLOOR)
    shapes = np.full(filters, BELL)
    if kind == "series" and filters >= _FEWEST_FOR_SHELVES:
        shapes[0], shapes[-1] = LOW_SHELF, HIGH_SHELF
    ridge = _RIDGES[mode]
    low, high = _bounds(target, shapes, series=kind == "series")
    return Problem(
        mode,
        tangents,
        1 / tangents,
        np.array(wanted),
        roots,
        target.at_floor,
        order,
        shapes,
        low,
        high,
        ridge,
    )


def bank_of(problem: Problem, values: np.ndarray, *, sample_rate: int, level_db: float) -> Bank:
    """The bank that the numbers stand for, its filters by rising frequency, shelves at the ends."""
    parts = values[:-1].reshape(3, -1)
    rank = np.array([1, 0, 2])[problem.shapes]
    order = np.lexsort((parts[0], rank))
    tangents, q, gain = np.exp(parts[0]), np.exp(parts[1]), parts[2]
    series = problem.mode == LOG_SERIES
    return Bank(
        (np.arctan(tangents) * (sample_rate / math.pi))[order],
        q[order],
        gain[order],
        kind="series" if series else "parallel",
        shapes=tuple(SHAPES[shape] for shape in problem.shapes[order]) if series else (),
        order=problem.order,
        level_db=level_db + float(values[-1]),
    )


def _bounds(target: Target, shapes: np.ndarray, *, series: bool) -> tuple[np.ndarray, np.ndarray]:
    """Least and greatest numbers, (3 filters + 1,) each."""
    rate, frequencies = target.sample_rate, target.frequencies_hz
    ends = _BELOW * frequencies[0], min(_ABOVE * frequencies[-1], _HIGHEST_SHARE * rate)
    # All gains together stay within what a bank allows.
    gain = min(target.greatest_gain_db, _WITHIN * MOST_TOTAL_DB / shapes.size) if series else _GREATEST_GAIN
    level = _GREATEST_LEVEL_DB if series else 0.0
    made = []
    for sign, edge in ((-1, 0), (1, 1)):
        # The low shelf keeps to the lower half of the points, the high shelf to the upper one.
        middle = frequencies[frequencies.size // 2]
        halves = np.array([[ends[0], ends[0], middle], [ends[1], middle, ends[1]]])
        place = np.log(np.tan(math.pi * halves[edge][shapes] / rate))
        q = np.log(np.where(shapes == BELL, _Q[edge], _SHELF_Q[edge]))
        made.append(np.concatenate([place, q, np.full(shapes.size, sign * gain), [sign * level]]))
    return made[0], made[1]
