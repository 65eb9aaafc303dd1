"""Spectrum and response of a whole network from its parts, and the way back to derivatives by the parts."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import scipy.fft

from tonewright.reverb.engines.base import choose_engine
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.train.parameters import Parts
from tonewright.reverb.train.surroundings import Surroundings, at_radius

# By so many dB a sound is damped over one DFT where its response is computed by way of the spectrum: what
# wraps around lies as far below, and rounding is lifted by as much at the end.
DAMPED_DB = {"float64": 80.0, "float32": 50.0}


class Forward(Protocol):
    """A network's spectrum or response as a function of its parts."""

    def value(self, parts: Parts) -> np.ndarray:
        """(bins or time, outputs, inputs)."""
        ...

    def pullback(self, gradient: np.ndarray) -> Parts:
        """Derivatives by the parts, from that by the last value."""
        ...


class Spectrum:
    r"""Transfer function of a network at the bins of a DFT, on the unit circle or outside it.

    At :math:`z = e^{j\omega}/\rho`, with a radius :math:`\rho < 1`, it is that of :math:`h(n) \rho^n`.

    Parameters
    ----------
    build : the network; its parts that are not trained are held constant
    nfft : length of the DFT
    radius : ρ
    summed : one input that feeds all inputs alike, instead of each by itself
    trained : names of the parts that are trained
    device : where it is computed, None for the compiled engines
    dtype : "float32" or "float64"
    """

    def __init__(
        self,
        build: FDNBuild,
        *,
        nfft: int,
        radius: float = 1.0,
        summed: bool = False,
        trained: tuple[str, ...] = (),
        device: str | None = None,
        dtype: str = "float64",
    ) -> None:
        self.summed = summed
        self.inputs = build.inputs
        self.around = Surroundings(build, nfft=nfft, radius=radius, summed=summed, trained=trained)
        self.moving: Any = None
        if {"decay", "delays"} & set(trained):
            from tonewright.reverb.train.loop_design import MovingLoop

            self.moving = MovingLoop(build, nfft=nfft, radius=radius)
        self.engine: Any = _engine(build, nfft, radius, summed, self.moving is not None, device, dtype)

    def value(self, parts: Parts) -> np.ndarray:
        """(bins, outputs, inputs) transfer function."""
        b, d = _driven(parts, self.summed)
        if self.moving is not None:
            self.engine.change_loop(self.moving.terms(parts))
        if self.around.empty:
            return self.engine.spectrum(parts.feedback, b, parts.output_gain, d)
        late = self.engine.spectrum(parts.feedback, b, parts.output_gain, np.zeros_like(d))
        return self.around.spectrum(late, d, parts)

    def pullback(self, gradient: np.ndarray) -> Parts:
        """Derivatives by the parts, from (bins, outputs, inputs)."""
        slopes = Parts(*[np.empty(0)] * 4)
        if not self.around.empty:
            gradient = self.around.pullback(gradient, slopes)
        found = self.engine.pullback(gradient)
        slopes.feedback, slopes.output_gain = found.A, found.C
        direct = found.D if self.around.empty else slopes.direct
        slopes.input_gain, slopes.direct = spread(found.B, direct, self.summed, self.inputs)
        if self.moving is not None:
            self.moving.pullback(found.d, slopes)
        return slopes

    @property
    def fused(self) -> bool:
        """Whether flatness and its gradient can be had in one pass."""
        return self.around.empty and hasattr(self.engine, "colorless")

    def colorless(self, parts: Parts) -> tuple[float, Parts]:
        """Mean over the bins of (|H| - 1)², and its derivatives by the parts."""
        b, d = _driven(parts, self.summed)
        value, found = self.engine.colorless(parts.feedback, b, parts.output_gain, d)
        b, d = spread(found.B, found.D, self.summed, self.inputs)
        return value, Parts(found.A, b, found.C, d)


