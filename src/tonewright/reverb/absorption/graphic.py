"""Graphic absorption: a chain of bells between two shelves in each line, for a decay per band."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tonewright.dsp import biquads
from tonewright.reverb.absorption.sections import sections_response
from tonewright.reverb.absorption.target import checked_decay, decay_curve, octave_centers


class GraphicAbsorption:
    """Design of the absorption of all lines from the decay per band, and its derivative.

    Parameters
    ----------
    delays : (lines,) in samples
    fs : sample rate in Hz
    centers_hz : (bands,) where the decay is given; the octaves under 0.45 fs unless given
    """

    def __init__(self, delays: ArrayLike, fs: float, *, centers_hz: ArrayLike | None = None) -> None:
        self.delays = np.asarray(delays, dtype=np.float64).ravel()
        self.fs = float(fs)
        self.centers_hz = octave_centers(fs) if centers_hz is None else np.asarray(centers_hz, float)

    def sections(self, decay_s: ArrayLike) -> np.ndarray:
        """Filters of all lines.

        Parameters
        ----------
        decay_s : (bands,) T60

        Returns
        -------
        (sections, 6, lines)
        """
        decay, centers = checked_decay(decay_s, self.centers_hz)
        grid = np.geomspace(centers[0] / 2, min(centers[-1] * 1.4, 0.49 * self.fs), 96)
        target = -60.0 / (decay_curve(decay, centers, grid) * self.fs)
        unit = _coefficients(centers, np.ones((centers.size, 1)), self.fs)
        basis = np.stack(
            [20 * np.log10(np.abs(_at(unit[k : k + 1], grid, self.fs)[:, 0])) for k in range(len(unit))], 1
        )
        basis = np.column_stack([basis, np.ones(grid.size)]) / target[:, None]
        gains = np.linalg.lstsq(basis, np.ones(grid.size), rcond=None)[0]
        sections = _coefficients(centers, gains[:-1, None] * self.delays, self.fs)
        sections[0, :3] *= 10 ** (gains[-1] * self.delays / 20)
        return sections

    def pullback(self, gradient: np.ndarray) -> np.ndarray:
        """∂L/∂decay from ∂L/∂g of the last design.

        Parameters
        ----------
        gradient : (bins, lines) complex, ∂L/∂Re g + j ∂L/∂Im g at the bins of a transform

        Returns
        -------
        (bands,)
        """
        raise NotImplementedError


def graphic_absorption(
    decay_s: ArrayLike, delays: ArrayLike, fs: float, centers_hz: ArrayLike | None = None
) -> np.ndarray:
    """Filters of all lines for a decay per band; see `GraphicAbsorption`.

    Parameters
    ----------
    decay_s : (bands,) T60
    delays : (lines,) in samples
    fs : sample rate in Hz
    centers_hz : (bands,) where the decay is given; the octaves under 0.45 fs unless given

    Returns
    -------
    (sections, 6, lines)
    """
    return GraphicAbsorption(delays, fs, centers_hz=centers_hz).sections(decay_s)


def absorption_pullback(design: GraphicAbsorption, gradient: np.ndarray) -> np.ndarray:
    """∂L/∂decay from ∂L/∂g of a design's last filters; see `GraphicAbsorption.pullback`.

    Returns
    -------
    (bands,)
    """
    return design.pullback(gradient)


def _at(sections: np.ndarray, grid: np.ndarray, fs: float) -> np.ndarray:
    return sections_response(sections, frequencies_hz=grid, sample_rate=fs)


def _coefficients(centers: np.ndarray, gains_db: np.ndarray, fs: float) -> np.ndarray:
    """Sections from gains (sections, lines)."""
    kinds = [biquads.low_shelf, *[biquads.peaking] * (centers.size - 2), biquads.high_shelf]
    found = [
        np.concatenate(kind(center, 1.4 if kind is biquads.peaking else 0.7, row, sample_rate=fs), -1).T
        for kind, center, row in zip(kinds, centers, gains_db, strict=True)
    ]
    return np.stack(found)
