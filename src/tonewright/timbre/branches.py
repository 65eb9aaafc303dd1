"""The sound through the filters that brightness and depth listen to, and the power of its frames.

Each branch is a Butterworth filter of second order run three times. All start from rest.
"""

from __future__ import annotations

from typing import NamedTuple

import numba
import numpy as np

from tonewright.dsp import biquads

LOWEST_HZ = 20.0
ABOVE_HZ, BELOW_HZ = (100.0, 2000.0), (500.0, 2000.0)


class Branches(NamedTuple):
    """One sound through five chains of filters, all divided by the peak of the first.

    Parameters
    ----------
    above_20 : (time,) float64, above 20 Hz; its peak is 1
    above_100, above_2000 : (time,) float32, `above_20` above 100 Hz and above 2 kHz
    below_500, below_2000 : (time,) float32, `above_20` below 500 Hz and below 2 kHz
    """

    above_20: np.ndarray
    above_100: np.ndarray
    above_2000: np.ndarray
    below_500: np.ndarray
    below_2000: np.ndarray


def branches(samples: np.ndarray, sample_rate: int) -> Branches:
    """Filter a sound into its branches.

    Parameters
    ----------
    samples : (time,) float64
    sample_rate : above 4 kHz
    """
    first = _coefficients("highpass", LOWEST_HZ, sample_rate)
    above = np.empty(len(samples))
    peak = _chain(samples, first, 1.0, above)
    if peak > 0:
        above *= 1 / peak
    parts = []
    for kind, cutoffs in (("highpass", ABOVE_HZ), ("lowpass", BELOW_HZ)):
        for cutoff_hz in cutoffs:
            part = np.empty(len(samples), np.float32)
            _chain(above, _coefficients(kind, cutoff_hz, sample_rate), 1.0, part)
            parts.append(part)
    return Branches(above, *parts)


def frame_power(samples: np.ndarray, window: np.ndarray, hop: int, *, fft_length: int = 0) -> np.ndarray:
    """Power of each frame, as the sum over its one-sided power spectrum, without a transform.

    The mean of the frame is removed before the window, and the spectrum scaled so that a sine of amplitude A
    has A²/2; with Parseval's relation

        P = N Σ w² (x − m)² / (Σ w)².

    Parameters
    ----------
    samples : (time,) float32 or float64, at least as long as the window
    window : (n,)
    hop : samples from one frame to the next
    fft_length : N of the spectrum, n if 0

    Returns
    -------
    (frames,) float64; as many frames as lie whole within the sound
    """
    window = np.asarray(window, np.float64)
    frames = np.lib.stride_tricks.sliding_window_view(samples, len(window))[::hop]
    means = frames.mean(axis=1, dtype=np.float64, keepdims=True)
    power = ((window * (frames - means)) ** 2).sum(axis=1)
    return power * ((fft_length or len(window)) / window.sum() ** 2)


def _coefficients(kind: str, cutoff_hz: float, sample_rate: int) -> np.ndarray:
    """b₀ b₁ b₂ a₁ a₂ of a Butterworth filter of second order."""
    b, a = getattr(biquads, kind)(cutoff_hz, sample_rate=sample_rate)
    return np.concatenate([b, a[1:]])


@numba.njit(cache=True, nogil=True)
def _chain(samples, coefficients, gain, out):  # type: ignore[no-untyped-def]
    b0, b1, b2, a1, a2 = coefficients
    s1 = s2 = t1 = t2 = u1 = u2 = peak = 0.0
    for n in range(len(samples)):
        x = samples[n]
        y = b0 * x + s1
        s1, s2 = b1 * x - a1 * y + s2, b2 * x - a2 * y
        x = b0 * y + t1
        t1, t2 = b1 * y - a1 * x + t2, b2 * y - a2 * x
        y = b0 * x + u1
        u1, u2 = b1 * x - a1 * y + u2, b2 * x - a2 * y
        out[n] = y
        peak = max(peak, abs(y))
    return peak
