"""Many channels made one, and what tells silence and loudness of a channel."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from tonewright.timbre.lanes import (
    LANES,
    OPTIONS,
    highest,
    larger,
    load,
    lowest,
    smaller,
    spread,
    summed,
)

_BLOCK = 4096  # samples that stay in the first cache


class Moments(NamedTuple):
    """What one channel is like.

    Parameters
    ----------
    mean : of its samples
    power : mean square about the mean
    peak : largest distance from the mean
    largest : largest absolute sample
    """

    mean: float
    power: float
    peak: float
    largest: float


def mix(samples: np.ndarray, channels: int, scale: float, mono: np.ndarray) -> Moments:
    """Write the sum of the first channels, times a number, and tell what it is like.

    Parameters
    ----------
    samples : (channels, time) float32 or float64, contiguous
    channels : how many are summed
    scale : what the sum is multiplied by
    mono : (time,) float64, filled

    Returns
    -------
    NaN or infinite mean or power where samples are
    """
    _mix(samples, channels, scale, mono)
    return moments(mono)


def moments(samples: np.ndarray) -> Moments:
    """What a channel (time,) of float64 is like."""
    total, squares, low, high = _sums(samples)
    mean = total / samples.size
    return Moments(mean, squares / samples.size - mean * mean, max(high - mean, mean - low), max(high, -low))


def without_ends(samples: np.ndarray, level: float) -> np.ndarray:
    """The part of (time,) from the first to the last |sample| ≥ level."""
    first, last = _ends(samples, level)
    return samples[first : last + 1]


@njit(**OPTIONS)
def _mix(samples, channels, scale, mono):
    for begin in range(0, mono.size, _BLOCK):
        block = mono[begin : begin + _BLOCK]
        row = samples[0, begin : begin + _BLOCK]
        for i in range(block.size):
            block[i] = row[i] * scale
        for channel in range(1, channels):
            row = samples[channel, begin : begin + _BLOCK]
            for i in range(block.size):
                block[i] += row[i] * scale


@njit(**OPTIONS)
def _sums(samples):
    """Sum, sum of squares, smallest and largest number of (time,)."""
    total = squares = spread(0.0)
    low, high = spread(math.inf), spread(-math.inf)
    whole = samples.size // LANES * LANES
    for at in range(0, whole, LANES):
        x = load(samples, at)
        total, squares = total + x, squares + x * x
        low, high = smaller(x, low), larger(x, high)
    one, two, least, most = summed(total), summed(squares), lowest(low), highest(high)
    for at in range(whole, samples.size):
        x = samples[at]
        one, two, least, most = one + x, two + x * x, min(x, least), max(x, most)
    return one, two, least, most


@njit(**OPTIONS)
def _ends(samples, level):
    """First and last index with |sample| ≥ level."""
    first, last = 0, samples.size - 1
    while first < last and abs(samples[first]) < level:
        first += 1
    while last > first and abs(samples[last]) < level:
        last -= 1
    return first, last
