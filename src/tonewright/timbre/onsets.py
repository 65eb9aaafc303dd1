"""Where the notes of a sound begin, to the sample."""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.timbre.lanes import OPTIONS, larger
from tonewright.timbre.onset_strength import onset_strength
from tonewright.timbre.spectra import HOP

# Picking, after S. Böck, F. Krebs and M. Schedl, "Evaluating the online capabilities of onset detection
# methods", ISMIR 2012.
_BEFORE_S, _MEAN_S, _WAIT_S = 0.03, 0.1, 0.03
_ABOVE_MEAN = 0.07
# Walking back to where the envelope begins to rise.
_NEAR_MS, _FAR_MS = 20, 300
_LEAST_PERCENT = 10
_APART_MS = 100
_LEAST_STRENGTH = 3.0


def find_onsets(
    samples: np.ndarray,
    envelope: np.ndarray,
    nperseg: int,
    *,
    sample_rate: float,
    strength: np.ndarray | None = None,
) -> np.ndarray:
    """Onsets of a sound: peaks of the onset strength, moved back to where the envelope begins to rise.

    Those are left out that rise by less than a tenth of the envelope's range, that follow another within
    100 ms, or whose strength stays below 3 dB up to the next.

    Parameters
    ----------
    samples : (time,); only read where `strength` is not given
    envelope : (time,) float64, of the same sound
    nperseg : an onset that moves back to this near the start, in samples, is at 0
    sample_rate : in Hz
    strength : (frames,) of the same sound, from `onset_strength`

    Returns
    -------
    (onsets,) int64, in samples, ascending; [0] where there is none
    """
    if strength is None:
        strength = onset_strength(samples, sample_rate=sample_rate)
    frames = pick_frames(strength, sample_rate=sample_rate)
    least = (envelope.max() - envelope.min()) * _LEAST_PERCENT * 0.01
    onsets = _without_repeats(_moved_back(frames, envelope, nperseg, least, sample_rate))
    if onsets.size > 1:
        onsets = _without_noise(onsets, envelope, least)
        onsets = _without_close_ones(onsets, sample_rate * 0.001 * _APART_MS)
    onsets = _without_weak_ones(onsets, strength)
    return onsets if onsets.size else np.zeros(1, dtype=np.int64)


def pick_frames(strength: np.ndarray, *, sample_rate: float) -> np.ndarray:
    """Frames at which the onset strength begins to rise towards a peak that stands out.

    A peak is the highest of the 30 ms before it and, with the strength scaled to 0 … 1, at least .07 above
    the mean of ±100 ms; after each, 30 ms are skipped.

    Parameters
    ----------
    strength : (frames,) float64
    sample_rate : in Hz

    Returns
    -------
    (onsets,) int64
    """
    scaled = strength - strength.min()
    scaled /= scaled.max() + np.finfo(float).tiny
    before, mean, wait = (int(seconds * sample_rate // HOP) for seconds in (_BEFORE_S, _MEAN_S, _WAIT_S))
    picked = _peak_frames(scaled, before, mean, wait)
    lowest = 1 + np.flatnonzero((scaled[1:-1] <= scaled[:-2]) & (scaled[1:-1] < scaled[2:]))
    starts = np.concatenate(([0], lowest))
    return starts[np.searchsorted(starts, picked, side="right") - 1]


def _peak_frames(scaled: np.ndarray, before: int, mean: int, wait: int) -> list[int]:
    frames = np.arange(scaled.size)
    first, end = np.maximum(frames - mean, 0), np.minimum(frames + mean + 1, scaled.size)
    sums = np.concatenate(([0.0], np.cumsum(scaled)))
    highest = scaled >= (sums[end] - sums[first]) / (end - first) + _ABOVE_MEAN
    for shift in range(1, before + 1):
        highest[shift:] &= scaled[shift:] >= scaled[:-shift]
    picked: list[int] = []
    for frame in np.flatnonzero(highest).tolist():
        if not picked or frame > picked[-1] + wait:
            picked.append(frame)
    return picked


def _moved_back(
    frames: np.ndarray, envelope: np.ndarray, nperseg: int, least: float, sample_rate: float
) -> np.ndarray:
    """Each onset where the envelope begins to rise; 0 for one that reaches the start."""
    found = np.minimum(frames * HOP, envelope.size - 1)
    # The first is moved even where it lies in the last frame; later ones there are left out.
    kept = (np.arange(found.size) == 0) | (found == 0) | (found + HOP - 1 < envelope.size)
    near, far = int(_NEAR_MS * 0.001 * sample_rate), int(_FAR_MS * sample_rate * 0.001)
    starts = [_rise_start(envelope, int(onset), near, far, least, nperseg) for onset in found[kept]]
    return np.array(starts, dtype=np.int64)


@njit(**OPTIONS)
def _rise_start(envelope: np.ndarray, onset: int, near: int, far: int, least: float, nperseg: int) -> int:
    """Walk back from `onset` until nothing near is lower, and nothing far but for a rise of `least`."""
    while onset > 0:
        level = envelope[onset]
        first, end = (onset - near - 1, onset) if onset > near else (0, onset - 1)
        low, lowest = first, envelope[first]
        for k in range(first + 1, end):
            if envelope[k] < lowest:
                low, lowest = k, envelope[k]
        if lowest <= level:
            # Within 20 ms of the start the index is as if the whole 20 ms were there.
            onset += low - first - near - 1
            if onset <= nperseg:
                return 0
            continue
        lower, top = onset - 1, level
        farthest = onset - far - 1 if onset > far else 0
        while lower >= farthest and envelope[lower] >= level:
            top = larger(top, envelope[lower])
            lower -= 1
        if lower < farthest or top - envelope[lower] >= least:
            return onset
        if lower < nperseg:
            return 0
        onset = lower
    return 0


def _without_repeats(onsets: np.ndarray) -> np.ndarray:
    """Without zeros but for a first one, and each only once, in the order of their first appearance."""
    kept = onsets[(onsets > 0) | (np.arange(onsets.size) == 0)]
    return kept[np.sort(np.unique(kept, return_index=True)[1])]


def _without_noise(onsets: np.ndarray, envelope: np.ndarray, least: float) -> np.ndarray:
    """From the last back, without those that rise by less than `least` up to their peak."""
    kept: list[int] = []
    end = envelope.size
    for onset in onsets[::-1]:
        segment = envelope[onset:end]
        peak = int(segment.argmax()) if segment.size > 1 else 0
        if peak > 0 and segment[peak] - segment[:peak].min() >= least:
            kept.append(int(onset))
            end = onset
    return np.array(kept[::-1], dtype=np.int64)


def _without_close_ones(onsets: np.ndarray, least_samples: float) -> np.ndarray:
    """Without those that follow another too soon, until none does."""
    while onsets.size > 1:
        close = np.diff(onsets) < least_samples
        if not close.any():
            break
        onsets = onsets[np.concatenate(([True], ~close))]
    return onsets


def _without_weak_ones(onsets: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """From the last back, without those whose strength stays low up to the next."""
    kept: list[int] = []
    end = strength.size
    for onset in onsets[::-1]:
        frame = min(int(onset) // HOP, strength.size - 1)
        if strength[frame:end].max(initial=0.0) >= _LEAST_STRENGTH:
            kept.append(int(onset))
            end = frame
    return np.array(kept[::-1], dtype=np.int64)
