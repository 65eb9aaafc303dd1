"""Many channels made one, and the quiet ends of a channel cut off."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LEAST_CUT = 32
SILENT_SHARE = 0.05
SHORT = 256
_RING = 64
_SMOOTHING = np.array([1.0, 4, 6, 4, 1]) / 16
_BLOCK = 4096


class Moments(NamedTuple):
    """What one channel is like.

    Parameters
    ----------
    mean : of its samples
    power : mean square about the mean
    low, high : smallest and largest sample
    """

    mean: float
    power: float
    low: float
    high: float

    @property
    def peak(self) -> float:
        """Largest distance from the mean."""
        return max(self.high - self.mean, self.mean - self.low)

    @property
    def largest(self) -> float:
        """Largest absolute sample."""
        return max(self.high, -self.low)


def mixed_down(samples: np.ndarray, *, mean: bool) -> np.ndarray:
    """Sum or mean of channels.

    Parameters
    ----------
    samples : (channels, time)

    Returns
    -------
    (time,) float64, a copy
    """
    if len(samples) == 1:
        return samples[0].astype(np.float64)
    mono = np.add(samples[0], samples[1], dtype=np.float64)
    for channel in samples[2:]:
        mono += channel
    if mean:
        mono *= 1 / len(samples)
    return mono


def energy(samples: np.ndarray) -> float:
    """Σ x² of (time,); not by BLAS, whose threads cost more than they save on a sound."""
    return float(np.einsum("i,i", samples, samples))


def moments(samples: np.ndarray) -> Moments:
    """What a channel (time,) of float64 is like; NaN or infinite mean or power where samples are."""
    mean = float(samples.sum()) / samples.size
    with np.errstate(over="ignore", invalid="ignore"):
        power = energy(samples) / samples.size - mean * mean
    return Moments(mean, power, float(samples.min()), float(samples.max()))


def without_ends(samples: np.ndarray, level: float) -> np.ndarray:
    """A channel without a quiet beginning and a quiet end.

    They are quiet as long as the sound, smoothed by (1 4 6 4 1)/16, stays within `level` of rest: what the
    beginning rests at, and 0 at the end. The smoothing
    removes what a converter of sample rates lets ring before a sharp onset, so that a sound starts at one
    place at every rate. A beginning of less than `LEAST_CUT` samples stays: to shift all frames would
    change more.

    Parameters
    ----------
    samples : (time,) float64
    """
    first = _quiet_samples(samples, level, _start_level(samples, level))
    if first == samples.size:
        return samples
    last = samples.size - _quiet_samples(samples[::-1], level, 0.0)
    return samples[first if first >= LEAST_CUT else 0 : last]


def silence_before(samples: np.ndarray) -> int:
    """How many samples of silence proper were put before a sound: equal ones, `LEAST_CUT` or more.

    Without them the sound is heard as it was before they were put there. What is loud is no silence.

    Parameters
    ----------
    samples : (time,) float64
    """
    equal = _equal_samples(samples)
    quiet = equal >= LEAST_CUT and abs(samples[0] - samples.mean()) < SILENT_SHARE * np.ptp(samples)
    return equal if quiet else 0


def without_silence(samples: np.ndarray) -> tuple[slice, float]:
    """Where in `samples` (time,) the sound lies without what `silence_before` finds, and the like after it.

    And its level of rest: the mean of the sound; of a click, which has none to speak of, the silence's. A
    click keeps so much of the silence as a filter of 129 taps lets it ring.
    """
    before, after = silence_before(samples), silence_before(samples[::-1])
    end = samples.size - after
    if end - before >= SHORT or not (before or after):
        return slice(before, end), float(samples[before:end].mean())
    rest = float(samples[0] if before else samples[-1])
    return slice(max(before - _RING, 0), min(end + _RING, samples.size)), rest


def _equal_samples(samples: np.ndarray) -> int:
    """How many samples at the beginning are equal; 0 where all are."""
    for begin in range(0, samples.size, _BLOCK):
        other = samples[begin : begin + _BLOCK] != samples[0]
        if other.any():
            return begin + int(other.argmax())
    return 0


def _quiet_samples(samples: np.ndarray, level: float, rest: float) -> int:
    """How many samples come before the first at which the smoothed sound is `level` away from rest."""
    for begin in range(0, samples.size, _BLOCK):
        piece = samples[max(begin - 2, 0) : begin + _BLOCK + 2] - rest
        smooth = np.convolve(piece, _SMOOTHING)[2 + begin - max(begin - 2, 0) :][:_BLOCK]
        loud = np.abs(smooth) >= level
        if loud.any():
            return begin + int(loud.argmax())
    return samples.size


def _start_level(samples: np.ndarray, level: float) -> float:
    """What a sound rests at before it begins: the mean of its first samples if they hardly move, else 0.

    A sound that lies on one side has a mean, which puts the silence before it on the other.
    """
    start = samples[:LEAST_CUT]
    rest = float(start.mean())
    still = np.abs(start - rest).max() < level / 8
    return rest if still and level <= abs(rest) < SILENT_SHARE * np.abs(samples).max() else 0.0
