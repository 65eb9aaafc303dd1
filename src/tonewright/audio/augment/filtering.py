"""Linear transforms: one biquad, and the response of a room."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.augment.base import Parameters, Transform, log_uniform, uniform
from tonewright.audio.clips import convert_channels
from tonewright.dsp import biquads
from tonewright.errors import CorpusError, UsageError

_PLAIN = {"lowpass": biquads.lowpass, "highpass": biquads.highpass, "bandpass": biquads.bandpass}
_WITH_GAIN = {
    "peaking": biquads.peaking,
    "low_shelf": biquads.low_shelf,
    "high_shelf": biquads.high_shelf,
}
_HIGHEST = 0.45  # of the sample rate: higher corners come down to this
_ONSET = 0.1  # a response begins where it first comes within 20 dB of its peak, as in ISO 3382-1
_RESPONSE_SUFFIXES = {".wav", ".flac", ".ogg", ".aif", ".aiff"}


@dataclass(frozen=True, kw_only=True)
class Filter(Transform):
    """One RBJ biquad, starting at rest.

    Parameters
    ----------
    kinds : those to choose from: lowpass, highpass, bandpass, peaking, low_shelf, high_shelf
    low_hz, high_hz : range of the corner or centre, even in octaves; at most 0.45 of the sample rate is used
    low_q, high_q : range of Q, even in octaves
    low_gain_db, high_gain_db : range of the gain of the kinds that have one
    """

    kinds: tuple[str, ...] = ("lowpass", "highpass", "peaking", "low_shelf", "high_shelf")
    low_hz: float = 60.0
    high_hz: float = 12000.0
    low_q: float = 0.5
    high_q: float = 2.0
    low_gain_db: float = -12.0
    high_gain_db: float = 12.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        known = [*_PLAIN, *_WITH_GAIN]
        if not self.kinds or not set(self.kinds) <= set(known):
            raise UsageError(f"augment.filter.kinds is {self.kinds!r}: choose among {', '.join(known)}")
        if self.low_hz <= 0 or self.low_q <= 0:
            raise UsageError("augment.filter: low_hz and low_q must be above 0")

    def _values(self, generator: np.random.Generator) -> Parameters:
        return {
            "kind": self.kinds[generator.integers(len(self.kinds))],
            "frequency_hz": log_uniform(generator, self.low_hz, self.high_hz),
            "q": log_uniform(generator, self.low_q, self.high_q),
            "gain_db": uniform(generator, self.low_gain_db, self.high_gain_db),
        }

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        from scipy.signal import sosfilt

        kind, q = parameters["kind"], parameters["q"]
        frequency_hz = min(parameters["frequency_hz"], _HIGHEST * sample_rate)
        if kind in _WITH_GAIN:
            b, a = _WITH_GAIN[kind](frequency_hz, q, parameters["gain_db"], sample_rate=sample_rate)
        else:
            b, a = _PLAIN[kind](frequency_hz, q, sample_rate=sample_rate)
        sections = np.concatenate([np.asarray(b), np.asarray(a)]).astype(np.float64)[None]
        return np.asarray(sosfilt(sections, samples.astype(np.float64))).astype(samples.dtype)


@dataclass(frozen=True, kw_only=True)
class Room(Transform):
    """The sound in a room: convolved with an impulse response from a folder, cut to its own length.

    A response is freed of its delay and divided by the root of its energy, so that noise keeps its level;
    the channels share one delay and one divisor. A response of another number of channels is averaged to
    one, which serves all. Parameters name the response by its path below the folder, so applying them needs
    that folder.

    Parameters
    ----------
    folder : where the responses are, at any depth
    low_wet, high_wet : range of w in (1 − w) · dry + w · room
    """

    folder: str = ""
    low_wet: float = 0.1
    high_wet: float = 0.6

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        if not self.folder:
            raise UsageError("augment.room.folder is missing: name a folder of impulse responses")
        if not 0 <= self.low_wet <= self.high_wet <= 1:
            raise UsageError("augment.room: low_wet and high_wet must lie between 0 and 1")

    def _values(self, generator: np.random.Generator) -> Parameters:
        names = _responses(self.folder)
        return {
            "response": names[generator.integers(len(names))],
            "wet": uniform(generator, self.low_wet, self.high_wet),
        }

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        from scipy.signal import oaconvolve

        path = Path(self.folder, parameters["response"])
        response = _response(str(path), sample_rate, samples.shape[0])
        room = oaconvolve(samples, response.astype(samples.dtype), axes=-1)[:, : samples.shape[-1]]
        wet = parameters["wet"]
        return (1 - wet) * samples + wet * room


@lru_cache(maxsize=16)
def _responses(folder: str) -> tuple[str, ...]:
    """Paths of the impulse responses below a folder, in a fixed order."""
    paths = [path for path in Path(folder).rglob("*") if path.suffix.lower() in _RESPONSE_SUFFIXES]
    if not paths:
        raise CorpusError(f"{folder}: no impulse responses; name a folder with WAV or FLAC files")
    return tuple(sorted(path.relative_to(folder).as_posix() for path in paths))


@lru_cache(maxsize=64)
def _response(path: str, sample_rate: int, channels: int) -> np.ndarray:
    """An impulse response without delay and of unit energy, averaged over its channels: (channels, time)."""
    from tonewright.audio.files import read

    response = read(path, sample_rate=sample_rate).samples
    if response.shape[0] not in (1, channels):
        response = response.mean(axis=0, keepdims=True)
    loudest = np.abs(response).max(axis=0)
    energy = np.square(response, dtype=np.float64).sum() / response.shape[0]
    if not energy:
        raise CorpusError(f"{path}: a silent impulse response; remove it")
    response = response[:, int(np.argmax(loudest >= _ONSET * loudest.max())) :] / np.sqrt(energy)
    return convert_channels(response.astype(np.float32), channels)
