"""Sounds in octaves and thirds, as the energies that the fit compares."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import scipy.fft

from tonewright.reverb.analysis.bands import band_centers_hz, band_weights, fast_length

_RINGING_S = 0.3
# Beyond so many widths, a band's response is below −100 dB.
_REACH = 4.0
LEAST = 1e-30


class Bands:
    """Sounds of one length in bands, each at a rate just high enough for it, in single precision.

    Parameters
    ----------
    length : samples
    sample_rate : in Hz
    fraction : bands an octave, 1 or 3
    """

    def __init__(self, length: int, sample_rate: int, *, fraction: int) -> None:
        self.length, self.sample_rate, self.fraction = length, sample_rate, fraction
        self.centers_hz = centers_hz(sample_rate, fraction=fraction)
        self.points = fast_length(length + round(_RINGING_S * sample_rate))
        step = sample_rate / self.points
        self._parts = []
        for center in self.centers_hz:
            top = min(self.points // 2, int(np.ceil(center * (1 + _REACH / fraction) / step)))
            points = fast_length(2 * (top + 1)) if top < self.points // 2 else self.points
            weights = band_weights(np.arange(top + 1) * step, float(center), fraction=fraction)
            # Squares at the lower rate then add up to what those at the full rate do.
            self._parts.append(((weights * np.sqrt(points / self.points)).astype(np.float32), points))

    def spectra(self, sounds: np.ndarray) -> np.ndarray:
        """Spectra (…, bins) of sounds (…, time)."""
        return np.asarray(scipy.fft.rfft(np.asarray(sounds, dtype=np.float32), self.points))

    def signals(self, spectra: np.ndarray) -> Iterator[tuple[np.ndarray, float]]:
        """Signal (…, time) of each band, and its rate, from spectra (…, bins)."""
        for weights, points in self._parts:
            rate = points * self.sample_rate / self.points
            kept = max(1, int(self.length * rate / self.sample_rate))
            signal = np.asarray(scipy.fft.irfft(spectra[..., : len(weights)] * weights, points))
            yield signal[..., :kept], rate

    def remaining(
        self, sound: np.ndarray, times_s: np.ndarray, ends_s: np.ndarray, noise: np.ndarray | None = None
    ) -> np.ndarray:
        """Energy between given times and the end of a decay, in each band.

        Parameters
        ----------
        sound : (time,)
        times_s : (bands, points)
        ends_s : (bands,)
        noise : (bands,) mean square of what is to be taken away

        Returns
        -------
        (bands, points)
        """
        found = np.empty(times_s.shape)
        for band, (signal, rate) in enumerate(self.signals(self.spectra(sound))):
            level = 0.0 if noise is None else noise[band] * self.sample_rate / rate
            sums = np.concatenate([[0.0], np.cumsum(np.square(signal, dtype=np.float64) - level)])
            end = min(len(sums) - 1, round(ends_s[band] * rate))
            found[band] = sums[end] - sums[np.minimum(np.round(times_s[band] * rate).astype(int), end)]
        return found


def centers_hz(sample_rate: int, *, fraction: int) -> np.ndarray:
    """Centres of the bands that are fitted: the octaves that are analysed, and thirds from 25 Hz on.

    Returns
    -------
    (bands,)
    """
    if fraction == 1:
        return band_centers_hz(sample_rate)
    thirds = band_centers_hz(sample_rate, bands="third")
    lower = thirds[0] * 2.0 ** (np.arange(-3, 0) / 3)
    return np.concatenate([lower, thirds])


def decibels(energy: np.ndarray) -> np.ndarray:
    """10 lg of an energy, which is never less than LEAST."""
    return 10 * np.log10(np.maximum(energy, LEAST))
