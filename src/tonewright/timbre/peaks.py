"""Peaks that stand out from what is beside them."""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.timbre.lanes import OPTIONS, smaller


def peaks(levels: np.ndarray, contrast: float) -> tuple[np.ndarray, np.ndarray]:
    """Peaks that rise by `contrast` above the notches on both sides, the highest first.

    The rule is that of the MIRtoolbox (O. Lartillot and P. Toiviainen, "A Matlab toolbox for musical
    feature extraction from audio", DAFx 2007). What lies outside counts as lower than everything, so that
    the first and the last bin can be peaks. Between bins, a peak is placed by the parabola through three.

    Parameters
    ----------
    levels : (bins,)
    contrast : the least level of a peak, and the least height above its notches

    Returns
    -------
    positions : (peaks,) float64, in bins
    levels : (peaks,) float64, at these positions
    """
    levels = np.ascontiguousarray(levels, dtype=np.float64)
    bins = peak_bins(levels, contrast)
    positions, heights = np.empty(bins.size), np.empty(bins.size)
    for i, index in enumerate(bins):
        positions[i], heights[i] = refined_peak(levels, index)
    return positions, heights


def peak_bins(levels: np.ndarray, contrast: float) -> np.ndarray:
    """The bins of the peaks of `peaks`, the highest first.

    Parameters
    ----------
    levels : (bins,) float64
    contrast : as there

    Returns
    -------
    (peaks,) int64
    """
    found = np.empty(levels.size // 2 + 1, dtype=np.int64)
    bins = found[: find_peaks(levels, contrast, contrast, found)]
    return bins[np.argsort(levels[bins])[::-1]]


@njit(**OPTIONS)
def find_peaks(levels: np.ndarray, floor: float, contrast: float, found: np.ndarray) -> int:
    """Bins of the peaks, in their order, into `found`.

    Candidates are higher than their left neighbour and not lower than the right one. From left to right,
    a peak that has no deep notch between itself and the next candidate gives way to it if that is higher.
    The bin just before a candidate does not count as part of the notch.

    Parameters
    ----------
    levels : (bins,)
    floor : the least level of a candidate
    contrast : the least height above the notches on both sides
    found : (bins // 2 + 1,) or more, int64; written

    Returns
    -------
    number of peaks
    """
    count, peak, previous = 0, -1, 0
    top, left, notch = 0.0, -np.inf, np.inf
    last = levels.size - 1
    for i in range(levels.size):
        level = levels[i]
        if level < floor or (i > 0 and level <= levels[i - 1]) or (i < last and level < levels[i + 1]):
            continue
        if peak >= 0:
            for k in range(previous, i - 1):
                notch = smaller(notch, levels[k])
        previous = i
        deep = peak >= 0 and top - notch >= contrast
        if deep and top - left >= contrast:
            found[count] = peak
            count += 1
            left = notch
        elif peak >= 0:
            left = smaller(left, notch)
        if peak < 0 or deep or level > top:
            peak, top, notch = i, level, np.inf
    if peak >= 0 and top - left >= contrast:
        found[count] = peak
        count += 1
    return count


def refined_peak(levels: np.ndarray, index: int) -> tuple[float, float]:
    """Where the parabola through a peak and its neighbours has its top, and how high that is.

    Parameters
    ----------
    levels : (bins,)
    index : bin of the peak; the first and the last bin stay where they are

    Returns
    -------
    position : in bins
    level : there
    """
    top = float(levels[index])
    if index == 0 or index == levels.size - 1:
        return float(index), top
    before, after = float(levels[index - 1]), float(levels[index + 1])
    shift = (after - before) / (2 * (2 * top - after - before))
    return index + shift, top - 0.25 * (before - after) * shift
