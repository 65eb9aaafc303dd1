"""From stems as played to stems as heard: balance, compression, limiting, rooms, one loudness."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import maximum_filter1d, uniform_filter1d

from tonewright.audio.band.rooms import Room, reflections
from tonewright.audio.band.synthesis import SAMPLE_RATE, fast_length, irfft, rfft
from tonewright.dsp.loudness import integrated_loudness

STEMS = ("drums", "bass", "other", "vocals")

# loudness relative to the voice, and the room's energy relative to the direct sound, in dB
_BALANCE_DB = {"drums": 0.0, "bass": -3.0, "other": -3.5, "vocals": 0.0}
_ROOM_DB = {"drums": -14.0, "bass": -22.0, "other": -11.0, "vocals": -11.0}
_CEILING = 0.94


@dataclass(frozen=True, slots=True)
class Mix:
    """16-bit stems, (2, time) each: as recorded, and in the room. The mixture is the sum of the latter."""

    dry: dict[str, np.ndarray]
    wet: dict[str, np.ndarray]

    @property
    def mixture(self) -> np.ndarray:
        """The exact sum of the stems, (2, time)."""
        return np.sum([stem.astype(np.int32) for stem in self.wet.values()], axis=0).astype(np.int16)


def loudness(samples: np.ndarray) -> float:
    """Integrated loudness in LUFS of ``samples`` : (channels, time)."""
    return float(integrated_loudness(samples, sample_rate=SAMPLE_RATE))


def compressed(samples: np.ndarray, *, ratio: float, window_s: float = 0.03) -> np.ndarray:
    """``samples`` : (2, time) with what is louder than its usual level brought nearer to it."""
    power = np.mean(np.square(samples), axis=0)
    level = np.sqrt(uniform_filter1d(power, int(window_s * SAMPLE_RATE)) + 1e-12)
    usual = np.sqrt(np.mean(power[level > 0.1 * level.max()]))
    gain = np.minimum(level / usual, 1e3)
    gain = np.where(gain > 0.5, (gain / 0.5) ** (1.0 / ratio - 1.0), 1.0)
    steps = uniform_filter1d(gain, int(2 * window_s * SAMPLE_RATE))
    return samples * steps.astype(np.float32)


def limiter_gain(samples: np.ndarray, ceiling: float, window_s: float = 0.008) -> np.ndarray:
    """A slow gain, (time,), that keeps ``samples`` : (2, time) below a ceiling."""
    width = int(window_s * SAMPLE_RATE) | 1
    peaks = maximum_filter1d(np.abs(samples).max(axis=0), width)
    return uniform_filter1d(np.minimum(1.0, ceiling / np.maximum(peaks, 1e-9)), width)


def convolved(samples: np.ndarray, response: np.ndarray) -> np.ndarray:
    """One channel (time,) through responses (2, taps), cut to its own length, (2, time)."""
    length = fast_length(samples.shape[0] + response.shape[1])
    spectrum = rfft(samples.astype(np.float32), length) * rfft(response.astype(np.float32), length)
    return irfft(spectrum, length)[:, : samples.shape[0]]


def _balanced(stems: dict[str, np.ndarray], rng: np.random.Generator) -> dict[str, np.ndarray]:
    balanced = {}
    for name in STEMS:
        samples = stems[name].astype(np.float32)
        if name in ("vocals", "bass"):
            samples = compressed(samples, ratio=2.5)
        goal = -20.0 + _BALANCE_DB[name] + float(rng.uniform(-1.5, 1.5))
        level = loudness(samples)
        gain = 10 ** ((goal - level) / 20) if np.isfinite(level) else 0.1 / (np.abs(samples).max() + 1e-9)
        balanced[name] = samples * np.float32(gain)
    return balanced


def _edges(samples: int) -> np.ndarray:
    """A gain of one that begins within 5 ms and ends within 0.3 s (or a tenth of the song)."""
    gain = np.ones(samples, dtype=np.float32)
    begin, end = int(0.005 * SAMPLE_RATE), min(int(0.3 * SAMPLE_RATE), samples // 10)
    gain[:begin] = np.linspace(0.0, 1.0, begin, endpoint=False)
    gain[-end:] = 0.5 + 0.5 * np.cos(np.pi * np.arange(1, end + 1) / end)
    return gain


def mix(stems: dict[str, np.ndarray], room: Room, rng: np.random.Generator, *, loudness_lufs: float) -> Mix:
    """Balance, limit, put into the room and bring to a loudness.

    Every stem is ``wet = dry + g · room ∗ dry``, with one gain over all, so that dry and wet stems are
    related by one linear filter; the limiting comes before both.
    """
    dry = _balanced(stems, rng)
    total = np.sum(list(dry.values()), axis=0)
    ceiling = 10 ** (13.0 / 20) * float(np.sqrt(np.mean(np.square(total))))
    gain = (limiter_gain(total, ceiling) * _edges(total.shape[1])).astype(np.float32)
    response = reflections(room, rng)
    wet = {}
    for name in STEMS:
        dry[name] *= gain
        room_sound = convolved(dry[name].mean(axis=0), response)
        share_db = _ROOM_DB[name] + float(rng.uniform(-3, 3))
        share = 10 ** (share_db / 20) * np.linalg.norm(dry[name]) / (np.linalg.norm(room_sound) + 1e-9)
        wet[name] = dry[name] + np.float32(share) * room_sound
    total = np.sum(list(wet.values()), axis=0)
    peak = max(float(np.abs(sound).max()) for sound in (total, *wet.values(), *dry.values()))
    level = loudness(total)
    scale = _CEILING / peak
    if np.isfinite(level):
        scale = min(scale, 10 ** ((loudness_lufs - level) / 20))
    return Mix(_to_int16(dry, scale), _to_int16(wet, scale))


def _to_int16(stems: dict[str, np.ndarray], scale: float) -> dict[str, np.ndarray]:
    return {
        name: np.rint(sound * np.float32(scale * 32768.0)).astype(np.int16) for name, sound in stems.items()
    }
