"""Short-time spectra at evenly spaced frequencies that are not the bins of a Fourier transform."""

from __future__ import annotations

import numpy as np
import scipy.fft
import scipy.sparse

from tonewright.dsp.spectra import window as window_of
from tonewright.reverb.losses.short_time import ShortTime, double_ends
from tonewright.reverb.losses.short_time_kernels import add_frames, combined_rows, windowed_frames

TERMS = 10
"""Neighbours of which each frequency is interpolated; its error is then 1e-7 of the frame's norm."""


class KernelShortTime(ShortTime):
    r"""Spectra of frames, X[k, f] = Σ_t w[t] x[f·hop + t − ⌊n/2⌋] e^{−j2πν_k t/n}, by a matrix product.

    The kernels w[t] e^{−j2πν_k t/n} are rounded to single precision, as a convolution in single precision
    has them.

    Parameters
    ----------
    cycles : (bins,) ν_k, cycles in a frame
    time, channels, length, dtype : as for `ShortTime`
    """

    def __init__(self, cycles: np.ndarray, *, time: int, channels: int, length: int, dtype: np.dtype) -> None:
        super().__init__(time=time, channels=channels, length=length, dtype=dtype)
        angle = 2 * np.pi * np.outer(cycles, np.arange(length)) / length
        parts = np.stack([np.cos(angle), -np.sin(angle)], axis=1).astype(np.float32)
        kernels = parts * window_of("hann", length).astype(np.float32)
        self.kernels = kernels.reshape(-1, length).astype(dtype)
        self.ones = np.ones(length, dtype)
        self.bins = cycles.size

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Spectra (bins, channels · frames), complex, of (channels, time)."""
        windowed_frames(samples, self.source, self.ones, self.hop, self.frames)
        parts = (self.kernels @ self.frames).reshape(self.bins, 2, -1)
        return parts[:, 0] + 1j * parts[:, 1]

    def add_adjoint(self, slopes: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradient (channels, time) what ∂L/∂X (bins, channels · frames) means."""
        parts = np.stack([np.real(slopes), np.imag(slopes)], axis=1).reshape(2 * self.bins, -1)
        add_frames(self.kernels.T @ parts, self.source, self.ones, self.hop, gradient)


