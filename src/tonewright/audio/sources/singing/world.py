"""The door to WORLD: a voice taken apart into pitch, envelope and aperiodicity, and put together again.

M. Morise, F. Yokomori, K. Ozawa, "WORLD: a vocoder-based high-quality speech synthesis system for
real-time applications", IEICE Trans. Inf. & Syst. E99-D(7), 2016.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.audio.sources.singing.score import NoVoiceError
from tonewright.errors import MissingExtraError

FRAME_S = 0.005
LOWEST_HZ, HIGHEST_HZ = 65.0, 700.0
_DIO_RATE = 4000
_LEAST_VOICED_S = 0.15
_APERIODIC = 0.5
_LEVEL = 0.1
_SMALLEST = 1e-12
_GAP_FRAMES = 4
_SIZE_OF_PERIODS = 3  # CheapTrick's window spans three periods


@dataclass(frozen=True, slots=True)
class Voice:
    """A recorded voice, taken apart every 5 ms.

    Parameters
    ----------
    sample_rate : Hz
    f0_hz : (time,) fundamental frequency, 0 where there is none
    envelope : (time, bins) float32, natural logarithm of the power spectrum without its harmonics
    aperiodicity : (time, bins) float32, amplitude of the noise against the whole, 0 to 1
    gain : what the recording was multiplied by before
    """

    sample_rate: int
    f0_hz: np.ndarray
    envelope: np.ndarray
    aperiodicity: np.ndarray
    gain: float

    @property
    def voiced(self) -> np.ndarray:
        """(time,) whether the vocal folds swing."""
        return self.f0_hz > 0

    @property
    def median_hz(self) -> float:
        """Median fundamental frequency."""
        return float(np.median(self.f0_hz[self.voiced]))

    @property
    def frequencies_hz(self) -> np.ndarray:
        """(bins,) frequency of each bin."""
        bins = self.envelope.shape[1]
        return np.arange(bins) * (self.sample_rate / (2 * (bins - 1)))


def take_apart(samples: np.ndarray, *, sample_rate: int) -> Voice:
    """Pitch, envelope and aperiodicity of a voice.

    The fundamental is looked for twice, the second time near the first's median, which leaves few octave
    errors; the length of the transforms follows from the lowest found. Aperiodicity, the dearest of the
    three and slow to change, is taken every 10 ms.

    Parameters
    ----------
    samples : (time,)
    sample_rate : Hz

    Raises
    ------
    NoVoiceError
        If hardly anything is voiced.
    """
    world = _pyworld()
    sound = samples.astype(np.float64) - samples.mean(dtype=np.float64)
    rms = float(np.sqrt(np.mean(sound**2)))
    gain = _LEVEL / rms if rms > _SMALLEST else 1.0
    sound *= gain
    f0, times, lowest = _pitch(world, sound, sample_rate)
    fft_size = 1 << int(np.ceil(np.log2(_SIZE_OF_PERIODS * sample_rate / lowest + 1)))
    coarse = world.d4c(sound, f0[::2].copy(), times[::2].copy(), sample_rate, fft_size=fft_size)
    coarse = coarse.astype(np.float32)
    aperiodicity = _every_frame(coarse, len(f0))
    f0[np.repeat(coarse[:, 0] > _APERIODIC, 2)[: len(f0)]] = 0.0
    _check_voiced(f0)
    _bridge(f0, aperiodicity)
    power = world.cheaptrick(sound, f0, times, sample_rate, fft_size=fft_size)
    envelope = np.log(np.maximum(power, _SMALLEST**2, out=power), out=power).astype(np.float32)
    return Voice(sample_rate, f0, envelope, aperiodicity, gain)


def put_together(
    f0_hz: np.ndarray, power: np.ndarray, aperiodicity: np.ndarray, *, sample_rate: int
) -> np.ndarray:
    """The sound of a voice.

    Parameters
    ----------
    f0_hz : (time,) every 5 ms, 0 for noise alone
    power, aperiodicity : (time, bins)
    sample_rate : Hz

    Returns
    -------
    (frames,) float64
    """
    world = _pyworld()
    return world.synthesize(
        np.ascontiguousarray(f0_hz, np.float64),
        np.ascontiguousarray(power, np.float64),
        np.ascontiguousarray(aperiodicity, np.float64),
        sample_rate,
        FRAME_S * 1000,
    )


def check_installed() -> None:
    """A `MissingExtraError` where pyworld is not installed."""
    _pyworld()


def _pyworld() -> Any:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="pkg_resources is deprecated", category=UserWarning)
            import pyworld
    except ImportError as error:
        raise MissingExtraError(error.name or "pyworld", "singing") from error
    return pyworld


def _pitch(world: Any, sound: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray, float]:
    """Fundamental frequency (time,), its times (time,) in seconds, and the lowest that it can be."""
    speed = int(np.clip(sample_rate // _DIO_RATE, 1, 12))
    lowest, highest = LOWEST_HZ, HIGHEST_HZ
    for _ in range(2):
        f0, times = world.dio(sound, sample_rate, f0_floor=lowest, f0_ceil=highest, speed=speed)
        _check_voiced(f0)
        median = float(np.median(f0[f0 > 0]))
        lowest, highest = max(LOWEST_HZ, 0.55 * median), min(HIGHEST_HZ, 2.2 * median)
    f0 = world.stonemask(sound, f0, times, sample_rate)
    f0[(f0 < lowest) | (f0 > HIGHEST_HZ)] = 0.0
    _check_voiced(f0)
    _bridge(f0)
    return f0, times, lowest


def _check_voiced(f0_hz: np.ndarray) -> None:
    if np.count_nonzero(f0_hz) * FRAME_S < _LEAST_VOICED_S:
        raise NoVoiceError("there is no voice in the sound: hardly anything in it has a pitch")


def _bridge(f0_hz: np.ndarray, aperiodicity: np.ndarray | None = None) -> None:
    """Voice over gaps of up to 20 ms, in place: those are uneven pulses, not consonants.

    Left open, each would become a burst of noise between two halves of a vowel.
    """
    voiced = np.flatnonzero(f0_hz)
    for gap in np.flatnonzero((np.diff(voiced) > 1) & (np.diff(voiced) <= _GAP_FRAMES + 1)):
        first, last = voiced[gap], voiced[gap + 1]
        share = np.arange(1, last - first) / (last - first)
        f0_hz[first + 1 : last] = f0_hz[first] ** (1 - share) * f0_hz[last] ** share
        if aperiodicity is not None:
            ends = aperiodicity[first].copy(), aperiodicity[last].copy()
            aperiodicity[first + 1 : last] = ends[0] + share[:, None] * (ends[1] - ends[0])


def _every_frame(coarse: np.ndarray, frames: int) -> np.ndarray:
    """Values of every second frame, (half, bins), as values of each, (time, bins)."""
    fine = np.repeat(coarse, 2, axis=0)[:frames]
    between = fine[1 : 2 * len(coarse) - 1 : 2]
    between += (coarse[1:] - coarse[:-1]) / 2
    return fine
