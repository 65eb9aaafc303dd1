"""Fourier transforms of many real frames at once, and their adjoint."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
import scipy.fft

from tonewright.reverb.losses.fourier_kernels import joined, radix4, split


class FrameFourier(Protocol):
    """Transform of the frames that stand in `frames`.

    Attributes
    ----------
    frames : (2, ⌈length/2⌉, frames) even and odd samples, to be filled
    """

    frames: np.ndarray

    def spectra(self) -> np.ndarray:
        """Real and imaginary parts (2, bins, frames), in an array that the next call fills again."""
        ...

    def adjoint(self, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Even and odd samples (⌈length/2⌉, frames) of Σ_k Re (G_k e^{j2πkt/length}), G (2, bins, frames)."""
        ...


def frame_fourier(length: int, frames: int, dtype: np.dtype) -> FrameFourier:
    """The transform for frames of some length, fastest for powers of two."""
    kind = _PowerOfTwo if length >= 8 and length & (length - 1) == 0 else _AnyLength
    return kind(length, frames, dtype)


class _PowerOfTwo:
    """Self-sorting transform of half the length, in steps of 4 and a last one of 2."""

    def __init__(self, length: int, frames: int, dtype: np.dtype) -> None:
        half = length // 2
        self.frames = np.zeros((2, half, frames), dtype)
        self.filled = np.empty((2, half + 1, frames), dtype)
        self.turns = _turns(half // 2 + 1, length, dtype)
        self.steps: list[tuple[Callable[..., None], tuple[Any, ...]]] = []
        here, there = self.frames, np.empty_like(self.frames)
        run, left = frames, half
        while left >= 4:
            turns = _turns(left // 4, left, dtype)
            flat = [array[part].reshape(-1) for array in (here, there) for part in (0, 1)]
            self.steps.append((radix4, (flat[0], flat[1], turns, flat[2], flat[3], run)))
            here, there, run, left = there, here, 4 * run, left // 4
        if left == 2:
            first, second = here.reshape(2, 2, run).swapaxes(0, 1)
            ahead, behind = there.reshape(2, 2, run).swapaxes(0, 1)
            self.steps += [(np.add, (first, second, ahead)), (np.subtract, (first, second, behind))]
            here = there
        self.end = here

    def spectra(self) -> np.ndarray:
        """Real and imaginary parts (2, bins, frames)."""
        for step, arrays in self.steps:
            step(*arrays)
        split(self.end, self.turns, self.filled)
        return self.filled

    def adjoint(self, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Even and odd samples (half, frames)."""
        joined(slopes, self.turns, self.frames)
        for step, arrays in self.steps:
            step(*arrays)
        return self.end[1], self.end[0]


class _AnyLength:
    """SciPy's transform."""

    def __init__(self, length: int, frames: int, dtype: np.dtype) -> None:
        self.length = length
        self.frames = np.zeros((2, -(-length // 2), frames), dtype)

    def spectra(self) -> np.ndarray:
        """Real and imaginary parts (2, bins, frames)."""
        whole = self.frames.transpose(1, 0, 2).reshape(-1, self.frames.shape[2])[: self.length]
        spectra = np.asarray(scipy.fft.rfft(whole, axis=0))
        return np.stack([np.real(spectra), np.imag(spectra)])

    def adjoint(self, slopes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Even and odd samples (⌈length/2⌉, frames)."""
        # The inverse transform counts every bin twice but the first and, for an even length, the last.
        spectra = slopes[0] + 1j * slopes[1]
        spectra[0] *= 2
        if self.length % 2 == 0:
            spectra[-1] *= 2
        whole = np.asarray(scipy.fft.irfft(spectra, n=self.length, axis=0, norm="forward")) / 2
        padded = np.concatenate([whole, np.zeros((self.length % 2, whole.shape[1]), whole.dtype)])
        return np.ascontiguousarray(padded[0::2]), np.ascontiguousarray(padded[1::2])


def _turns(count: int, whole: int, dtype: np.dtype) -> np.ndarray:
    """Cosine and sine (2, count) of −2πk/whole."""
    angle = -2 * np.pi * np.arange(count) / whole
    return np.stack([np.cos(angle), np.sin(angle)]).astype(dtype)
