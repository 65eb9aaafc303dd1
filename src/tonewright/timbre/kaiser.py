"""Raising a low sample rate by a windowed sinc, as the reference implementation does it."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit

from tonewright.timbre.lanes import LANES, OPTIONS, load, summed

# Zero crossings on each side, cut-off as a part of Nyquist, shape of the window, table entries a crossing.
_CROSSINGS, _ROLLOFF, _BETA, _ENTRIES = 50, 0.9173473712608761, 12.984585247040012, 8192
_TAPS = -(-2 * _CROSSINGS // LANES) * LANES
_ROWS = 4096


def raised(samples: np.ndarray, *, from_rate: int, to_rate: int) -> np.ndarray:
    """A sound at a higher rate: band-limited interpolation with a sinc under a Kaiser window.

    y(t) = Σ_k x_k h(t − k),   h(t) = ρ sinc(ρ t) w(t / 50),

    with ρ = 0.917 and w of β = 12.98, from a table of 8192 entries a zero crossing read linearly, after
    J. O. Smith, "Digital audio resampling" (2002). Positions are exact fractions.

    Parameters
    ----------
    samples : (time,) float64
    from_rate, to_rate : in Hz, the second not below the first

    Returns
    -------
    (⌈time · to_rate / from_rate⌉,); the last sample is 0 where that was rounded up
    """
    ratio = float(to_rate) / from_rate
    raised_samples = np.zeros(math.ceil(samples.size * ratio))
    count = int(samples.size * float(to_rate) / float(from_rate))
    common = math.gcd(from_rate, to_rate)
    up, down = to_rate // common, from_rate // common
    padded = np.concatenate([np.zeros(_CROSSINGS - 1), samples, np.zeros(_TAPS)])
    if up <= _ROWS:
        _interpolate(padded, _phases(up, down, 0, up), 0, up, down, raised_samples[:count])
        return raised_samples
    for first in range(0, count, _ROWS):
        rows = min(_ROWS, count - first)
        _interpolate(
            padded, _phases(up, down, first, rows), first, up, down, raised_samples[first : first + rows]
        )
    return raised_samples


@lru_cache(maxsize=1)
def _half_window() -> np.ndarray:
    """(409601,) the right half of h."""
    position = np.linspace(0, _CROSSINGS, _CROSSINGS * _ENTRIES + 1)
    window = np.i0(_BETA * np.sqrt(1 - (position / _CROSSINGS) ** 2)) / np.i0(_BETA)
    return _ROLLOFF * np.sinc(_ROLLOFF * position) * window


@lru_cache(maxsize=8)
def _phases(up: int, down: int, first: int, rows: int) -> np.ndarray:
    """(rows, taps) weights of the inputs around outputs `first` and on, then zeros.

    A tap that would need an entry beyond the table is left out, on each side.
    """
    fraction = (np.arange(first, first + rows) * down % up) / up
    weights = np.zeros((rows, _TAPS))
    weights[:, :_CROSSINGS] = _wing(fraction)[:, ::-1]
    weights[:, _CROSSINGS : 2 * _CROSSINGS] = _wing(1 - fraction)
    return weights


def _wing(fraction: np.ndarray) -> np.ndarray:
    """(rows, 50) weights at distances fraction, fraction + 1, …"""
    table = _half_window()
    place = fraction * _ENTRIES
    entry = place.astype(np.int64)
    between = (place - entry)[:, None]
    index = entry[:, None] + np.arange(_CROSSINGS) * _ENTRIES
    inside = np.arange(_CROSSINGS) < ((table.size - entry) // _ENTRIES)[:, None]
    here, after = table[np.minimum(index, table.size - 1)], table[np.minimum(index + 1, table.size - 1)]
    return np.where(inside, here + between * (after - here), 0.0)


@njit(**OPTIONS)
def _interpolate(padded, phases, first, up, down, raised):
    """Σ of the inputs around each output, weighted by its phase.

    Parameters
    ----------
    padded : (time,), 49 zeros before the sound, and after it enough for the last vector
    phases : (rows, a multiple of LANES), repeated
    first : which output comes first
    up, down : the ratio of the rates
    raised : (outputs,), filled
    """
    rows, taps = phases.shape
    for t in range(raised.size):
        begin, row = (first + t) * down // up, t % rows * taps
        total = load(phases, row) * load(padded, begin)
        for k in range(LANES, taps, LANES):
            total = total + load(phases, row + k) * load(padded, begin + k)
        raised[t] = summed(total)
