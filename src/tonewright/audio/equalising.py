"""A low-pass for whole windows: zero phase, by FFT."""

from __future__ import annotations

import numpy as np

_TRANSITION = 0.1  # of the cutoff, below it
_HIGHEST = 0.97  # of half the sample rate: from there on there is nothing to remove
_PAD_SECONDS = 0.01  # of zeros after the end, so that the beginning does not hear it


def lowpass(samples: np.ndarray, cutoff_hz: float, *, sample_rate: int) -> np.ndarray:
    """Sound of which nothing is left from `cutoff_hz` on.

    The gain falls from 1 at 0.9 of the cutoff to 0 at the cutoff, along half a cosine; no phase is turned.
    A cutoff near half the sample rate or above changes nothing.

    Parameters
    ----------
    samples : (..., time), float32
    cutoff_hz : above 0
    sample_rate : Hz

    Returns
    -------
    (..., time), float32; the same array where nothing changes
    """
    from scipy import fft

    frames = samples.shape[-1]
    if cutoff_hz >= _HIGHEST * sample_rate / 2 or not frames:
        return samples
    size = int(fft.next_fast_len(frames + round(_PAD_SECONDS * sample_rate), real=True) or frames)
    spectrum = np.asarray(fft.rfft(samples, size))
    position = np.arange(spectrum.shape[-1], dtype=np.float32) * np.float32(sample_rate / (size * cutoff_hz))
    fall = np.clip((position - (1 - _TRANSITION)) / _TRANSITION, 0, 1)
    spectrum *= 0.5 + 0.5 * np.cos(np.pi * fall)
    return np.ascontiguousarray(np.asarray(fft.irfft(spectrum, size))[..., :frames], np.float32)
