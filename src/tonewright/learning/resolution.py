"""One STFT resolution: its settings, the transform and the transform's adjoint."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor


class Constant:
    """Fixed numbers, kept once for each device and dtype that asked for them.

    No buffer of a module: those would be rounded by `module.half()` and saved in every checkpoint.
    """

    def __init__(self, values: np.ndarray) -> None:
        self.values = np.array(values, dtype=np.float64)
        self._kept: dict[tuple[torch.device, torch.dtype], Tensor] = {}

    def __len__(self) -> int:
        """Length of the first axis."""
        return len(self.values)

    def like(self, samples: Tensor) -> Tensor:
        """Give the numbers on the device and in the dtype of `samples`."""
        key = samples.device, samples.dtype
        if key not in self._kept:
            with torch.inference_mode(False):  # whoever asks first, training can use it too
                self._kept[key] = torch.from_numpy(self.values).to(device=key[0], dtype=key[1])
        return self._kept[key]


class Filterbank:
    """Multiplication with a matrix (bins, bands) whose bands each span few bins, a group of bands at a time.

    Only the bins that a group spans are multiplied, a fraction of the whole product.
    """

    GROUP = 20

    def __init__(self, matrix: np.ndarray) -> None:
        self.bins, self.bands = matrix.shape
        self._groups: list[tuple[slice, slice, Constant]] = []
        for first in range(0, self.bands, self.GROUP):
            bands = slice(first, min(first + self.GROUP, self.bands))
            used = np.flatnonzero(matrix[:, bands].any(axis=1))
            if len(used):
                bins = slice(int(used[0]), int(used[-1]) + 1)
                self._groups.append((bins, bands, Constant(matrix[bins, bands])))

    def __call__(self, magnitude: Tensor) -> Tensor:
        """Turn (..., bins) into (..., bands)."""
        rows = magnitude.reshape(-1, self.bins)
        result = rows.new_zeros((len(rows), self.bands))
        for bins, bands, block in self._groups:
            result[:, bands] = rows[:, bins] @ block.like(rows)
        return result.view(*magnitude.shape[:-1], self.bands)

    def adjoint(self, slope: Tensor) -> Tensor:
        """Turn (..., bands) into (..., bins)."""
        rows = slope.reshape(-1, self.bands)
        result = rows.new_zeros((len(rows), self.bins))
        for bins, bands, block in self._groups:
            result[:, bins].addmm_(rows[:, bands], block.like(rows).T)
        return result.view(*slope.shape[:-1], self.bins)


@dataclass(frozen=True, eq=False)
class Resolution:
    """One STFT and how magnitudes are compared on it.

    Parameters
    ----------
    n_fft : length of the transform
    hop_samples : from frame to frame
    window : (window_length,), at most `n_fft` long; it stands in the middle of the frame
    views : weights of left/right and of mid/side
    epsilon : floor of the magnitudes in the STFT terms
    convergence_floor : least root mean square magnitude of the target under spectral convergence
    over_batch : spectral convergence as one ratio over the batch, not as the mean of a ratio per item
    weighting : (bins,) factor on the magnitudes of the STFT terms, or none
    mel : filterbank from bins to bands, or none
    mel_epsilon : floor of the mel magnitudes
    """

    n_fft: int
    hop_samples: int
    window: Constant
    views: tuple[float, float] = (1.0, 0.0)
    epsilon: float = 1e-5
    convergence_floor: float = 0.0
    over_batch: bool = False
    weighting: Constant | None = None
    mel: Filterbank | None = None
    mel_epsilon: float = 1e-5

    @property
    def least_samples(self) -> int:
        """The shortest sound that can be reflected at its ends."""
        return self.n_fft // 2 + 1

    def columns(self, *, mel: bool) -> int:
        """Numbers in a frame: bins, or mel bands."""
        return self.mel.bands if mel and self.mel is not None else self.n_fft // 2 + 1

    def views_of(self, channels: int) -> tuple[float, float]:
        """Weights of left/right and mid/side for so many channels: only stereo has a middle and sides."""
        return self.views if channels == 2 else (sum(self.views), 0.0)

    def spectrum(self, samples: Tensor) -> Tensor:
        """Transform (batch, channels, time) into (batch, channels, frames, bins), as `torch.stft` centred."""
        window = self.window.like(samples)
        padded = torch.nn.functional.pad(samples, (self.n_fft // 2, self.n_fft // 2), mode="reflect")
        count = 1 + (padded.shape[-1] - self.n_fft) // self.hop_samples
        before = (self.n_fft - len(window)) // 2
        frames = padded[..., before:].unfold(-1, len(window), self.hop_samples)[..., :count, :]
        if len(window) == self.n_fft:
            return torch.fft.rfft(frames * window)
        full = frames.new_zeros((*frames.shape[:-1], self.n_fft))
        torch.mul(frames, window, out=full[..., : len(window)])
        return torch.fft.rfft(full)

    def adjoint(self, spectrum: Tensor, length: int) -> Tensor:
        """Give the real part of the adjoint of `spectrum` at (..., frames, bins): (..., length).

        The input is overwritten.
        """
        # irfft counts every bin twice, save the first and, where n_fft is even, the last.
        spectrum[..., 0] *= 2.0
        if self.n_fft % 2 == 0:
            spectrum[..., -1] *= 2.0
        frames = torch.fft.irfft(spectrum, n=self.n_fft, norm="forward")
        window = self.window.like(frames)
        before = (self.n_fft - len(window)) // 2
        added = _overlap_add(frames[..., : len(window)], 0.5 * window, self.hop_samples)
        padded = frames.new_zeros((*frames.shape[:-2], length + 2 * (self.n_fft // 2)))
        added = added[..., : padded.shape[-1] - before]
        padded[..., before : before + added.shape[-1]] = added
        return _unreflected(padded, self.n_fft // 2)


def _overlap_add(frames: Tensor, window: Tensor, hop_samples: int) -> Tensor:
    """Window the frames (..., count, length) and add them at their places: (..., at least their extent)."""
    count, length = frames.shape[-2:]
    parts = -(-length // hop_samples)
    windowed = frames.new_zeros((*frames.shape[:-1], parts * hop_samples))
    torch.mul(frames, window, out=windowed[..., :length])
    windowed = windowed.unflatten(-1, (parts, hop_samples))
    added = frames.new_zeros((*frames.shape[:-2], count + parts - 1, hop_samples))
    for part in range(parts):
        added[..., part : part + count, :] += windowed[..., part, :]
    return added.flatten(-2)


def _unreflected(padded: Tensor, pad: int) -> Tensor:
    """Fold both ends back: the adjoint of reflection padding."""
    length = padded.shape[-1] - 2 * pad
    inner = padded[..., pad : pad + length].clone()
    inner[..., 1 : pad + 1] += padded[..., :pad].flip(-1)
    inner[..., length - 1 - pad : length - 1] += padded[..., pad + length :].flip(-1)
    return inner
