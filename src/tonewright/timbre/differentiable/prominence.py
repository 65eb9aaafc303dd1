"""Peaks of a spectrum, and the notches that they rise from."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True)
def prominent(levels, lowest, contrast, found, saddles):  # type: ignore[no-untyped-def]
    """The peaks of `timbre.peaks.find_peaks` with floor `lowest` + `contrast`, and what each rises from.

    From a peak to the next higher candidate on either side leads a way over a lowest notch; the higher one of
    these two notches is its saddle. Peaks are the candidates that rise by the contrast above their saddles.

    Parameters
    ----------
    levels : (bins,)
    lowest, contrast : levels
    found, saddles : (bins // 2 + 1,) or more, int64, written: bins of the peaks and of their saddles, −1
        where there is none

    Returns
    -------
    number of peaks
    """
    count, last = 0, levels.size - 1
    notches = np.empty(found.size, np.int64)
    for k in range(levels.size):
        if levels[k] < lowest + contrast or (k > 0 and levels[k] <= levels[k - 1]):
            continue
        if k == last or levels[k] >= levels[k + 1]:
            if count > 0:
                low = found[count - 1]
                for n in range(low, k - 1):
                    low = n if levels[n] < levels[low] else low
                notches[count - 1] = low
            found[count], saddles[count] = k, -1
            count += 1
    between = notches[: max(count - 1, 0)]
    _raise_saddles(levels, found[:count], between, False, saddles[:count])
    _raise_saddles(levels, found[:count][::-1], between[::-1], True, saddles[:count][::-1])
    kept = 0
    for i in range(count):
        if saddles[i] < 0 or levels[found[i]] - levels[saddles[i]] >= contrast:
            found[kept], saddles[kept] = found[i], saddles[i]
            kept += 1
    return kept


@njit(cache=True, nogil=True)
def _raise_saddles(levels, peaks, notches, backwards, saddles):  # type: ignore[no-untyped-def]
    """Raise each saddle to the lowest notch on the way to the higher peak before, where there is one.

    Of equal peaks the left one is the higher.
    """
    higher, lows, depth = np.empty(peaks.size, np.int64), np.empty(peaks.size, np.int64), 0
    for i in range(peaks.size):
        low = notches[i - 1] if i > 0 else peaks[i]
        while depth > 0 and (
            levels[higher[depth - 1]] < levels[peaks[i]]
            or (backwards and levels[higher[depth - 1]] == levels[peaks[i]])
        ):
            depth -= 1
            low = lows[depth] if levels[lows[depth]] < levels[low] else low
        if depth > 0 and (saddles[i] < 0 or levels[low] > levels[saddles[i]]):
            saddles[i] = low
        higher[depth], lows[depth] = peaks[i], low
        depth += 1
