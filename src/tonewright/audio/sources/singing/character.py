"""Another voice out of the same throat: formants moved, treble tilted, the singer's formant lifted."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.audio.sources.singing.score import SingingSettings
from tonewright.audio.sources.singing.world import Voice

_TILT_HZ = (300.0, 5000.0)
_RING_HZ = (2700.0, 3300.0)
_RING_OCTAVES = 0.3
_PER_DB = np.log(10.0) / 10.0


@dataclass(frozen=True, slots=True)
class Character:
    """What makes a singer differ from the speaker.

    Parameters
    ----------
    formants : factor on their frequencies
    tilt_db : treble against bass
    ring_db : lift of the singer's formant (J. Sundberg, "Articulatory interpretation of the singing
        formant", J. Acoust. Soc. Am. 55, 1974)
    ring_hz : where it is
    """

    formants: float
    tilt_db: float
    ring_db: float
    ring_hz: float


def draw_character(settings: SingingSettings, rng: np.random.Generator) -> Character:
    """A character within the ranges of the settings."""
    return Character(
        formants=float(rng.uniform(*settings.formants)),
        tilt_db=float(rng.uniform(*settings.tilt_db)),
        ring_db=float(rng.uniform(*settings.ring_db)),
        ring_hz=float(rng.uniform(*_RING_HZ)),
    )


def change_envelope(voice: Voice, character: Character) -> np.ndarray:
    """(time, bins) natural logarithm of power: E(f / formants), tilted and lifted.

    Above the highest frequency that the speech had, its last bin is held.
    """
    bins = voice.envelope.shape[1]
    place = np.minimum(np.arange(bins) / character.formants, bins - 1)
    below = np.minimum(place.astype(int), bins - 2)
    share = (place - below).astype(np.float32)
    envelope = voice.envelope[:, below] * (1 - share)
    envelope += voice.envelope[:, below + 1] * share
    envelope += (_PER_DB * _gain_db(voice.frequencies_hz, character)).astype(np.float32)
    return envelope


def _gain_db(frequencies_hz: np.ndarray, character: Character) -> np.ndarray:
    """(bins,) dB."""
    octaves = np.log2(np.clip(frequencies_hz, *_TILT_HZ) / _TILT_HZ[0]) / np.log2(_TILT_HZ[1] / _TILT_HZ[0])
    distance = np.log2(np.maximum(frequencies_hz, 1.0) / character.ring_hz) / _RING_OCTAVES
    return character.tilt_db * octaves + character.ring_db * np.exp(-0.5 * distance**2)
