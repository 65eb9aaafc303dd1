"""The discrete Fourier transform of a long sequence as passes of short ones."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.fft

_SHORTEST = 2048
_LARGEST_PRIME = 11
# Rows that are transformed side by side.
_ROWS = 4


@dataclass(frozen=True)
class PackedMemory:
    """A sequence and its bins.

    Attributes
    ----------
    sequence : (samples + room,) complex
    bins : (rows, columns) complex, in the memory of the sequence where all of that is used
    """

    sequence: np.ndarray
    bins: np.ndarray


class PackedTransform:
    r"""Forward transform of complex sequences whose bins may stand in any known order.

    A sequence of :math:`n = n_1 n_2` samples, written row by row as :math:`(n_1, n_2)`, is transformed along
    its columns, multiplied by :math:`e^{-2\pi j k_1 j_2 / n}` and transformed along its rows (Cooley and
    Tukey, 1965). Bin :math:`k_1 + n_1 k_2` then stands at :math:`[k_1, k_2]`. Short transforms of many
    columns fill the machine's vectors, as one long transform does not. The same two passes in reverse order
    lead from such an order back to samples. Where only the first row is used, the pass along the columns
    only repeats it.

    Parameters
    ----------
    length : samples n
    dtype : complex64 or complex128
    used : samples at the beginning that may differ from 0, and that are asked for on the way back
    room : samples after the sequence that users of its memory need
    """

    def __init__(self, length: int, dtype: np.dtype, *, used: int, room: int = 0) -> None:
        self._room, self._dtype = room, dtype
        rows = _rows_beyond(length, used)
        self.first_only = rows > 1
        self.rows = rows if self.first_only else _rows(length)
        self.columns = length // self.rows
        self.samples = self.columns if self.first_only else length
        exact = np.arange(self.rows)[:, None] * np.arange(self.columns)[None, :]
        self._turns = np.exp(-2j * np.pi / length * exact).astype(dtype)

    def memory(self) -> PackedMemory:
        """Memory of one sequence and its bins."""
        sequence = np.zeros(self.samples + self._room, self._dtype)
        if self.first_only:
            return PackedMemory(sequence, np.zeros((self.rows, self.columns), self._dtype))
        return PackedMemory(sequence, sequence[: self.samples].reshape(self.rows, self.columns))

    def forward(self, memory: PackedMemory) -> None:
        """Bins of the sequence."""
        if self.first_only:
            np.multiply(self._turns, memory.sequence[: self.samples], out=memory.bins)
        elif self.rows > 1:
            _transform(memory.bins, 0)
            np.multiply(memory.bins, self._turns, out=memory.bins)
        _transform(memory.bins, 1)

    def returning(self, memory: PackedMemory) -> None:
        """The used samples of the forward transform of the bins, which are lost."""
        _transform(memory.bins, 1)
        if self.rows > 1:
            np.multiply(memory.bins, self._turns, out=memory.bins)
        if self.first_only:
            np.sum(memory.bins, axis=0, out=memory.sequence[: self.samples])
        elif self.rows > 1:
            _transform(memory.bins, 0)


def _transform(values: np.ndarray, axis: int) -> None:
    found = np.asarray(scipy.fft.fft(values, axis=axis, overwrite_x=True))
    if not np.may_share_memory(found, values):
        values[:] = found


def _smooth(length: int) -> bool:
    for prime in (2, 3, 5, 7, _LARGEST_PRIME):
        while length % prime == 0:
            length //= prime
    return length == 1


def _rows(length: int) -> int:
    if length < _SHORTEST or not _smooth(length):
        return 1
    return max(k for k in range(1, int(length**0.5) + 1) if length % k == 0)


def _rows_beyond(length: int, used: int) -> int:
    """Into how many rows a sequence can be written so that the first holds all that is used, or 1."""
    if length < _SHORTEST or not _smooth(length):
        return 1
    fitting = [k for k in range(_ROWS, length // max(used, 1) + 1, _ROWS) if length % k == 0 and k <= 64]
    return max(fitting, default=1)
