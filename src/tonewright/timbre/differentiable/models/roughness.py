"""Roughness: how much the partials of a sound beat against each other."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import numpy as np
import torch
from numba import njit

from tonewright.dsp.spectra import window
from tonewright.timbre.differentiable.arithmetic import log10, weighted_mean, with_slope_of
from tonewright.timbre.differentiable.beats import beats
from tonewright.timbre.differentiable.filtering import SAMPLE_RATE, like
from tonewright.timbre.differentiable.peak_places import refined
from tonewright.timbre.differentiable.prominence import prominent
from tonewright.timbre.differentiable.sounds import Sounds
from tonewright.timbre.models import roughness as model

_FRAME, _POINTS = SAMPLE_RATE // 20, 4096
_ZEROS_BEFORE = 512
_CONTRAST, _HEARD, _LEAST = 0.01, 1e-7, 0.01
# How far from the least contrast, as a factor, peaks fade in.
_FADE = 1.5


class _Peaks(NamedTuple):
    """Peaks of one frame after the other.

    frames, bins, saddles : (peaks,), as by `prominent`
    bounds : (frames + 1,), where the peaks of each frame begin, and the last one's end
    """

    frames: np.ndarray
    bins: np.ndarray
    saddles: np.ndarray
    bounds: np.ndarray


def roughness(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor]:
    """Values, and which sounds have one; each (batch,).

    A peak counts from a contrast of 1 % of the largest magnitude on. As even small peaks are rough, the
    number of peaks matters more than their size. So the gradient is that of a sum in which peaks fade in,
    from 0.67 % to 1.5 %.
    """
    framed, present = _frames(sounds)
    magnitudes = torch.fft.rfft(framed * _windows(sounds), n=_POINTS).abs()
    loud = present & ((framed**2).mean(-1) > _HEARD)
    counted = torch.where(loud.any(-1, keepdim=True), loud, present).to(magnitudes.dtype)

    def value_of(frames: torch.Tensor) -> torch.Tensor:
        mean = weighted_mean(frames.reshape(counted.shape), counted)
        value = log10(mean) * model.SLOPE + model.CONSTANT
        return torch.where(mean >= _LEAST, value, 0)

    measurable = torch.ones_like(sounds.audible)
    if sounds.exact:
        with torch.no_grad():
            exact = value_of(_roughness(magnitudes, present, fade=1))
        if not magnitudes.requires_grad:
            return exact, measurable
        return with_slope_of(exact, value_of(_roughness(magnitudes, present, fade=_FADE))), measurable
    return value_of(_roughness(magnitudes, present, fade=_FADE)), measurable


def _roughness(magnitudes: torch.Tensor, present: torch.Tensor, *, fade: float) -> torch.Tensor:
    """Roughness of one frame after the other.

    Parameters
    ----------
    magnitudes : (batch, frames, bins)
    present : (batch, frames) of booleans
    fade : peaks fade in from the least contrast divided by this up to that multiplied by it; 1 if none does

    Returns
    -------
    (batch · frames,)
    """
    _, frames, bins = magnitudes.shape
    highest = torch.where(present[..., None], magnitudes, -torch.inf).amax((1, 2))
    lowest = torch.where(present[..., None], magnitudes, torch.inf).amin((1, 2))
    contrast, lowest = (each.repeat_interleave(frames) for each in (_CONTRAST * (highest - lowest), lowest))
    rows = magnitudes.reshape(-1, bins)
    flat = contrast <= _CONTRAST * 1e-6 * highest.repeat_interleave(frames)
    least = torch.where(present.reshape(-1) & ~flat, contrast / fade, torch.inf)
    numbers, floor, least = (each.detach().to("cpu", torch.float64).numpy() for each in (rows, lowest, least))
    peaks = _peaks(numbers, floor, least)
    places, levels = refined(rows, peaks.frames, peaks.bins)
    weights = torch.ones_like(levels)
    if fade > 1:
        at = torch.tensor(peaks.frames, device=rows.device)
        weights = _weights(rows, peaks, lowest[at], contrast[at], fade)
    raw = numbers[peaks.frames, peaks.bins]
    return beats(places * (SAMPLE_RATE / _POINTS), levels, weights, raw=raw, bounds=peaks.bounds)


def _weights(
    rows: torch.Tensor, peaks: _Peaks, lowest: torch.Tensor, contrast: torch.Tensor, fade: float
) -> torch.Tensor:
    """From 0 for peaks that rise by contrast / fade above their saddle to 1 for contrast · fade: (peaks,)."""
    has_saddle = torch.tensor(peaks.saddles >= 0, device=rows.device)
    places = np.stack([peaks.frames, peaks.bins, np.maximum(peaks.saddles, 0)])
    frames, bins, saddles = torch.tensor(places, device=rows.device)
    rise = rows[frames, bins] - torch.where(has_saddle, rows[frames, saddles], lowest)
    place = (torch.log(rise / contrast) / math.log(fade)).clamp(-1, 1)
    return 0.5 + 0.5 * torch.sin(place * (math.pi / 2))


def _frames(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor]:
    """Frames of 50 ms that overlap by half, and which lie within their sound.

    Frame i begins at ⌊i · 2205 / 2⌋. Those of even number come first, then those of odd number, which makes
    no difference to their mean. A sound that is no longer than a frame is one.

    Returns
    -------
    framed : (batch, frames, 2205)
    present : (batch, frames) of booleans
    """
    lengths = sounds.lengths + _ZEROS_BEFORE
    after = max(_FRAME + _FRAME // 2 - int(lengths.max()), 0)
    padded = torch.nn.functional.pad(sounds.samples, (_ZEROS_BEFORE, after))
    starts = (0, _FRAME // 2)
    framed = torch.cat([padded[:, start:].unfold(-1, _FRAME, _FRAME) for start in starts], dim=1)
    begins = [start + _FRAME * np.arange((padded.shape[-1] - start) // _FRAME) for start in starts]
    present = np.concatenate(begins) + _FRAME <= np.maximum(lengths, _FRAME)[:, None]
    return framed, torch.tensor(present, device=padded.device)


def _windows(sounds: Sounds) -> torch.Tensor:
    """Hamming window without its ends, for sounds longer than a frame; for others none: (batch, 1, 2205)."""
    longer = sounds.lengths + _ZEROS_BEFORE > _FRAME
    hamming = window("hamming", _FRAME + 2, periodic=False)[1:-1]
    return like(np.where(longer[:, None, None], hamming, 1.0), sounds.samples)


def _peaks(magnitudes: np.ndarray, lowest: np.ndarray, contrast: np.ndarray) -> _Peaks:
    """Peaks of magnitudes (frames, bins), by the lowest level and the least contrast (frames,) of each."""
    found = np.empty((2, len(magnitudes), magnitudes.shape[1] // 2 + 1), np.int64)
    counts = _find(magnitudes, lowest, contrast, found[0], found[1])
    valid = np.arange(found.shape[2]) < counts[:, None]
    frames = np.repeat(np.arange(len(counts)), counts)
    return _Peaks(frames, found[0][valid], found[1][valid], np.concatenate([[0], np.cumsum(counts)]))


@njit(cache=True, nogil=True)
def _find(rows: Any, lowest: Any, contrast: Any, found: Any, saddles: Any) -> Any:
    counts = np.zeros(rows.shape[0], np.int64)
    for t in range(rows.shape[0]):
        if contrast[t] < np.inf:
            counts[t] = prominent(rows[t], lowest[t], contrast[t], found[t], saddles[t])
    return counts
