"""Compiled passes that compare magnitudes with a target's."""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.engines.row_formulas import Rows, Same, Sums, row_formula
from tonewright.reverb.losses.fourier_kernels import OPTIONS


@row_formula(read=(Rows(0), Rows(1)), sums=(Sums(2),))
def _squared_rows(value, target):
    difference = value - target
    return difference * difference


@njit(**OPTIONS)
def _add_squares(values, target, total):
    rows, length = values.shape
    for k in range(rows):
        _squared_rows((values, target, total), (k * length, 0, k * length, 0, 0, 0), length)


def squared_distance(values: np.ndarray, target: np.ndarray) -> float:
    """Sum of squared differences of two arrays (bands, frames)."""
    total = np.zeros(1)
    _add_squares(values, target, total)
    return float(total[0])


@row_formula(read=(Rows(0), Rows(1), Same(2)), written=(Rows(3),))
def _linear_rows(value, target, scale):
    return (scale * (value - target) / value).where_positive(value)


@njit(**OPTIONS)
def _linear_slopes(values, target, scale, slopes):
    _linear_rows((values, target, scale, slopes), (0, 0, 0, 0, 0, 0, 0, 0), values.size)


def linear_slopes(values: np.ndarray, target: np.ndarray, scale: float, slopes: np.ndarray) -> None:
    """Fill slopes with scale · (S − T) / S, and with 0 where S is 0."""
    _linear_slopes(values, target, np.array([scale], values.dtype), slopes)


@row_formula(read=(Rows(0), Rows(1), Rows(2), Rows(3), Same(4, 4)), written=(Rows(3),), sums=(Sums(5),))
def _relative_rows(value, target, log_target, slope, linear, logarithmic, floor, smooth):
    level = slope - log_target
    size = (level * level + smooth).root()
    below = size * (value + floor)
    above = linear * (value - target) * below + logarithmic * level
    return (above / (below * value)).where_positive(value), size


@njit(**OPTIONS)
def _relative_slopes(values, target, log_target, scales, slopes, total):
    arrays, (rows, length) = (values, target, log_target, slopes, scales, total), values.shape
    for k in range(rows):
        at = k * length
        _relative_rows(arrays, (at, 0, at, 0, at, 0, at, 0, 0, 1, at, 0, 0, 0), length)


def relative_slopes(
    values: np.ndarray, target: np.ndarray, log_target: np.ndarray, scales: np.ndarray, slopes: np.ndarray
) -> float:
    """Sum of √(l² + δ²) for l = ln(S + ε) − ln(T + ε), and the slopes of both terms divided by S.

    Parameters
    ----------
    values, target, log_target : (bands, frames) S, T and ln(T + ε)
    scales : (4,) a of the linear term, b of the logarithmic one, ε, δ²
    slopes : (bands, frames), ln(S + ε), replaced by (a (S − T) + b l / (√(l² + δ²) (S + ε))) / S, and by 0
        where S is 0
    """
    total = np.zeros(1)
    _relative_slopes(values, target, log_target, scales, slopes, total)
    return float(total[0])
