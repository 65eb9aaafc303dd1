"""The method of Levenberg and Marquardt between bounds, compiled.

D. W. Marquardt, "An algorithm for least-squares estimation of nonlinear parameters", SIAM Journal on Applied
Mathematics 11 (1963): each step solves (JᵀJ + λ diag JᵀJ) δ = −Jᵀr. λ follows the share of the promised gain
that was kept, as H. B. Nielsen proposed ("Damping parameter in Marquardt's method", Technical University of
Denmark, 1999). Numbers at a bound to which they are pushed rest there; a step ends at the bounds.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from tonewright.filters.fitting.kernels import CALLED, OPTIONS, residuals
from tonewright.filters.fitting.problem import COMPLEX_PARALLEL, Problem

_FIRST_DAMPING, _LEAST_DAMPING, _MOST_DAMPING = 1e-2, 1e-9, 1e8
# Added to the diagonal, for numbers that change nothing.
_RIDGE = 1e-12


class Room(NamedTuple):
    """Where a descent works.

    Attributes
    ----------
    slopes : (2, numbers, 2 points), at the present place and at the one that is tried, by turns
    found : (2, 2 points), residuals likewise
    spare : (2, points)
    matrices : (2, numbers, numbers)
    vectors : (3, numbers): gradient, step, and the place that is tried
    free : (numbers,), which numbers may move
    """

    slopes: np.ndarray
    found: np.ndarray
    spare: np.ndarray
    matrices: np.ndarray
    vectors: np.ndarray
    free: np.ndarray


def room_for(problem: Problem) -> Room:
    """Room for descents on a problem."""
    count, points = problem.low.size, problem.tangents.size
    return Room(
        np.zeros((2, count, 2 * points)),
        np.zeros((2, 2 * points)),
        np.zeros((2, points)),
        np.zeros((2, count, count)),
        np.zeros((3, count)),
        np.zeros(count, dtype=bool),
    )


@njit(**OPTIONS)
def descend(problem: Problem, values: np.ndarray, rounds: int, least_gain: float, room: Room):
    """Make Σ r² smaller.

    Parameters
    ----------
    values : (3 filters + 1,), within the bounds; changed in place
    rounds : most steps
    least_gain : stop when a step lowers the sum by less than this share

    Returns
    -------
    the sum of squares, and how many steps were made
    """
    trial = room.vectors[2]
    for i in range(values.size):
        trial[i] = values[i]
    damping, growth, promised, cost, done, at = _FIRST_DAMPING, 2.0, 0.0, 0.0, -1, 0
    while True:
        # Slopes are computed where a step is tried: most steps are made.
        lower = residuals(problem, trial, room.found[1 - at], room.slopes[1 - at], room.spare)
        if done < 0 or lower < cost:
            done += 1
            at = 1 - at
            gain = (cost - lower) / cost if done else 1.0
            if done:
                kept = min((cost - lower) / max(promised, 1e-300), 1.0)
                damping = max(damping * max(1 / 3, 1 - (2 * kept - 1) ** 3), _LEAST_DAMPING)
            cost, growth = lower, 2.0
            for i in range(values.size):
                values[i] = trial[i]
            if done == rounds or gain < least_gain:
                return cost, done
            _slope_down(problem, values, room.found[at], room.slopes[at], room)
        else:
            damping *= growth
            growth *= 2
        while not _solved(room.matrices, room.vectors, room.free, damping):
            damping *= growth
        if damping > _MOST_DAMPING:
            return cost, done + 1
        promised = _stepped(problem, values, damping, room)


@njit(**CALLED)
def _slope_down(problem, values, found, slopes, room):  # type: ignore[no-untyped-def]
    """JᵀJ, Jᵀr, and which numbers it does not push against a bound."""
    used = slopes.shape[1] if problem.mode == COMPLEX_PARALLEL else problem.tangents.size
    gradient, normal, filters = room.vectors[0], room.matrices[0], problem.shapes.size
    _products(slopes, used, normal)
    for i in range(values.size):
        total = 0.0
        if 2 * filters <= i < 3 * filters:
            total = problem.ridge * values[i]
            normal[i, i] += problem.ridge
        for k in range(used):
            total += slopes[i, k] * found[k]
        gradient[i] = total
        at_low, at_high = values[i] <= problem.low[i], values[i] >= problem.high[i]
        room.free[i] = not ((at_low and total >= 0) or (at_high and total <= 0))


@njit(**CALLED)
def _stepped(problem, values, damping, room):  # type: ignore[no-untyped-def]
    """Set the place that is tried a step on; by how much Σ r² would be less were r linear."""
    normal, gradient, step, trial = room.matrices[0], room.vectors[0], room.vectors[1], room.vectors[2]
    promised = 0.0
    for i in range(values.size):
        promised += step[i] * (damping * normal[i, i] * step[i] - gradient[i])
        trial[i] = min(max(values[i] + step[i], problem.low[i]), problem.high[i])
    return promised


@njit(**CALLED)
def _products(rows, used, made):  # type: ignore[no-untyped-def]
    """Scalar products of all rows, the lower triangle and a little more; two by two, to read less often."""
    count = rows.shape[0]
    for i in range(0, count - 1, 2):
        a, b = rows[i], rows[i + 1]
        for j in range(0, i + 1, 2):
            c, d = rows[j], rows[j + 1]
            ac, bc, ad, bd = 0.0, 0.0, 0.0, 0.0
            for k in range(used):
                ac += a[k] * c[k]
                bc += b[k] * c[k]
                ad += a[k] * d[k]
                bd += b[k] * d[k]
            made[i, j], made[i + 1, j], made[i, j + 1], made[i + 1, j + 1] = ac, bc, ad, bd
    if count % 2:
        a = rows[count - 1]
        for j in range(count):
            ac = 0.0
            for k in range(used):
                ac += a[k] * rows[j, k]
            made[count - 1, j] = ac


@njit(**CALLED)
def _solved(matrices, vectors, free, damping):  # type: ignore[no-untyped-def]
    """Solve for the step by Cholesky's factors; False where rounding has left the matrix indefinite."""
    normal, work, gradient, step = matrices[0], matrices[1], vectors[0], vectors[1]
    count = step.size
    for i in range(count):
        step[i] = -gradient[i] if free[i] else 0.0
        for j in range(i):
            work[i, j] = normal[i, j] if free[i] and free[j] else 0.0
        work[i, i] = normal[i, i] * (1 + damping) + _RIDGE if free[i] else 1.0
    for j in range(count):
        total = work[j, j]
        for k in range(j):
            total -= work[j, k] * work[j, k]
        if not total > 0:
            return False
        root = math.sqrt(total)
        work[j, j] = root
        for i in range(j + 1, count):
            total = work[i, j]
            for k in range(j):
                total -= work[i, k] * work[j, k]
            work[i, j] = total / root
    for i in range(count):
        total = step[i]
        for k in range(i):
            total -= work[i, k] * step[k]
        step[i] = total / work[i, i]
    for i in range(count - 1, -1, -1):
        step[i] /= work[i, i]
        for k in range(i):
            step[k] -= work[i, k] * step[i]
    return True
