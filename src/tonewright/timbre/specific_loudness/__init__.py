"""Specific loudness after DIN 45631: how loud a sound is along the Bark scale, frame by frame."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from tonewright.timbre.specific_loudness.bands import FRAME, band_powers
from tonewright.timbre.specific_loudness.pattern import POINTS, patterns

__all__ = ["BARK", "FRAME", "POINTS", "SpecificLoudness", "bump", "specific_loudness"]

BARK = np.arange(1, POINTS + 1) / 10
QUIET_POWER = 1e-7  # −70 dB below full scale


class SpecificLoudness(NamedTuple):
    """Specific loudness of frames of 4096 samples, one after the other.

    Parameters
    ----------
    pattern : (frames, 240) sone/Bark at 0.1, 0.2, … 24 Bark
    power : (frames,) mean square
    total : (frames,) sone; 0 for a frame that cannot be heard
    counted : (frames,) which enter means that nothing weights
    """

    pattern: np.ndarray
    power: np.ndarray
    total: np.ndarray
    counted: np.ndarray

    def unweighted_mean(self, values: np.ndarray) -> float:
        """Mean of values (frames,) over the frames that count."""
        return float(values[self.counted].mean())

    def power_weighted_mean(self, values: np.ndarray) -> float:
        """Mean of values (frames,), the frames weighted by their power."""
        return float(values @ self.power / self.power.sum())


def specific_loudness(samples: np.ndarray, *, sample_rate: int, corrected: bool) -> SpecificLoudness:
    """Specific loudness of a sound, full scale being 100 dB.

    Classic: a last frame holds the rest, with zeros after it, even where nothing is left; a band of a frame
    that never rises above 0 is empty; all frames count. Corrected: no frame of zeros alone, both signs
    alike, and frames below −70 dB count only where all are.

    Parameters
    ----------
    samples : (time,) float64, not empty
    sample_rate : in Hz
    """
    frames = -(-samples.size // FRAME) if corrected else samples.size // FRAME + 1
    bands, power = band_powers(samples, frames, sample_rate=sample_rate, either_sign=corrected)
    counted = power > QUIET_POWER if corrected else np.ones(frames, bool)
    if not counted.any():
        counted[:] = True
    pattern, total = patterns(bands)
    return SpecificLoudness(pattern, power, total, counted)


@lru_cache(maxsize=8)
def bump(low: int, high: int) -> np.ndarray:
    """Weights of the points from `low` up to `high`, 1 in the middle, 0 at the ends and outside.

    exp(−(k − (low + high)/2)² / 2 · 10⁻⁴), less its minimum, over its maximum.

    Returns
    -------
    (240,)
    """
    place = np.arange(low, high)
    bell = np.exp(-((place - (low + high) / 2) ** 2) / 2 * 1e-4)
    bell -= bell.min()
    weights = np.zeros(POINTS)
    weights[low:high] = bell / bell.max()
    return weights
