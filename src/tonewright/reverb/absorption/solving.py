"""Gains of given sections whose levels follow a target, for all lines together."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.reverb.absorption.layout import Layout, levels, warped

# Weight of frequencies beyond the outer bands, where nothing was measured.
BEYOND = 0.2
MOST_STEPS = 60


@dataclass(frozen=True, eq=False)
class Problem:
    """What the sections are to follow.

    Attributes
    ----------
    axis : (bins,) log tan(ω/2)
    weights : (bins,) 1 within the bands
    target : (bins, lines) level wanted, in dB, below 0
    """

    axis: np.ndarray
    weights: np.ndarray
    target: np.ndarray


@dataclass(frozen=True, eq=False)
class Expansion:
    """A problem about a point.

    Attributes
    ----------
    error : (bins, lines) realised level over the wanted one, less 1
    jacobian : (gains, bins, lines) level by gain
    hessian : (lines, gains, gains) of half the sum of weighted squared errors
    cost : (lines,) that sum
    """

    error: np.ndarray
    jacobian: np.ndarray
    hessian: np.ndarray
    cost: np.ndarray


def design_grid(
    centers_hz: np.ndarray, fs: float, *, fine: int = 1
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Frequencies at which the decay is to be met, 8 `fine` per octave and both ends, and their weights.

    Returns
    -------
    frequencies_hz, axis, weights : (bins,)
    """
    low, high = min(20.0, centers_hz[0] / 2), 0.495 * fs
    grid = np.geomspace(low, high, max(16, int(8 * fine * np.log2(high / low))))
    grid = np.concatenate([[low / 20], grid, [0.4999 * fs]])
    # A hair of width, so that a band's own frequency counts as within.
    inside = (grid >= centers_hz[0] * 0.999) & (grid <= centers_hz[-1] * 1.001)
    return grid, warped(grid, fs), np.where(inside, 1.0, BEYOND)


def solve_gains(layout: Layout, problem: Problem) -> np.ndarray:
    """Least squares of the relative error by Newton's method, damped line by line where a step fails.

    Returns
    -------
    (sections + 1, lines) in dB
    """
    gains = np.zeros((layout.kinds.size + 1, problem.target.shape[1]))
    gains[-1] = problem.target.mean(axis=0)
    damping = np.full(gains.shape[1], 1e-2)
    here = expand(layout, problem, gains, exact=False)
    for step in range(MOST_STEPS):
        move = _newton_move(problem, here, damping)
        tried = gains - np.clip(move, -12, 12)
        there = expand(layout, problem, tried, exact=step > 1)
        # What is lost to rounding at the bottom is no failure.
        better = there.cost <= here.cost * (1 + 1e-12)
        gains = np.where(better, tried, gains)
        if np.abs(move * better).max() < 1e-10 * max(1.0, np.abs(gains).max()) and better.all():
            break
        damping = np.where(better, np.where(damping > 1e-4, damping / 10, 0), np.maximum(10 * damping, 1e-3))
        here = there if better.all() else expand(layout, problem, gains, exact=step > 1)
    return gains


def _newton_move(problem: Problem, here: Expansion, damping: np.ndarray) -> np.ndarray:
    weighted = problem.weights[:, None] ** 2 * here.error / problem.target
    slope = np.einsum("fn,kfn->nk", weighted, here.jacobian)
    scaled = here.jacobian * (problem.weights[:, None] / problem.target)
    matrix = here.hessian.copy()
    diagonal = np.arange(slope.shape[1])
    matrix[:, diagonal, diagonal] += (damping * (scaled**2).sum(axis=1)).T
    return np.linalg.solve(matrix, slope[:, :, None])[:, :, 0].T


def expand(layout: Layout, problem: Problem, gains: np.ndarray, *, exact: bool = True) -> Expansion:
    """Error, its slope, and second derivatives; not `exact` leaves out what bends the levels themselves.

    Returns
    -------
    Expansion
    """
    found = levels(layout, gains[:-1], problem.axis)
    error = (found.level.sum(axis=0) + gains[-1]) / problem.target - 1
    jacobian = np.concatenate([found.by_gain, np.ones((1, *error.shape))])
    scaled = (jacobian * (problem.weights[:, None] / problem.target)).transpose(2, 0, 1)
    hessian = scaled @ scaled.transpose(0, 2, 1)
    if exact:
        weighted = problem.weights[:, None] ** 2 * error / problem.target
        # A section's level depends on its own gain only: the second derivatives are a diagonal.
        diagonal = np.arange(layout.kinds.size)
        hessian[:, diagonal, diagonal] += np.einsum("fn,kfn->nk", weighted, found.curvature)
    return Expansion(error, jacobian, hessian, ((problem.weights[:, None] * error) ** 2).sum(axis=0))
