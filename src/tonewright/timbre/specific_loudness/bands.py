"""Power of the third-octave bands of frames, sixteen frames side by side."""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.timbre.lanes import CALLED, LANES, OPTIONS, larger, load, spread, store
from tonewright.timbre.specific_loudness.filters import BANDS, OCTAVES, band_passes, halving_low_pass

FRAME = 4096
_TOP = 3  # bands of an octave


def band_powers(samples: np.ndarray, frames: int, *, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean squares of frames of 4096 samples in 28 third-octave bands, from 25 Hz to 12.5 kHz.

    Each frame is filtered from rest. The four highest bands are filtered as they are; then the sound is
    low-passed, every second sample kept from the second on, and the filters of 6.3, 8 and 10 kHz used again,
    which now lie an octave lower; and so eight times. A band that never rises above 0 counts as empty.

    Parameters
    ----------
    samples : (time,) float64
    frames : how many; zeros follow the end
    sample_rate : in Hz

    Returns
    -------
    bands : (frames, 28)
    power : (frames,) mean squares of the frames themselves
    """
    sections, gains = band_passes(sample_rate)
    lanes = -(-frames // LANES) * LANES
    sums = np.zeros((BANDS + 1, lanes))
    side_by_side = np.zeros(FRAME * LANES)
    _filter_all(samples, sections, halving_low_pass(), side_by_side, np.zeros(LANES), sums)
    return sums[:BANDS, :frames].T * _scales(gains), sums[BANDS, :frames] / FRAME


def _scales(gains: np.ndarray) -> np.ndarray:
    """(28,) from sums of squares without gain to mean squares."""
    lower = [gains[:_TOP] ** 2 / (FRAME >> octave) for octave in range(OCTAVES, 0, -1)]
    return np.concatenate([*lower, gains**2 / FRAME])


@njit(**OPTIONS)
def _filter_all(samples, sections, low_pass, rows, top, sums):
    """Sums of squares of all bands and, in the last row, of the frames.

    Parameters
    ----------
    samples : (time,)
    sections : (4 bands, 8)
    low_pass : (3,)
    rows : (4096 · LANES,), room
    top : (LANES,), room
    sums : (29, frames, a multiple of LANES), filled
    """
    full = sections.shape[0]
    bands = sums.shape[0] - 1
    for first in range(0, sums.shape[1], LANES):
        _lay_side_by_side(samples, first * FRAME, rows)
        _sum_squares(rows, sums[bands, first:])
        for band in range(full):
            _sum_filtered(rows, FRAME, sections[band], sums[bands - full + band, first:], top)
        count = FRAME
        for band in range(bands - full, 0, -_TOP):
            _halve(rows, count, low_pass)
            count //= 2
            for k in range(_TOP):
                _sum_filtered(rows, count, sections[k], sums[band - _TOP + k, first:], top)


@njit(**CALLED)
def _lay_side_by_side(samples, start, rows):
    """Sample n of LANES frames at n · LANES; zeros beyond the end."""
    for n in range(0, FRAME, 8):
        for lane in range(LANES):
            begin = start + lane * FRAME + n
            for k in range(8):
                rows[(n + k) * LANES + lane] = samples[begin + k] if begin + k < samples.size else 0.0


@njit(**CALLED)
def _sum_squares(rows, sums):
    total = spread(0.0)
    for at in range(0, rows.size, LANES):
        x = load(rows, at)
        total = total + x * x
    store(sums, 0, total)


@njit(**CALLED)
def _halve(rows, count, low_pass):
    """Low-pass the first `count` samples of all frames and keep every second, from the second on."""
    gain, a1, a2 = spread(low_pass[0]), spread(low_pass[1]), spread(low_pass[2])
    s = t = spread(0.0)
    for n in range(0, count, 2):
        x = load(rows, n * LANES)
        y = x + s
        s = x + x + t - a1 * y
        t = x - a2 * y
        x = load(rows, (n + 1) * LANES)
        y = x + s
        s = x + x + t - a1 * y
        t = x - a2 * y
        store(rows, n // 2 * LANES, gain * y)


@njit(**CALLED)
def _sum_filtered(rows, count, sections, sums, top):
    """Sum of squares of the first `count` samples of all frames after four sections; 0 if none is above 0."""
    a1, a2, b1, b2 = spread(sections[0]), spread(sections[1]), spread(sections[2]), spread(sections[3])
    c1, c2, d1, d2 = spread(sections[4]), spread(sections[5]), spread(sections[6]), spread(sections[7])
    nothing = spread(0.0)
    p1 = p2 = q1 = q2 = r1 = r2 = s1 = s2 = total = highest = nothing
    for at in range(0, count * LANES, LANES):
        x = load(rows, at)
        y = x + p1
        p1 = p2 - a1 * y
        p2 = nothing - x - a2 * y
        x = y + q1
        q1 = q2 - b1 * x
        q2 = nothing - y - b2 * x
        y = x + r1
        r1 = r2 - c1 * y
        r2 = nothing - x - c2 * y
        x = y + s1
        s1 = s2 - d1 * x
        s2 = nothing - y - d2 * x
        total = total + x * x
        highest = larger(highest, x)
    store(sums, 0, total)
    store(top, 0, highest)
    for lane in range(LANES):
        if top[lane] <= 0.0:
            sums[lane] = 0.0
