"""Transforms of level and sign: gain, polarity, channel swap, noise."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.audio.augment.base import Donor, Parameters, Transform, uniform
from tonewright.dsp.levels import amplitude_from_db
from tonewright.errors import UsageError

_SLOPES = {"white": 0.0, "pink": 1.0, "brown": 2.0}  # power falls as 1 / frequency to this


@dataclass(frozen=True, kw_only=True)
class Gain(Transform):
    """Louder or softer; nothing is clipped.

    Parameters
    ----------
    low_db, high_db : range of the gain
    """

    low_db: float = -6.0
    high_db: float = 6.0

    def _values(self, generator: np.random.Generator) -> Parameters:
        return {"gain_db": uniform(generator, self.low_db, self.high_db)}

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        return samples * float(amplitude_from_db(parameters["gain_db"]))


@dataclass(frozen=True, kw_only=True)
class Polarity(Transform):
    """Every sample negated."""

    probability: float = 0.5

    def _values(self, generator: np.random.Generator) -> Parameters:
        return {}

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        return -samples


@dataclass(frozen=True, kw_only=True)
class ChannelSwap(Transform):
    """Left and right exchanged; of more channels, the order reversed; mono stays as it is."""

    probability: float = 0.5

    def _values(self, generator: np.random.Generator) -> Parameters:
        return {}

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        return samples[::-1].copy()


@dataclass(frozen=True, kw_only=True)
class Noise(Transform):
    """Gaussian noise, independent in each channel, at a ratio to the RMS of the sound; none in silence.

    Of stems, the mixture alone is made noisy where there is one, else each stem by noise of its own.

    Parameters
    ----------
    low_snr_db, high_snr_db : range of the ratio of sound to noise
    colors : those to choose from: white, pink (−3 dB per octave), brown (−6 dB per octave)
    """

    low_snr_db: float = 20.0
    high_snr_db: float = 60.0
    colors: tuple[str, ...] = ("white", "pink", "brown")

    def __post_init__(self) -> None:
        """Refuse settings that cannot be meant."""
        super().__post_init__()
        if not self.colors or not set(self.colors) <= set(_SLOPES):
            raise UsageError(f"augment.noise.colors is {self.colors!r}: choose among {', '.join(_SLOPES)}")

    def _values(self, generator: np.random.Generator) -> Parameters:
        return {
            "snr_db": uniform(generator, self.low_snr_db, self.high_snr_db),
            "color": self.colors[generator.integers(len(self.colors))],
            "noise_seed": int(generator.integers(2**32)),
        }

    def _apply(self, samples: np.ndarray, parameters: Mapping[str, Any], sample_rate: int) -> np.ndarray:
        noise = _colored(samples.shape, _SLOPES[parameters["color"]], parameters["noise_seed"])
        ratio = _rms(samples) / max(_rms(noise), np.finfo(np.float32).tiny)
        level = float(amplitude_from_db(-parameters["snr_db"]))
        return samples + (noise * (ratio * level)).astype(samples.dtype)

    def _apply_to_stems(
        self,
        stems: Mapping[str, np.ndarray],
        parameters: Mapping[str, Any],
        sample_rate: int,
        donor: Donor | None,
    ) -> dict[str, np.ndarray]:
        noisy = dict(stems)
        for stem in ("mixture",) if "mixture" in stems else stems:
            own = (parameters["noise_seed"] + zlib.crc32(stem.encode())) % 2**32
            noisy[stem] = self._apply(stems[stem], {**parameters, "noise_seed": own}, sample_rate)
        return noisy


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))


def _colored(shape: tuple[int, ...], slope: float, seed: int) -> np.ndarray:
    """Gaussian noise (channels, time) whose power falls as 1 / frequency^slope, of any level."""
    noise = np.random.default_rng(seed).standard_normal(shape, np.float32)
    if not slope:
        return noise
    spectrum = np.fft.rfft(noise)
    weights = np.arange(spectrum.shape[-1], dtype=np.float32)
    weights[1:] **= -slope / 2
    return np.fft.irfft(spectrum * weights, n=shape[-1])
