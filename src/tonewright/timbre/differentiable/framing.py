"""Frames of sounds of different lengths that lie side by side in one tensor."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch

from tonewright.dsp.spectra import window
from tonewright.timbre.differentiable.filtering import like


class Frames(NamedTuple):
    """Windowed frames.

    values : (batch, frames, frame_length); frames beyond a sound's end are zero
    scale : (batch, 1), sum of the window
    """

    values: torch.Tensor
    scale: torch.Tensor


def within(lengths: np.ndarray, time: int, like_tensor: torch.Tensor) -> torch.Tensor:
    """1 at the samples that belong to each sound, else 0: (batch, time)."""
    return like((np.arange(time) < lengths[:, None]).astype(float), like_tensor)


def hamming_frames(samples: torch.Tensor, lengths: np.ndarray, *, frame_length: int, hop: int) -> Frames:
    """Whole frames without their mean, under a periodic Hamming window.

    A sound shorter than a frame is one frame, under a window of its own length.

    Parameters
    ----------
    samples : (batch, time), zero beyond each sound's length
    lengths : (batch,)
    """
    time = samples.shape[-1]
    samples = torch.nn.functional.pad(samples, (0, max(frame_length - time, 0)))
    framed = samples.unfold(-1, frame_length, hop)
    sizes = np.minimum(lengths, frame_length)
    counts = 1 + (np.maximum(lengths, frame_length) - frame_length) // hop
    windows = np.zeros((len(sizes), 1, frame_length))
    for row, size in enumerate(sizes):
        windows[row, 0, :size] = window("hamming", int(size))
    present = np.arange(framed.shape[1]) < counts[:, None]
    mean = framed.sum(-1, keepdim=True) / like(sizes[:, None, None].astype(float), samples)
    values = (framed - mean) * like(windows * present[:, :, None], samples)
    return Frames(values, like(windows.sum(-1), samples))


def one_sided_power(framed: torch.Tensor) -> torch.Tensor:
    """Power spectrum of frames, all bins doubled but the first and the last.

    Parameters
    ----------
    framed : (…, even frame_length)

    Returns
    -------
    (…, frame_length // 2 + 1)
    """
    spectrum = torch.fft.rfft(framed)
    doubled = np.full(spectrum.shape[-1], 2.0)
    doubled[[0, -1]] = 1
    return (spectrum.real**2 + spectrum.imag**2) * like(doubled, framed)
