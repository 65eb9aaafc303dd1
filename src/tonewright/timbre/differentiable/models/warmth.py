"""Warmth: loudness of low and high bands, and the spectra of notes."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch

from tonewright.timbre.differentiable.arithmetic import log10, quotient, weighted_mean, with_slope_of
from tonewright.timbre.differentiable.filtering import SAMPLE_RATE, like
from tonewright.timbre.differentiable.framing import one_sided_power
from tonewright.timbre.differentiable.notes import Stretch, stretches, warm_onsets
from tonewright.timbre.differentiable.sounds import Sounds
from tonewright.timbre.models import warmth as model
from tonewright.timbre.peaks import find_peaks, refined_peak
from tonewright.timbre.specific_loudness import bump

_FRAME, _HOP = 8192, 7168
_BIN_HZ = SAMPLE_RATE / _FRAME
_CONTRAST = 0.2
_LOW_HZ, _ABOVE_FUNDAMENTAL, _ABOVE_LIMIT_HZ = 260.0, 3.5, 12_000.0
_LEAST_BINS = 3
_FLOOR = 1e-12


class _Notes(NamedTuple):
    """Spectra of the notes of all sounds, and what was decided about them.

    power : (notes, bins), the highest bin 1
    level : (notes,) RMS
    rows : (notes,) int64, the sound of each
    low, above : (notes, bins), 1 at the bins from the fundamental to 260 Hz, and above its harmonics
    measurable : (notes,), 1 for a note with a spectral peak, else 0
    """

    power: torch.Tensor
    level: torch.Tensor
    rows: torch.Tensor
    low: torch.Tensor
    above: torch.Tensor
    measurable: torch.Tensor


def warmth(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor]:
    """Values, and which sounds have one; each (batch,)."""
    specific = sounds.specific
    warm = specific.unweighted_mean(specific.pattern @ like(bump(10, 40), specific.pattern))
    high = weighted_mean(specific.pattern @ like(bump(80, 240), specific.pattern), _root(specific.power))
    notes = _notes(sounds)
    bins = like(np.arange(notes.power.shape[-1]), notes.power)
    total = notes.power.sum(-1)
    centroid_hz = quotient((notes.power * bins).sum(-1), total) * _BIN_HZ
    ratio = quotient((notes.power * notes.low).sum(-1), total)
    level = notes.level * notes.measurable

    def summed(values: torch.Tensor) -> torch.Tensor:
        return values.new_zeros(len(sounds.lengths)).index_add(0, notes.rows, values * notes.measurable)

    count = summed(notes.measurable)
    features: Any = (
        log10(quotient(summed(centroid_hz), count)),
        high,
        warm,
        quotient(summed(_straightness(notes, exact=sounds.exact)), count),
        quotient(summed(ratio * level), summed(level)),
    )
    value: Any = model.value(model.WarmthFeatures(*features))
    return value.to(high.dtype), count > 0


def _root(power: torch.Tensor) -> torch.Tensor:
    """Square root, with gradient 0 at 0."""
    return torch.where(power > 0, torch.sqrt(torch.where(power > 0, power, 1)), 0)


def _notes(sounds: Sounds) -> _Notes:
    found: list[Stretch] = []
    for row, hearing in enumerate(sounds.hearings):
        found += stretches(warm_onsets(hearing), row=row, end=int(sounds.lengths[row]))
    # In single precision the rounding of loud bins would drown quiet ones, whose logarithms count as much.
    samples = sounds.precise
    power = _spectra(samples, found)
    decided = [_decided(levels) for levels in power.detach().to("cpu", torch.float64).numpy()]
    low, above, measurable = (like(np.array(each), power) for each in zip(*decided, strict=True))
    squares = _mean_squares(samples, found)
    rows = torch.tensor([note.row for note in found], device=power.device)
    return _Notes(power, _root(squares), rows, low, above, measurable)


def _mean_squares(samples: torch.Tensor, notes: list[Stretch]) -> torch.Tensor:
    """Mean square of each note: (notes,)."""
    numbers = np.full(tuple(samples.shape), len(notes))
    for number, note in enumerate(notes):
        numbers[note.row, note.start : note.end] = number
    at = torch.tensor(numbers.reshape(-1), device=samples.device)
    sums = samples.new_zeros(len(notes) + 1).index_add(0, at, samples.reshape(-1) ** 2)[:-1]
    return sums / like(np.array([note.end - note.start for note in notes]), samples)


def _spectra(samples: torch.Tensor, notes: list[Stretch]) -> torch.Tensor:
    """Power up to 18 kHz, summed over frames of 8192 samples: (notes, bins).

    A note shorter than a frame is one frame under a window of its own length. Each spectrum is divided by its
    highest bin.
    """
    lengths = np.array([note.end - note.start for note in notes])
    sizes = np.minimum(lengths, _FRAME)
    counts = 1 + (lengths - sizes) // _HOP
    of_note = np.repeat(np.arange(len(notes)), counts)
    places = np.concatenate([np.arange(count) for count in counts]) * _HOP
    first = np.array([note.row * samples.shape[-1] + note.start for note in notes])[of_note] + places
    index = np.minimum(first[:, None] + np.arange(_FRAME), samples.numel() - 1)
    windows = np.zeros((len(notes), _FRAME))
    for window, size in zip(windows, sizes, strict=True):
        window[:size] = model.tapered_window(int(size))
    inside = np.arange(_FRAME) < sizes[:, None]
    framed = samples.reshape(-1)[torch.tensor(index, device=samples.device)]
    framed = framed * like(inside[of_note], samples)
    mean = framed.sum(-1, keepdim=True) / like(sizes[of_note, None], samples)
    power = one_sided_power((framed - mean) * like(windows[of_note], samples))
    power = power[:, : int(model.CORRECTED_END_HZ / _BIN_HZ)]
    at = torch.tensor(of_note, device=samples.device)
    power = power.new_zeros(len(notes), power.shape[-1]).index_add(0, at, power)
    return quotient(power, power.amax(-1, keepdim=True))


def _decided(power: np.ndarray) -> tuple[np.ndarray, np.ndarray, bool]:
    """Bins of the low share, bins above the harmonics, and whether the note can be measured."""
    bins = np.arange(power.size)
    nothing = np.zeros(power.size, bool)
    found = np.empty(power.size // 2 + 1, dtype=np.int64)
    if not power.max() > 0 or find_peaks(power, _CONTRAST, _CONTRAST, found) == 0:
        return nothing, nothing, False
    lowest = int(found[0])
    fundamental_hz = refined_peak(power, lowest)[0] * _BIN_HZ
    low = (bins >= lowest) & (bins <= int(_LOW_HZ / _BIN_HZ)) & (fundamental_hz < _LOW_HZ)
    limit_hz = min(_ABOVE_FUNDAMENTAL * fundamental_hz, _ABOVE_LIMIT_HZ)
    above = (bins > int(limit_hz / _BIN_HZ)) & (power > 0)
    return low, above, bool(above.sum() >= _LEAST_BINS)


def _straightness(notes: _Notes, *, exact: bool) -> torch.Tensor:
    """R² of the line through log power over log frequency above the harmonics: (notes,).

    The gradient is that of powers with a floor, 120 dB below the highest bin: what lies below is rounding in
    most sounds, and a gradient through its logarithm would be of nothing else.
    """
    smooth = _correlation(torch.log10(notes.power + _FLOOR), notes.above)
    if not exact:
        return smooth
    bare = notes.power.detach()
    return with_slope_of(
        _correlation(torch.log10(torch.where(notes.above > 0, bare, 1)), notes.above), smooth
    )


def _correlation(levels: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Squared correlation of levels with the logarithm of frequency, over bins of weight 1: (notes,)."""
    bins = like(np.log10(np.maximum(np.arange(weights.shape[-1]), 1)), levels)
    bins = weights * (bins - weighted_mean(bins, weights)[:, None])
    levels = weights * (levels - weighted_mean(levels, weights)[:, None])
    return quotient((bins * levels).sum(-1) ** 2, (bins**2).sum(-1) * (levels**2).sum(-1))
