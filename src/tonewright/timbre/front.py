"""What happens to every sound before it is measured: mono, rate, mean, ends, loudness."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tonewright.audio.clips import resample
from tonewright.timbre.audible import audible_band
from tonewright.timbre.loudness import gain_of, loudness
from tonewright.timbre.mixing import (
    SHORT,
    Moments,
    energy,
    mixed_down,
    moments,
    without_ends,
    without_silence,
)
from tonewright.timbre.names import UnmeasurableError

RATE_HZ = 44100
SILENT_PEAK = 1e-7
# A mean of channels that keeps less of their power has lost the sound.
CANCELLED = 1e-3
END_LEVEL = 1e-3  # −60 dB below the peak
# The reference implementation sums so many channels at most.
CLASSIC_CHANNELS = 3
LOWEST_LOUDNESS_RATE_HZ = 4000


class Mixed(NamedTuple):
    """One channel made of all.

    Parameters
    ----------
    samples : (time,) float64
    moments : of the samples
    note : what its reader should know, or ""
    """

    samples: np.ndarray
    moments: Moments
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

    Corrected: the mean of all channels; where they cancel, so that less than 1/1000 of their power is left,
    the loudest one alone. Classic: the sum of the first three at most.

    Parameters
    ----------
    samples : (channels, time) float32 or float64, contiguous, not empty

    Raises
    ------
    UnmeasurableError
        If samples are NaN or infinite, or all channels are silent.
    """
    mono = mixed_down(samples if corrected else samples[:CLASSIC_CHANNELS], mean=corrected)
    found, note = moments(mono), ""
    if not math.isfinite(found.power):
        finite = np.isfinite(samples).all()
        raise UnmeasurableError("samples too large to be sound" if finite else "NaN or infinite samples")
    loudest = _loudest(samples, found) if corrected and len(samples) > 1 else None
    if loudest is not None:
        note = "the channels cancel in their mean; the loudest one was measured alone"
        mono = samples[loudest].astype(np.float64)
        found = moments(mono)
    silent = found.peak <= SILENT_PEAK if corrected else not (found.largest > 0 or samples.any())
    if silent:
        raise UnmeasurableError("silence")
    return Mixed(mono, found, note)


def _loudest(samples: np.ndarray, mean: Moments) -> int | None:
    """Which channel is the loudest, if their mean is next to nothing beside them."""
    with np.errstate(over="ignore"):
        squares = sum(energy(channel) for channel in samples) / samples.size
    if mean.power >= CANCELLED * squares:
        return None
    powers = np.var(samples, axis=1, dtype=np.float64)
    return int(powers.argmax()) if mean.power < CANCELLED * powers.mean() else None


def normalised(mono: Mixed, sample_rate: int, *, corrected: bool, gain: float | None = None) -> Normalised:
    """A mono sound as the models hear it.

    Corrected: converted to 44.1 kHz, without its mean, without ends that stay 60 dB below its peak (unless
    the gain is given), then multiplied. Classic: multiplied, then raised to 44.1 kHz where its rate is lower.

    Parameters
    ----------
    mono : the sound, whose samples may be overwritten
    sample_rate : in Hz
    gain : measured elsewhere, or None for the one that gives −24 LUFS, or peaks of 1 where those would be
        passed

    Raises
    ------
    UnmeasurableError
        If it is silent, or (classic) below the gate at −70 LUFS.
    """
    if corrected:
        return _corrected(mono, sample_rate, gain)
    return _classic(mono, sample_rate, gain)


def _corrected(mono: Mixed, sample_rate: int, gain: float | None) -> Normalised:
    samples, found = mono.samples, mono.moments
    if sample_rate != RATE_HZ:
        samples = resample(samples[None], from_rate=sample_rate, to_rate=RATE_HZ)[0]
        found = moments(samples)
    if found.peak <= SILENT_PEAK:
        raise UnmeasurableError("silence")
    if gain is None:
        place, zero = without_silence(samples)
        samples = samples[place]
    else:
        zero = found.mean
    samples = audible_band(samples - zero)
    found = moments(samples)
    if gain is None:
        whole, samples = samples, without_ends(samples, END_LEVEL * found.largest)
        found = moments(samples) if samples.size < whole.size else found
    peak = found.largest
    if samples.size >= SHORT:
        samples, peak = samples - found.mean, found.peak
    level = loudness(samples[None], sample_rate=RATE_HZ)
    if not math.isfinite(level):
        raise UnmeasurableError("silence")
    gain = gain_of(level, peak) if gain is None else gain
    samples *= gain
    return Normalised(samples, RATE_HZ, peak, gain, level)


def _classic(mono: Mixed, sample_rate: int, gain: float | None) -> Normalised:
    if sample_rate < LOWEST_LOUDNESS_RATE_HZ:
        raise UnmeasurableError(f"loudness is not defined below {LOWEST_LOUDNESS_RATE_HZ} Hz")
    samples, peak = mono.samples, mono.moments.largest
    if peak == 0:
        raise UnmeasurableError("the channels cancel in their sum")
    level = loudness(samples[None], sample_rate=sample_rate, lower_gate=False)
    if gain is None and not math.isfinite(level):
        raise UnmeasurableError("no block of 0.4 s reaches -70 LUFS")
    gain = gain_of(level, peak) if gain is None else gain
    samples *= gain
    if sample_rate < RATE_HZ:
        from tonewright.timbre.kaiser import raised

        samples, sample_rate = raised(samples, from_rate=sample_rate, to_rate=RATE_HZ), RATE_HZ
    return Normalised(samples, sample_rate, peak, gain, level)
