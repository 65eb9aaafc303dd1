"""Power of the third-octave bands of frames, sixteen frames side by side."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

from tonewright.timbre.lanes import CALLED, LANES, OPTIONS, larger, load, spread, store, where
from tonewright.timbre.specific_loudness.filters import BANDS, OCTAVES, band_passes, halving_low_pass
from tonewright.timbre.turning import turn

FRAME = 4096
_TOP = 3  # bands of an octave


def band_powers(
    samples: np.ndarray, frames: int, *, sample_rate: int, either_sign: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Mean squares of frames of 4096 samples in 28 third-octave bands, from 25 Hz to 12.5 kHz.

    Each frame is filtered from rest. The four highest bands are filtered as they are; then the sound is
    low-passed, every second sample kept from the second on, and the filters of 6.3, 8 and 10 kHz used again,
    which now lie an octave lower; and so eight times.

    Parameters
    ----------
    samples : (time,) float64
    frames : how many; zeros follow the end
    sample_rate : in Hz
    either_sign : otherwise a band that never rises above 0 counts as empty

    Returns
    -------
    bands : (frames, 28)
    power : (frames,) mean squares of the frames themselves
    """
    sections, gains = band_passes(sample_rate)
    groups = -(-frames // LANES)
    sums = np.zeros((groups, BANDS + 1, LANES))
    whole = min(samples.size // (FRAME * LANES), groups)
    rest = np.zeros((groups - whole) * FRAME * LANES)
    left = samples[whole * FRAME * LANES :][: rest.size]
    rest[: left.size] = left
    lowest_peak = -math.inf if either_sign else 0.0
    rows = np.empty(FRAME * LANES)
    for part, part_sums in ((samples, sums[:whole]), (rest, sums[whole:])):
        _filter_all(part, sections, halving_low_pass(), lowest_peak, rows, part_sums)
    by_frame = sums.transpose(0, 2, 1).reshape(-1, BANDS + 1)[:frames]
    return by_frame[:, :BANDS] * _scales(gains), by_frame[:, BANDS] / FRAME


def _scales(gains: np.ndarray) -> np.ndarray:
    """(28,) from sums of squares without gain to mean squares."""
    lower = [gains[:_TOP] ** 2 / (FRAME >> octave) for octave in range(OCTAVES, 0, -1)]
    return np.concatenate([*lower, gains**2 / FRAME])


@njit(**OPTIONS)
def _filter_all(samples, sections, low_pass, lowest_peak, rows, sums):
    """Sums of squares of all bands and, in the last row, of the frames.

    Parameters
    ----------
    samples : (time,), as many frames as `sums` has room for
    sections : (4 bands, 8)
    low_pass : (3,)
    lowest_peak : bands that do not pass it are empty
    rows : (4096 · LANES,), room for sample n of LANES frames at n · LANES
    sums : (groups, 29, LANES), filled
    """
    groups, bands = sums.shape[0], sums.shape[1]
    for group in range(groups):
        begin, place = group * FRAME * LANES, group * bands * LANES
        for n in range(0, FRAME, LANES):
            turn(samples, begin + n, FRAME, rows, n * LANES, LANES)
        total = spread(0.0)
        for at in range(0, rows.size, LANES):
            x = load(rows, at)
            total = total + x * x
        store(sums, place + (bands - 1) * LANES, total)
        count, band, top = rows.size // LANES, bands - 1, sections.shape[0]
        while band > 0:
            band -= top
            for k in range(top):
                total = _sum_filtered(rows, count, sections[k], lowest_peak)
                store(sums, place + (band + k) * LANES, total)
            _halve(rows, count, low_pass)
            count, top = count // 2, _TOP


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
def _sum_filtered(rows, count, sections, lowest_peak):
    """Sum of squares of `count` samples of all frames, filtered; 0 where none is above `lowest_peak`."""
    a1, a2, b1, b2 = spread(sections[0]), spread(sections[1]), spread(sections[2]), spread(sections[3])
    c1, c2, d1, d2 = spread(sections[4]), spread(sections[5]), spread(sections[6]), spread(sections[7])
    p1 = p2 = q1 = q2 = r1 = r2 = s1 = s2 = total = highest = nothing = spread(0.0)
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
    return where(highest > spread(lowest_peak), total, nothing)
