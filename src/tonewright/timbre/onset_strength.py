"""Onset strength: how much louder the bands of a sound become from frame to frame."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit

from tonewright.dsp.hearing import mel_filterbank
from tonewright.timbre.lane_formulas import even_power, odd_power
from tonewright.timbre.lane_fourier import factors, places, transform
from tonewright.timbre.lane_powers import log2
from tonewright.timbre.lanes import LANES, OPTIONS, larger, load, spread, store
from tonewright.timbre.spectra import BINS, FRAME, HOP, OVERLAP, PAIR, hann_window, hops, lay_frames

_BANDS = 128
_LEAST_POWER = 1e-10
_RANGE_DB = 80.0
# A rise lies between two frames, and a frame is centred half its length later than it begins.
DELAY = 1 + FRAME // (2 * HOP)
_DECIBELS_PER_OCTAVE = 10 * math.log10(2)


def onset_strength(samples: np.ndarray, *, sample_rate: float, lead: int = 0) -> np.ndarray:
    """Mean rise of 128 mel bands in dB from one frame to the next, three frames late.

    s[t + 3] = mean over bands of max(0, L[t + 1] − L[t]), L being no lower than −100 dB and no more than
    80 dB below its highest value, of centred Hann frames of 2048 samples every 512. (S. Böck and G. Widmer,
    "Maximum filter vibrato suppression for onset detection", DAFx 2013, without the filter.)

    Parameters
    ----------
    samples : (time,)
    sample_rate : in Hz
    lead : samples of silence before the sound

    Returns
    -------
    (1 + (lead + time) // 512,) float64
    """
    frames = 1 + (lead + samples.size) // HOP
    whole = -(-frames // PAIR) * PAIR
    sound = hops(samples, whole + OVERLAP - 1, lead=lead + FRAME // 2)
    levels = np.empty((_BANDS, whole), dtype=np.float32)
    work = np.empty((FRAME, 2, LANES), dtype=np.float32)
    powers = np.empty((BINS, 2, LANES), dtype=np.float32)
    # The transform is called from here, not from a kernel, which would compile it once more.
    for first in range(0, whole, PAIR):
        lay_frames(sound, hann_window() / 2, first, work)
        transform(work, factors(FRAME))
        _store_levels(work, places(FRAME), powers, *_mel_rows(sample_rate), levels, first)
    return _mean_rises(levels[:, :frames])


def _mean_rises(levels: np.ndarray) -> np.ndarray:
    """Onset strength (frames,) from log₂ of the power of each band, (bands, frames), which is overwritten."""
    frames = levels.shape[1]
    result = np.zeros(frames)
    if frames > DELAY:
        np.maximum(levels, levels.max() - _RANGE_DB / _DECIBELS_PER_OCTAVE, out=levels)
        rises = np.diff(levels[:, : frames - DELAY + 1], axis=1)
        np.maximum(rises, 0, out=rises)
        result[DELAY:] = rises.sum(axis=0) * (_DECIBELS_PER_OCTAVE / _BANDS)
    return result


@lru_cache(maxsize=8)
def _mel_rows(sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """What of each band is not zero.

    Returns
    -------
    bounds : (bands, 2) int64, its first bin, and the one after its last
    weights : (bands, widest) float32, from the first bin on
    """
    bank = mel_filterbank(sample_rate=sample_rate, n_fft=FRAME, n_mels=_BANDS)
    filled = [np.flatnonzero(row) for row in bank]
    bounds = np.array([(bins[0], bins[-1] + 1) if bins.size else (0, 0) for bins in filled])
    weights = np.zeros((_BANDS, int(np.max(bounds[:, 1] - bounds[:, 0]))), dtype=np.float32)
    for row, (first, end), band in zip(weights, bounds, bank, strict=True):
        row[: end - first] = band[first:end]
    return bounds, weights


@njit(**OPTIONS)
def _store_levels(
    work: np.ndarray,
    place: np.ndarray,
    powers: np.ndarray,
    bounds: np.ndarray,
    weights: np.ndarray,
    levels: np.ndarray,
    first: int,
) -> None:
    """log₂ of the bands' power in the frames of either part, from transforms with half of the window.

    `powers` (bins, 2, 16) is room to work.
    """
    for k in range(BINS):
        one, mirror = place[k] * PAIR, place[(FRAME - k) % FRAME] * PAIR
        a, b, c, d = load(work, one), load(work, one + LANES), load(work, mirror), load(work, mirror + LANES)
        store(powers, k * PAIR, even_power(a, b, c, d))
        store(powers, k * PAIR + LANES, odd_power(a, b, c, d))
    least = spread(np.float32(_LEAST_POWER))
    for band in range(bounds.shape[0]):
        total, other = spread(np.float32(0)), spread(np.float32(0))
        for k in range(bounds[band, 0], bounds[band, 1]):
            weight = spread(weights[band, k - bounds[band, 0]])
            total = total + weight * load(powers, k * PAIR)
            other = other + weight * load(powers, k * PAIR + LANES)
        at = band * levels.shape[1] + first
        store(levels, at, log2(larger(total, least)))
        store(levels, at + LANES, log2(larger(other, least)))
