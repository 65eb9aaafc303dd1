"""Decays of one or two slopes: the curve they give, and the decay times that fit a measured curve."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares

# Energy decays by e^(−RATE t / T60): 6 ln 10.
RATE = 6 * np.log(10)
# Power of the second, slower slope at the start, relative to the first.
SECOND = 0.1
# Slopes a factor of e apart must explain this much of the curve, in dB.
_APART_DB = 0.1
_FASTER, _SLOWER = (-1.2, 0.05), (-0.2, 0.9)
LONGEST_S, SHORTEST_S = 40.0, 0.02


def curve_db(times_s: np.ndarray, ends_s: np.ndarray, decays_s: np.ndarray) -> np.ndarray:
    r"""Energy left between t and the end, in dB.

    .. math:: 10 \lg \sum_k p_k T_k (e^{-6 \ln 10\, t / T_k} - e^{-6 \ln 10\, t_\text{end} / T_k})

    with powers :math:`p = (1, 0.1)`.

    Parameters
    ----------
    times_s : (…, points)
    ends_s : (…,)
    decays_s : (slopes,) T60 of each slope, one or two

    Returns
    -------
    (…, points)
    """
    left = np.zeros(times_s.shape)
    for power, decay in zip((1.0, SECOND), decays_s, strict=False):
        until_end = -np.expm1(-RATE * np.maximum(ends_s[..., None] - times_s, 1e-9) / decay)
        left += power * decay * np.exp(-RATE * times_s / decay) * until_end
    return 10 * np.log10(np.maximum(left, 1e-300))


def misfit_db(
    log_decays: np.ndarray,
    times_s: np.ndarray,
    ends_s: np.ndarray,
    levels_db: np.ndarray,
    weights: np.ndarray,
) -> np.ndarray:
    """Model less measurement, whatever their levels: each row's weighted mean is taken away.

    Parameters
    ----------
    log_decays : (slopes,)
    times_s, levels_db, weights : (channels, points)
    ends_s : (channels,)

    Returns
    -------
    (channels · points,) weighted
    """
    difference = curve_db(times_s, ends_s, np.exp(log_decays)) - levels_db
    mean = (weights * difference).sum(axis=1, keepdims=True) / weights.sum(axis=1, keepdims=True)
    return (weights * (difference - mean)).ravel()


def _apart_db(log_decays: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """What it costs that two slopes differ, so that they do so only where the curve shows it."""
    size = np.sqrt(np.square(weights).sum())
    return _APART_DB * size * np.diff(log_decays)


def fitted_decays_s(
    times_s: np.ndarray, ends_s: np.ndarray, levels_db: np.ndarray, weights: np.ndarray, *, slopes: int
) -> tuple[np.ndarray, float]:
    """Decay times whose curves are nearest to measured ones, and the mean distance that remains in dB.

    Parameters
    ----------
    times_s, levels_db, weights : (channels, points)
    ends_s : (channels,)
    slopes : 1 or 2; of two, the second is the slower one

    Returns
    -------
    decays_s : (slopes,)
    distance_db : weighted mean
    """
    data = (times_s, ends_s, levels_db, weights)
    start = np.log(_straight_decay_s(times_s, levels_db))
    border = np.log([SHORTEST_S, LONGEST_S])
    found = least_squares(misfit_db, [start], args=data, bounds=border)

    def cost(log_decays: np.ndarray) -> np.ndarray:
        return np.concatenate([misfit_db(log_decays, *data), _apart_db(log_decays, weights)])

    if slopes == 2:
        middle = float(found.x[0])
        low = np.maximum(middle + np.array([_FASTER[0], _SLOWER[0]]), border[0] - 1)
        high = middle + np.array([_FASTER[1], _SLOWER[1]])
        tries = [
            least_squares(cost, [middle - apart / 2, middle + apart], bounds=(low, high))
            for apart in (0.05, 0.4)
        ]
        found = min(tries, key=lambda one: one.cost)
    distance = np.abs(misfit_db(found.x, *data)).sum() / weights.sum()
    return np.exp(found.x), float(distance)


def corrected_decays_s(
    decays_s: np.ndarray,
    times_s: np.ndarray,
    ends_s: np.ndarray,
    missing_db: np.ndarray,
    weights: np.ndarray,
    *,
    most: float = 0.4,
) -> np.ndarray:
    """Decay times after a Gauss-Newton step against what a rendered curve lacks, levels apart.

    Parameters
    ----------
    decays_s : (slopes,) that were rendered
    times_s, missing_db, weights : (channels, points); measured less rendered
    ends_s : (channels,)
    most : by which the logarithm of a decay changes

    Returns
    -------
    (slopes,)
    """
    here, step = np.log(decays_s), 0.02
    base = curve_db(times_s, ends_s, decays_s)
    residual = -misfit_db(here, times_s, ends_s, base + missing_db, weights)
    slope = np.stack(
        [misfit_db(here + step * unit, times_s, ends_s, base, weights) / step for unit in np.eye(len(here))],
        axis=1,
    )
    normal = slope.T @ slope
    size = np.trace(normal) / len(here) + 1e-9
    # Common to the slopes, a change is well determined; where they part, it follows chance in few modes.
    apart = np.eye(len(here)) - 1 / len(here)
    change = np.linalg.solve(normal + size * (0.02 * np.eye(len(here)) + apart), slope.T @ residual)
    return np.exp(np.clip(here + np.clip(change, -most, most), np.log(SHORTEST_S), np.log(LONGEST_S)))


def _straight_decay_s(times_s: np.ndarray, levels_db: np.ndarray) -> float:
    """Mean decay of lines through all points."""
    times = times_s - times_s.mean(axis=1, keepdims=True)
    fall = (times * levels_db).sum(axis=1) / np.maximum(np.square(times).sum(axis=1), 1e-12)
    decay = float(np.mean(-60.0 / np.minimum(fall, -1e-3)))
    return float(np.clip(decay, 1.01 * SHORTEST_S, 0.99 * LONGEST_S))
