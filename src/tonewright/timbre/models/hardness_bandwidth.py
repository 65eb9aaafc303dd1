"""How wide the spectrum of a sound is from moment to moment, and how wide it becomes where notes begin."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tonewright.timbre.lane_fourier import factors, places, transform
from tonewright.timbre.lanes import LANES, OPTIONS, load, root, spread, store, where
from tonewright.timbre.spectra import PAIR, hops, lay_frames

FRAME, HOP = 4096, 128
_BINS = FRAME // 2 + 1
_THRESHOLD_DB = -75.0
_LOW_SHARE = np.float32(0.05)
_LEAST_SHARE = 0.1
_RISE_SHARE = 20 * 0.01
_ATTACK_S = 0.1
_NOTHING = np.float32(0)


def bandwidth_curve(
    samples: np.ndarray, *, sample_rate: float, lead: int, end_hz: float = math.inf
) -> np.ndarray:
    """Bandwidth in Hz of frames of 4096 samples every 128, without a window.

    From the first bin at which the sum of magnitudes reaches 5 % of all to the last one of at least −75 dB,
    |X| / √(4096 · sample rate) being the magnitude and bin 0 left out. Frames whose sum of magnitudes lies in
    the lowest tenth of its range have none.

    Parameters
    ----------
    samples : (time,)
    sample_rate : in Hz
    lead : samples of silence before the sound
    end_hz : bins above this frequency count as empty

    Returns
    -------
    (1 + (lead + time − 4096) // 128,)
    """
    frames = 1 + (lead + samples.size - FRAME) // HOP
    whole = -(-frames // PAIR) * PAIR
    sound = hops(samples, whole + FRAME // HOP - 1, lead=lead, hop=HOP)
    least = 2 * 10 ** (_THRESHOLD_DB / 20) * math.sqrt(FRAME * sample_rate)
    work, levels = (np.empty((size, 2, LANES), dtype=np.float32) for size in (FRAME, _BINS))
    found = np.empty((3, whole), dtype=np.float32)
    window = np.ones(FRAME, dtype=np.float32)
    bins = int(min(_BINS, end_hz * FRAME / sample_rate + 1))
    for first in range(0, whole, PAIR):
        totals, low, high = found[:, first:]
        lay_frames(sound, window, first, work)
        transform(work, factors(FRAME))
        _read_levels(work, places(FRAME), levels[:bins], totals)
        _find_bins(levels[:bins], least, totals, low, high)
    totals, low, high = found[:, :frames].astype(np.float64)
    loud = totals > _LEAST_SHARE * (totals.max() - totals.min()) + totals.min()
    return np.where(loud & (high >= 0), (high - low) * (sample_rate / FRAME), 0.0)


def onset_bandwidths(curve: np.ndarray, onsets: list[int], *, sample_rate: float) -> list[float]:
    """Largest bandwidth of the 100 ms that follow each onset's attack; NaN where the curve does not rise.

    The attack starts where the curve has gone a fifth of the way from the last of its lowest values before
    the highest up to that.

    Parameters
    ----------
    curve : from `bandwidth_curve`
    onsets : in samples of the sound with its lead of silence, ascending
    sample_rate : in Hz
    """
    reach = int(_ATTACK_S * (sample_rate / HOP))
    begins = [max(0, onset - FRAME) // HOP for onset in onsets]
    # Onsets that share the last frame all get the rest.
    ends = [
        curve.size if begin == begins[-1] else after
        for begin, after in zip(begins, [*begins[1:], curve.size], strict=True)
    ]
    return [_attack_bandwidth(curve[begin:end], reach) for begin, end in zip(begins, ends, strict=True)]


def _attack_bandwidth(piece: np.ndarray, reach: int) -> float:
    peak = int(piece.argmax()) if piece.size else 0
    if peak == 0 or not piece[peak] > 0:
        return math.nan
    scaled = piece[: peak + 1] / piece[peak]
    lowest = scaled[:peak].min()
    first = int(np.flatnonzero(scaled[:peak] == lowest)[-1])
    start = first + int((scaled[first:] >= _RISE_SHARE * (1.0 - lowest) + lowest).argmax())
    end = start + reach if piece.size - start > start + reach else piece.size
    return float(piece[start:end].max())


@njit(**OPTIONS)
def _read_levels(work: np.ndarray, place: np.ndarray, levels: np.ndarray, totals: np.ndarray) -> None:
    """Doubled magnitudes (bins, 2, LANES) of frames in either part, but for bin 0, and their sums."""
    first, other = spread(_NOTHING), spread(_NOTHING)
    store(levels, 0, first)
    store(levels, LANES, other)
    for k in range(1, levels.shape[0]):
        one, mirror = place[k] * PAIR, place[FRAME - k] * PAIR
        a, b, c, d = load(work, one), load(work, one + LANES), load(work, mirror), load(work, mirror + LANES)
        real, imaginary = a + c, b - d
        level = root(real * real + imaginary * imaginary)
        store(levels, k * PAIR, level)
        first += level
        real, imaginary = b + d, a - c
        level = root(real * real + imaginary * imaginary)
        store(levels, k * PAIR + LANES, level)
        other += level
    store(totals, 0, first)
    store(totals, LANES, other)


@njit(**OPTIONS)
def _find_bins(
    levels: np.ndarray, least: float, totals: np.ndarray, low: np.ndarray, high: np.ndarray
) -> None:
    """First bin at which the running sum is large enough, and last one that is loud enough, or −1."""
    threshold, one = spread(np.float32(least)), spread(np.float32(1))
    for part in range(0, PAIR, LANES):
        needed = load(totals, part) * spread(_LOW_SHARE)
        summed, first, last = spread(_NOTHING), spread(_NOTHING), spread(np.float32(-1))
        for k in range(levels.shape[0]):
            level = load(levels, k * PAIR + part)
            summed += level
            first += where(summed < needed, one, spread(_NOTHING))
            last = where(level >= threshold, spread(np.float32(k)), last)
        store(low, part, first)
        store(high, part, last)
