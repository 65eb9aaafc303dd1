"""From first guesses to the best bank: descents, and filters that are moved to where they are needed more."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from tonewright.filters.fitting.descent import Room, descend, room_for
from tonewright.filters.fitting.kernels import residuals
from tonewright.filters.fitting.problem import BELL, COMPLEX_PARALLEL, LOG_PARALLEL, Problem
from tonewright.filters.fitting.starts import first_guesses

_GUESSES = 6
_ROUNDS_OF_A_GUESS, _ROUNDS_OF_A_MOVE, _LAST_ROUNDS = 40, 40, 200
_GAIN_OF_A_GUESS, _GAIN_OF_A_MOVE, _LAST_GAIN = 1e-4, 3e-3, 1e-6
# Steps in all for 16 filters at 144 points; where each takes longer or less long, fewer or more.
_ROUNDS, _LEAST_ROUNDS, _MOST_ROUNDS = 2500, 250, 7500
_USUAL_WORK = 49.0**2 * 144
# Nearer than a thousandth of a dB nobody hears anything.
_NEAR_ENOUGH = 1e-3**2
# A bank is kept though its error is up to so much greater, for so many moves without a new best one.
_LENIENCE, _PATIENCE = 0.5, 10
# The last descent lets gains go nearly where they like.
_LAST_RIDGE = 0.1
_MOVED_Q = (0.7, 15.0)
_OTHER_MOVES = 0.1
_SHELF_GAIN_DB = 6.0


def best_values(
    problem: Problem, *, draw: np.random.Generator, progress: Callable[[int, int], None] | None = None
) -> np.ndarray:
    """The numbers of the best bank that is found, (3 filters + 1,).

    Several guesses are improved for a while. Then, again and again, one filter is moved, all are improved for
    a while, and the search goes on from there if the error is not much greater, until a number of steps is
    used up that depends on the problem's size alone.

    Parameters
    ----------
    draw : of what is moved and whereto
    progress : called with (done, total)
    """
    tell = progress or (lambda done, total: None)
    share = _USUAL_WORK / (problem.low.size**2 * problem.target.size)
    total = round(min(max(share * _ROUNDS, _LEAST_ROUNDS), _MOST_ROUNDS))
    room = room_for(problem)
    best, least, used = _best_guess(problem, draw, room)
    here, here_cost, fruitless = best, least, 0
    while used < total and least > _NEAR_ENOUGH:
        tell(used, total)
        moved = _with_one_moved(problem, here, draw)
        cost, rounds = descend(problem, moved, _ROUNDS_OF_A_MOVE, _GAIN_OF_A_MOVE, room)
        used += rounds
        fruitless += 1
        if cost < least:
            best, least, fruitless = moved, cost, 0
        if fruitless > _PATIENCE:
            here, here_cost, fruitless = best, least, 0
        elif cost < here_cost * (1 + _LENIENCE * draw.random()):
            here, here_cost = moved, cost
    last = problem._replace(ridge=_LAST_RIDGE * problem.ridge)
    descend(last, best, _LAST_ROUNDS, _LAST_GAIN, room)
    tell(total, total)
    return best


def _best_guess(problem: Problem, draw: np.random.Generator, room: Room) -> tuple[np.ndarray, float, int]:
    """The best of several guesses after some steps, its sum of squares, and the steps of all."""
    best, least, used = np.zeros(0), np.inf, 0
    for guess in first_guesses(problem, _GUESSES, draw):
        cost, rounds = descend(problem, guess, _ROUNDS_OF_A_GUESS, _GAIN_OF_A_GUESS, room)
        used += rounds
        if not best.size or cost < least:
            best, least = guess, cost
    return best, least, used


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
    """The bank with one filter changed: mostly moved, sometimes a shelf drawn anew or a sign turned."""
    moved, filters = values.copy(), problem.filters
    shelves = np.flatnonzero(problem.shapes != BELL)
    other = draw.random() < _OTHER_MOVES
    if other and problem.mode == LOG_PARALLEL:
        moved[2 * filters + draw.integers(filters)] *= -1
    elif other and shelves.size:
        which = int(draw.choice(shelves))
        parts = [which, filters + which]
        moved[parts] = draw.uniform(problem.low[parts], problem.high[parts])
        moved[2 * filters + which] = _SHELF_GAIN_DB * draw.standard_normal()
    else:
        _move(problem, moved, draw)
    return np.clip(moved, problem.low, problem.high)


def _move(problem: Problem, values: np.ndarray, draw: np.random.Generator) -> None:
    """Move a filter, more likely one that does little, to where the error is great, with a drawn width."""
    points, filters = problem.points, problem.filters
    found, slopes = residuals_of(problem, values)
    if problem.mode == COMPLEX_PARALLEL:
        errors = found[:points] + 1j * found[points:]
    else:
        errors = found = found[:points]
        slopes = slopes[:, :points]
    chances = np.abs(np.convolve(errors, np.full(5, 0.2), "same")) ** 2 + 1e-12
    at = int(draw.choice(points, p=chances / chances.sum()))
    # To first order, how much of the response a filter makes.
    effects = slopes[2 * filters : 3 * filters] * values[2 * filters : 3 * filters, None]
    useless = 1 / np.sqrt(np.square(effects).sum(axis=1) + found @ found + 1e-12) * (problem.shapes == BELL)
    which = int(draw.choice(filters, p=useless / useless.sum()))
    values[which] = np.log(problem.tangents[at])
    values[filters + which] = draw.uniform(*np.log(_MOVED_Q))
    gain = -errors[at].real / max(problem.roots[at], 1e-12)
    if problem.mode == LOG_PARALLEL:
        gain = 0.5 * draw.choice([-1.0, 1.0]) * 10 ** (problem.target[at] / 20)
    values[2 * filters + which] = gain
