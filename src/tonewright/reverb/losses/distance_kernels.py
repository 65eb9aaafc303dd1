"""Compiled passes that compare magnitudes with a target's."""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.losses.fourier_kernels import OPTIONS


@njit(**OPTIONS)
def squared_distance(values: np.ndarray, target: np.ndarray) -> float:
    """Sum of squared differences of two arrays (bands, frames)."""
    total = 0.0
    zero = values.dtype.type(0)
    for k in range(values.shape[0]):
        row = zero
        for f in range(values.shape[1]):
            difference = values[k, f] - target[k, f]
            row += difference * difference
        total += row
    return total


@njit(**OPTIONS)
def linear_slopes(values: np.ndarray, target: np.ndarray, scale: float, slopes: np.ndarray) -> None:
    """Fill slopes with scale · (S − T) / S, and with 0 where S is 0."""
    zero = values.dtype.type(0)
    for k in range(values.shape[0]):
        for f in range(values.shape[1]):
            value = values[k, f]
            slope = scale * (value - target[k, f]) / value
            slopes[k, f] = slope if value > zero else zero


@njit(**OPTIONS)
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
    linear, logarithmic, floor, smooth = scales[0], scales[1], scales[2], scales[3]
    total = 0.0
    zero = values.dtype.type(0)
    for k in range(values.shape[0]):
        row = zero
        for f in range(values.shape[1]):
            value = values[k, f]
            level = slopes[k, f] - log_target[k, f]
            size = np.sqrt(level * level + smooth)
            row += size
            below = size * (value + floor)
            above = linear * (value - target[k, f]) * below + logarithmic * level
            slope = above / (below * value)
            slopes[k, f] = slope if value > zero else zero
        total += row
    return total
