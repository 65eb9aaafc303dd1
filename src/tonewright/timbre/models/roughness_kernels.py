"""Compiled loops of roughness: spectra of frames side by side, their peaks, and how peaks beat in pairs."""

from __future__ import annotations

import math

import numba
import numpy as np

from tonewright.timbre.lane_formulas import Lane, even_power, formula, odd_power
from tonewright.timbre.lane_powers import logarithm, polynomial, power_of_two
from tonewright.timbre.lanes import (
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
_SLOW, _FAST = -3.51 * math.log2(math.e), -5.75 * math.log2(math.e)
_S0, _S1, _S2 = np.float32(0.24), np.float32(0.0207), np.float32(18.96)
# Pairs beyond the reach add less than 1e-8 each to a frame of few peaks, and 1e-5 of the whole to one of
# many, which has pairs at every distance; none is computed with more than _FARTHEST.
_REACH, _REACH_OF_MANY, _MANY, _FARTHEST = np.float32(5.5), np.float32(3.9), 64, 15.0
_TENTH = 0.1
_FAR_HZ = np.float32(1e9)
# Interpolation lifts a peak by an eighth at most: the lower one of a pair may come to 9/8 of the higher.
_contrast_weight = polynomial(lambda t: 0.5 * (2 / (1 + t)) ** 3.11, 0.0, 1.13, 9)
# Rows of what is known of the peaks of a frame.
_FREQUENCY, _LEVEL, _INVERSE, _RAW, _TENTH_POWER = range(5)
ROWS = 5


@formula
def _tenth_power(level: Lane) -> Lane:
    return power_of_two(logarithm(level) * _TENTH)


@formula
def _beat(distance: Lane, ratio: Lane) -> Lane:
    """What a pair adds but for its level, from its distance in critical bandwidths and its levels' ratio."""
    distance = distance.smaller(_FARTHEST)
    return _contrast_weight(ratio) * (power_of_two(distance * _SLOW) - power_of_two(distance * _FAST))


@numba.njit(**OPTIONS)
def lay_frames(work: np.ndarray, sound: np.ndarray, first: int, weights: np.ndarray) -> None:
    """Windowed frames, which overlap by half and have zeros after them.

    Those of even number begin at whole columns of the sound and become real parts, the odd ones imaginary
    parts.

    Parameters
    ----------
    work : (points, 2, LANES), written
    sound : (frame or more, columns), from `columns`
    first : column
    weights : (frame,) window
    """
    frame, width = weights.size, sound.shape[1]
    half = frame // 2
    for n in range(frame):
        weight = spread(weights[n])
        store(work, 2 * LANES * n, weight * load(sound, n * width + first))
        row = n + half
        at = row * width if row < frame else (row - frame) * width + 1
        store(work, 2 * LANES * n + LANES, weight * load(sound, at + first))
    zero = spread(np.float32(0))
    for at in range(2 * LANES * frame, work.size, LANES):
        store(work, at, zero)


@numba.njit(**OPTIONS)
def separate(work: np.ndarray, places: np.ndarray, levels: np.ndarray) -> float:
    """Magnitudes of the spectra of both frames of each lane; returns the largest.

    Parameters
    ----------
    work : (points, 2, LANES) as `transform` leaves it
    places : of its bins
    levels : (bins, 2, LANES), written
    """
    points = work.shape[0]
    half = spread(np.float32(0.5))
    top = spread(np.float32(0))
    for k in range(levels.shape[0]):
        one, other = 2 * LANES * places[k], 2 * LANES * places[(points - k) % points]
        real, imaginary = load(work, one), load(work, one + LANES)
        mirrored, turned = load(work, other), load(work, other + LANES)
        even = half * root(even_power(real, imaginary, mirrored, turned))
        odd = half * root(odd_power(real, imaginary, mirrored, turned))
        store(levels, 2 * LANES * k, even)
        store(levels, 2 * LANES * k + LANES, odd)
        top = larger(top, larger(even, odd))
    return highest(top)


@numba.njit(**OPTIONS)
def find_peaks(
    levels: np.ndarray, part: int, floor: float, contrast: float, found: np.ndarray, counts: np.ndarray
) -> None:
    """Bins of the peaks of 16 frames, by the rule of `tonewright.timbre.peaks.find_peaks`.

    Parameters
    ----------
    levels : (bins, 2, LANES) magnitudes
    part : 0 for the even frames, 1 for the odd ones
    floor : least magnitude of a peak
    contrast : how much a peak is to rise above the notches beside it
    found : (1 + LANES, peaks) float32, written; the first row holds the last peaks of all lanes
    counts : (LANES,) peaks, written
    """
    bins, step, offset = levels.shape[0], 2 * LANES, part * LANES
    least, contrasting = spread(np.float32(floor)), spread(np.float32(contrast))
    outside, never = spread(np.float32(-np.inf)), spread(np.float32(np.inf))
    for lane in range(LANES):
        counts[lane] = 0
    before, level, low = outside, load(levels, offset), never
    # The peak that stands last: its bin, its level, and the lowest levels to its right and left.
    peak, top, notch, left = outside, outside, never, outside
    for k in range(bins + 1):
        after = load(levels, (k + 1) * step + offset) if k + 1 < bins else outside
        if k == bins:
            # A candidate above all, behind the lowest notch, ends the last peak.
            level, low = never, outside
        rises = (level > before) & (level >= after) & (level >= least)
        if bits(rises):
            notch = where(rises, smaller(notch, low), notch)
            deep = rises & (top - notch >= contrasting)
            stands = deep & (top - left >= contrasting)
            packed = bits(stands)
            if packed:
                store(found, 0, peak)
            while packed:
                lane = first_lane(packed)
                packed &= packed - 1
                found[1 + lane, counts[lane]] = found[0, lane]
                counts[lane] += 1
            left = where(stands, notch, where(rises, smaller(left, notch), left))
            follows = where(deep, deep, rises & (level > top))
            peak, top = where(follows, spread(np.float32(k)), peak), where(follows, level, top)
            notch = where(follows, never, notch)
        # The lowest level since the last candidate, but for the one just before the next bin.
        low = where(rises, level, smaller(low, before))
        before, level = level, after


@numba.njit(**OPTIONS)
def refine(
    levels: np.ndarray, part: int, found: np.ndarray, counts: np.ndarray, bin_hz: float, peaks: np.ndarray
) -> None:
    """Frequencies and levels of the peaks of 16 frames between bins, by the parabola through three.

    Parameters
    ----------
    levels, part, found, counts : of `find_peaks`
    bin_hz : from one bin to the next
    peaks : (LANES, ROWS, peaks + LANES) float32, written
    """
    rows, width = peaks.shape[1], peaks.shape[2]
    one = spread(np.float32(1))
    for lane in range(LANES):
        count = counts[lane]
        for i in range(count):
            k = int(found[1 + lane, i])
            level = levels[k, part, lane]
            shift, raised = np.float32(0), level
            if 0 < k < levels.shape[0] - 1:
                before, after = levels[k - 1, part, lane], levels[k + 1, part, lane]
                shift = (after - before) / (np.float32(2) * (level - before + (level - after)))
                raised = level + np.float32(0.25) * (after - before) * shift
            peaks[lane, _FREQUENCY, i] = (k + shift) * bin_hz
            peaks[lane, _LEVEL, i], peaks[lane, _RAW, i] = raised, level
        # Beyond the last peak a vector finds some that are too far to matter.
        begin = lane * rows * width
        store(peaks, begin + _FREQUENCY * width + count, spread(_FAR_HZ))
        store(peaks, begin + _LEVEL * width + count, one)
        store(peaks, begin + _RAW * width + count, one)
        for i in range(begin, begin + count, LANES):
            level = load(peaks, i + _LEVEL * width)
            store(peaks, i + _INVERSE * width, one / level)
            store(peaks, i + _TENTH_POWER * width, _tenth_power(level))
        store(peaks, begin + _INVERSE * width + count, one)
        store(peaks, begin + _TENTH_POWER * width + count, one)


@numba.njit(**OPTIONS)
def pair_roughness(peaks: np.ndarray, counts: np.ndarray, part: int, result: np.ndarray) -> None:
    """Roughness of all pairs of the peaks of a frame, of 16 frames.

    Parameters
    ----------
    peaks : (LANES, ROWS, peaks + LANES) in order of frequency, of `refine`
    counts : (LANES,)
    part : 0 for the even frames, 1 for the odd ones
    result : (LANES, 2), of which one column is written
    """
    rows, width = peaks.shape[1], peaks.shape[2]
    for lane in range(LANES):
        total, at = 0.0, lane * rows * width
        reach = _REACH if counts[lane] < _MANY else _REACH_OF_MANY
        for i in range(counts[lane] - 1):
            frequency = peaks[lane, _FREQUENCY, i]
            sharpness = _S0 / (_S1 * frequency + _S2)
            end = frequency + reach / sharpness
            here, scale = spread(frequency), spread(sharpness)
            level, inverse = spread(peaks[lane, _LEVEL, i]), spread(peaks[lane, _INVERSE, i])
            raw, inner = spread(peaks[lane, _RAW, i]), spread(np.float32(0))
            for j in range(at + i + 1, at + counts[lane], LANES):
                if peaks[lane, _FREQUENCY, j - at] > end:
                    break
                upper = level * load(peaks, j + _INVERSE * width)
                lower = inverse * load(peaks, j + _LEVEL * width)
                ratio = where(load(peaks, j + _RAW * width) > raw, upper, lower)
                beat = _beat((load(peaks, j) - here) * scale, ratio)
                inner += load(peaks, j + _TENTH_POWER * width) * beat
            total += summed(inner) * peaks[lane, _TENTH_POWER, i]
        result[lane, part] = total
