"""The loop of a network whose decay or delays are trained: its terms at the bins of a DFT, and back."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from tonewright.reverb.absorption import (
    GraphicAbsorption,
    octave_centers,
    sections_response,
    shelf_absorption,
)
from tonewright.reverb.engines.base import loop_terms
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.train.fractional import FractionalDelay
from tonewright.reverb.train.parameters import Parts
from tonewright.reverb.train.surroundings import at_radius

# Where a lossless network is to learn to decay, it starts from this.
FIRST_DECAY_S = 2.0
SHORTEST_S, LONGEST_S = 0.01, 100.0
# Steps of the differences by which sections are differentiated: in samples of delay, and in dB.
DELAY_STEP, GAIN_STEP = 1e-2, 1e-4


class Design(Protocol):
    """Absorption of all lines at some decay and delays.

    Attributes
    ----------
    filters : (sections, 6, lines)
    """

    filters: np.ndarray

    def by_delays(self, slopes: np.ndarray) -> np.ndarray:
        """Derivative by the delays (lines,), from that by the filters."""
        ...

    def by_decay(self, slopes: np.ndarray) -> np.ndarray:
        """Derivative by the decay times (bands,), from that by the filters."""
        ...


class Fixed:
    """Filters that stay as they are.

    Parameters
    ----------
    filters : (sections, 6, lines)
    """

    def __init__(self, filters: np.ndarray) -> None:
        self.filters = filters

    def by_delays(self, slopes: np.ndarray) -> np.ndarray:
        """Derivative by the delays (lines,): none."""
        return np.zeros(slopes.shape[2])

    def by_decay(self, slopes: np.ndarray) -> np.ndarray:
        """No decay times of bands."""
        return np.empty(0)


class Shelves:
    """Shelves of first order with fixed decay times, for delays of any length.

    Parameters
    ----------
    low_s, high_s : decay times at 0 Hz and half the sample rate
    crossover_hz : as for `shelf_absorption`
    fs : sample rate in Hz
    delays : (lines,) in samples
    """

    def __init__(
        self, low_s: float, high_s: float, crossover_hz: float, *, fs: float, delays: np.ndarray
    ) -> None:
        self._decays, self._crossover_hz, self._fs, self._delays = (low_s, high_s), crossover_hz, fs, delays
        self.filters = self._at(delays)

    def by_delays(self, slopes: np.ndarray) -> np.ndarray:
        """Derivative by the delays (lines,), from that by the filters."""
        change = self._at(self._delays + DELAY_STEP) - self._at(self._delays - DELAY_STEP)
        return (slopes * change).sum(axis=(0, 1)) / (2 * DELAY_STEP)

    def by_decay(self, slopes: np.ndarray) -> np.ndarray:
        """No decay times of bands."""
        return np.empty(0)

    def _at(self, delays: np.ndarray) -> np.ndarray:
        return shelf_absorption(*self._decays, delays, self._fs, self._crossover_hz)


class Bands(GraphicAbsorption):
    """Graphic absorption whose derivative starts from that by its filters, on whatever circle it was taken.

    Parameters
    ----------
    decay : (bands,) in seconds at the octaves
    fs : sample rate in Hz
    delays : (lines,) in samples
    """

    def __init__(self, decay: np.ndarray, *, fs: float, delays: np.ndarray) -> None:
        super().__init__(delays, fs)
        self.filters = self.sections(decay)

    def by_delays(self, slopes: np.ndarray) -> np.ndarray:
        """Derivative by the delays (lines,), from that by the filters."""
        return self.delay_pullback(slopes)

    def by_decay(self, slopes: np.ndarray) -> np.ndarray:
        """Derivative by the decay times (bands,), from that by the filters."""
        return self.pullback(slopes)

    def _by_gain(self, gradient: np.ndarray) -> np.ndarray:
        """∂L/∂gains (sections + 1, lines): a section has a gain of its own, and the first one that of all."""
        gains = self._last().gains
        own, common = np.zeros_like(gains), np.zeros_like(gains)
        own[:-1], common[-1] = GAIN_STEP, GAIN_STEP
        each = (gradient * self._change(gains, own)).sum(axis=1)
        whole = (gradient * self._change(gains, common)).sum(axis=(0, 1))
        return np.concatenate([each[: gains.shape[0] - 1], whole[None]]) / (2 * GAIN_STEP)

    def _change(self, gains: np.ndarray, step: np.ndarray) -> np.ndarray:
        return self.layout.sections(gains + step, self.fs) - self.layout.sections(gains - step, self.fs)


class LoopDesign:
    """Absorption of a network for other decays or delays.

    Where delays move, shelves of first order keep their decay times, and other filters stay as they are.

    Parameters
    ----------
    build : the network, with its absorption
    """

    def __init__(self, build: FDNBuild) -> None:
        self.build = build
        self._shelf = None if build.filters is None else _shelf(build)

    def at(self, decay: np.ndarray | None, delays: np.ndarray) -> Design | None:
        """The design for a decay (bands,), or the network's own for None, at delays (lines,).

        None where the network is lossless.
        """
        build = self.build
        if decay is not None:
            return Bands(decay, fs=build.fs, delays=delays)
        if build.filters is None:
            return None
        if self._shelf is None:
            return Fixed(build.filters)
        return Shelves(*self._shelf, fs=build.fs, delays=delays)

    def filters(self, decay: np.ndarray | None, delays: np.ndarray) -> np.ndarray | None:
        """Filters of all lines (sections, 6, lines), or None; see `at`."""
        design = self.at(decay, delays)
        return None if design is None else design.filters


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
        self.designs = LoopDesign(build)
        self.back = radius * np.exp(-2j * math.pi / nfft * np.arange(nfft // 2 + 1))
        self.whole = loop_terms(build.delays, None, nfft) * radius**build.delays
        self.parted = FractionalDelay(nfft=nfft, radius=radius)
        self._trained = (False, False)
        self._design: Design | None = None
        self._ways = self._gains = np.zeros((0, build.lines), np.complex128)

    def terms(self, parts: Parts) -> np.ndarray:
        """(bins, lines) loop terms."""
        self._trained = (parts.decay is not None, parts.delays is not None)
        delays = self.build.delays.astype(np.float64) if parts.delays is None else parts.delays
        self._design = self.designs.at(parts.decay, delays)
        self._ways = self.whole if parts.delays is None else self.parted.terms(delays)
        self._gains = np.ones((1, self.build.lines), np.complex128)
        if self._design is not None:
            filters = at_radius(self._design.filters, self.radius, self.build.lines)
            self._gains = sections_response(filters, self.nfft)
        return self._ways * self._gains

    def pullback(self, gradient: np.ndarray, slopes: Parts) -> None:
        """Derivatives by decay and delays, from (bins, lines) by the last terms."""
        by_decay, by_delays = self._trained
        if by_delays:
            slopes.delays = self.parted.pullback(gradient * self._gains.conj())
        if self._design is None:
            return
        from tonewright.reverb.train.loop_kernels import section_slopes

        relative = np.ascontiguousarray(gradient.conj() * self._ways * self._gains)
        by_filters = np.zeros(self._design.filters.shape)
        section_slopes(relative, self._design.filters, self.back, by_filters)
        if slopes.delays is not None:
            slopes.delays += self._design.by_delays(by_filters)
        if by_decay:
            slopes.decay = self._design.by_decay(by_filters)


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


def _shelf(build: FDNBuild) -> tuple[float, float, float] | None:
    """Decay times at both ends and crossover in Hz, where the absorption is one shelf of first order."""
    sections = build.filters
    assert sections is not None
    if sections.shape[0] != 1 or sections[0, [2, 5]].any():
        return None
    b0, b1, _, _, a1, _ = sections[0]
    low, high = (b0 + b1) / (1 + a1), (b0 - b1) / (1 - a1)
    if not ((low > 0) & (low < 1) & (high > 0) & (high < 1)).all():
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
