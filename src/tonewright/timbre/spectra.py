"""Centred short-time spectra, which onsets and the percussive share are made from, and the way back."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import scipy.fft

FRAME, HOP = 2048, 512


def centred_spectrum(samples: np.ndarray, *, first: int = 0) -> np.ndarray:
    """Short-time spectrum of Hann frames of 2048 samples every 512, each centred on its time.

    X[t, k] = Σ_n w[n] x[512 t − 1024 + n] e^{−j2πkn/2048}, x being 0 outside of the sound.

    Parameters
    ----------
    samples : (time,)
    first : t of the first frame; below 0 for frames that are centred before the sound

    Returns
    -------
    (1 + time // 512 − first, 1025) complex64
    """
    frames = 1 + samples.size // HOP - first
    padded = np.zeros((frames - 1) * HOP + FRAME, dtype=np.float32)
    begin = FRAME // 2 - first * HOP
    fits = max(0, min(samples.size, padded.size - begin))
    padded[begin : begin + fits] = samples[:fits]
    rows = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    return scipy.fft.rfft(rows * hann_window(), axis=1, overwrite_x=True)


def centred_samples(spectrum: np.ndarray) -> np.ndarray:
    """The sound of a centred short-time spectrum: windowed frames added, over the sum of squared windows.

    Of a spectrum that is no sound's it is the sound with the nearest one; D. W. Griffin and J. S. Lim,
    "Signal estimation from modified short-time Fourier transform", IEEE Trans. ASSP 32 (1984) 236.

    Parameters
    ----------
    spectrum : (frames, 1025) complex64, its first frame centred on the first sample

    Returns
    -------
    (512 · (frames − 1),) float32
    """
    rows = scipy.fft.irfft(spectrum, n=FRAME, axis=1)
    rows *= hann_window()
    parts = rows.reshape(rows.shape[0], FRAME // HOP, HOP)
    total = np.zeros((rows.shape[0] + FRAME // HOP - 1, HOP), dtype=np.float32)
    for part in range(FRAME // HOP):
        total[part : part + rows.shape[0]] += parts[:, part]
    total /= _squared_windows(rows.shape[0])
    edge = FRAME // (2 * HOP)
    return total[edge : edge + rows.shape[0] - 1].reshape(-1)


def _squared_windows(frames: int) -> np.ndarray:
    """Sum of squared windows of so many frames: (hops, 512) float32, 1 where it is 0."""
    square = (hann_window() ** 2).reshape(-1, HOP)
    total = np.zeros((frames + square.shape[0] - 1, HOP), dtype=np.float32)
    for part in range(square.shape[0]):
        total[part : part + frames] += square[part]
    total[total < np.finfo(np.float32).tiny] = 1
    return total


@lru_cache(maxsize=1)
def hann_window() -> np.ndarray:
    """Periodic Hann window of a frame: (2048,) float32, not to be written to."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
    window.setflags(write=False)
    return window
