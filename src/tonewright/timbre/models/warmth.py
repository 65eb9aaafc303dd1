"""Warmth: how warm a sound is, from the loudness of its low and high bands and the spectra of its notes."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.fft

from tonewright.timbre.mixing import energy
from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.onsets import find_onsets
from tonewright.timbre.peaks import find_peaks, refined_peak
from tonewright.timbre.specific_loudness import bump

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_FRAME, _OVERLAP = 8192, 1024
# As many as stay in the processor's cache.
_FRAMES_PER_PIECE = 4
_TAPER = 0.25
_NEAR_START = 4096
_CONTRAST = 0.2
_LOW_HZ = 260.0
_ABOVE_FUNDAMENTAL, _ABOVE_LIMIT_HZ = 3.5, 12000.0
# Of a sound at −24 LUFS: rounding leaves as much of digital silence.
_SILENT_POWER = 1e-20
# What lies higher is no matter in the corrected mode.
CORRECTED_END_HZ = 18000.0
# Tenths of a Bark.
_WARM_REGION, _HIGH_REGION = (10, 40), (80, 240)
_WEIGHTS = (
    -4.464258317026696,
    -0.08819320850778556,
    0.29156539973575546,
    17.274733561081554,
    8.403340066029507,
)
_CONSTANT = 45.21212125085579


class WarmthFeatures(NamedTuple):
    """What warmth is regressed on.

    Attributes
    ----------
    log_centroid : log₁₀ of the notes' mean spectral centroid in Hz
    weighted_hf : specific loudness from 8 to 24 Bark, louder frames counting more
    mean_warm_region : specific loudness from 1 to 4 Bark
    decay_score : how near to a line log power over log frequency is, above the low harmonics: R², mean
    low_ratio : share of the power from the fundamental to 260 Hz, louder notes counting more
    """

    log_centroid: float
    weighted_hf: float
    mean_warm_region: float
    decay_score: float
    low_ratio: float


class _Note(NamedTuple):
    """Spectral features of the sound from one onset to the next."""

    centroid_hz: float
    decay_score: float
    low_ratio: float
    rms: float


def features(hearing: Hearing) -> WarmthFeatures:
    """Features of warmth.

    Parameters
    ----------
    hearing : the sound

    Raises
    ------
    UnmeasurableError
        If no note has a spectral peak; in the classic mode, if one has none.
    """
    warm, high = _regions(hearing)
    notes = _notes(hearing)
    centroids, scores, ratios, levels = np.array(notes).T
    return WarmthFeatures(
        math.log10(centroids.mean()),
        high,
        warm,
        float(scores.mean()),
        float(ratios @ levels / levels.sum()),
    )


def value(features: WarmthFeatures) -> float:
    """Warmth on the scale of listeners' ratings, 0 to 100 but for what lies outside of them."""
    return sum(weight * feature for weight, feature in zip(_WEIGHTS, features, strict=True)) + _CONSTANT


def _regions(hearing: Hearing) -> tuple[float, float]:
    """Specific loudness of the warm region, mean of frames, and of the high one, weighted by their RMS."""
    specific = hearing.specific
    warm, high = (specific.pattern @ bump(*region) for region in (_WARM_REGION, _HIGH_REGION))
    levels = np.sqrt(specific.power)
    return specific.unweighted_mean(warm), float(high @ levels / levels.sum())


def _notes(hearing: Hearing) -> list[_Note]:
    """Features of each note; in the corrected mode of those that have a spectral peak."""
    samples, rate = hearing.samples, hearing.sample_rate
    onsets = find_onsets(samples, hearing.envelope, _NEAR_START, sample_rate=rate, strength=hearing.strength)
    starts = [0] if onsets.size == 1 else onsets.tolist()
    notes = []
    for start, end in zip(starts, [*starts[1:], samples.size], strict=True):
        try:
            notes.append(_note(samples[start:end], rate, hearing.corrected))
        except UnmeasurableError:
            if not hearing.corrected:
                raise
    if not notes:
        raise UnmeasurableError("no note has a spectral peak")
    return notes


