"""The discrete Fourier transform of a long sequence as two passes of short ones."""

from __future__ import annotations

import numpy as np
import scipy.fft

_SHORTEST = 2048
_LARGEST_PRIME = 11


class PackedTransform:
    r"""Forward transform of complex sequences whose bins may stand in any known order.

    A sequence of :math:`n = n_1 n_2` samples, written row by row as :math:`(n_1, n_2)`, is transformed along
    its columns, multiplied by :math:`e^{-2\pi j k_1 j_2 / n}` and transformed along its rows (Cooley and
    Tukey, 1965). Bin :math:`k_1 + n_1 k_2` then stands at :math:`[k_1, k_2]`. Short transforms of many
    columns fill the machine's vectors, as one long transform does not. The same two passes in reverse order
    lead from such an order back to samples.

    Parameters
    ----------
    length : samples n
    dtype : complex64 or complex128
    """

    def __init__(self, length: int, dtype: np.dtype) -> None:
        self.rows = _rows(length)
        self.columns = length // self.rows
        exact = np.arange(self.rows)[:, None] * np.arange(self.columns)[None, :]
        self._turns = np.exp(-2j * np.pi / length * exact).astype(dtype) if self.rows > 1 else None

    def forward(self, samples: np.ndarray) -> np.ndarray:
        """Bins (rows, columns) of samples (length,), whose memory is used."""
        return self._passes(samples.reshape(self.rows, self.columns), (0, 1))

    def returning(self, bins: np.ndarray) -> np.ndarray:
        """Samples (length,) of the forward transform of bins (rows, columns), in their memory."""
        return self._passes(bins, (1, 0)).reshape(-1)

    def _passes(self, values: np.ndarray, axes: tuple[int, int]) -> np.ndarray:
        if self._turns is None:
            return _transformed(values, 1)
        values = _transformed(values, axes[0])
        values *= self._turns
        return _transformed(values, axes[1])


def _transformed(values: np.ndarray, axis: int) -> np.ndarray:
    return np.asarray(scipy.fft.fft(values, axis=axis, overwrite_x=True))


def _rows(length: int) -> int:
    rest = length
    for prime in (2, 3, 5, 7, _LARGEST_PRIME):
        while rest % prime == 0:
            rest //= prime
    if rest > 1 or length < _SHORTEST:
        return 1
    return max(k for k in range(1, int(length**0.5) + 1) if length % k == 0)
