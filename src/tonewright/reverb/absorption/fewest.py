"""The fewest sections whose decay is near enough to the one that is wanted."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.absorption.layout import BELL, HIGH, LOW, Layout, levels
from tonewright.reverb.absorption.solving import Problem, solve_gains

# Bounds of log Q: shelves must not overshoot, bells are neither wider than all bands nor whistles.
SHELF_QUALITIES = (np.log(0.3), np.log(0.75))
BELL_QUALITIES = (np.log(0.25), np.log(5.0))
# log tan(ω₀/2) at four fifths of the band; beyond, the warped axis runs off to infinity.
HIGHEST_CORNER = np.log(np.tan(0.4 * np.pi))
# Steps of the search for one layout, and the improvement below which it ends.
STEPS, ENOUGH = 20, 1e-3
# Up to this many sections, evenly spread ones are tried as well as one more than before.
EVEN = 4


def grown(layout: Layout, problem: Problem) -> Layout:
    """Layout of one section more: a high shelf, then a low one, then a bell where it mends most of the error.

    Parameters
    ----------
    layout : where the sections lie so far
    problem : of one line

    Returns
    -------
    Layout
    """
    inside = problem.axis[problem.weights == 1]
    middle = float(np.median(inside if inside.size else problem.axis))
    if layout.kinds.size == 0:
        return _added(layout, 0, HIGH, middle, np.log(0.5))
    if layout.kinds.size == 1:
        return _added(layout, 0, LOW, middle - 1, np.log(0.5))
    error, _ = _linear(layout, solve_gains(layout, problem)[:, 0], problem)
    scale = problem.weights / problem.target[:, 0]
    best, place, quality = -1.0, middle, 0.0
    for tried in np.log((0.7, 1.4, 2.5)):
        bells = Layout(np.full(inside.size, BELL), inside, np.full(inside.size, tried))
        shapes = levels(bells, np.zeros((inside.size, 1)), problem.axis).by_gain[:, :, 0] * scale
        mended = (shapes @ error) ** 2 / (shapes**2).sum(axis=1)
        if mended.size and mended.max() > best:
            best, place, quality = float(mended.max()), float(inside[mended.argmax()]), float(tried)
    return _added(layout, layout.kinds.size - 1, BELL, place, quality)


def spread(count: int, problem: Problem) -> Layout:
    """Layout of sections evenly spread over the bands, the outer ones shelves."""
    inside = problem.axis[problem.weights == 1]
    low, high = (inside[0], inside[-1]) if inside.size else (problem.axis[0], problem.axis[-1])
    kinds = np.full(count, BELL)
    kinds[-1] = HIGH
    kinds[0] = LOW if count > 1 else HIGH
    corners = low + (high - low) * (np.arange(count) + 0.5) / count
    octaves = (high - low) / np.log(2) / count
    bell = np.clip(1.3 / max(octaves, 0.1), np.exp(BELL_QUALITIES[0]), 2.0)
    return Layout(kinds, corners, np.log(np.where(kinds == BELL, bell, 0.5)))


def settled(layout: Layout, problem: Problem) -> tuple[Layout, float]:
    """Corners and qualities moved to where one line's level is followed best.

    The method of K. Levenberg and D. W. Marquardt, for corners, qualities and gains together.

    Parameters
    ----------
    layout : where to start
    problem : of one line

    Returns
    -------
    layout : moved
    cost : sum of squared errors left
    """
    gains = solve_gains(layout, problem)[:, 0]
    error, jacobian = _linear(layout, gains, problem)
    cost, damping = float(error @ error), 1e-2
    for _ in range(STEPS):
        normal = jacobian.T @ jacobian
        move = np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), jacobian.T @ error)
        tried = _moved(layout, gains, move, problem.axis)
        new_error, new_jacobian = _linear(*tried, problem)
        new_cost = float(new_error @ new_error)
        if new_cost >= cost:
            damping *= 6
            if damping > 1e4:
                break
            continue
        done = cost - new_cost < ENOUGH * cost
        (layout, gains), error, jacobian, cost = tried, new_error, new_jacobian, new_cost
        damping = max(damping / 4, 1e-7)
        if done:
            break
    return layout, cost


def more_sections(layout: Layout, problem: Problem) -> Layout:
    """The best layout found with one section more.

    Returns
    -------
    Layout
    """
    starts = [grown(layout, problem)]
    count = layout.kinds.size + 1
    if 1 < count <= EVEN:
        starts.append(spread(count, problem))
    return min((settled(start, problem) for start in starts), key=lambda found: found[1])[0]


def _added(layout: Layout, place: int, kind: int, corner: float, quality: float) -> Layout:
    return Layout(
        np.insert(layout.kinds, place, kind),
        np.insert(layout.corners, place, corner),
        np.insert(layout.qualities, place, quality),
    )


def _linear(layout: Layout, gains: np.ndarray, problem: Problem) -> tuple[np.ndarray, np.ndarray]:
    """Weighted relative error (bins,) of one line and its derivative by corners, qualities and gains."""
    found = levels(layout, gains[:-1, None], problem.axis)
    scale = problem.weights / problem.target[:, 0]
    error = (found.level.sum(axis=0)[:, 0] + gains[-1]) * scale - problem.weights
    parts = [part[:, :, 0] for part in (found.by_corner, found.by_quality, found.by_gain)]
    return error, (np.concatenate([*parts, np.ones((1, scale.size))]) * scale).T


def _moved(
    layout: Layout, gains: np.ndarray, move: np.ndarray, axis: np.ndarray
) -> tuple[Layout, np.ndarray]:
    count = layout.kinds.size
    corners = layout.corners - np.clip(move[:count], -0.7, 0.7)
    qualities = layout.qualities - np.clip(move[count : 2 * count], -0.5, 0.5)
    bell = layout.kinds == BELL
    low, high = (np.where(bell, BELL_QUALITIES[k], SHELF_QUALITIES[k]) for k in (0, 1))
    moved = Layout(layout.kinds, np.clip(corners, axis[1], HIGHEST_CORNER), np.clip(qualities, low, high))
    return moved, gains - np.clip(move[2 * count :], -12, 12)
