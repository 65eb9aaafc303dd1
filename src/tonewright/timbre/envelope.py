"""How loud a sound is from moment to moment: an envelope that rises at once, holds, and falls in a line."""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.timbre.lanes import OPTIONS, larger

_HOLD_S = 0.01


def envelope(samples: np.ndarray, *, sample_rate: float, decay_s: float) -> np.ndarray:
    """Sample-and-hold envelope.

    It follows |x| while |x| rises above it or equals it. Below that it holds for 10 ms, counted from the
    last rise, and then falls by max|x| / (decay · sample rate) a sample, though never below |x|.

    Parameters
    ----------
    samples : (time,)
    sample_rate : in Hz
    decay_s : how long the highest peak takes to fall to nothing

    Returns
    -------
    (time,) float64
    """
    samples = np.ascontiguousarray(samples, dtype=np.float64)
    if samples.size == 0:
        return np.empty(0)
    fall = float(max(samples.max(), -samples.min())) / (decay_s * sample_rate)
    result = np.empty(samples.size)
    _follow(samples, fall, _HOLD_S * sample_rate, result)
    return result


@njit(**OPTIONS)
def _follow(samples: np.ndarray, fall: float, hold_samples: float, result: np.ndarray) -> None:
    level, held = 0.0, 0
    for i in range(samples.size):
        size = abs(samples[i])
        if size >= level:
            level, held = size, 0
        elif held < hold_samples:
            held += 1
        else:
            level = larger(level - fall, size)
        result[i] = level
