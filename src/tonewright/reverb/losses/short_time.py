"""Short-time spectra of responses, and the gradient back to the samples."""

from __future__ import annotations

import numpy as np
import scipy.fft

from tonewright.dsp.spectra import window as window_of
from tonewright.errors import NetworkError
from tonewright.reverb.losses.short_time_kernels import add_frames, windowed_frames


class ShortTime:
    r"""Spectra of frames, X[k, f] = Σ_t w[t] x[f·hop + t − ⌊n/2⌋] e^{−j2πkt/n}, at the bins of a real FFT.

    What lies before and after the sound is its reflection. There are 1 + ⌊time/hop⌋ frames (for even n).

    Parameters
    ----------
    time, channels : of the sounds
    length : n, samples a frame; the hop is a quarter of it, and the window hann
    dtype : float32 or float64
    """

    def __init__(self, *, time: int, channels: int, length: int, dtype: np.dtype) -> None:
        if length < 4:
            raise NetworkError(f"a window of {length} samples is too short; take at least 4")
        self.length, self.hop, self.channels, self.dtype = length, length // 4, channels, dtype
        self.count = 1 + (time + 2 * (length // 2) - length) // self.hop
        self.source = _reflected(time, length // 2, self.hop, self.count - 1 - -length // self.hop)
        self.window = window_of("hann", length).astype(dtype)
        self.frames = np.empty((length, channels * self.count), dtype)
        self.bins = length // 2 + 1
        self.half_window = self.window / 2

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Spectra (bins, channels · frames), complex and the caller's to change, of (channels, time)."""
        windowed_frames(samples, self.source, self.window, self.hop, self.frames)
        return np.asarray(scipy.fft.rfft(self.frames, axis=0))

    def add_adjoint(self, slopes: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradient (channels, time) what ∂L/∂X (bins, channels · frames) means; it is used up."""
        double_ends(slopes, self.length)
        frames = scipy.fft.irfft(slopes, n=self.length, axis=0, norm="forward")
        add_frames(np.asarray(frames), self.source, self.half_window, self.hop, gradient)


def double_ends(slopes: np.ndarray, points: int) -> None:
    """Double what an inverse real transform counts once: the first bin and, for an even length, the last."""
    slopes[0] *= 2
    if points % 2 == 0:
        slopes[-1] *= 2


def _reflected(time: int, before: int, hop: int, rows: int) -> np.ndarray:
    """Sample that stands at each of rows · hop places, from `before` ahead of the first one."""
    period = max(2 * (time - 1), 1)
    place = np.abs(np.arange(rows * hop) - before) % period
    return np.where(place < time, place, period - place)
