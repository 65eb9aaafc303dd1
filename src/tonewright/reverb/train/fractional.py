"""Delays by parts of a sample, in a form that never answers before the sound."""

from __future__ import annotations

import math

import numpy as np

# Taps either side: flat to 3/4 of half the sample rate. No delay that moves may be shorter.
REACH = 8
SHARPNESS = 6.0
STEP = 1e-5


class FractionalDelay:
    r"""Delays of any length at the bins of a DFT, :math:`\sum_j w(f - j)\,\mathrm{sinc}(f - j)\, z^{-m-j}`.

    The delay is m + f with whole m, and w is Kaiser's window over 8 samples either side. An exact delay by a
    fraction would ring without end in both directions, and wrap around.

    Parameters
    ----------
    nfft : length of the DFT
    radius : ρ of the circle, see `forward.Spectrum`
    """

    def __init__(self, *, nfft: int, radius: float = 1.0) -> None:
        self.nfft, self.radius = nfft, radius
        self.taps = np.arange(1 - REACH, REACH + 1)
        bins = np.arange(nfft // 2 + 1)
        self._circle = np.exp(-2j * math.pi / nfft * np.arange(nfft))
        self._back = self._circle[bins[:, None] * self.taps % nfft] * radius**self.taps
        self._whole = np.ones((bins.size, 1), np.complex128)
        self._by_part = self._whole

    def terms(self, delays: np.ndarray) -> np.ndarray:
        """(bins, delays) responses of (delays,) in samples."""
        whole = np.floor(delays).astype(np.int64)
        bins = np.arange(self.nfft // 2 + 1)
        self._whole = self._circle[bins[:, None] * (whole % self.nfft) % self.nfft] * self.radius**whole
        part = delays - whole
        self._by_part = (self._kernel(part + STEP) - self._kernel(part - STEP)) / (2 * STEP)
        return self._whole * (self._back @ self._kernel(part))

    def pullback(self, gradient: np.ndarray) -> np.ndarray:
        """Derivative by the delays (delays,), from (bins, delays) by the last responses."""
        return (gradient.conj() * self._whole * (self._back @ self._by_part)).sum(axis=0).real

    def _kernel(self, part: np.ndarray) -> np.ndarray:
        away = part - self.taps[:, None]
        inside = np.sqrt(np.maximum(1 - (away / REACH) ** 2, 0.0))
        return np.sinc(away) * np.i0(SHARPNESS * inside) / np.i0(SHARPNESS)
