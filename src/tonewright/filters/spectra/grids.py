"""Frequencies at which spectra are compared, and how much each of them counts."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tonewright.errors import UsageError
from tonewright.filters.config import Config

LOWEST_HZ, HIGHEST_HZ = 20.0, 20_000.0


class Grid(NamedTuple):
    """Where spectra are compared.

    Attributes
    ----------
    frequencies_hz : (points,), rising, float64
    weights : (points,), how much each point counts; their sum is 1
    """

    frequencies_hz: np.ndarray
    weights: np.ndarray


def erb_bandwidth_hz(frequency_hz: np.ndarray | float) -> np.ndarray:
    """Equivalent rectangular bandwidth of the ear's filters: ERB = 24.7 (4.37 f/1000 + 1) Hz.

    B. R. Glasberg and B. C. J. Moore, "Derivation of auditory filter shapes from notched-noise data",
    Hearing Research 47 (1990).

    Parameters
    ----------
    frequency_hz : (…)

    Returns
    -------
    (…)
    """
    return 24.7 * (4.37e-3 * np.asarray(frequency_hz, dtype=np.float64) + 1.0)


def erb_rate(frequency_hz: np.ndarray | float) -> np.ndarray:
    """Number of bandwidths of the ear below a frequency: E = 21.4 log₁₀(4.37 f/1000 + 1).

    The constant is the one that makes dE/df = 1/ERB exact: ln 10 is left out by E = ln(4.37 f/1000 + 1) /
    (24.7 · 4.37/1000).

    Parameters
    ----------
    frequency_hz : (…)

    Returns
    -------
    (…)
    """
    return np.log1p(4.37e-3 * np.asarray(frequency_hz, dtype=np.float64)) / (24.7 * 4.37e-3)


def erb_frequency_hz(rate: np.ndarray | float) -> np.ndarray:
    """Frequency below which there are so many bandwidths of the ear; the inverse of `erb_rate`."""
    return np.expm1(np.asarray(rate, dtype=np.float64) * (24.7 * 4.37e-3)) / 4.37e-3


@lru_cache(maxsize=16)
def erb_grid(points: int = 96, *, low_hz: float = LOWEST_HZ, high_hz: float = HIGHEST_HZ) -> Grid:
    """Points in equal steps of the ear's scale, from `low_hz` to `high_hz`; all count alike.

    Parameters
    ----------
    points : at least 2
    low_hz, high_hz : the first and the last

    Raises
    ------
    UsageError
        If there are fewer than 2 points, or no band between the two frequencies.
    """
    if points < 2:
        raise UsageError(f"points: a grid has at least 2; got {points}")
    if not (0 <= low_hz < high_hz and math.isfinite(high_hz)):
        raise UsageError(f"a grid lies between two frequencies, the first below; got {low_hz:g}, {high_hz:g}")
    frequencies = erb_frequency_hz(np.linspace(erb_rate(low_hz), erb_rate(high_hz), points))
    frequencies[0], frequencies[-1] = low_hz, high_hz
    return _grid(frequencies)


@lru_cache(maxsize=16)
def linear_grid(n_fft: int = 1024, sample_rate: int = 44100) -> Grid:
    """The n_fft/2 + 1 frequencies of a Fourier transform, 0 to half the rate; all count alike.

    Parameters
    ----------
    n_fft : samples, even
    sample_rate : Hz
    """
    if n_fft < 2 or n_fft % 2:
        raise UsageError(f"n_fft: an even number of samples; got {n_fft}")
    return _grid(np.arange(n_fft // 2 + 1) * (sample_rate / n_fft))


def grid_of(config: Config) -> Grid:
    """The grid on which a configuration hears and compares.

    That of the ear ends at 20 kHz, or just below half the sample rate where that is lower.
    """
    if config.spectrum == "linear":
        return linear_grid(config.n_fft, config.sample_rate)
    return erb_grid(config.points, high_hz=min(HIGHEST_HZ, 0.48 * config.sample_rate))


def _grid(frequencies_hz: np.ndarray) -> Grid:
    weights = np.full(frequencies_hz.size, 1.0 / frequencies_hz.size)
    for array in (frequencies_hz, weights):
        array.setflags(write=False)
    return Grid(frequencies_hz, weights)
