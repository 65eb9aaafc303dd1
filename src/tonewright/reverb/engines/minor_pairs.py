"""Principal minors of a feedback matrix and of the same less the input times the output gains."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.engines import minor_kernels
from tonewright.reverb.engines.base import ZeroPivot
from tonewright.reverb.engines.minor_kernels import FIRST, LANES, LAST
from tonewright.reverb.engines.minor_shift import shift_minors

_MARGIN = 0.1
_SAFE_PIVOT = 1e-3
_MOST_UNSHIFTED_LINES = 8


class PairMinors:
    r"""Minors of :math:`-GA` and :math:`-G(A - BC)` for a diagonal G of plain gains, and their adjoint.

    With :math:`|G|^{1/2}` on either side, which changes no principal minor, all lines are of like size.
    A small pivot loses digits. Where one occurs, and always with many lines, :math:`t\,|G|` is added with t
    so large that the symmetric part is positive definite, which keeps the pivots of all Schur complements
    away from 0; `minor_shift` leads back to the minors asked for. The determinants of the matrices, which
    are minors too, tell how many digits are right.

    Parameters
    ----------
    gains : (lines,)
    strides : distance of the minors that differ by one line, for all lines including those that make six

    Attributes
    ----------
    values : (subsets * 2,) minors of both matrices side by side, and then the derivatives by them
    noise : relative rounding error of the minors last found
    """

    def __init__(self, gains: np.ndarray, strides: np.ndarray) -> None:
        lines = strides.size
        self.values, self.noise = _aligned(2 << lines), 0.0
        self._strides, self._count = strides, gains.size
        root = np.sqrt(np.maximum(np.abs(gains), 1e-200))
        self._sign = np.where(gains < 0, 1.0, -1.0)[:, None]
        self._weight = root[:, None] * root
        self._shift = np.zeros(lines)
        self._pair = np.stack([np.eye(lines)] * 2)
        places = minor_kernels.slot_places(lines)
        self._stack, self._gradient = _aligned(places[-1]), _aligned(places[-1])
        shape = (lines, lines, LANES // 2, 2)
        self._first = self._stack[: places[1]].reshape(shape)
        self._d_first = self._gradient[: places[1]].reshape(shape)
        products, row, taken = (_aligned((lines + 2) * LANES) for _ in range(3))
        taken[: (FIRST + 1) * LANES] = minor_kernels.lanes_taken()
        self._memory = places, minor_kernels.subset_slots(lines), self._stack, products, row, taken
        self._d_products, self._limits = _aligned(products.size), np.full(lines, 1e3)

    def find(self, A: np.ndarray, outer: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
        """Minors, as `values`.

        Parameters
        ----------
        A : (lines, lines)
        outer : B (lines, 1) and C (1, lines)
        """
        signed = self._sign * np.stack([A, A - outer[0] * outer[1]])
        own = self._pair[:, : self._count, : self._count]
        own[:] = signed * self._weight
        self._shift[:], self.noise = 0.0, 0.0
        if self._count <= _MOST_UNSHIFTED_LINES and self._recursion(np.abs(own).max(axis=(0, 2))):
            return self.values
        used = min(self._count, self._strides.size - LAST)
        self._shift[:used] = _definite_shift(signed[:, :used, :used]) * self._weight.diagonal()[:used]
        exact = np.linalg.det(own)
        np.einsum("kii->ki", own)[:] += self._shift[: self._count]
        if not self._recursion(self._shift[: self._count]):
            raise ZeroPivot("a pivot of the principal minors vanishes")
        shift_minors(self.values, self._strides, self._shift, False)
        self.noise = float(np.max(np.abs(self.values[-2:] - exact) / np.maximum(1, np.abs(exact))))
        return self.values

    def pulled_back(self) -> tuple[np.ndarray, np.ndarray]:
        """Derivatives (lines, lines) by A and by A - BC from those by the minors, `values`."""
        if self._shift.any():
            shift_minors(self.values, self._strides, self._shift, True)
        minor_kernels.minors_adjoint(*self._memory, self.values, self._gradient, self._d_products)
        d_pair = self._d_first.sum(axis=2)[: self._count, : self._count].transpose(2, 0, 1)
        first, second = d_pair * (self._sign * self._weight)
        return first, second

    def _recursion(self, size: np.ndarray) -> bool:
        """Minors of the pair; False where a pivot is small against the `size` of its line."""
        self._limits[: self._count] = 1 / (_SAFE_PIVOT * np.maximum(size, 1e-300))
        self._first[:] = self._pair.transpose(1, 2, 0)[:, :, None]
        return minor_kernels.minors(*self._memory, self._limits, self.values)


def _aligned(count: int) -> np.ndarray:
    """Zeros that begin where a cache line does, so that no lanes lie across two."""
    memory = np.zeros(count + 8)
    start = -(memory.ctypes.data // 8) % 8
    return memory[start : start + count]


def _definite_shift(pair: np.ndarray) -> float:
    """What makes the symmetric parts of matrices (2, lines, lines) definite when added to their diagonals."""
    size = np.sqrt((pair**2).sum(axis=(1, 2)).max() / pair.shape[1])
    if not np.isfinite(size):
        raise ZeroPivot("a matrix holds a number that is not finite")
    least = np.linalg.eigvalsh((pair + pair.swapaxes(1, 2)) / 2)[:, 0].min()
    return max(0.0, -least) + _MARGIN * max(size, _SAFE_PIVOT)
