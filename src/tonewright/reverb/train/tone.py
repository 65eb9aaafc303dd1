"""A graphic equaliser on each output, whose levels can be trained."""

from __future__ import annotations

import math

import numpy as np

from tonewright.dsp import biquads
from tonewright.reverb.absorption import octave_centers, sections_response
from tonewright.reverb.train.surroundings import at_radius

BELL_Q, SHELF_Q = 1.0, math.sqrt(0.5)
STEP_DB = 1e-3


class ToneFilter:
    """A chain of bells at the octaves between two shelves.

    Parameters
    ----------
    fs : sample rate in Hz

    Attributes
    ----------
    centers_hz : (bands,)
    """

    def __init__(self, fs: float) -> None:
        self.fs = fs
        self.centers_hz = octave_centers(fs)

    def sections(self, levels_db: np.ndarray) -> np.ndarray:
        """Filters of all outputs.

        Parameters
        ----------
        levels_db : (bands, outputs) gain of each band's own section

        Returns
        -------
        (bands, 6, outputs)
        """
        return np.stack([self._section(band, levels_db[band]) for band in range(self.centers_hz.size)])

    def _section(self, band: int, level_db: np.ndarray) -> np.ndarray:
        last = self.centers_hz.size - 1
        kind = biquads.low_shelf if band == 0 else biquads.high_shelf if band == last else biquads.peaking
        q = BELL_Q if 0 < band < last else SHELF_Q
        b, a = kind(float(self.centers_hz[band]), q, level_db, sample_rate=self.fs)
        return np.concatenate([b, a], axis=-1).T


class ToneResponse:
    """Response of a tone filter at the bins of a DFT, and its derivative by the levels.

    Parameters
    ----------
    fs : sample rate in Hz
    nfft : length of the DFT
    radius : ρ of the circle, see `forward.Spectrum`
    """

    def __init__(self, fs: float, *, nfft: int, radius: float = 1.0) -> None:
        self.filter = ToneFilter(fs)
        self.nfft, self.radius = nfft, radius
        self._levels_db = np.zeros((0, 0))

    def response(self, levels_db: np.ndarray) -> np.ndarray:
        """(bins, outputs) response, from (bands, outputs) levels."""
        self._levels_db = levels_db
        return self._at(self.filter.sections(levels_db))

    def pullback(self, relative: np.ndarray) -> np.ndarray:
        """Derivative by the levels.

        Parameters
        ----------
        relative : (bins, outputs) complex, conj(∂L/∂Q) · Q for the last response Q

        Returns
        -------
        (bands, outputs)
        """
        from tonewright.reverb.train.loop_kernels import section_slopes

        sections = self.filter.sections(self._levels_db)
        by_sections = np.zeros(sections.shape)
        back = self.radius * np.exp(-2j * math.pi / self.nfft * np.arange(self.nfft // 2 + 1))
        section_slopes(np.ascontiguousarray(relative), sections, back, by_sections)
        above, below = (self.filter.sections(self._levels_db + step) for step in (STEP_DB, -STEP_DB))
        return (by_sections * (above - below)).sum(axis=1) / (2 * STEP_DB)

    def _at(self, sections: np.ndarray) -> np.ndarray:
        return sections_response(at_radius(sections, self.radius, sections.shape[2]), self.nfft)
