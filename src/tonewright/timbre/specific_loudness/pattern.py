"""From the levels of third-octave bands to specific loudness along the Bark scale."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tonewright.timbre.lanes import OPTIONS, larger
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
    main = _main_loudness(bands)
    _spread_upwards(main, tables.UPPER_BARK, tables.SLOPE_LIMITS, tables.SLOPES, pattern, total)
    return pattern, total


def _main_loudness(bands: np.ndarray) -> np.ndarray:
    """Loudness of the critical bands, N' = .0635 · 10^(.025 LTQ) · ((¾ + ¼ 10^((L − LTQ)/10))^¼ − 1).

    Parameters
    ----------
    bands : (frames, 28) mean squares

    Returns
    -------
    (frames, 21), the last being 0
    """
    low_count = tables.LOW_BAND_BOUNDS[-1]
    with np.errstate(divide="ignore"):
        levels = 10 * np.log10(bands) + _FULL_SCALE_DB
        low = levels[:, :low_count]
        passed = low[:, None] > (tables.LOW_BAND_LIMITS_DB[:, None] - tables.LOW_BAND_DB)[:-1]
        low = low + np.take_along_axis(tables.LOW_BAND_DB, passed.sum(axis=1), axis=0)
        powers = np.add.reduceat(10 ** (low / 10), tables.LOW_BAND_BOUNDS[:-1], axis=1)
        joined = np.where(powers > 0, 10 * np.log10(powers), 0.0)
    critical = np.concatenate([joined, levels[:, low_count:]], axis=1)[:, : tables.THRESHOLD_DB.size]
    over = 10 ** ((critical - tables.EAR_DB - tables.BAND_DB - tables.THRESHOLD_DB) / 10)
    loudness = 0.0635 * 10 ** (0.025 * tables.THRESHOLD_DB) * ((0.75 + 0.25 * over) ** 0.25 - 1)
    main = np.zeros((bands.shape[0], tables.UPPER_BARK.size))
    main[:, :-1] = np.where(critical > tables.THRESHOLD_DB, np.maximum(loudness, 0.0), 0.0)
    main[:, 0] *= np.minimum(1, 0.4 + 0.32 * main[:, 0] ** 0.2)
    return main


@njit(**OPTIONS)
def _spread_upwards(main, upper, limits, slopes, pattern, total):
    """Lay out the loudness of the critical bands, falling slowly above each loud one.

    Steps are of 0.1 Bark. Where a band is no softer than what has fallen from below, the pattern is flat up
    to the band's end; else it falls, by slopes that depend on how loud it still is, down to the band's
    loudness. A fall that a band's end has carried below its limit is taken up a step lower on the axis.

    Parameters
    ----------
    main : (frames, bands)
    upper : (bands,) in Bark
    limits : (rows,) sone/Bark down to which a row of slopes holds
    slopes : (rows, 8)
    pattern : (frames, 240), filled
    total : (frames,) filled with the area under it in sone, rounded to 0.001, or 0.01 above 16
    """
    last_row, last_column = limits.size - 1, slopes.shape[1] - 1
    for frame in range(main.shape[0]):
        area, bark, loudness, row, first = 0.0, 0.0, 0.0, last_row, 1
        for band in range(upper.size):
            own, begun = main[frame, band], False
            while bark < upper[band] or not begun:
                begun = True
                if loudness < own:
                    row = 0
                    while limits[row] > own:
                        row += 1
                end, reached, slope = upper[band], own, 0.0
                if loudness <= own:
                    area += own * (end - bark)
                    loudness = own
                else:
                    slope = slopes[row, band - 1 if band - 1 < last_column else last_column]
                    reached = larger(limits[row], own)
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
                    pattern[frame, point - 1] = loudness - (point * 0.1 - bark) * slope
                first = last if last > first else first
                if reached == limits[row] and row < last_row:
                    row += 1
                loudness, bark = reached, last * 0.1
        parts, half = (1000.0, 0.5) if area <= 16.0 else (100.0, 0.05)
        total[frame] = math.floor(area * parts + half) / parts
