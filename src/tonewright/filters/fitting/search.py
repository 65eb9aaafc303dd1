"""From first guesses to the best bank: descents, and filters that are moved to where they are needed more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tonewright.filters.fitting.descent import descend, room_for
from tonewright.filters.fitting.kernels import residuals
from tonewright.filters.fitting.problem import BELL, COMPLEX_PARALLEL, LOG_PARALLEL, Problem
from tonewright.filters.fitting.starts import first_guesses

_GUESSES = 6
_ROUNDS_OF_A_GUESS, _ROUNDS_OF_A_MOVE, _LAST_ROUNDS = 40, 40, 200
_GAIN_OF_A_GUESS, _GAIN_OF_A_MOVE, _LAST_GAIN = 1e-4, 3e-3, 1e-6
# Steps in all for 16 filters at 144 points; where each takes longer, fewer.
_ROUNDS, _LEAST_ROUNDS = 2500, 250
_USUAL_WORK = 49.0**2 * 144
# Nearer than a thousandth of a dB nobody hears anything.
_NEAR_ENOUGH = 1e-3**2
_MOVED_Q = (0.7, 15.0)


def best_values(
    problem: Problem, *, draw: np.random.Generator, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """The numbers of the best bank that is found, (3 filters + 1,).

    Several guesses are improved for a while. Then one filter of the best, more likely one that does little,
    is moved to a point where the error is great, all are improved for a while, and what is better is kept,
    until a number of steps is used up that depends on the problem's size alone.

    Parameters
    ----------
    draw : of places, widths and signs
    progress : called with (done, total)
    """
    tell = progress or (lambda done, total: None)
    total = round(min(1.0, _USUAL_WORK / (problem.low.size**2 * problem.target.size)) * _ROUNDS)
    total = max(total, _LEAST_ROUNDS)
    best, least, used, room = np.zeros(0), np.inf, 0, room_for(problem)
    for guess in first_guesses(problem, _GUESSES, draw):
        cost, rounds = descend(problem, guess, _ROUNDS_OF_A_GUESS, _GAIN_OF_A_GUESS, room)
        used += rounds
        if cost < least:
            best, least = guess, cost
    while used < total and least > _NEAR_ENOUGH:
        tell(used, total)
        moved = _with_one_moved(problem, best, draw)
        cost, rounds = descend(problem, moved, _ROUNDS_OF_A_MOVE, _GAIN_OF_A_MOVE, room)
        used += rounds
        if cost < least:
            best, least = moved, cost
    descend(problem, best, _LAST_ROUNDS, _LAST_GAIN, room)
    tell(total, total)
    return best


def residuals_of(problem: Problem, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted differences and their slopes, of which a problem in dB uses the first half.

    Returns
    -------
    (2 points,), (3 filters + 1, 2 points)
    """
    found, slopes = np.zeros(2 * problem.points), np.zeros((values.size, 2 * problem.points))
    residuals(problem, values, found, slopes, np.empty((2, problem.points)))
    return found, slopes


def _with_one_moved(problem: Problem, values: np.ndarray, draw: np.random.Generator) -> np.ndarray:
    """A filter that does little moved to where the error is great, with a drawn width."""
    points, filters = problem.points, problem.filters
    found, slopes = residuals_of(problem, values)
    if problem.mode != COMPLEX_PARALLEL:
        found, slopes = found[:points], slopes[:, :points]
    errors = found if problem.mode != COMPLEX_PARALLEL else found[:points] + 1j * found[points:]
    chances = np.abs(np.convolve(errors, np.full(5, 0.2), "same")) ** 2 + 1e-12
    at = int(draw.choice(points, p=chances / chances.sum()))
    # To first order, how much of the response a filter makes.
    effects = slopes[2 * filters : 3 * filters] * values[2 * filters : 3 * filters, None]
    useless = 1 / np.sqrt(np.square(effects).sum(axis=1) + found @ found + 1e-12) * (problem.shapes == BELL)
    which = int(draw.choice(filters, p=useless / useless.sum()))
    gain = -errors[at].real / max(problem.roots[at], 1e-12)
    if problem.mode == LOG_PARALLEL:
        gain = 0.5 * draw.choice([-1.0, 1.0]) * 10 ** (problem.target[at] / 20)
    moved = values.copy()
    moved[which] = np.log(problem.tangents[at])
    moved[filters + which] = draw.uniform(*np.log(_MOVED_Q))
    moved[2 * filters + which] = gain
    return np.clip(moved, problem.low, problem.high)
