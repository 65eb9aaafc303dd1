"""Principal minors of a feedback matrix and of the same less the input times the output gains."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.engines import minor_bins, minor_kernels
from tonewright.reverb.engines.base import ZeroPivot
from tonewright.reverb.engines.minor_kernels import LANES

_MARGIN = 0.1
_SAFE_PIVOT = 1e-3
_MOST_UNSHIFTED_LINES = 8


class PairMinors:
    r"""Minors of :math:`-GA` and :math:`-G(A - BC)` for a diagonal G of plain gains, and their adjoint.

    With :math:`|G|^{1/2}` on either side, which changes no principal minor, all lines are of like size. A small pivot
    loses digits. Where one occurs, and always with many lines, :math:`t\,G` is added with t so large that
    the symmetric part is positive definite, which keeps every pivot of every Schur complement away from 0.
    The minors asked for then follow from :math:`\det (X + e_i)_{S + i} = \det X_{S + i} + e_i \det X_S`, one
    line at a time.

    Parameters
    ----------
    gains : (lines,)
    strides : distance of the minors that differ by one line, for all lines including those that make six

    Attributes
    ----------
    given : (subsets * 2,) where the derivatives by the minors are put before `pulled_back`
    noise : relative rounding error of the minors last found
    """

    def __init__(self, gains: np.ndarray, strides: np.ndarray) -> None:
        lines = strides.size
        self.given, self.noise = np.zeros(2 << lines), 0.0
        self._strides, self._count = strides, gains.size
        root = np.sqrt(np.maximum(np.abs(gains), 1e-200))
        self._sign = np.where(gains < 0, 1.0, -1.0)[:, None]
        self._weight = root[:, None] * root
        self._shift = np.zeros(lines)
        self._pair, self._d_pair = np.zeros((2, lines, lines)), np.zeros((2, lines, lines))
        self._pair[:] = np.eye(lines)
        self._found = np.zeros(2 << lines)
        size = minor_kernels.slot_place(lines, lines - 2)
        self._stack, self._gradient = np.zeros(size), np.zeros(size)
        self._products, self._d_products = np.zeros((lines + 1) * LANES), np.zeros((lines + 1) * LANES)
        self._row, self._taken = np.zeros((lines + 2) * LANES), np.zeros(LANES)
        self._scale = np.ones(lines)

    def found(self, A: np.ndarray, outer: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Minors (subsets * 2,) of both matrices, side by side.

        Parameters
        ----------
        A : (lines, lines)
        outer : B (lines, 1) and C (1, lines)
        """
        signed = self._sign * np.stack([A, A - outer[0] * outer[1]])
        own = self._pair[:, : self._count, : self._count]
        own[:] = signed * self._weight
        self._shift[:], self.noise = 0.0, 0.0
        if self._count <= _MOST_UNSHIFTED_LINES:
            size = np.abs(own).max(axis=(0, 2))
            if self._recursion(1 / np.maximum(size, 1e-300), _SAFE_PIVOT):
                return self._found
        exact = np.linalg.det(own)
        self._shift[: self._count] = _definite_shift(signed) * self._weight.diagonal()
        np.einsum("kii->ki", own)[:] += self._shift[: self._count]
        if not self._recursion(1 / self._shift[: self._count], _SAFE_PIVOT):
            raise ZeroPivot("a pivot of the principal minors vanishes")
        for stride, amount in zip(self._strides, self._shift, strict=True):
            if amount:
                minor_bins.shift_minors(self._found, stride, amount)
        self.noise = float(np.max(np.abs(self._found[-2:] - exact) / np.maximum(1, np.abs(exact))))
        return self._found

    def pulled_back(self) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives (lines, lines) by A and by A - BC from those `given` by their minors, which are used up."""
        for stride, amount in zip(self._strides, self._shift, strict=True):
            if amount:
                minor_bins.shift_minors_adjoint(self.given, stride, amount)
        memory = self._stack, self._products, self._gradient, self._d_products, self._row, self._taken
        minor_kernels.minors_adjoint(self._strides.size, self.given, *memory, self._scale, self._d_pair)
        first, second = self._d_pair[:, : self._count, : self._count] * (self._sign * self._weight)
        return first, second

    def _recursion(self, scale: np.ndarray, threshold: float) -> bool:
        self._scale[: self._count] = scale
        memory = self._stack, self._products, self._row, self._taken
        return minor_kernels.minors(self._pair, self._scale, threshold, *memory, self._found)


def _definite_shift(pair: np.ndarray) -> float:
    """What to add to the diagonals of matrices (2, lines, lines) so that their symmetric parts are definite."""
    size = np.sqrt((pair**2).sum(axis=(1, 2)).max() / pair.shape[1])
    if not np.isfinite(size):
        raise ZeroPivot("a matrix holds a number that is not finite")
    least = np.linalg.eigvalsh((pair + pair.swapaxes(1, 2)) / 2)[:, 0].min()
    return max(0.0, -least) + _MARGIN * max(size, _SAFE_PIVOT)
