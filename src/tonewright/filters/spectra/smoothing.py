"""From the bins of a Fourier transform to a grid: mean power within a bandwidth of the ear."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tonewright.filters.config import Config
from tonewright.filters.spectra.grids import erb_bandwidth_hz, grid_of

# The main lobe of a Hann window at 0 Hz: bins in which a constant is heard.
CONSTANT_BINS = 2
_LEAST_FRAME = 32


class Smoothing(NamedTuple):
    """A matrix of positive numbers of which each row touches a few neighbouring bins.

    Attributes
    ----------
    starts : (points,) first bin of each row in `weights`
    weights : (bins,), those of all rows, one after the other
    bins : (bins,) which power each of them weighs
    filled : (points,) whether the row touches a bin at all
    """

    starts: np.ndarray
    weights: np.ndarray
    bins: np.ndarray
    filled: np.ndarray

    def applied(self, power: np.ndarray) -> np.ndarray:
        """Power on the grid, (points,), of power at all bins, (n/2 + 1,)."""
        sums = np.add.reduceat(power[self.bins] * self.weights, self.starts)
        return np.where(self.filled, sums, 0.0)


def frame_length(config: Config, sample_rate: int) -> int:
    """Samples of a frame at a rate: as many seconds as n_fft are at the configuration's rate.

    Even, without prime factors above 5, so that its transform is fast.
    """
    least = max(_LEAST_FRAME, config.n_fft * sample_rate / config.sample_rate)
    length = 2 * int(np.ceil(least / 2))
    while not _is_smooth(length):
        length += 2
    return length


@lru_cache(maxsize=16)
def smoothing_of(config: Config, sample_rate: int) -> Smoothing:
    """How the power in frames of a sound of this rate becomes power on the configuration's grid.

    On the ear's grid each point is the mean power density over a Hann-shaped band about it that is as wide as
    the ear's (equivalent rectangular bandwidth 1 ERB) and at least one bin; between bins the density is a
    straight line. In place of the lowest bins, in which a constant shows, stands the first above them. On the
    linear grid it is that straight line itself. What lies above half the rate is 0.
    """
    length = frame_length(config, sample_rate)
    spacing_hz = sample_rate / length
    frequencies_hz = grid_of(config).frequencies_hz
    if config.spectrum == "linear":
        dense = _interpolation(frequencies_hz / spacing_hz, length // 2 + 1)
    else:
        widths = np.maximum(1.0, erb_bandwidth_hz(frequencies_hz) / spacing_hz)
        dense = _bands(frequencies_hz / spacing_hz, widths, length // 2 + 1)
    return _packed(dense)


def _interpolation(positions: np.ndarray, bins: int) -> np.ndarray:
    """Straight lines between bins, (points, bins), at positions counted in bins."""
    return np.maximum(0.0, 1.0 - np.abs(positions[:, None] - np.arange(bins)))


def _bands(centres: np.ndarray, widths: np.ndarray, bins: int) -> np.ndarray:
    """Means over bands, (points, bins): a raised cosine of full length 2 × width, times a line between bins.

    The integral of both is a sum over a fine ruler of eight steps a bin.
    """
    steps = 8
    offsets = np.arange(1 - steps, steps) / steps
    hats = 1.0 - np.abs(offsets)
    reach = max(CONSTANT_BINS, int(np.ceil(centres[-1] + widths[-1]))) + 2
    rulers = np.arange(reach)[:, None] + offsets
    dense = np.empty((centres.size, reach))
    for row, (centre, width) in enumerate(zip(centres, widths, strict=True)):
        turns = np.clip((rulers - centre) / width, -1.0, 1.0)
        dense[row] = (0.5 + 0.5 * np.cos(np.pi * turns)) @ hats
    dense /= dense.sum(axis=1, keepdims=True)
    dense[:, CONSTANT_BINS] += dense[:, :CONSTANT_BINS].sum(axis=1)
    dense[:, :CONSTANT_BINS] = 0.0
    kept = np.zeros((centres.size, bins))
    kept[:, : min(bins, reach)] = dense[:, :bins]
    return kept


def _packed(dense: np.ndarray) -> Smoothing:
    starts, weights, bins = [], [], []
    for row in dense:
        # A row of zeros keeps one bin: reduceat has no empty sums.
        touched = np.flatnonzero(row) if row.any() else np.zeros(1, dtype=np.intp)
        starts.append(sum(map(len, bins)))
        weights.append(row[touched])
        bins.append(touched)
    filled = (dense > 0).any(axis=1)
    return Smoothing(np.array(starts), np.concatenate(weights), np.concatenate(bins), np.asarray(filled))


def _is_smooth(number: int) -> bool:
    for factor in (2, 3, 5):
        while number % factor == 0:
            number //= factor
    return number == 1
