"""A graphic equaliser: bells in every band between two shelves, whose gains reach a wanted curve together."""

from __future__ import annotations

import numpy as np

from tonewright.dsp import biquads
from tonewright.reverb.absorption import sections_response

_POINTS_A_BAND = 4
_REFINEMENTS = 3
_BELL = 0.9
# Neighbours that pull against each other by more than this gain nothing.
_CONDITION = 1e-3


class Equaliser:
    """Filters for gains per band.

    The gains of the sections follow from least squares on their curves at 1 dB, and are refined against the
    curve that they really have: J. Rämö and V. Välimäki, "Optimizing a high-order graphic equalizer for audio
    processing", IEEE Signal Processing Letters 21, 2014.

    Parameters
    ----------
    centers_hz : (bands,) at least two
    sample_rate : in Hz
    fraction : bands an octave
    """

    def __init__(self, centers_hz: np.ndarray, sample_rate: int, *, fraction: int) -> None:
        self.sample_rate, self.fraction = sample_rate, fraction
        self.centers_hz = np.minimum(centers_hz, 0.47 * sample_rate)
        high = min(1.3 * centers_hz[-1], 0.49 * sample_rate)
        self.grid_hz = np.geomspace(centers_hz[0] / 1.3, high, _POINTS_A_BAND * len(centers_hz))
        curves = [self._curve_db(self._sections(unit)) for unit in np.eye(len(centers_hz))]
        basis = np.stack([*curves, np.ones(len(self.grid_hz))], axis=1)
        self._inverse = np.linalg.pinv(basis, rcond=_CONDITION)

    def sections(self, gains_db: np.ndarray) -> np.ndarray:
        """Second-order sections (bands, 6) for gains (bands,)."""
        wanted = np.interp(np.log(self.grid_hz), np.log(self.centers_hz), gains_db)
        solution = self._inverse @ wanted
        for _ in range(_REFINEMENTS):
            solution = solution + self._inverse @ (wanted - self._curve_db(self._whole(solution)))
        return self._whole(solution)

    def _whole(self, solution: np.ndarray) -> np.ndarray:
        sections = self._sections(solution[:-1])
        sections[0, :3] *= 10 ** (solution[-1] / 20)
        return sections

    def _sections(self, gains_db: np.ndarray) -> np.ndarray:
        centers, rate = self.centers_hz, self.sample_rate
        half = 2.0 ** (0.5 / self.fraction)
        quality = _BELL / (half - 1 / half)
        low = np.concatenate(biquads.low_shelf(centers[0] * half, 0.7, gains_db[0], sample_rate=rate))
        bells = biquads.peaking(centers[1:-1], quality, gains_db[1:-1], sample_rate=rate)
        high = np.concatenate(biquads.high_shelf(centers[-1] / half, 0.7, gains_db[-1], sample_rate=rate))
        return np.concatenate([low[None], np.concatenate(bells, axis=-1), high[None]])

    def _curve_db(self, sections: np.ndarray) -> np.ndarray:
        found = sections_response(
            sections[:, :, None], frequencies_hz=self.grid_hz, sample_rate=self.sample_rate
        )
        return 20 * np.log10(np.maximum(np.abs(found[:, 0]), 1e-30))