def _note(samples: np.ndarray, rate: int, corrected: bool) -> _Note:
    power, bin_hz = _spectrum(samples), rate / _FRAME
    if corrected:
        # What lies above depends on how the sound came to its rate.
        power = power[: int(CORRECTED_END_HZ / bin_hz)]
    highest = power.max()
    if not highest > (_SILENT_POWER if corrected else 0.0):
        raise UnmeasurableError("a note is silent")
    power /= highest
    found = np.empty(power.size // 2 + 1, dtype=np.int64)
    if find_peaks(power, _CONTRAST, _CONTRAST, found) == 0:
        raise UnmeasurableError("a note has no spectral peak")
    lowest = int(found[0])
    fundamental_hz = refined_peak(power, lowest)[0] * bin_hz
    total = power.sum()
    low = power[lowest : int(_LOW_HZ / bin_hz) + 1].sum() if fundamental_hz < _LOW_HZ else 0.0
    above = int(min(_ABOVE_FUNDAMENTAL * fundamental_hz, _ABOVE_LIMIT_HZ) / bin_hz) + 1
    return _Note(
        float(power @ np.arange(power.size) / total) * bin_hz,
        _straightness(power, above, corrected),
        float(low / total),
        math.sqrt(energy(samples) / samples.size),
    )


def _spectrum(samples: np.ndarray) -> np.ndarray:
    """Power over 4097 bins, summed over frames of 8192 samples; a shorter sound is one frame."""
    length = min(samples.size, _FRAME)
    rows = np.lib.stride_tricks.sliding_window_view(samples, length)[:: _FRAME - _OVERLAP]
    squares = np.zeros(_FRAME + 2)
    for first in range(0, rows.shape[0], _FRAMES_PER_PIECE):
        piece = rows[first : first + _FRAMES_PER_PIECE]
        piece = piece - piece.mean(axis=1, keepdims=True)
        piece *= tapered_window(length)
        spectrum = scipy.fft.rfft(piece, _FRAME, axis=1, overwrite_x=True, workers=1)
        parts = np.asarray(spectrum).view(np.float64)
        squares += np.einsum("tk,tk->k", parts, parts)
    power = squares[::2] + squares[1::2]
    power[1:-1] *= 2
    return power


@lru_cache(maxsize=64)
def tapered_window(length: int) -> np.ndarray:
    """Periodic Tukey window of which a quarter is tapered: (length,)."""
    slope = _TAPER * length / 2
    rise = 0.5 - 0.5 * np.cos(np.pi / slope * np.arange(math.ceil(slope)))
    result = np.ones(length)
    result[: rise.size] = rise
    # As the window is periodic, its first sample has no counterpart at the end.
    result[length - rise.size + 1 :] = rise[:0:-1]
    return result


def _straightness(power: np.ndarray, first: int, corrected: bool) -> float:
    """R² of the line through log power over log bin, from the bin `first` on."""
    bins, levels = _log_bins()[first : power.size], power[first:]
    if levels.min() <= 0:
        if not corrected:
            raise UnmeasurableError("a note's spectrum holds a zero")
        bins, levels = bins[levels > 0], levels[levels > 0]
        if levels.size < 3:
            raise UnmeasurableError("a note has no spectrum above its fundamental")
    levels = np.log10(levels)
    bins, levels = bins - bins.mean(), levels - levels.mean()
    covered = (bins @ bins) * (levels @ levels)
    return float((bins @ levels) ** 2 / covered) if covered > 0 else 0.0


@lru_cache(maxsize=1)
def _log_bins() -> np.ndarray:
    bins = np.arange(_FRAME // 2 + 1, dtype=np.float64)
    bins[0] = 1.0
    return np.log10(bins)
