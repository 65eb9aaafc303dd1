"""The difference in dB between energies of a sound's first part and what they should be, and its gradient."""

from __future__ import annotations

import numpy as np
import scipy.fft

from tonewright.reverb.analysis.bands import band_weights, fast_length
from tonewright.reverb.fitting.bands import LEAST, Bands, decibels

_PAD_S = 0.05
_SOFT_DB = 0.1
_DB = 10 / np.log(10)


class EnergyCurves:
    r"""Mean of :math:`|10 \lg E - 10 \lg E_0|` over channels, bands and times, E being energy still to come.

    Only the first part of the sound varies; what follows it is given by its energies.

    Parameters
    ----------
    bands : the bands
    wanted_db : (channels, bands, points) 10 lg E₀
    rest : (channels, bands) energy behind the first part
    weights : (channels, bands, points)
    length : samples of the first part
    """

    def __init__(
        self, bands: Bands, wanted_db: np.ndarray, rest: np.ndarray, weights: np.ndarray, *, length: int
    ) -> None:
        self.length = length
        self.wanted_db, self.rest = wanted_db, rest[..., None]
        self.weights = weights / max(float(weights.sum()), LEAST)
        self.starts = point_starts(length, wanted_db.shape[-1])
        self._points = fast_length(length + round(2 * _PAD_S * bands.sample_rate))
        frequencies = np.fft.rfftfreq(self._points, 1 / bands.sample_rate)
        self._filters = np.stack(
            [band_weights(frequencies, center, fraction=bands.fraction) for center in bands.centers_hz]
        )

    def value_and_gradient(self, sounds: np.ndarray) -> tuple[float, np.ndarray]:
        """Value, and gradient (channels, length), for sounds (channels, length)."""
        spectra = np.asarray(scipy.fft.rfft(sounds, self._points))[:, None] * self._filters
        signals = np.asarray(scipy.fft.irfft(spectra, self._points))[..., : self.length]
        pieces = np.add.reduceat(np.square(signals), self.starts, axis=-1)
        energy = np.cumsum(pieces[..., ::-1], axis=-1)[..., ::-1] + self.rest + LEAST
        apart = decibels(energy) - self.wanted_db
        size = np.sqrt(np.square(apart) + _SOFT_DB**2)
        slope = np.cumsum(self.weights * apart / size * _DB / energy, axis=-1)
        lengths = np.diff(np.append(self.starts, self.length))
        back = 2 * np.repeat(slope, lengths, axis=-1) * signals
        spectrum = (np.asarray(scipy.fft.rfft(back, self._points)) * self._filters).sum(axis=1)
        gradient = np.asarray(scipy.fft.irfft(spectrum, self._points))[:, : self.length]
        return float((self.weights * size).sum()), gradient


def point_starts(length: int, points: int) -> np.ndarray:
    """First samples (points,) of equal pieces of a sound."""
    return np.arange(points) * length // points
