"""What lies around the loop of a network: pre-delay, tone filter, direct path and early reflections."""

from __future__ import annotations

from typing import Any

import numpy as np

from tonewright.reverb.absorption import sections_response
from tonewright.reverb.engines.base import loop_terms
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.train.fractional import FractionalDelay
from tonewright.reverb.train.parameters import Parts


def at_radius(sections: np.ndarray | None, radius: float, channels: int) -> np.ndarray:
    """Second-order sections as they are at the circle of radius 1/ρ: every z⁻¹ becomes ρ z⁻¹.

    Parameters
    ----------
    sections : (sections, 6, channels), or None for a gain of 1
    radius : ρ
    channels : number of them

    Returns
    -------
    (sections, 6, channels)
    """
    if sections is None:
        sections = np.zeros((1, 6, channels))
        sections[0, [0, 3]] = 1.0
    powers = radius ** np.array([0.0, 1.0, 2.0, 0.0, 1.0, 2.0])
    return sections * powers[:, None]


class Surroundings:
    r"""From the late sound's spectrum to the network's, :math:`H = E + D + Q\,P\,L`.

    Parameters
    ----------
    build : the network
    nfft : length of the DFT
    radius : ρ of the circle, see `forward.Spectrum`
    summed : one input that feeds all inputs alike
    trained : names of the parts that are trained

    Attributes
    ----------
    empty : nothing but the direct path lies around the loop
    way : (bins, outputs) Q P, once a spectrum was asked for
    """

    def __init__(
        self,
        build: FDNBuild,
        *,
        nfft: int,
        radius: float = 1.0,
        summed: bool = False,
        trained: tuple[str, ...] = (),
    ) -> None:
        self.nfft, self.radius, self.summed = nfft, radius, summed
        self.early, self.inputs = build.early, build.inputs
        self.tone: Any = None
        if "tone" in trained:
            from tonewright.reverb.train.tone import ToneResponse

            self.tone = ToneResponse(build.fs, nfft=nfft, radius=radius)
        self.moving = FractionalDelay(nfft=nfft, radius=radius) if "pre_delay" in trained else None
        self.waits = loop_terms(np.array([build.pre_delay]), None, nfft) * radius**build.pre_delay
        self.fixed: np.ndarray | None = None
        if build.post_eq is not None:
            self.fixed = sections_response(at_radius(build.post_eq, radius, build.outputs), nfft)
        waits = self.moving is not None or build.pre_delay > 0
        self.empty = self.tone is None and self.fixed is None and self.early is None and not waits

    def spectrum(self, late: np.ndarray, direct: np.ndarray, parts: Parts) -> np.ndarray:
        """(bins, outputs, inputs) of the network, from that of its late sound."""
        self._late = late
        self._toned = np.ones((1, direct.shape[0])) if self.fixed is None else self.fixed
        if self.tone is not None:
            self._toned = self._toned * self.tone.response(parts.tone)
        waits = self.waits
        if self.moving is not None and parts.pre_delay is not None:
            waits = self.moving.terms(parts.pre_delay)
        self.way = self._toned * waits
        spectrum = self.way[:, :, None] * late + direct
        if self.early is not None:
            gains = self.early.gains if parts.early is None else parts.early
            spectrum += self._reflections(gains, self.early.positions)
        return spectrum

    def pullback(self, gradient: np.ndarray, slopes: Parts) -> np.ndarray:
        """Gradient by the late spectrum, from that by the network's; fills in what is around it."""
        slopes.direct = np.real(gradient).sum(axis=0)
        if self.early is not None:
            slopes.early = self._by_reflections(gradient, self.early.positions)
        way = self.way[:, :, None]
        by_way = (gradient * self._late.conj()).sum(axis=2)
        if self.moving is not None:
            by_wait = (by_way * self._toned.conj()).sum(axis=1, keepdims=True)
            slopes.pre_delay = self.moving.pullback(by_wait)
        if self.tone is not None:
            slopes.tone = self.tone.pullback(by_way.conj() * self.way)
        return gradient * way.conj()

    def _reflections(self, gains: np.ndarray, positions: np.ndarray) -> np.ndarray:
        gains = gains.sum(axis=1, keepdims=True) if self.summed else gains
        taps = np.zeros((self.nfft, *gains.shape[:2]))
        np.add.at(taps, positions % self.nfft, np.moveaxis(gains * self.radius**positions, 2, 0))
        return np.fft.rfft(taps, axis=0)

    def _by_reflections(self, gradient: np.ndarray, positions: np.ndarray) -> np.ndarray:
        whole = np.zeros((self.nfft, *gradient.shape[1:]), np.complex128)
        whole[: gradient.shape[0]] = gradient
        taps = self.nfft * np.fft.ifft(whole, axis=0).real
        found = np.moveaxis(taps[positions % self.nfft], 0, 2) * self.radius**positions
        return np.repeat(found, self.inputs, axis=1) if self.summed and self.inputs > 1 else found
