"""Depth: how low the sound lies, how long its notes ring, how low its lowest peak is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tonewright.timbre.differentiable.arithmetic import log10, quotient, with_slope_of
from tonewright.timbre.differentiable.filtering import SAMPLE_RATE, like
from tonewright.timbre.differentiable.framing import hamming_frames, one_sided_power
from tonewright.timbre.differentiable.notes import deep_onsets, stretches
from tonewright.timbre.differentiable.peak_places import refined
from tonewright.timbre.differentiable.sounds import Sounds
from tonewright.timbre.models import depth as model
from tonewright.timbre.peaks import peak_bins

_FRAME, _HOP, _BLOCK = 4096, 1024, 256
_AUDIBLE = 1e-3
_CENTROID_LIMIT_HZ, _LOWEST_PITCH_HZ = 2000.0, 20.0
_DECAYED_DB = -40.0
_CONTRAST = 0.01
_LEAST_POWER = 1e-12


def depth(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor]:
    """Values, and which sounds have one; each (batch,)."""
    centroid_hz, ratio, spectrum = _spectral(sounds)
    log_pitch = _log_pitch(spectrum)
    log_duration = _log_duration(sounds)
    tenth = ratio**10
    features: Any = (
        centroid_hz.clamp(max=_CENTROID_LIMIT_HZ),
        ratio,
        log_duration,
        log_pitch,
        ratio * log_duration,
        tenth / (tenth + 0.2) * log_duration,
    )
    return model.value(model.DepthFeatures(*features)), spectrum.detach().sum(-1) > 0  # type: ignore


def _spectral(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Centroid below 2 kHz in Hz, share below 500 Hz, and the summed spectrum (batch, 2049)."""
    parts = sounds.branches
    whole, low, lower = (
        hamming_frames(part, sounds.lengths, frame_length=_FRAME, hop=_HOP)
        for part in (parts.above_20, parts.below_500, parts.below_2000)
    )
    spectrum = one_sided_power(whole.values).sum(1)
    # By Parseval: what all bins have together, a sine of amplitude A having A²/2.
    power = (whole.values**2).sum(-1) * _FRAME / whole.scale**2
    low_power = (low.values**2).sum(-1) * _FRAME / low.scale**2
    bins = one_sided_power(lower.values)
    frequencies_hz = like(np.arange(bins.shape[-1]) * (SAMPLE_RATE / _FRAME), bins)
    centroids_hz = quotient((bins * frequencies_hz).sum(-1), bins.sum(-1))
    heard = (power > _AUDIBLE).to(power.dtype)
    total = power.sum(-1)
    centroid_hz = quotient((heard * power * centroids_hz).sum(-1), total)
    return centroid_hz, quotient((heard * low_power).sum(-1), total), spectrum


def _log_pitch(spectrum: torch.Tensor) -> torch.Tensor:
    """log₁₀ of the frequency of the lowest peak above 0 Hz: (batch,); of 20 Hz where there is none."""
    lowest = np.zeros(len(spectrum), np.int64)
    for row, levels in enumerate(spectrum.detach().to("cpu", torch.float64).numpy()):
        scaled = (levels - levels.min()) / max(np.ptp(levels), np.finfo(float).tiny)
        bins = peak_bins(scaled, _CONTRAST)
        lowest[row] = bins[bins > 0].min(initial=len(levels))
    found = lowest < spectrum.shape[-1]
    bins, _ = refined(spectrum, np.arange(len(lowest)), np.where(found, lowest, 1))
    pitch_hz = bins * (SAMPLE_RATE / _FRAME)
    return log10(torch.where(torch.tensor(found, device=spectrum.device), pitch_hz, _LOWEST_PITCH_HZ))


def _log_duration(sounds: Sounds) -> torch.Tensor:
    """log₁₀ of how long notes last from their loudest block on, in seconds, on average: (batch,).

    A note lasts for a whole number of blocks, until one is 40 dB below the loudest of the sound. Its gradient
    is that of the moment at which the level, drawn as a line in dB from the block before to that one, passes
    −40 dB; a note that lasts until the next has none.
    """
    levels_db, counts = _block_levels_db(sounds)
    numbers = levels_db.detach().cpu().numpy()
    lasted, notes, ends = np.zeros(len(counts)), np.zeros(len(counts)), []
    for row, (hearing, count) in enumerate(zip(sounds.hearings, counts, strict=True)):
        starts = np.minimum(deep_onsets(hearing) // _BLOCK, count - 1)
        for note in stretches(starts, row=row, end=int(count)):
            blocks, end = _decay(numbers[row, note.start : note.end])
            lasted[row] += blocks
            notes[row] += 1
            if end > 0:
                ends.append((row, note.start + end))
    blocks = like(lasted, levels_db)
    if ends:
        blocks = blocks + _moves(levels_db, np.array(ends), exact=sounds.exact)
    mean_s = blocks / like(notes, levels_db) * (_BLOCK / SAMPLE_RATE)
    return log10(mean_s.clamp(min=_BLOCK / SAMPLE_RATE))


def _decay(note_db: np.ndarray) -> tuple[int, int]:
    """Blocks from the loudest of a note until it has decayed, and the first that has, or 0."""
    if note_db.size == 0:
        return 0, 0
    loudest = int(note_db.argmax())
    quiet = np.flatnonzero(note_db[loudest:] < _DECAYED_DB)
    if quiet.size == 0:
        return note_db.size - loudest, 0
    return int(quiet[0]), loudest + int(quiet[0]) if quiet[0] > 0 else 0


def _moves(levels_db: torch.Tensor, ends: np.ndarray, *, exact: bool) -> torch.Tensor:
    """Sum of the parts of a block by which notes end before the block that has decayed: (batch,), negative.

    Parameters
    ----------
    levels_db : (batch, blocks)
    ends : (notes, 2), the sound and the block that has decayed
    exact : 0, with the same gradient
    """
    rows, blocks = torch.tensor(ends, device=levels_db.device).T
    before, after = levels_db[rows, blocks - 1], levels_db[rows, blocks]
    part = (before - _DECAYED_DB) / (before - after) - 1
    part = with_slope_of(torch.zeros_like(part), part) if exact else part
    return levels_db.new_zeros(len(levels_db)).index_add(0, rows, part)


def _block_levels_db(sounds: Sounds) -> tuple[torch.Tensor, np.ndarray]:
    """Level of blocks of 256 samples relative to the loudest: (batch, blocks), and how many each sound has.

    The last block of a sound holds the 1 to 256 samples that are left.
    """
    sound = sounds.branches.above_20
    squares = torch.nn.functional.pad(sound**2, (0, -sound.shape[-1] % _BLOCK))
    sums = squares.reshape(len(squares), -1, _BLOCK).sum(-1)
    counts = (sounds.lengths - 1) // _BLOCK + 1
    sizes = np.full(tuple(sums.shape), _BLOCK)
    sizes[np.arange(len(counts)), counts - 1] = sounds.lengths - (counts - 1) * _BLOCK
    powers = sums / like(sizes, sums)
    relative = quotient(powers, powers.amax(-1, keepdim=True))
    return 10 * log10(relative.clamp(min=_LEAST_POWER)), counts
