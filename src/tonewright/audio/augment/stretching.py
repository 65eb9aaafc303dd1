"""Pitch and tempo by Rubber Band, through pedalboard."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.audio.augment.base import Parameters, Transform, log_uniform, uniform
from tonewright.audio.clips import fit_length
from tonewright.errors import MissingExtraError, UsageError


@dataclass(frozen=True, kw_only=True)
class Pitch(Transform):
    """Higher or lower, at the same length.

    Parameters
    ----------
    low_semitones, high_semitones : range of the shift
    keep_formants : a voice stays the same voice; otherwise the whole spectrum moves
    """

    low_semitones: float = -2.0
    high_semitones: float = 2.0
    keep_formants: bool = True

    def _values(self, generator: np.random.Generator) -> Parameters:
        semitones = uniform(generator, self.low_semitones, self.high_semitones)
        return {"semitones": semitones, "keep_formants": self.keep_formants}

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        return _stretch(
            samples,
            sample_rate,
            samples.shape[-1],
            pitch_shift_in_semitones=parameters["semitones"],
            preserve_formants=parameters["keep_formants"],
        )


@dataclass(frozen=True, kw_only=True)
class Tempo(Transform):
    """Faster or slower, at the same pitch: n frames become round(n / factor).

    Parameters
    ----------
    low_factor, high_factor : range of the tempo, even in ratio; 2 is twice as fast
    """

    low_factor: float = 0.9
    high_factor: float = 1.1

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        if self.low_factor <= 0:
            raise UsageError(f"augment.tempo.low_factor is {self.low_factor}: must be above 0")

    def _values(self, generator: np.random.Generator) -> Parameters:
        return {"factor": log_uniform(generator, self.low_factor, self.high_factor)}

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        factor = parameters["factor"]
        frames = max(1, round(samples.shape[-1] / factor))
        return _stretch(samples, sample_rate, frames, stretch_factor=factor)

    def _frames_in(self, frames: int, parameters: Mapping[str, Any]) -> int:
        return math.ceil((frames + 0.5) * parameters["factor"])


def _stretch(samples: np.ndarray, sample_rate: int, frames: int, **options: Any) -> np.ndarray:
    """Rubber Band over (channels, time), its result cut or padded to `frames`."""
    try:
        from pedalboard import time_stretch
    except ImportError as error:
        raise MissingExtraError("pedalboard", "augment") from error
    stretched = time_stretch(np.array(samples, np.float32, order="C"), sample_rate, **options)
    return np.ascontiguousarray(fit_length(stretched, frames)).astype(samples.dtype, copy=False)
