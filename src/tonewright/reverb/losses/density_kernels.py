"""Compiled passes for soft echo densities."""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.losses.fourier_kernels import OPTIONS


@njit(**OPTIONS)
def soft_shares(samples: np.ndarray, window: np.ndarray, hop: int, found: np.ndarray) -> None:
    """Fill, for each channel and frame, σ² = Σ w x², Σ w s(q) and Σ w s'(q) q, with q = x²/σ².

    The soft step is s(q) = q⁴ / (1 + q⁴). Frames without sound get zeros.

    Parameters
    ----------
    samples : (channels, time)
    window : (length,), of sum 1
    found : (3, channels, frames)
    """
    for channel in range(samples.shape[0]):
        for frame in range(found.shape[2]):
            sound = samples[channel, frame * hop : frame * hop + window.size]
            variance, share, moment = 0.0, 0.0, 0.0
            for t in range(sound.size):
                x = np.float64(sound[t])
                variance += window[t] * x * x
            if variance > 0.0:
                for t in range(sound.size):
                    x = np.float64(sound[t])
                    q = x * x / variance
                    fourth = q * q * q * q
                    step = fourth / (1.0 + fourth)
                    share += window[t] * step
                    moment += window[t] * 4.0 * step / (1.0 + fourth)
            found[0, channel, frame] = variance
            found[1, channel, frame] = share
            found[2, channel, frame] = moment


@njit(**OPTIONS)
def add_share_gradient(
    samples: np.ndarray,
    window: np.ndarray,
    hop: int,
    found: np.ndarray,
    slopes: np.ndarray,
    gradient: np.ndarray,
) -> None:
    """Add Σ_f slopes[f] ∂(Σ w s(q))/∂x to the gradient (channels, time), given what `soft_shares` found.

    With M = Σ w s'(q) q it is 2 w x (s'(q) − M) / σ².
    """
    for channel in range(samples.shape[0]):
        for frame in range(found.shape[2]):
            variance = found[0, channel, frame]
            if variance > 0.0:
                sound = samples[channel, frame * hop : frame * hop + window.size]
                filled = gradient[channel, frame * hop : frame * hop + window.size]
                moment = found[2, channel, frame]
                scale = 2.0 * slopes[channel, frame] / variance
                for t in range(sound.size):
                    x = np.float64(sound[t])
                    q = x * x / variance
                    below = 1.0 + q * q * q * q
                    filled[t] += scale * window[t] * x * (4.0 * q * q * q / (below * below) - moment)
