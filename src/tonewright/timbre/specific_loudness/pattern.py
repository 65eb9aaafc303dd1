"""From the levels of third-octave bands to specific loudness along the Bark scale."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tonewright.timbre.lanes import CALLED, OPTIONS
from tonewright.timbre.specific_loudness import tables

POINTS = 240
_FULL_SCALE_DB = 100.0


def patterns(bands: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Specific loudness of frames, from the mean squares of their third-octave bands.

    Parameters
    ----------
    bands : (frames, 28), full scale being 100 dB

    Returns
    -------
    pattern : (frames, 240) sone/Bark at 0.1, 0.2, … 24 Bark
    total : (frames,) sone
    """
    pattern, total = np.zeros((bands.shape[0], POINTS)), np.zeros(bands.shape[0])
    _fill(
        np.ascontiguousarray(bands),
        (tables.LOW_BAND_LIMITS_DB, tables.LOW_BAND_DB, tables.LOW_BAND_BOUNDS),
        (tables.THRESHOLD_DB, tables.EAR_DB, tables.BAND_DB),
        (tables.UPPER_BARK, tables.SLOPE_LIMITS, tables.SLOPES),
        pattern,
        total,
    )
    return pattern, total


@njit(**OPTIONS)
def _fill(bands, low_bands, hearing, slopes, pattern, total):
    main = np.zeros(hearing[0].size + 1)
    for frame in range(bands.shape[0]):
        _main_loudness(bands[frame], low_bands, hearing, main)
        total[frame] = _spread_upwards(main, slopes, pattern[frame])


@njit(**CALLED)
def _power_of_level(level_db):
    return math.exp(level_db * (math.log(10.0) / 10.0))


@njit(**CALLED)
def _level_of_power(power):
    return 10.0 * math.log10(power) + _FULL_SCALE_DB if power > 0.0 else -math.inf


@njit(**CALLED)
def _main_loudness(bands, low_bands, hearing, main):
    """Loudness of the critical bands, N' = .0635 · 10^(.025 LTQ) · ((¾ + ¼ 10^((L − LTQ)/10))^¼ − 1).

    Parameters
    ----------
    bands : (28,) mean squares
    low_bands : limits, corrections and bounds of the bands up to 250 Hz
    hearing : LTQ, A0 and DCB of the critical bands
    main : (21,), filled; the last is 0
    """
    limits, corrections, bounds = low_bands
    threshold, ear, band_correction = hearing
    joined, low_count = bounds.size - 1, bounds[-1]
    for i in range(main.size - 1):
        if i < joined:
            power = 0.0
            for band in range(bounds[i], bounds[i + 1]):
                level, row = _level_of_power(bands[band]), 0
                while level > limits[row] - corrections[row, band] and row < limits.size - 1:
                    row += 1
                power += _power_of_level(level + corrections[row, band])
            level = 10.0 * math.log10(power) if power > 0.0 else 0.0
        else:
            level = _level_of_power(bands[low_count - joined + i])
        main[i] = 0.0
        if level > threshold[i]:
            over = _power_of_level(level - ear[i] - band_correction[i] - threshold[i])
            scale = 0.0635 * math.exp(0.025 * math.log(10.0) * threshold[i])
            main[i] = max(0.0, scale * (math.sqrt(math.sqrt(0.75 + 0.25 * over)) - 1.0))
    main[0] *= min(1.0, 0.4 + 0.32 * main[0] ** 0.2)


@njit(**CALLED)
def _spread_upwards(main, slopes, pattern):
    """Lay out the loudness of the critical bands, falling slowly above each loud one.

    Steps are of 0.1 Bark. Where a band is no softer than what has fallen from below, the pattern is flat up
    to the band's end; else it falls, by slopes that depend on how loud it still is, down to the band's
    loudness. A fall that a band's end has carried below its limit is taken up a step lower on the axis.

    Parameters
    ----------
    main : (bands,)
    slopes : upper limits of the bands in Bark; limits of loudness; slopes (limits, 8)
    pattern : (240,), filled

    Returns
    -------
    the area under it, in sone, rounded to 0.001, or 0.01 above 16
    """
    upper, limits, falls = slopes
    area, bark, loudness, row, first = 0.0, 0.0, 0.0, limits.size - 1, 1
    for band in range(main.size):
        column = min(band - 1, falls.shape[1] - 1)
        begun = False
        while bark < upper[band] or not begun:
            begun = True
            if loudness < main[band]:
                row = 0
                while limits[row] > main[band]:
                    row += 1
            if loudness <= main[band]:
                end, reached, slope = upper[band], main[band], 0.0
                area += reached * (end - bark)
                loudness = reached
            else:
                slope = falls[row, column]
                reached = max(limits[row], main[band])
                tenths = round((loudness - reached) / slope * 10.0)
                width = (tenths if tenths != 0 else 1) * 0.1
                end = bark + width
                if end > upper[band]:
                    end = upper[band]
                    width = end - bark
                    reached = loudness - width * slope
                area += width * (loudness + reached) / 2.0
            last = round(end * 10.0)
            for point in range(first, last + 1):
                pattern[point - 1] = loudness - (point * 0.1 - bark) * slope
            first = max(first, last)
            if reached == limits[row]:
                row = min(row + 1, limits.size - 1)
            loudness, bark = reached, round(end * 10.0) * 0.1
    if area <= 16.0:
        return math.floor(area * 1000.0 + 0.5) / 1000.0
    return math.floor(area * 100.0 + 0.05) / 100.0
