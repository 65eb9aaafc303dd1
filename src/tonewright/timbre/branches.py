"""The sound through the filters that brightness and depth listen to, and the power of its frames.

Each branch is a Butterworth filter of second order run three times,

    H(z) = [ g (1 ± 2 z⁻¹ + z⁻²) / (1 + a₁ z⁻¹ + a₂ z⁻²) ]³,

the sign being + for low-pass and − for high-pass. All start from rest.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numba
import numpy as np

from tonewright.dsp import biquads
from tonewright.timbre.lane_formulas import Lane, formula
from tonewright.timbre.lanes import (
    FEW,
    LANES,
    OPTIONS,
    deal,
    larger,
    load,
    load_few,
    magnitude,
    spread,
    spread_few,
    store,
    summed,
    where,
)

LOWEST_HZ = 20.0
ABOVE_HZ, BELOW_HZ = (100.0, 2000.0), (500.0, 2000.0)

# Samples that are filtered before the branches are written out.
_BLOCK = 512
# Below it what a filter remembers is forgotten: on some processors arithmetic on denormal numbers is slow.
_SILENCE = 1e-150
# Frames overlap by three quarters; `_sums` holds one sum of samples, and two for each quarter of the window.
_QUARTERS = 4
_SUMS = 1 + 2 * _QUARTERS
_FAST: dict[str, Any] = {"fastmath": {"contract", "nsz", "nnan", "ninf"}}


class Branches(NamedTuple):
    """One sound through five chains of filters, all divided by the peak of the first.

    Parameters
    ----------
    above_20 : (time,) float64, above 20 Hz; its peak is 1
    above_100, above_2000 : (time,) float32, `above_20` above 100 Hz and above 2 kHz
    below_500, below_2000 : (time,) float32, `above_20` below 500 Hz and below 2 kHz
    """

    above_20: np.ndarray
    above_100: np.ndarray
    above_2000: np.ndarray
    below_500: np.ndarray
    below_2000: np.ndarray


def branches(samples: np.ndarray, *, sample_rate: int) -> Branches:
    """Filter a sound into its branches.

    Parameters
    ----------
    samples : (time,) float64, contiguous
    sample_rate : above 4 kHz
    """
    first, others = _coefficients(sample_rate)
    above = np.empty(samples.size)
    parts = np.empty((FEW, samples.size), np.float32)
    peak = _above_lowest(samples, first, above)
    block = np.empty((_BLOCK, FEW), np.float32)
    _split(above, 1 / peak if peak > 0 else 0.0, others, block, parts)
    return Branches(above, *parts)


def frame_power(samples: np.ndarray, window: np.ndarray) -> np.ndarray:
    """Power of frames that overlap by three quarters: sums of their one-sided spectra, without a transform.

    The mean m of a frame is removed before the window w, and the spectrum scaled so that a sine of amplitude
    A has A²/2. By Parseval's relation its sum is

        P = n Σ w² (x − m)² / (Σ w)² = n [Σ w² x² − 2 m Σ w² x + m² Σ w²] / (Σ w)².

    Parameters
    ----------
    samples : (time,), at least one frame
    window : (n,), n a multiple of 64

    Returns
    -------
    (1 + (time − n) // (n/4),) float64
    """
    hop = window.size // _QUARTERS
    squares = (window * window).astype(np.float32)
    frames = (samples.size - window.size) // hop + 1
    sums = np.empty((frames + _QUARTERS - 1, _SUMS))
    _sum_hops(samples.astype(np.float32, copy=False), squares, sums)
    quarters = [sums[k : k + frames] for k in range(_QUARTERS)]
    means = sum(part[:, 0] for part in quarters) / window.size
    linear = sum(part[:, 1 + k] for k, part in enumerate(quarters))
    square = sum(part[:, 1 + _QUARTERS + k] for k, part in enumerate(quarters))
    power = square - 2 * means * linear + means**2 * float(squares.sum())
    return np.maximum(power, 0) * (window.size / float(window.sum()) ** 2)


@lru_cache(maxsize=8)
def _coefficients(sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Gain of three sections, middle of the numerator, a₁, a₂: (4,) above 20 Hz, (4, 4) of the branches."""
    kinds = [("highpass", LOWEST_HZ)]
    kinds += [("highpass", hz) for hz in ABOVE_HZ] + [("lowpass", hz) for hz in BELOW_HZ]
    rows = []
    for kind, cutoff_hz in kinds:
        b, a = getattr(biquads, kind)(cutoff_hz, sample_rate=sample_rate)
        rows.append([b[0] ** 3, -2.0 if kind == "highpass" else 2.0, a[1], a[2]])
    return np.array(rows[0]), np.ascontiguousarray(np.array(rows[1:]).T)


@formula
def _section(x: Lane, x1: Lane, x2: Lane, y1: Lane, y2: Lane, middle: Lane, a1: Lane, a2: Lane) -> Lane:
    # The last output comes last, so that the next sample waits for one multiplication and addition alone.
    return ((x + x2) + middle * x1 - a2 * y2) - a1 * y1


@numba.njit(**OPTIONS, **_FAST)
def _above_lowest(samples: np.ndarray, coefficients: np.ndarray, above: np.ndarray) -> float:
    """Three sections; returns the peak."""
    gain, middle, a1, a2 = coefficients[0], coefficients[1], coefficients[2], coefficients[3]
    x1 = x2 = y1 = y2 = z1 = z2 = w1 = w2 = peak = 0.0
    for begin in range(0, samples.size, _BLOCK):
        end = begin + _BLOCK if begin + _BLOCK < samples.size else samples.size
        for n in range(begin, end):
            x = samples[n] * gain
            y = _section(x, x1, x2, y1, y2, middle, a1, a2)
            z = _section(y, y1, y2, z1, z2, middle, a1, a2)
            w = _section(z, z1, z2, w1, w2, middle, a1, a2)
            x1, x2, y1, y2, z1, z2, w1, w2 = x, x1, y, y1, z, z1, w, w1
            above[n] = w
            peak = larger(peak, abs(w))
        if abs(x1) + abs(y1) + abs(z1) + abs(w1) < _SILENCE:
            x1 = x2 = y1 = y2 = z1 = z2 = w1 = w2 = 0.0
    return peak


@numba.njit(**OPTIONS)
def _split(
    above: np.ndarray, scale: float, coefficients: np.ndarray, block: np.ndarray, parts: np.ndarray
) -> None:
    """Scale the sound in place and filter it into its four branches, one in each lane.

    Parameters
    ----------
    above : (time,)
    scale : what it is multiplied by
    coefficients : (4, FEW)
    block : (_BLOCK, FEW) float32, room to work
    parts : (FEW, time) float32, written
    """
    gain, middle = load_few(coefficients, 0), load_few(coefficients, FEW)
    a1, a2 = load_few(coefficients, 2 * FEW), load_few(coefficients, 3 * FEW)
    zero, one, silence = spread_few(0.0), spread_few(1.0), spread_few(_SILENCE)
    x1 = x2 = y1 = y2 = z1 = z2 = w1 = w2 = zero
    for begin in range(0, above.size, _BLOCK):
        left = above.size - begin
        count = left if left < _BLOCK else _BLOCK
        for n in range(count):
            above[begin + n] *= scale
            x = spread_few(above[begin + n])
            y = _section(x, x1, x2, y1, y2, middle, a1, a2)
            z = _section(y, y1, y2, z1, z2, middle, a1, a2)
            w = _section(z, z1, z2, w1, w2, middle, a1, a2)
            x2, y2, z2, w2 = x1, y1, z1, w1
            x1, y1, z1, w1 = x, y, z, w
            store(block, FEW * n, w * gain)
        for n in range(0, count - LANES + 1, LANES):
            deal(block, FEW * n, parts, begin + n, above.size)
        for n in range(count // LANES * LANES, count):
            for part in range(FEW):
                parts[part, begin + n] = block[n, part]
        loud = magnitude(x1) + magnitude(y1) + magnitude(z1) + magnitude(w1) > silence
        kept = where(loud, one, zero)
        x1, x2, y1, y2 = x1 * kept, x2 * kept, y1 * kept, y2 * kept
        z1, z2, w1, w2 = z1 * kept, z2 * kept, w1 * kept, w2 * kept


@numba.njit(**OPTIONS)
def _sum_hops(samples: np.ndarray, squares: np.ndarray, sums: np.ndarray) -> None:
    """Sums of each hop: its samples; with each quarter of the squared window, of them and their squares."""
    hop = squares.size // _QUARTERS
    for row in range(sums.shape[0]):
        zero = spread(np.float32(0))
        total = a = b = c = d = p = q = r = s = zero
        for n in range(0, hop, LANES):
            x = load(samples, row * hop + n)
            square = x * x
            total += x
            w = load(squares, n)
            a, p = a + w * x, p + w * square
            w = load(squares, hop + n)
            b, q = b + w * x, q + w * square
            w = load(squares, 2 * hop + n)
            c, r = c + w * x, r + w * square
            w = load(squares, 3 * hop + n)
            d, s = d + w * x, s + w * square
        sums[row, 0] = summed(total)
        sums[row, 1], sums[row, 2], sums[row, 3], sums[row, 4] = summed(a), summed(b), summed(c), summed(d)
        sums[row, 5], sums[row, 6], sums[row, 7], sums[row, 8] = summed(p), summed(q), summed(r), summed(s)
