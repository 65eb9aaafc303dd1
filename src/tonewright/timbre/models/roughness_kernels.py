"""Compiled loops of roughness: spectra of frames side by side, their peaks, and how peaks beat in pairs."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from tonewright.timbre.lane_fourier import transform
from tonewright.timbre.lane_powers import exp2, log2, polynomial
from tonewright.timbre.lanes import (
    CALLED,
    LANES,
    OPTIONS,
    bits,
    first_lane,
    highest,
    larger,
    load,
    root,
    smaller,
    spread,
    store,
    summed,
    where,
)

# Beats fade with the distance of two partials in critical bandwidths, x = s Δf: e^(−3.51 x) − e^(−5.75 x).
_SLOW, _FAST = np.float32(-3.51 * np.log2(np.e)), np.float32(-5.75 * np.log2(np.e))
_S0, _S1, _S2 = np.float32(0.24), np.float32(0.0207), np.float32(18.96)
# Pairs beyond the reach add less than 1e-8 each to a frame of few peaks, and 1e-5 of the whole to one of
# many, which has pairs at every distance; none is computed with more than _FARTHEST.
_REACH, _REACH_OF_MANY, _MANY, _FARTHEST = np.float32(5.5), np.float32(3.9), 64, np.float32(15)
_TENTH = np.float32(0.1)
_FAR_HZ = np.float32(1e9)
# Interpolation lifts a peak by an eighth at most: the lower one of a pair may come to 9/8 of the higher.
_contrast_weight = polynomial(lambda t: 0.5 * (2 / (1 + t)) ** 3.11, 0.0, 1.13, 9)
# Rows of what is known of the peaks of a frame.
_FREQUENCY, _LEVEL, _INVERSE, _RAW, _TENTH_POWER = range(5)


@numba.njit(**OPTIONS)
def magnitudes(
    sound: np.ndarray,
    frames: int,
    weights: np.ndarray,
    rotations: np.ndarray,
    places: np.ndarray,
    levels: np.ndarray,
) -> float:
    """Magnitudes of all frames; returns the largest.

    Frames overlap by half. Those of even number begin at whole columns of the sound and are transformed as
    real parts, the odd ones as imaginary parts.

    Parameters
    ----------
    sound : (frame, columns) from `columns`
    frames : how many of them are not to be 0
    weights : (frame,) window
    rotations, places : of `transform`
    levels : (batches, bins, 2, LANES) float32, written; the frames of even, then of odd number
    """
    points = 2 * (levels.shape[1] - 1)
    work = np.empty((points, 2, LANES), np.float32)
    top = spread(np.float32(0))
    for batch in range(levels.shape[0]):
        _lay_frames(work, sound, batch * LANES, weights)
        for frame in range(max(frames - 2 * LANES * batch, 0), 2 * LANES):
            work[:, frame % 2, frame // 2] = 0
        transform(work, rotations)
        top = larger(top, _separate(work, places, levels[batch]))
    return highest(top)


@numba.njit(**CALLED)
def _lay_frames(work: np.ndarray, sound: np.ndarray, first: int, weights: np.ndarray) -> None:
    frame, width = sound.shape
    half = frame // 2
    for n in range(frame):
        weight = spread(weights[n])
        store(work, 2 * LANES * n, weight * load(sound, n * width + first))
        row = n + half
        at = row * width if row < frame else (row - frame) * width + 1
        store(work, 2 * LANES * n + LANES, weight * load(sound, at + first))
    work[frame:] = 0


@numba.njit(**CALLED)
def _separate(work: np.ndarray, places: np.ndarray, levels: np.ndarray) -> Any:
    """Magnitudes of the spectra of both frames of each lane; returns the largest of each lane."""
    points = work.shape[0]
    half = spread(np.float32(0.5))
    top = spread(np.float32(0))
    for k in range(levels.shape[0]):
        one, other = 2 * LANES * places[k], 2 * LANES * places[(points - k) % points]
        real, imaginary = load(work, one), load(work, one + LANES)
        mirrored, turned = load(work, other), load(work, other + LANES)
        a, b = real + mirrored, imaginary - turned
        even = half * root(a * a + b * b)
        a, b = imaginary + turned, real - mirrored
        odd = half * root(a * a + b * b)
        store(levels, 2 * LANES * k, even)
        store(levels, 2 * LANES * k + LANES, odd)
        top = larger(top, larger(even, odd))
    return top


@numba.njit(**OPTIONS)
def frame_roughness(levels: np.ndarray, floor: float, contrast: float, bin_hz: float) -> np.ndarray:
    """Roughness of each frame.

    Parameters
    ----------
    levels : (batches, bins, 2, LANES) magnitudes
    floor : least magnitude of a peak
    contrast : how much a peak is to rise above the notches beside it
    bin_hz : from one bin to the next

    Returns
    -------
    (2 · LANES · batches,)
    """
    bins = levels.shape[1]
    found = np.empty((LANES, bins // 2 + 1), np.int32)
    counts = np.empty(LANES, np.int64)
    peaks = np.empty((5, bins // 2 + 1 + LANES), np.float32)
    result = np.empty(2 * LANES * levels.shape[0])
    for batch in range(levels.shape[0]):
        for part in range(2):
            _find_peaks(levels[batch], part, floor, contrast, found, counts)
            for lane in range(LANES):
                _refine(levels[batch], part, lane, found[lane], counts[lane], bin_hz, peaks)
                result[2 * (LANES * batch + lane) + part] = _pairs(peaks, counts[lane])
    return result


@numba.njit(**CALLED)
def _find_peaks(
    levels: np.ndarray,
    part: int,
    floor: float,
    contrast: float,
    found: np.ndarray,
    counts: np.ndarray,
) -> None:
    """Bins of the peaks of 16 frames, by the rule of `tonewright.timbre.peaks.find_peaks`."""
    bins, step, offset = levels.shape[0], 2 * LANES, part * LANES
    stood = np.empty(LANES, np.float32)
    counts[:] = 0
    never, least, contrasting = (
        spread(np.float32(np.inf)),
        spread(np.float32(floor)),
        spread(np.float32(contrast)),
    )
    outside = spread(np.float32(-np.inf))
    before, level, low = outside, load(levels, offset), never
    # The peak that stands last: its bin, its level, and the lowest levels to its right and left.
    peak, top, notch, left = outside, outside, never, outside
    for k in range(bins):
        after = load(levels, (k + 1) * step + offset) if k + 1 < bins else outside
        rises = (level > before) & (level >= after) & (level >= least)
        if bits(rises):
            notch = where(rises, smaller(notch, low), notch)
            deep = rises & (top - notch >= contrasting)
            stands = deep & (top - left >= contrasting)
            _keep(bits(stands), peak, stood, found, counts)
            left = where(stands, notch, where(rises, smaller(left, notch), left))
            follows = where(deep, deep, rises & (level > top))
            peak, top = where(follows, spread(np.float32(k)), peak), where(follows, level, top)
            notch = where(follows, never, notch)
        # The lowest level since the last candidate, but for the one just before the next bin.
        low = where(rises, level, smaller(low, before))
        before, level = level, after
    _keep(bits(top - left >= contrasting), peak, stood, found, counts)


@numba.njit(**CALLED)
def _keep(packed: int, peak: Any, stood: np.ndarray, found: np.ndarray, counts: np.ndarray) -> None:
    if packed:
        store(stood, 0, peak)
    while packed:
        lane = first_lane(packed)
        packed &= packed - 1
        found[lane, counts[lane]] = np.int32(stood[lane])
        counts[lane] += 1


@numba.njit(**CALLED)
def _refine(
    levels: np.ndarray,
    part: int,
    lane: int,
    found: np.ndarray,
    count: int,
    bin_hz: float,
    peaks: np.ndarray,
) -> None:
    """Frequencies and levels of the peaks of one frame between bins, by the parabola through three."""
    for i in range(count):
        k = found[i]
        level = levels[k, part, lane]
        shift, raised = np.float32(0), level
        if 0 < k < levels.shape[0] - 1:
            before, after = levels[k - 1, part, lane], levels[k + 1, part, lane]
            shift = (after - before) / (np.float32(2) * (level - before + (level - after)))
            raised = level + np.float32(0.25) * (after - before) * shift
        peaks[_FREQUENCY, i] = (k + shift) * bin_hz
        peaks[_LEVEL, i], peaks[_RAW, i] = raised, level
    # Beyond the last peak a vector finds some that are too far to matter.
    peaks[:, count : count + LANES] = np.float32(1)
    peaks[_FREQUENCY, count : count + LANES] = _FAR_HZ
    one, tenth = spread(np.float32(1)), spread(_TENTH)
    width = peaks.shape[1]
    for i in range(0, count, LANES):
        level = load(peaks, _LEVEL * width + i)
        store(peaks, _INVERSE * width + i, one / level)
        store(peaks, _TENTH_POWER * width + i, exp2(tenth * log2(level)))


@numba.njit(**CALLED)
def _pairs(peaks: np.ndarray, count: int) -> float:
    """Roughness of all pairs of the peaks of a frame, which stand in order of frequency."""
    width = peaks.shape[1]
    farthest, reach = spread(_FARTHEST), _REACH if count < _MANY else _REACH_OF_MANY
    total = 0.0
    for i in range(count - 1):
        frequency = peaks[_FREQUENCY, i]
        sharpness = _S0 / (_S1 * frequency + _S2)
        end = frequency + reach / sharpness
        here, scale = spread(frequency), spread(sharpness)
        level, inverse, raw = spread(peaks[_LEVEL, i]), spread(peaks[_INVERSE, i]), spread(peaks[_RAW, i])
        inner = spread(np.float32(0))
        for j in range(i + 1, count, LANES):
            if peaks[_FREQUENCY, j] > end:
                break
            distance = smaller((load(peaks, j) - here) * scale, farthest)
            upper = level * load(peaks, _INVERSE * width + j)
            lower = inverse * load(peaks, _LEVEL * width + j)
            ratio = where(load(peaks, _RAW * width + j) > raw, upper, lower)
            beat = exp2(spread(_SLOW) * distance) - exp2(spread(_FAST) * distance)
            inner += load(peaks, _TENTH_POWER * width + j) * _contrast_weight(ratio) * beat
        total += summed(inner) * peaks[_TENTH_POWER, i]
    return total
