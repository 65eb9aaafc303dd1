"""The decay that is wanted at every frequency, from its values in bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tonewright.errors import NetworkError

OCTAVES_HZ = (62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)


def octave_centers(fs: float) -> np.ndarray:
    """Centres of the octaves from 62.5 Hz on whose centre lies under 0.45 of the sample rate.

    Returns
    -------
    (bands,) in Hz
    """
    centers = np.asarray(OCTAVES_HZ)
    return centers[centers < 0.45 * fs]


def decay_curve(decay_s: ArrayLike, centers_hz: ArrayLike, frequencies_hz: ArrayLike) -> np.ndarray:
    """T60 at any frequency: monotone cubics through log T60 over log f, constant beyond the outer bands.

    F. N. Fritsch and R. E. Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17, 1980,
    with the slopes of F. N. Fritsch and J. Butland, SIAM J. Sci. Stat. Comput. 5, 1984, and 0 at both ends.

    Parameters
    ----------
    decay_s, centers_hz : (bands,)
    frequencies_hz : (bins,)

    Returns
    -------
    (bins,) in seconds
    """
    decay, centers = checked_decay(decay_s, centers_hz)
    return np.exp(log_curve(np.log(decay), np.log(centers), _logarithm(frequencies_hz))[0])


def log_curve(values: np.ndarray, knots: np.ndarray, at: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Monotone cubics through values at knots, and their derivative by the values.

    Parameters
    ----------
    values, knots : (bands,)
    at : (bins,)

    Returns
    -------
    curve : (bins,)
    derivative : (bins, bands)
    """
    if values.size == 1:
        return np.full(at.size, values[0]), np.ones((at.size, 1))
    slopes, by_value = _slopes(values, knots)
    inside = np.clip(at, knots[0], knots[-1])
    left = np.clip(np.searchsorted(knots, inside, side="right") - 1, 0, knots.size - 2)
    width = (knots[left + 1] - knots[left])[:, None]
    x = (inside - knots[left])[:, None] / width
    rise = x * x * (3 - 2 * x)
    start, end = width * x * (1 - x) ** 2, width * x * x * (x - 1)
    identity = np.eye(values.size)
    derivative = (1 - rise) * identity[left] + rise * identity[left + 1]
    curve = derivative @ values + start[:, 0] * slopes[left] + end[:, 0] * slopes[left + 1]
    return curve, derivative + start * by_value[left] + end * by_value[left + 1]


def checked_decay(decay_s: ArrayLike, centers_hz: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Decays and centres of bands as arrays that belong together.

    Returns
    -------
    decay_s, centers_hz : (bands,)
    """
    decay = np.atleast_1d(np.asarray(decay_s, dtype=np.float64))
    centers = np.atleast_1d(np.asarray(centers_hz, dtype=np.float64))
    if decay.ndim != 1 or decay.shape != centers.shape or not decay.size:
        raise NetworkError(
            f"decay_s has shape {decay.shape} and centers_hz {centers.shape}; both must be (bands,)"
        )
    wrong = ~(np.isfinite(decay) & (decay > 0))
    if wrong.any():
        raise NetworkError(f"decay_s holds {decay[wrong][0]} s; every T60 must be positive and finite")
    if not (np.isfinite(centers).all() and centers[0] > 0 and (np.diff(centers) > 0).all()):
        raise NetworkError("centers_hz must be positive and ascend")
    return decay, centers


def _slopes(values: np.ndarray, knots: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Slopes at the knots (bands,), and their derivative by the values (bands, bands)."""
    bands, widths = values.size, np.diff(knots)
    by_value = (np.eye(bands)[1:] - np.eye(bands)[:-1]) / widths[:, None]
    secants = np.diff(values) / widths
    slopes, derivative = np.zeros(bands), np.zeros((bands, bands))
    for k in range(1, bands - 1):
        before, after = secants[k - 1], secants[k]
        if before * after <= 0:
            continue
        first, second = widths[k - 1] + 2 * widths[k], 2 * widths[k - 1] + widths[k]
        share = first / (first + second)
        slopes[k] = 1 / (share / before + (1 - share) / after)
        derivative[k] = slopes[k] ** 2 * (
            share / before**2 * by_value[k - 1] + (1 - share) / after**2 * by_value[k]
        )
    return slopes, derivative


def _logarithm(frequencies_hz: ArrayLike) -> np.ndarray:
    return np.log(np.maximum(np.atleast_1d(np.asarray(frequencies_hz, dtype=np.float64)), 1e-300))