class InterpolatedShortTime(ShortTime):
    r"""Spectra as `KernelShortTime` has them, but for a phase that depends on the bin alone; much faster.

    A frame of n samples is divided by the transform of a Kaiser–Bessel kernel φ, transformed at M ≥ 5n/4
    points, and each X at u = ν M / n cycles is Σ_m φ(u − m) Y[m] over the nearest m (J. Fessler and
    B. Sutton, IEEE Trans. Signal Processing 51, 2003).

    Parameters
    ----------
    cycles : (bins,) ν_k, cycles in a frame
    time, channels, length, dtype : as for `ShortTime`
    """

    def __init__(self, cycles: np.ndarray, *, time: int, channels: int, length: int, dtype: np.dtype) -> None:
        super().__init__(time=time, channels=channels, length=length, dtype=dtype)
        self.points = 2 * int(scipy.fft.next_fast_len(-(-5 * length // 8), real=True) or length)
        shape = np.pi * TERMS * (1 - length / (2 * self.points)) * 0.98
        offset = (np.arange(length) - length // 2) / self.points
        root = np.sqrt(shape**2 - (np.pi * TERMS * offset) ** 2)
        self.window = (window_of("hann", length) * root / (TERMS * np.sinh(root))).astype(dtype)
        self.half_window = self.window / 2
        self.frames = np.zeros((self.points, self.frames.shape[1]), dtype)
        start = self.points // 2 - length // 2
        self.filled = slice(start, start + length)
        self.bins = cycles.size
        self.there, self.back = _tables(cycles * self.points / length, self.points, shape, dtype)
        self.buffer = np.empty((self.bins, self.frames.shape[1]), np.result_type(dtype, np.complex64))

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Spectra (bins, channels · frames), complex, of (channels, time)."""
        windowed_frames(samples, self.source, self.window, self.hop, self.frames[self.filled])
        combined_rows(np.asarray(scipy.fft.rfft(self.frames, axis=0)), *self.there, self.buffer)
        return self.buffer

    def add_adjoint(self, slopes: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradient (channels, time) what ∂L/∂X (bins, channels · frames) means."""
        fine = np.empty((self.points // 2 + 1, slopes.shape[1]), slopes.dtype)
        combined_rows(slopes, *self.back, fine)
        double_ends(fine, self.points)
        frames = scipy.fft.irfft(fine, n=self.points, axis=0, norm="forward", overwrite_x=True)
        add_frames(np.asarray(frames)[self.filled], self.source, self.half_window, self.hop, gradient)


Table = tuple[np.ndarray, np.ndarray, np.ndarray]


def _tables(places: np.ndarray, points: int, shape: float, dtype: np.dtype) -> tuple[Table, Table]:
    """Rows and weights that interpolate bins 0 … points/2 at the places (in bins), and their adjoint."""
    nearest = np.ceil(places - TERMS / 2).astype(np.int64)[:, None] + np.arange(TERMS)
    distance = 2 * (places[:, None] - nearest) / TERMS
    weights = np.i0(shape * np.sqrt(np.maximum(0, 1 - distance**2)))
    # The frame stands in the middle of the transformed points: bin m has turned by m half turns.
    weights *= 1 - 2 * (nearest % 2)
    folded = nearest % points
    mirrored = folded > points // 2
    rows = np.where(mirrored, points - folded, folded)
    real = _sparse(rows, weights, points // 2 + 1)
    imaginary = _sparse(rows, np.where(mirrored, -weights, weights), points // 2 + 1)
    return _dense(real, imaginary, dtype), _dense(real.T.tocsr(), imaginary.T.tocsr(), dtype)


def _sparse(rows: np.ndarray, weights: np.ndarray, count: int) -> scipy.sparse.csr_array:
    bins = np.repeat(np.arange(rows.shape[0]), rows.shape[1])
    entries = scipy.sparse.coo_array((weights.ravel(), (bins, rows.ravel())), shape=(rows.shape[0], count))
    return entries.tocsr()


def _dense(real: scipy.sparse.csr_array, imaginary: scipy.sparse.csr_array, dtype: np.dtype) -> Table:
    """Columns and weights of each row, filled up with weights of 0 to one even number."""
    counts = np.diff(real.indptr)
    width = int(counts.max()) + int(counts.max()) % 2
    place = np.arange(real.indices.size) - np.repeat(real.indptr[:-1], counts)
    row = np.repeat(np.arange(counts.size), counts)
    columns = np.zeros((counts.size, width), np.int64)
    found = [np.zeros((counts.size, width), dtype) for _ in range(2)]
    columns[row, place] = real.indices
    for filled, weights in zip(found, (real, imaginary), strict=True):
        filled[row, place] = weights.data
    return columns, found[0], found[1]


def uneven_transform(
    *, time: int, channels: int, length: int, dtype: np.dtype, sample_rate: float
) -> KernelShortTime | InterpolatedShortTime:
    """Spectra at frequencies that rise from 20 Hz in even steps towards half the rate, not reaching it.

    In double precision they are those of the kernels to the last digit; in single precision they are
    interpolated.
    """
    kind = KernelShortTime if dtype == np.float64 else InterpolatedShortTime
    cycles = linear_cycles(length, sample_rate)
    return kind(cycles, time=time, channels=channels, length=length, dtype=dtype)


def linear_cycles(length: int, sample_rate: float) -> np.ndarray:
    """Cycles in a frame of ⌊n/2⌋ + 1 frequencies, 20 Hz + k (half the rate − 20 Hz) / (number of bins)."""
    rate = int(sample_rate)
    bins = length // 2 + 1
    return (20.0 + (rate // 2 - 20.0) / bins * np.arange(bins)) * length / rate