class SpectralResponse:
    """Response of a network by way of its spectrum, for parts that the recursion holds constant.

    Parameters
    ----------
    spectrum : the network's spectrum at some radius
    nfft : samples of the response
    radius : that of the spectrum; where it is 1, what is longer than the response wraps around into it
    """

    def __init__(self, spectrum: Spectrum, *, nfft: int, radius: float) -> None:
        self.spectrum = spectrum
        self.nfft = nfft
        self.lift = radius ** -np.arange(nfft, dtype=np.float64)[:, None, None] if radius != 1.0 else None
        self.twice = np.full((nfft // 2 + 1, 1, 1), 2.0 / nfft)
        self.twice[0] = 1.0 / nfft
        if nfft % 2 == 0:
            self.twice[-1] = 1.0 / nfft

    def value(self, parts: Parts) -> np.ndarray:
        """(time, outputs, inputs) response."""
        response = np.asarray(scipy.fft.irfft(self.spectrum.value(parts), self.nfft, axis=0))
        return response if self.lift is None else response * self.lift

    def pullback(self, gradient: np.ndarray) -> Parts:
        """Derivatives by the parts, from (time, outputs, inputs)."""
        lifted = gradient if self.lift is None else gradient * self.lift
        return self.spectrum.pullback(self.twice * np.asarray(scipy.fft.rfft(lifted, axis=0)))


class Response:
    """Response of a network by recursion in time: exact, and cut at its end.

    Parameters
    ----------
    build : the network; its delays, filters and early positions are held constant
    length : samples
    summed : one input that feeds all inputs alike, instead of each by itself
    dtype : "float32" or "float64"
    """

    def __init__(self, build: FDNBuild, *, length: int, summed: bool = False, dtype: str = "float64") -> None:
        self.build = build
        self.length = length
        self.summed = summed
        late = max(1, length - build.pre_delay)
        self.engine = choose_engine(
            lines=build.lines,
            inputs=1 if summed else build.inputs,
            outputs=build.outputs,
            domain="time",
            delays=build.delays,
            filters=build.filters,
            length=late,
            dtype=dtype,
        )
        self.late = late if build.pre_delay < length else 0
        self.inside = None if build.early is None else build.early.positions < length
        self.plain = build.post_eq is None and build.early is None and build.pre_delay == 0

    def value(self, parts: Parts) -> np.ndarray:
        """(time, outputs, inputs) response."""
        b, d = _driven(parts, self.summed)
        if self.plain:
            return self.engine.response(parts.feedback, b, parts.output_gain, d)
        found = self.engine.response(parts.feedback, b, parts.output_gain, np.zeros_like(d))
        response = np.zeros((self.length, *d.shape), found.dtype)
        response[self.length - self.late :] = self._toned(found[: self.late])
        response[0] += d
        early = self.build.early
        if early is not None:
            gains = early.gains if parts.early is None else parts.early
            kept = gains[:, :, self.inside]
            kept = kept.sum(axis=1, keepdims=True) if self.summed else kept
            response[early.positions[self.inside]] += np.moveaxis(kept, 2, 0)
        return response

    def pullback(self, gradient: np.ndarray) -> Parts:
        """Derivatives by the parts, from (time, outputs, inputs)."""
        late = gradient
        if not self.plain:
            late = np.zeros((max(1, self.late), *gradient.shape[1:]), gradient.dtype)
            late[: self.late] = self._toned(gradient[self.length - self.late :][::-1])[::-1]
        found = self.engine.pullback(late)
        b, d = spread(found.B, gradient[0].astype(np.float64), self.summed, self.build.inputs)
        slopes = Parts(found.A, b, found.C, d)
        if self.build.early is not None:
            slopes.early = np.zeros(self.build.early.gains.shape)
            taps = np.moveaxis(gradient[self.build.early.positions[self.inside]], 0, 2)
            slopes.early[:, :, self.inside] = taps
        return slopes

    def _toned(self, late: np.ndarray) -> np.ndarray:
        if self.build.post_eq is None or not late.size:
            return late
        from scipy.signal import sosfilt

        toned = np.empty_like(late)
        for output in range(self.build.outputs):
            rows = np.ascontiguousarray(late[:, output].T)
            sections = np.ascontiguousarray(self.build.post_eq[:, :, output])
            toned[:, output] = np.transpose(np.asarray(sosfilt(sections, rows, axis=1)))
        return toned


def _engine(
    build: FDNBuild, nfft: int, radius: float, summed: bool, moves: bool, device: str | None, dtype: str
) -> Any:
    filters = build.filters
    if radius != 1.0:
        filters = at_radius(filters, radius, build.lines)
        filters[0, :3] *= radius**build.delays
    if device is not None:
        from tonewright.reverb.train.torch_engine import TorchEngine

        return TorchEngine(build.delays, nfft=nfft, filters=filters, dtype=dtype, device=device)
    return choose_engine(
        lines=build.lines,
        inputs=1 if summed else build.inputs,
        outputs=build.outputs,
        domain="spectrum",
        delays=build.delays,
        filters=filters,
        nfft=nfft,
        dtype=dtype,
        loop_gradients=moves,
    )


def _driven(parts: Parts, summed: bool) -> tuple[np.ndarray, np.ndarray]:
    if not summed or parts.input_gain.shape[1] == 1:
        return parts.input_gain, parts.direct
    return parts.input_gain.sum(axis=1, keepdims=True), parts.direct.sum(axis=1, keepdims=True)


def spread(b: np.ndarray, d: np.ndarray, summed: bool, inputs: int) -> tuple[np.ndarray, np.ndarray]:
    """Derivatives by B and D of every input, from those by their sum."""
    if not summed or inputs == 1:
        return b, d
    return np.repeat(b, inputs, axis=1), np.repeat(d, inputs, axis=1)
