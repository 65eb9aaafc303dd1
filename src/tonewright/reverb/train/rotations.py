"""Rotations as exponentials of skew matrices, and the gradient of that map."""

from __future__ import annotations

import math
import warnings

import numpy as np
import scipy.linalg

# An entry of AᵀA - I above this is no rounding of a file, but another matrix.
LOOSE = 1e-6


class Rotation:
    r"""A rotation from the entries above the diagonal of a skew matrix, A = exp(S).

    With the Hermitian jS = V diag(w) V* the exponential is V diag(exp(-jw)) V*, and its derivative in the
    direction E is V (K ∘ (V* E V)) V* (Daleckii and Krein), where

    .. math:: K_{ik} = e^{-j(w_i + w_k)/2}\, \mathrm{sinc}((w_i - w_k)/2)

    needs no limit where two eigenvalues meet.

    Parameters
    ----------
    size : rows of the matrix

    Attributes
    ----------
    count : entries above the diagonal
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._upper = np.triu_indices(size, 1)
        self._flat = self._upper[0] * size + self._upper[1]
        self._mirror = self._upper[1] * size + self._upper[0]
        self.count = self._flat.size
        self._hermitian = np.zeros((size, size), dtype=np.complex128)
        self._vectors = np.eye(size, dtype=np.complex128)
        self._values = np.zeros(size)

    def value(self, entries: np.ndarray) -> np.ndarray:
        """The rotation (size, size) of some entries (count,)."""
        flat = self._hermitian.reshape(-1)
        flat[self._flat] = 1j * entries
        flat[self._mirror] = -1j * entries
        self._values, self._vectors = np.linalg.eigh(self._hermitian)
        vectors = self._vectors
        return np.real((vectors * np.exp(-1j * self._values)) @ vectors.conj().T)

    def pullback(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient by the entries (count,), from that by the last rotation (size, size)."""
        vectors, half = self._vectors, self._values / 2
        adjoint = vectors.conj().T
        turn = np.exp(1j * half)
        gap = np.subtract.outer(half, half)
        kernel = turn[:, None] * turn * np.sinc(gap / math.pi)
        back = (vectors @ (kernel * (adjoint @ gradient @ vectors)) @ adjoint).real.reshape(-1)
        return back[self._flat] - back[self._mirror]

    def parameters(self, value: np.ndarray) -> np.ndarray:
        """The entries (count,) of a rotation (size, size)."""
        return rotation_logarithm(value)[self._upper]


class Bounded:
    r"""A matrix of bounded gain by its singular values, :math:`A = U\,\mathrm{diag}(s)\,V^T`.

    U and V are rotations, and so s may be negative. While no \|s\| exceeds 1, a loop with this matrix and
    absorption is stable, whatever its delays.

    Parameters
    ----------
    size : rows of the matrix
    """

    def __init__(self, size: int) -> None:
        self.size = size
        self._left, self._right = Rotation(size), Rotation(size)
        self._slices = np.cumsum([self._left.count, size])
        self.count = 2 * self._left.count + size
        self._value = (np.eye(size), np.ones(size), np.eye(size))

    def value(self, parameters: np.ndarray) -> np.ndarray:
        """The matrix (size, size), from (count,) parameters."""
        left, gains, right = np.split(parameters, self._slices)
        self._value = (self._left.value(left), gains, self._right.value(right))
        return (self._value[0] * gains) @ self._value[2].T

    def pullback(self, gradient: np.ndarray) -> np.ndarray:
        """Gradient by the parameters (count,), from that by the last matrix (size, size)."""
        left, gains, right = self._value
        turned = gradient @ right
        by_left = self._left.pullback(turned * gains)
        by_right = self._right.pullback((gradient.T @ left) * gains)
        return np.concatenate([by_left, (left * turned).sum(axis=0), by_right])

    def parameters(self, value: np.ndarray) -> np.ndarray:
        """The parameters (count,) of a matrix (size, size)."""
        left, gains, right = np.linalg.svd(value)
        right = right.T
        if np.ptp(gains) < LOOSE * gains.max():
            # Any rotation will do as V, and none is simplest.
            left, right = left @ right.T, np.eye(self.size)
        for side in (left, right):
            if np.linalg.det(side) < 0:
                side[:, -1] *= -1.0
                gains[-1] *= -1.0
        return np.concatenate([self._left.parameters(left), gains, self._right.parameters(right)])

    def bounds(self, parameters: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Lowest and highest (count,) parameters: gains up to 1, or to the largest there is already."""
        most = max(1.0, float(np.abs(np.split(parameters, self._slices)[1]).max()))
        upper = np.full(self.count, math.inf)
        upper[self._slices[0] : self._slices[1]] = most
        return -upper, upper


def rotation_logarithm(matrix: np.ndarray) -> np.ndarray:
    """A skew matrix whose exponential is a rotation.

    From the real Schur form, whose blocks are plane rotations; eigenvalues of -1 come in pairs and are turns
    by π, where the principal logarithm would not be real.

    Parameters
    ----------
    matrix : (size, size) orthogonal of determinant 1

    Returns
    -------
    (size, size)
    """
    form, basis = scipy.linalg.schur(matrix, output="real")[:2]
    size = form.shape[0]
    skew = np.zeros_like(form)
    turned: list[int] = []
    row = 0
    while row < size:
        if row + 1 < size and abs(form[row + 1, row]) > 1e-12:
            sine = (form[row + 1, row] - form[row, row + 1]) / 2
            cosine = (form[row, row] + form[row + 1, row + 1]) / 2
            skew[row + 1, row] = math.atan2(sine, cosine)
            row += 2
            continue
        if form[row, row] < 0:
            turned.append(row)
        row += 1
    for first, second in zip(turned[::2], turned[1::2], strict=True):
        skew[second, first] = math.pi
    skew -= skew.T
    return basis @ skew @ basis.T


def nearest_rotation(matrix: np.ndarray) -> np.ndarray:
    """The rotation that stands for a feedback matrix, with a warning where it is another matrix.

    What is not orthogonal becomes the orthogonal factor of its polar decomposition; where the determinant is
    negative, the last column is turned.

    Parameters
    ----------
    matrix : (size, size)

    Returns
    -------
    (size, size)
    """
    left, gains, right = np.linalg.svd(matrix)
    rotation = matrix
    if np.abs(gains - 1).max() > LOOSE:
        warnings.warn(
            "the feedback matrix is not orthogonal; training starts from the nearest that is, and "
            "matrix='random' would keep it",
            stacklevel=2,
        )
        rotation = left @ right
    if np.linalg.det(rotation) < 0:
        warnings.warn(
            "the feedback matrix has determinant -1, which no rotation has; its last column is turned",
            stacklevel=2,
        )
        rotation = rotation * np.where(np.arange(len(matrix)) == len(matrix) - 1, -1.0, 1.0)
    return rotation
