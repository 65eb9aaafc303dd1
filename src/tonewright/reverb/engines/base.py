"""What the engines share: gradients, the terms of the loop, and the choice between engines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, Protocol

import numpy as np

from tonewright.errors import NetworkError

MOST_MINOR_LINES = 16
# Beyond this many coefficients the table of polynomials costs more than elimination at every bin.
MOST_MINOR_TERMS = 1 << 21


class ZeroPivot(ArithmeticError):
    """A network whose principal minors cannot be reached accurately; another engine is needed."""


@dataclass
class Gradients:
    r"""Derivatives of a real criterion by the parts of a network.

    Attributes
    ----------
    A : (lines, lines)
    B : (lines, inputs)
    C : (outputs, lines)
    D : (outputs, inputs)
    d : (bins, lines) derivative by the loop terms, :math:`\partial L/\partial \Re d + j\,\partial L/\partial
        \Im d`, or None where an engine holds them constant
    delays : (lines,) derivative by the delays in samples, or None
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray
    d: np.ndarray | None = None
    delays: np.ndarray | None = None


class SpectrumEngine(Protocol):
    """Evaluates a network at the bins of a real DFT, and its adjoint."""

    def spectrum(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Transfer function (bins, outputs, inputs)."""
        ...

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the parts, from (bins, outputs, inputs) at the last evaluation."""
        ...


class ResponseEngine(Protocol):
    """Evaluates a network's impulse response, and its adjoint."""

    def response(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Impulse response (time, outputs, inputs)."""
        ...

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the parts, from (time, outputs, inputs) at the last evaluation."""
        ...


def loop_terms(delays: np.ndarray, filters: np.ndarray | None, nfft: int) -> np.ndarray:
    r"""Delays and absorption at the bins of a real DFT.

    .. math:: d_i(k) = e^{-2\pi j\,(m_i k \bmod n)/n}\, g_i(e^{2\pi j k/n})

    The whole part of :math:`m_i k` is reduced modulo n in integers, so that long delays lose no accuracy.

    Parameters
    ----------
    delays : (lines,) in samples, whole or not
    filters : (sections, 6, lines) absorption as second-order sections, or None
    nfft : length n of the DFT

    Returns
    -------
    (nfft // 2 + 1, lines) complex
    """
    delays = np.asarray(delays, dtype=np.float64).ravel()
    bins = np.arange(nfft // 2 + 1)
    circle = np.exp(-2j * np.pi * np.arange(nfft) / nfft)
    whole = np.floor(delays).astype(np.int64)
    terms = circle[bins[:, None] * (whole % nfft) % nfft]
    part = delays - whole
    if part.any():
        terms *= np.exp(-2j * np.pi / nfft * bins[:, None] * part)
    if filters is not None:
        back = circle[bins][:, None]
        for section in np.asarray(filters, dtype=np.float64):
            b0, b1, b2, a0, a1, a2 = section
            terms *= (b0 + back * (b1 + back * b2)) / (a0 + back * (a1 + back * a2))
    return terms


def choose_engine(
    *,
    lines: int,
    inputs: int,
    outputs: int,
    domain: Literal["spectrum", "time"],
    delays: np.ndarray,
    filters: np.ndarray | None = None,
    nfft: int | None = None,
    length: int | None = None,
    dtype: Any = "float64",
    loop_gradients: bool = False,
) -> Any:
    """The engine that suits a network.

    Responses in time come from the recursion. Spectra of one input and one output with up to 16 lines and
    short absorption filters come from principal minors, and from elimination once these have lost accuracy;
    all other spectra come from elimination.

    Parameters
    ----------
    lines, inputs, outputs : size of the network
    domain : "spectrum" for a `SpectrumEngine`, "time" for a `ResponseEngine`
    delays : (lines,) in samples; elimination also takes parts of samples
    filters : (sections, 6, lines) absorption, or None
    nfft : length of the DFT, for "spectrum"
    length : samples of the response, for "time" (default: `nfft`)
    dtype : "float32" or "float64"
    loop_gradients : whether spectra need gradients by loop terms and delays, which elimination alone finds
    """
    delays = np.asarray(delays)
    if delays.shape != (lines,):
        raise NetworkError(f"delays have shape {delays.shape}; a network of {lines} lines needs ({lines},)")
    if domain == "time":
        from tonewright.reverb.engines.recursion import RecursionEngine

        length = nfft if length is None else length
        if length is None:
            raise NetworkError("the length of the response is missing; give length= or nfft=")
        return RecursionEngine(delays, length=length, filters=filters, dtype=dtype)
    if domain != "spectrum":
        raise NetworkError(f"the domain is '{domain}'; choose 'spectrum' or 'time'")
    if nfft is None:
        raise NetworkError("the length of the DFT is missing; give nfft=")
    if inputs == outputs == 1 and not loop_gradients and suits_minors(delays, filters):
        return SwitchingEngine(delays, nfft=nfft, filters=filters, dtype=dtype)
    from tonewright.reverb.engines.elimination import EliminationEngine

    return EliminationEngine(delays, nfft=nfft, filters=filters, dtype=dtype, loop_gradients=loop_gradients)


def suits_minors(delays: np.ndarray, filters: np.ndarray | None) -> bool:
    """Whether a network of one input and one output is cheapest by its principal minors.

    It is not with more than 16 lines, with delays that are not whole, or with filters so long that the
    products of numerators and denominators would fill a large table.
    """
    delays = np.asarray(delays)
    if delays.size > MOST_MINOR_LINES or (delays != np.floor(delays)).any():
        return False
    return (polynomial_degree(filters) + 1) << delays.size <= MOST_MINOR_TERMS


def polynomial_degree(filters: np.ndarray | None) -> int:
    """Degree in 1/z of the product over the lines of all numerators or denominators, the longer of each line.

    Sections that are plain gains, whose numerator is a multiple of their denominator, count as 0.
    """
    if filters is None:
        return 0
    degree = 0
    for section in np.moveaxis(np.asarray(filters, dtype=np.float64), 2, 0):
        for above, below in (values.reshape(2, 3) for values in section):
            if not is_plain_gain(above, below):
                degree += 2 if above[2] or below[2] else 1
    return degree


def is_plain_gain(above: np.ndarray, below: np.ndarray) -> bool:
    """Whether one section's numerator is a multiple of its denominator, to rounding.

    Parameters
    ----------
    above, below : (3,) coefficients of numerator and denominator
    """
    own = np.argmax(np.abs(below))
    return bool(np.abs(above - below * (above[own] / below[own])).max() <= 1e-14 * np.abs(above).max())


class SwitchingEngine:
    """Principal minors until they lose accuracy, and elimination from then on.

    Parameters
    ----------
    delays : (lines,) whole samples
    nfft : length of the DFT
    filters : (sections, 6, lines) absorption, or None
    dtype : "float32" or "float64"
    """

    def __init__(
        self, delays: np.ndarray, *, nfft: int, filters: np.ndarray | None = None, dtype: Any = "float64"
    ) -> None:
        from tonewright.reverb.engines.minors import MinorsEngine

        self._arguments = {"nfft": nfft, "filters": filters, "dtype": dtype}
        self._delays = np.asarray(delays)
        self.engine: Any = MinorsEngine(delays, nfft=nfft, filters=filters, dtype=dtype)

    @property
    def switched(self) -> bool:
        """Whether elimination has taken over."""
        from tonewright.reverb.engines.minors import MinorsEngine

        return not isinstance(self.engine, MinorsEngine)

    def spectrum(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Transfer function (bins, 1, 1)."""
        return self._try("spectrum", A, B, C, D)

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the parts, from (bins, 1, 1) at the last evaluation."""
        return self.engine.pullback(gradient)

    def colorless(
        self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray
    ) -> tuple[float, Gradients]:
        """Mean over the bins of (|H| - 1)², and its gradients."""
        if hasattr(self.engine, "colorless"):
            return self._try("colorless", A, B, C, D)
        response = self.spectrum(A, B, C, D)
        size = np.abs(response)
        gradient = 2 / response.shape[0] * (response - response / np.maximum(size, 1e-30))
        return float(np.mean((size - 1) ** 2)), self.engine.pullback(gradient)

    def _try(self, name: str, *parts: np.ndarray) -> Any:
        try:
            return getattr(self.engine, name)(*parts)
        except ZeroPivot:
            from tonewright.reverb.engines.elimination import EliminationEngine

            self.engine = EliminationEngine(self._delays, **self._arguments, loop_gradients=False)
            return getattr(self, name)(*parts)
