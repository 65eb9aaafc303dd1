"""First guesses from which the descent begins."""

from __future__ import annotations

import numpy as np

from tonewright.filters.fitting.problem import BELL, COMPLEX_PARALLEL, LOG_SERIES, Problem

_SHELF_Q = 0.7
_LEAST_STEP = 0.05
_ROUNDS_FOR_GAINS = 6


def first_guesses(problem: Problem, count: int, draw: np.random.Generator) -> list[np.ndarray]:
    """Guesses, (3 filters + 1,) each: regular ones first, then drawn ones.

    Of a series, bells laid onto the highest peaks one by one, then filters spread over the band. Of a
    parallel bank, resonators spread over the band with signs that alternate, with equal ones, and with drawn
    ones at drawn places.
    """
    guesses = [_peaks(problem)] if problem.mode == LOG_SERIES else []
    while len(guesses) < count:
        guesses.append(
            _spread(problem, len(guesses) if problem.mode != LOG_SERIES else len(guesses) + 1, draw)
        )
    return [np.clip(guess, problem.low, problem.high) for guess in guesses[:count]]


def _spread(problem: Problem, number: int, draw: np.random.Generator) -> np.ndarray:
    """Filters at equal steps of the grid (numbers 0 and 1) or at drawn points, each as wide as its share."""
    filters = problem.filters
    positions = (np.arange(filters) + 0.5) / filters * (problem.points - 1)
    if number > 1:
        positions = np.sort(draw.uniform(0, problem.points - 1, filters))
    places = np.interp(positions, np.arange(problem.points), np.log(problem.tangents))
    steps = np.gradient(places) if filters > 1 else np.ones(1)
    # Of n equal resonators in a row the band is narrower than of one.
    narrowing = np.sqrt(2 ** (1 / problem.order) - 1)
    q = -np.log(np.maximum(steps, _LEAST_STEP)) + np.log(narrowing)
    if problem.mode == LOG_SERIES:
        q = np.where(problem.shapes == BELL, q + 0.3, np.log(_SHELF_Q))
        heights = np.interp(positions, np.arange(problem.points), problem.target)
        middle = heights.mean()
        return np.concatenate([places, q, (heights - middle) / 2, [middle]])
    if problem.mode == COMPLEX_PARALLEL:
        return _with_gains(problem, np.concatenate([places, q, np.zeros(filters + 1)]))
    signs = (-1.0) ** np.arange(filters) if number == 0 else np.ones(filters)
    if number > 1:
        signs = draw.choice([-1.0, 1.0], filters)
    heights = np.interp(positions, np.arange(problem.points), problem.target)
    return np.concatenate([places, q, signs * 10 ** (heights / 20), [0.0]])


def _with_gains(problem: Problem, values: np.ndarray) -> np.ndarray:
    """The gains that suit the filters best: least squares, since the complex sum is linear in them."""
    from tonewright.filters.fitting.descent import descend, room_for

    fixed = np.arange(values.size) < 2 * problem.filters
    values = np.clip(values, problem.low, problem.high)
    low, high = np.where(fixed, values, problem.low), np.where(fixed, values, problem.high)
    descend(problem._replace(low=low, high=high), values, _ROUNDS_FOR_GAINS, 1e-3, room_for(problem))
    return values


def _peaks(problem: Problem) -> np.ndarray:
    """Bells laid onto what is left of the target, the highest peak or deepest dip first.

    A bell's width is that of the peak at half its height; 20 lg √((y² + A²)/(y² + A⁻²)) is taken off.
    """
    filters = problem.filters
    level = float(problem.target @ problem.roots**2 / (problem.roots**2).sum())
    rest = problem.target - level
    values = np.zeros(3 * filters + 1)
    values[:filters] = np.log(problem.tangents[0])
    values[filters - 1] = np.log(problem.tangents[-1])
    values[filters : 2 * filters] = np.log(_SHELF_Q)
    values[-1] = level
    for i in np.flatnonzero(problem.shapes == BELL):
        at = int(np.argmax(np.abs(rest) * problem.roots))
        gain = float(np.clip(rest[at], problem.low[2 * filters + i], problem.high[2 * filters + i]))
        q = _q_of_peak(rest, at, problem.tangents)
        values[[i, filters + i, 2 * filters + i]] = np.log(problem.tangents[at]), np.log(q), gain
        y2 = (q * (problem.tangents / problem.tangents[at] - problem.tangents[at] * problem.cotangents)) ** 2
        boost = 10 ** (gain / 20)
        rest = rest - 10 * np.log10((y2 + boost) / (y2 + 1 / boost))
    return values


def _q_of_peak(values: np.ndarray, at: int, tangents: np.ndarray) -> float:
    """Centre over width, between the points at which a peak has half its height."""
    below = np.flatnonzero(values * np.sign(values[at]) < np.abs(values[at]) / 2)
    before, after = below[below < at], below[below > at]
    left = tangents[before[-1]] if before.size else tangents[0] / 2
    right = tangents[after[0]] if after.size else 2 * tangents[-1]
    return float(np.clip(tangents[at] / (right - left), 0.3, 15.0))
