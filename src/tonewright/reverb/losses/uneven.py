"""Short-time spectra at evenly spaced frequencies that are not the bins of a Fourier transform."""

from __future__ import annotations

import numpy as np
import scipy.sparse

from tonewright.dsp.spectra import window as window_of
from tonewright.reverb.losses.fourier import frame_fourier
from tonewright.reverb.losses.short_time import Framing
from tonewright.reverb.losses.short_time_kernels import add_frames, combined_rows, windowed_frames

TERMS = 8
"""Neighbours from which each frequency is interpolated; its error is then 1e-7 of the frame's norm."""


class KernelShortTime:
    r"""Spectra of frames, X[k, f] = Σ_t w[t] x[f·hop + t − ⌊n/2⌋] e^{−j2πν_k t/n}, by a matrix product.

    The kernels w[t] e^{−j2πν_k t/n} are rounded to single precision, as a convolution in single precision
    has them.

    Parameters
    ----------
    framing : of the sounds, with frames of n samples
    cycles : (bins,) ν_k, cycles in a frame
    dtype : float32 or float64
    """

    def __init__(self, framing: Framing, cycles: np.ndarray, *, dtype: np.dtype) -> None:
        length = framing.length
        kernels = _kernels(cycles, length).astype(dtype)
        odd = np.zeros((len(kernels), -(-length // 2)), dtype)
        odd[:, : length // 2] = kernels[:, 1::2]
        self.kernels = np.concatenate([kernels[:, 0::2], odd], axis=1)
        self.framing, self.ones = framing, np.ones(length, dtype)
        self.frames = np.zeros((2, -(-length // 2), framing.columns), dtype)

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Real and imaginary parts (2, bins, frames of all channels) for samples (channels, time)."""
        even, odd = self.frames
        windowed_frames(samples, self.framing.source, self.ones, self.framing.hop, even, odd)
        parts = self.kernels @ self.frames.reshape(-1, self.framing.columns)
        return parts.reshape(2, -1, self.framing.columns)

    def add_adjoint(self, slopes: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradient (channels, time) what that with respect to the spectra means."""
        frames = self.kernels.T @ slopes.reshape(-1, self.framing.columns)
        even, odd = frames.reshape(self.frames.shape)
        add_frames(even, odd, self.framing.source, self.ones, self.framing.hop, gradient)

    @staticmethod
    def of(framing: Framing, cycles: np.ndarray, samples: np.ndarray) -> np.ndarray:
        """The same spectra as complex numbers (bins, frames of all channels), for a target."""
        parts = _kernels(cycles, framing.length).astype(np.float64) @ framing.frames(samples)
        return parts[: cycles.size] + 1j * parts[cycles.size :]


def _kernels(cycles: np.ndarray, length: int) -> np.ndarray:
    """Windowed cosines, then sines (2 · bins, length), in single precision."""
    angle = 2 * np.pi * np.outer(cycles, np.arange(length)) / length
    parts = np.concatenate([np.cos(angle), -np.sin(angle)]).astype(np.float32)
    return parts * window_of("hann", length).astype(np.float32)


class InterpolatedShortTime:
    r"""Spectra as `KernelShortTime` has them, but for a phase that depends on the bin alone; much faster.

    A frame of n samples is divided by the transform of a Kaiser–Bessel kernel φ and transformed at 2n points,
    and each X at u = 2ν cycles is Σ_m φ(u − m) Y[m] over the nearest m (J. Fessler and B. Sutton, IEEE Trans.
    Signal Processing 51, 2003).

    Parameters
    ----------
    framing : of the sounds, with frames of n samples; n is divisible by 4
    cycles : (bins,) ν_k, cycles in a frame
    dtype : float32 or float64
    """

    def __init__(self, framing: Framing, cycles: np.ndarray, *, dtype: np.dtype) -> None:
        length, points = framing.length, 2 * framing.length
        shape = 0.98 * np.pi * TERMS * (1 - length / (2 * points))
        offset = (np.arange(length) - length // 2) / points
        root = np.sqrt(shape**2 - (np.pi * TERMS * offset) ** 2)
        self.framing = framing
        self.window = (window_of("hann", length) * root / (TERMS * np.sinh(root))).astype(dtype)
        self.fourier = frame_fourier(points, framing.columns, dtype)
        # Frames stand in the middle of twice their length.
        self.place = slice(length // 4, length // 4 + length // 2)
        self.there, self.back = _tables(2 * cycles, points, shape, dtype)
        self.filled = np.empty((2, cycles.size, framing.columns), dtype)
        self.fine = np.empty((2, length + 1, framing.columns), dtype)

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Real and imaginary parts (2, bins, frames of all channels) for samples (channels, time)."""
        even, odd = self.fourier.frames
        even[:], odd[:] = 0, 0
        framing, place = self.framing, self.place
        windowed_frames(samples, framing.source, self.window, framing.hop, even[place], odd[place])
        combined_rows(self.fourier.spectra(), *self.there, self.filled)
        return self.filled

    def add_adjoint(self, slopes: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradient (channels, time) what that with respect to the spectra means."""
        combined_rows(slopes, *self.back, self.fine)
        even, odd = self.fourier.adjoint(self.fine)
        framing, place = self.framing, self.place
        add_frames(even[place], odd[place], framing.source, self.window, framing.hop, gradient)


Table = tuple[np.ndarray, np.ndarray]


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
    both = [
        _sparse(rows, found, points // 2 + 1) for found in (weights, np.where(mirrored, -weights, weights))
    ]
    return _dense(both, dtype), _dense([entries.T.tocsr() for entries in both], dtype)


def _sparse(rows: np.ndarray, weights: np.ndarray, count: int) -> scipy.sparse.csr_array:
    bins = np.repeat(np.arange(rows.shape[0]), rows.shape[1])
    entries = scipy.sparse.coo_array((weights.ravel(), (bins, rows.ravel())), shape=(rows.shape[0], count))
    return entries.tocsr()


def _dense(parts: list[scipy.sparse.csr_array], dtype: np.dtype) -> Table:
    """Columns and weights of each row, filled up with weights of 0 to one even number."""
    counts = np.diff(parts[0].indptr)
    width = int(counts.max()) + int(counts.max()) % 2
    place = np.arange(parts[0].indices.size) - np.repeat(parts[0].indptr[:-1], counts)
    row = np.repeat(np.arange(counts.size), counts)
    columns = np.zeros((counts.size, width), np.int64)
    columns[row, place] = parts[0].indices
    weights = np.zeros((2, counts.size, width), dtype)
    for filled, entries in zip(weights, parts, strict=True):
        filled[row, place] = entries.data
    return columns, weights


def uneven_transform(
    framing: Framing, cycles: np.ndarray, *, dtype: np.dtype
) -> KernelShortTime | InterpolatedShortTime:
    """Spectra at some cycles in a frame, with rounded kernels in double precision.

    In single precision they are interpolated, where the length allows it.
    """
    if dtype == np.float64 or framing.length % 4:
        return KernelShortTime(framing, cycles, dtype=dtype)
    return InterpolatedShortTime(framing, cycles, dtype=dtype)


def linear_cycles(length: int, *, sample_rate: float) -> np.ndarray:
    """Cycles in a frame of ⌊n/2⌋ + 1 frequencies, 20 Hz + k (half the rate − 20 Hz) / (number of bins)."""
    rate = int(sample_rate)
    bins = length // 2 + 1
    return (20.0 + (rate // 2 - 20.0) / bins * np.arange(bins)) * length / rate
