"""Recursive filters by their frequency response, so that torch can differentiate and batch them."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np
import scipy.fft
import torch

from tonewright.dsp.biquads import BUTTERWORTH_Q, highpass, lowpass, response

SAMPLE_RATE = 44_100
# What a sound excites must have died away before it comes round from the end of the transform. The slowest
# filter, the triple high-pass at 20 Hz, decays by 89 nepers a second: 2e-13 of it is left after this time.
_MEMORY_SAMPLES = SAMPLE_RATE * 4 // 10
_TIMES = 3


def like(values: np.ndarray, tensor: torch.Tensor) -> torch.Tensor:
    """Constants on the device and in the precision of `tensor`; complex ones in its complex type."""
    dtype = tensor.real.dtype if tensor.is_complex() else tensor.dtype
    dtype = dtype.to_complex() if np.iscomplexobj(values) else dtype
    return torch.tensor(values, dtype=dtype, device=tensor.device)


def transform_length(time: int) -> int:
    """Length of the transform for sounds of `time` samples."""
    return fast_length(time + _MEMORY_SAMPLES)


def fast_length(length: int) -> int:
    """The least length of a fast transform that is not below `length`."""
    found: Any = scipy.fft.next_fast_len(length, real=True)
    return int(found)


@lru_cache(maxsize=64)
def butterworth_response(kind: str, cutoff_hz: float, n_fft: int) -> np.ndarray:
    """Response of a Butterworth filter of order two that is run three times.

    Parameters
    ----------
    kind : "high" or "low" for what passes

    Returns
    -------
    (n_fft // 2 + 1,) complex
    """
    design = highpass if kind == "high" else lowpass
    b, a = design(cutoff_hz, BUTTERWORTH_Q, sample_rate=SAMPLE_RATE)
    frequencies_hz = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE)
    return response(b, a, frequencies_hz, sample_rate=SAMPLE_RATE) ** _TIMES


def filtered(spectrum: torch.Tensor, gain: np.ndarray, *, n_fft: int, time: int) -> torch.Tensor:
    """Sound behind a filter.

    Parameters
    ----------
    spectrum : (…, n_fft // 2 + 1) complex, of the zero-padded sound
    gain : (n_fft // 2 + 1,) complex response
    time : samples to keep

    Returns
    -------
    (…, time)
    """
    return torch.fft.irfft(spectrum * like(gain, spectrum), n=n_fft)[..., :time]
