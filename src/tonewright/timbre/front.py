"""What happens to every sound before it is measured: mono, rate, mean, ends, loudness."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tonewright.audio.clips import resample
from tonewright.timbre.loudness import LoudnessMeter, gain_of, measured_loudness
from tonewright.timbre.names import UnmeasurableError

__all__ = ["RATE_HZ", "LoudnessMeter", "Mixed", "Normalised", "gain_of", "mixed", "normalised"]

RATE_HZ = 44100
SILENT_PEAK = 1e-7
# A mean of channels that keeps less of their mean square has lost the sound.
CANCELLED = 1e-3
END_LEVEL = 1e-3  # −60 dB below the peak
# The reference implementation sums so many channels at most.
CLASSIC_CHANNELS = 3
LOWEST_RATE_HZ = 4000


class Mixed(NamedTuple):
    """One channel made of all.

    Parameters
    ----------
    samples : (time,) float64
    note : what its reader should know, or ""
    """

    samples: np.ndarray
    note: str


class Normalised(NamedTuple):
    """A mono sound at −24 LUFS.

    Parameters
    ----------
    samples : (time,) float64, contiguous
    sample_rate : in Hz
    peak : before the gain
    gain : what it was multiplied by
    loudness_lufs : before the gain
    """

    samples: np.ndarray
    sample_rate: int
    peak: float
    gain: float
    loudness_lufs: float


def mixed(samples: np.ndarray, *, corrected: bool) -> Mixed:
    """One channel of a sound.

    Corrected: the mean of all channels; where they cancel, so that less than 1/1000 of their mean square is
    left, the loudest one alone. Classic: the sum of the first three at most.

    Parameters
    ----------
    samples : (channels, time), not empty

    Raises
    ------
    UnmeasurableError
        If samples are NaN or infinite, or all channels are silent.
    """
    if not np.isfinite(np.sum(samples, dtype=np.float64)) and not np.isfinite(samples).all():
        raise UnmeasurableError("NaN or infinite samples")
    if not corrected:
        if not samples.any():
            raise UnmeasurableError("silence")
        return Mixed(np.sum(samples[:CLASSIC_CHANNELS], axis=0, dtype=np.float64), "")
    if float(np.ptp(samples, axis=1).max()) <= SILENT_PEAK:
        raise UnmeasurableError("silence")
    mono = np.mean(samples, axis=0, dtype=np.float64)
    if samples.shape[0] == 1:
        return Mixed(mono, "")
    powers = np.var(samples, axis=1, dtype=np.float64)
    if np.var(mono) >= CANCELLED * powers.mean():
        return Mixed(mono, "")
    note = "the channels cancel in their mean; the loudest one was measured alone"
    return Mixed(samples[int(powers.argmax())].astype(np.float64), note)


def normalised(mono: Mixed, sample_rate: int, *, corrected: bool, gain: float | None = None) -> Normalised:
    """A mono sound as the models hear it.

    Corrected: converted to 44.1 kHz, without its mean, without ends that stay 60 dB below its peak (unless
    the gain is given), then multiplied. Classic: multiplied, then raised to 44.1 kHz where its rate is lower.

    Parameters
    ----------
    mono : the sound
    sample_rate : in Hz
    gain : measured elsewhere, or None for the one that gives −24 LUFS, or peaks of 1 where those would be
        passed

    Raises
    ------
    UnmeasurableError
        If it is silent, or (classic) below the gate at −70 LUFS.
    """
    if corrected:
        return _corrected(mono.samples, sample_rate, gain)
    return _classic(mono.samples, sample_rate, gain)


def _corrected(mono: np.ndarray, sample_rate: int, gain: float | None) -> Normalised:
    mono = resample(mono[None], from_rate=sample_rate, to_rate=RATE_HZ)[0]
    mono = mono - mono.mean()
    peak = float(max(mono.max(), -mono.min()))
    if peak <= SILENT_PEAK:
        raise UnmeasurableError("silence")
    if gain is None:
        mono = _without_ends(mono, END_LEVEL * peak)
    loudness = measured_loudness(mono, sample_rate=RATE_HZ)
    if not math.isfinite(loudness):
        raise UnmeasurableError("silence")
    gain = gain_of(loudness, peak) if gain is None else gain
    mono *= gain
    return Normalised(mono, RATE_HZ, peak, gain, loudness)


def _classic(mono: np.ndarray, sample_rate: int, gain: float | None) -> Normalised:
    if sample_rate < LOWEST_RATE_HZ:
        raise UnmeasurableError(f"loudness is not defined below {LOWEST_RATE_HZ} Hz")
    peak = float(max(mono.max(), -mono.min()))
    if peak == 0:
        raise UnmeasurableError("the channels cancel in their sum")
    loudness = measured_loudness(mono, sample_rate=sample_rate, below_gate=False)
    if gain is None and not math.isfinite(loudness):
        raise UnmeasurableError("no block of 0.4 s reaches -70 LUFS")
    gain = gain_of(loudness, peak) if gain is None else gain
    mono = mono * gain
    if sample_rate < RATE_HZ:
        from tonewright.timbre.kaiser import raised

        return Normalised(raised(mono, from_rate=sample_rate, to_rate=RATE_HZ), RATE_HZ, peak, gain, loudness)
    return Normalised(mono, sample_rate, peak, gain, loudness)


def _without_ends(samples: np.ndarray, level: float) -> np.ndarray:
    """Samples from the first to the last that reaches a level."""
    loud = np.flatnonzero(np.abs(samples) >= level)
    return samples[loud[0] : loud[-1] + 1].copy()
