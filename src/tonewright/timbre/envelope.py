"""How loud a sound is from moment to moment: an envelope that rises at once, holds, and falls in a line."""

from __future__ import annotations

import numpy as np
from numba import njit

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
    return _envelope(
        np.ascontiguousarray(samples, dtype=np.float64), decay_s * sample_rate, _HOLD_S * sample_rate
    )


@njit(cache=True, nogil=True)
def _envelope(samples: np.ndarray, decay_samples: float, hold_samples: float) -> np.ndarray:
    peak = 0.0
    for sample in samples:
        peak = max(peak, abs(sample))
    fall = peak / decay_samples
    result = np.empty(samples.size)
    level, held = 0.0, 0
    for i in range(samples.size):
        size = abs(samples[i])
        if size >= level:
            level, held = size, 0
        elif held < hold_samples:
            held += 1
        else:
            level = max(level - fall, size)
        result[i] = level
    return result
