r"""Spectra of networks with one input and one output from the principal minors of the feedback matrix.

.. math:: H = D + \frac{P_{A-BC} - P_A}{P_A}, \qquad
    P_X(z) = \sum_S (-1)^{|S|} \det X_S \prod_{i \in S} d_i(z)

because :math:`\det(M + \mathrm{diag}(d) B C) = \det M\,(1 + C M^{-1} \mathrm{diag}(d) B)` for :math:`M = I -
\mathrm{diag}(d) A`. With :math:`d_i = z^{-m_i} u_i(z)/v_i(z)` and both polynomials multiplied by all
:math:`v_i`, each minor stands with :math:`\prod_{i \in S} z^{-m_i} u_i \prod_{i \notin S} v_i`, which is
constant while only the gains are trained.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.engines import minor_bins
from tonewright.reverb.engines.base import MOST_MINOR_LINES, Gradients, ZeroPivot
from tonewright.reverb.engines.minor_pairs import PairMinors
from tonewright.reverb.engines.minor_tables import minor_tables
from tonewright.reverb.engines.minor_transform import PackedMemory, PackedTransform

_FLOOR = 1e-30
# Rounding of the transform in single and in double precision, and what of it may show at a bin.
_NOISE = 6e-8, 3e-16
_TOLERANCE = 1e-4, 3e-8
_TOLERANCE_OF_MANY = 3e-7


class MinorsEngine:
    """Transfer function of a network with one input, one output and up to 16 lines, and its adjoint.

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
        delays = np.asarray(delays, dtype=np.float64).ravel()
        if not 0 < delays.size <= MOST_MINOR_LINES or (delays != np.floor(delays)).any():
            raise NetworkError(f"principal minors take 1 to {MOST_MINOR_LINES} lines of whole delays")
        self.lines, self.nfft, self.dtype = delays.size, int(nfft), np.dtype(dtype)
        self._tables = minor_tables(delays, filters, self.nfft)
        self._minors = PairMinors(self._tables.gains, self._tables.strides)
        self._outer = np.zeros((self.lines, 1)), np.zeros((1, self.lines))
        self._evaluated = False
        self._allocate(exact=self.dtype == np.float64 or self._tables.polynomials is not None)

    def _allocate(self, *, exact: bool) -> None:
        self._real = np.dtype(np.float64 if exact else np.float32).type
        packed = np.dtype(np.complex128 if exact else np.complex64)
        tables = self._tables
        self._transform = PackedTransform(self.nfft, packed, used=tables.used, room=tables.terms)
        self._memory, self._returned = self._transform.memory(), self._transform.memory()

    def spectrum(self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray) -> np.ndarray:
        """Transfer function (bins, 1, 1); raises `ZeroPivot` where the polynomials lose accuracy."""
        found = np.empty((self.nfft // 2 + 1, 2), self._real)
        self._evaluated, bins = True, self._forward(A, B, C)
        if not self._accurate(minor_bins.response_bins(_pairs(bins), self._constants(D), found)):
            return self.spectrum(A, B, C, D)
        response = found.view(bins.dtype)[:, :, None]
        return response.astype(np.result_type(self.dtype, np.complex64), copy=False)

    def pullback(self, gradient: np.ndarray) -> Gradients:
        """Gradients by the parts, from (bins, 1, 1) at the last evaluation by `spectrum`."""
        if not self._evaluated:
            raise RuntimeError("the pullback needs a spectrum; call spectrum() first")
        bins, returned = self._memory.bins, self._returned.bins
        given = np.ascontiguousarray(gradient, dtype=bins.dtype).reshape(-1)
        minor_bins.pullback_bins(_pairs(bins), self._constants(0.0), _pairs(given), _pairs(returned))
        return self._backward(self._returned, float(np.real(gradient).sum(dtype=np.float64)))

    def colorless(
        self, A: np.ndarray, B: np.ndarray, C: np.ndarray, D: np.ndarray
    ) -> tuple[float, Gradients]:
        """Mean over the bins of (|H| - 1)², and its gradients."""
        self._evaluated = False
        bins, count = self._forward(A, B, C), self.nfft // 2 + 1
        sums, totals = np.empty(4 * minor_bins.BIN_LANES, self._real), np.empty(4)
        rows, columns = bins.shape
        numbers = bins.view(self._real).reshape(-1)
        minor_bins.colorless_bins(numbers, rows, columns, self._constants(D), sums, totals)
        value, pulled, *size = totals.tolist()
        if not self._accurate(size):
            return self.colorless(A, B, C, D)
        return value / count, self._backward(self._memory, pulled)

    def _constants(self, D: Any) -> np.ndarray:
        return np.array([1.0, np.asarray(D).item(), 2 / (self.nfft // 2 + 1), _FLOOR], self._real)

    def _accurate(self, size: Sequence[float]) -> bool:
        """Whether rounding errors stay small at the bin where the denominator is smallest.

        Where they do not, single precision gives way to double, and double precision to another engine.
        Errors of the transform are alike at all bins; those of the minors fall with the denominators of the
        filters.

        Parameters
        ----------
        size : energy of both polynomials over half the circle, and the largest 1 / energy of the lower one
        """
        energy, largest = size
        condition = float(np.sqrt(2 * energy / self.nfft * largest))
        exact = self._real is np.float64
        noise = (_NOISE[exact] + self._minors.noise / self._tables.spread) * condition
        if noise <= (_TOLERANCE_OF_MANY if exact and self.lines > 8 else _TOLERANCE[exact]):
            return True
        if exact:
            raise ZeroPivot(f"the network's polynomial nearly vanishes at a bin (condition {condition:.1e})")
        self._allocate(exact=True)
        return False

    def _forward(self, A: np.ndarray, B: np.ndarray, C: np.ndarray) -> np.ndarray:
        tables = self._tables
        self._outer = np.asarray(B, np.float64).reshape(-1, 1), np.asarray(C, np.float64).reshape(1, -1)
        minors, packed = self._minors.find(A, self._outer), _pairs(self._memory.sequence)
        if tables.polynomials is None:
            minor_bins.scatter(minors, tables.positions, packed)
        else:
            length, numbers = self._transform.samples, packed.reshape(-1)
            minor_bins.scatter_polynomials(minors, tables.positions, tables.polynomials, length, numbers)
        self._transform.forward(self._memory)
        return self._memory.bins

    def _backward(self, memory: PackedMemory, direct: float) -> Gradients:
        """Gradients from packed derivatives at the bins."""
        tables = self._tables
        self._transform.returning(memory)
        given, packed = self._minors.values, _pairs(memory.sequence)
        if tables.polynomials is None:
            packed[-1] = 0
            minor_bins.gather(packed, tables.positions, given)
        else:
            length, numbers = self._transform.samples, packed.reshape(-1)
            minor_bins.gather_polynomials(numbers, tables.positions, tables.polynomials, length, given)
        first, second = self._minors.pulled_back()
        b, c = self._outer
        return Gradients(A=first + second, B=-second @ c.T, C=-b.T @ second, D=np.full((1, 1), direct))


def _pairs(values: np.ndarray) -> np.ndarray:
    """Real and imaginary parts (..., 2) of a complex array, as a view."""
    return values.view(np.real(values).dtype).reshape(*values.shape, 2)
