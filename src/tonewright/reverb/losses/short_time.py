"""Short-time spectra of responses, and the gradient back to the samples."""

from __future__ import annotations

import numpy as np
import scipy.fft

from tonewright.dsp.spectra import window as window_of
from tonewright.reverb.losses.fourier import frame_fourier
from tonewright.reverb.losses.short_time_kernels import add_frames, windowed_frames


class Framing:
    """Frames of sounds: 1 + ⌊time/hop⌋ of them (for even lengths), frame f centred on sample f · hop.

    What lies before and after the sound is its reflection.

    Parameters
    ----------
    time, channels : of the sounds
    length : samples a frame, at least 4; the hop is a quarter of it
    """

    def __init__(self, *, time: int, channels: int, length: int) -> None:
        self.length, self.hop, self.channels = length, length // 4, channels
        self.count = 1 + (time + 2 * (length // 2) - length) // self.hop
        self.columns = channels * self.count
        self.source = _reflected(time, length // 2, self.hop, self.count - 1 - -length // self.hop)

    def frames(self, samples: np.ndarray) -> np.ndarray:
        """Frames (length, frames of all channels) of samples (channels, time), without a window.

        It needs nothing compiled: for targets, which are analysed once.
        """
        places = self.source[np.arange(self.length)[:, None] + self.hop * np.arange(self.count)]
        return samples[:, places].transpose(1, 0, 2).reshape(self.length, -1)


class ShortTime:
    r"""Spectra of frames, X[k, f] = Σ_t w[t] x[f·hop + t − ⌊n/2⌋] e^{−j2πkt/n}, at the bins of a real FFT.

    Parameters
    ----------
    framing : of the sounds, with frames of n samples
    dtype : float32 or float64
    """

    def __init__(self, framing: Framing, *, dtype: np.dtype) -> None:
        self.framing = framing
        self.window = window_of("hann", framing.length).astype(dtype)
        self.fourier = frame_fourier(framing.length, framing.columns, dtype)

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Real and imaginary parts (2, bins, frames of all channels) for samples (channels, time).

        The array is filled again by the next call, and may be changed.
        """
        even, odd = self.fourier.frames
        windowed_frames(samples, self.framing.source, self.window, self.framing.hop, even, odd)
        return self.fourier.spectra()

    def add_adjoint(self, slopes: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradient (channels, time) what that with respect to the spectra means."""
        even, odd = self.fourier.adjoint(slopes)
        add_frames(even, odd, self.framing.source, self.window, self.framing.hop, gradient)

    @staticmethod
    def of(framing: Framing, samples: np.ndarray) -> np.ndarray:
        """The same spectra as complex numbers (bins, frames of all channels), for a target."""
        frames = framing.frames(samples) * window_of("hann", framing.length)[:, None]
        return np.asarray(scipy.fft.rfft(frames, axis=0))


def _reflected(time: int, before: int, hop: int, rows: int) -> np.ndarray:
    """Sample that stands at each of rows · hop places, from `before` ahead of the first one."""
    period = max(2 * (time - 1), 1)
    place = np.abs(np.arange(rows * hop) - before) % period
    return np.where(place < time, place, period - place)
