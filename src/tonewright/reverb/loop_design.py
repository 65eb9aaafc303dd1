"""The loop of a network whose decay or delays are trained: its terms at the bins of a DFT, and back."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tonewright.reverb.absorption import (
    GraphicAbsorption,
    octave_centers,
    sections_response,
    shelf_absorption,
)
from tonewright.reverb.engines.base import loop_terms
from tonewright.reverb.fractional import FractionalDelay
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.parameters import Parts
from tonewright.reverb.surroundings import at_radius

# Where a lossless network is to learn to decay, it starts from this.
FIRST_DECAY_S = 2.0
SHORTEST_S, LONGEST_S = 0.01, 100.0
# Steps of the differences by which designs of filters are differentiated: of log T60, and in samples.
DECAY_STEP, DELAY_STEP = 1e-4, 1e-2


def measured_decay(build: FDNBuild) -> np.ndarray:
    """Decay times that the absorption of a network gives at the octaves, the mean over its lines.

    Returns
    -------
    (bands,) in seconds
    """
    centers = octave_centers(build.fs)
    if build.filters is None:
        return np.full(centers.size, FIRST_DECAY_S)
    gains = np.abs(sections_response(build.filters, frequencies_hz=centers, sample_rate=build.fs))
    fall_db = np.maximum(-20 * np.log10(gains) / build.delays, 1e-12).mean(axis=1)
    return np.clip(60 / (fall_db * build.fs), SHORTEST_S, LONGEST_S)


class LoopDesign:
    """Absorption of a network for other decays or delays.

    A shelf of first order stays one with its two decay times, any other absorption becomes a graphic one.

    Parameters
    ----------
    build : the network, with its absorption
    """

    def __init__(self, build: FDNBuild) -> None:
        self.build = build
        self.shelf = None if build.filters is None else _shelf(build)

    def sections(self, decay: np.ndarray | None, delays: np.ndarray) -> np.ndarray | None:
        """Filters of all lines.

        Parameters
        ----------
        decay : (bands,) in seconds at the octaves, or None for that of the network
        delays : (lines,) in samples

        Returns
        -------
        (sections, 6, lines), or None where the network is lossless
        """
        build = self.build
        if decay is None:
            if build.filters is None or np.array_equal(delays, build.delays):
                return build.filters
            if self.shelf is not None:
                low, high, crossover_hz = self.shelf
                return shelf_absorption(low, high, delays, build.fs, crossover_hz)
            decay = measured_decay(build)
        return GraphicAbsorption(delays, build.fs).sections(decay)


def _shelf(build: FDNBuild) -> tuple[float, float, float] | None:
    """Decay times at both ends and crossover in Hz, where the absorption is one shelf of first order."""
    sections = build.filters
    assert sections is not None
    if sections.shape[0] != 1 or sections[0, [2, 5]].any():
        return None
    b0, b1, _, _, a1, _ = sections[0]
    low, high = (b0 + b1) / (1 + a1), (b0 - b1) / (1 - a1)
    if not (low > 0).all() or not (high > 0).all() or (low >= 1).any() or (high >= 1).any():
        return None
    found = np.array(
        [
            -3 * build.delays / (build.fs * np.log10(low)),
            -3 * build.delays / (build.fs * np.log10(high)),
            np.arctan((1 + a1) / (1 - a1) * np.sqrt(low / high)) * build.fs / (2 * math.pi),
        ]
    )
    middle = found.mean(axis=1)
    alike = np.abs(found / middle[:, None] - 1).max() < 1e-6
    return (float(middle[0]), float(middle[1]), float(middle[2])) if alike else None


class MovingLoop:
    r"""Loop terms :math:`d_i(z) = z^{-m_i} g_i(z)` of a network while its decay or delays are trained.

    Parameters
    ----------
    build : the network
    nfft : length of the DFT
    radius : ρ of the circle, see `forward.Spectrum`
    """

    def __init__(self, build: FDNBuild, *, nfft: int, radius: float = 1.0) -> None:
        self.build, self.nfft, self.radius = build, nfft, radius
        self.design = LoopDesign(build)
        self.back = radius * np.exp(-2j * math.pi / nfft * np.arange(nfft // 2 + 1))
        self.whole = loop_terms(build.delays, None, nfft) * radius**build.delays
        self.parted = FractionalDelay(nfft=nfft, radius=radius)
        self._decay: np.ndarray | None = None
        self._moves = False
        self._delays = build.delays.astype(np.float64)
        self._sections: np.ndarray | None = None
        self._ways = self._gains = np.zeros((0, build.lines), np.complex128)

    def terms(self, parts: Parts) -> np.ndarray:
        """(bins, lines) loop terms."""
        self._decay, self._moves = parts.decay, parts.delays is not None
        self._delays = parts.delays if parts.delays is not None else self.build.delays.astype(np.float64)
        self._sections = self.design.sections(self._decay, self._delays)
        self._ways = self.whole if parts.delays is None else self.parted.terms(self._delays)
        self._gains = np.ones((1, self.build.lines), np.complex128)
        if self._sections is not None:
            sections = at_radius(self._sections, self.radius, self.build.lines)
            self._gains = sections_response(sections, self.nfft)
        return self._ways * self._gains

    def pullback(self, gradient: np.ndarray, slopes: Parts) -> None:
        """Derivatives by decay and delays, from (bins, lines) by the last terms."""
        if self._moves:
            slopes.delays = self.parted.pullback(gradient * self._gains.conj())
        if self._sections is None:
            return
        from tonewright.reverb.loop_kernels import section_slopes

        relative = np.ascontiguousarray(gradient.conj() * self._ways * self._gains)
        by_sections = np.zeros(self._sections.shape)
        section_slopes(relative, self._sections, self.back, by_sections)
        if slopes.delays is not None:
            slopes.delays += (by_sections * self._by_delays()).sum(axis=(0, 1))
        if self._decay is not None:
            slopes.decay = np.array(
                [np.sum(by_sections * self._by_decay(self._decay, k)) for k in range(self._decay.size)]
            )

    def _by_delays(self) -> Any:
        """Derivative of each line's sections by its delay."""
        above, below = (
            self._designed(self._decay, self._delays + step) for step in (DELAY_STEP, -DELAY_STEP)
        )
        return (above - below) / (2 * DELAY_STEP)

    def _by_decay(self, decay: np.ndarray, band: int) -> Any:
        """Derivative of all sections by the decay time of one band."""
        one = np.arange(decay.size) == band
        above, below = (
            self._designed(decay * np.exp(step * one), self._delays) for step in (DECAY_STEP, -DECAY_STEP)
        )
        return (above - below) / (2 * DECAY_STEP * decay[band])

    def _designed(self, decay: np.ndarray | None, delays: np.ndarray) -> np.ndarray:
        sections = self.design.sections(decay, delays)
        assert sections is not None
        return sections
