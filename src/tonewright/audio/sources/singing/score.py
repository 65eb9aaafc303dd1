"""What is sung, how it may be varied, and what comes of it."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from tonewright.errors import TonewrightError, UsageError

Range = tuple[float, float]
_POSITIVE = frozenset({"tempo_bpm", "beats", "glide_s", "vibrato_hz", "formants"})


class NoVoiceError(TonewrightError):
    """Sound that holds no voice to sing with: silence, noise, a click, or too little that is voiced."""


@dataclass(frozen=True, slots=True)
class Note:
    """A note of a melody.

    Parameters
    ----------
    start_s : when its vowel begins, in seconds; the consonants before it are sung before that
    length_s : until the vowel's end at the latest; consonants before a following note come off this
    pitch : MIDI note number, 69 being 440 Hz; fractions are allowed
    """

    start_s: float
    length_s: float
    pitch: float

    @property
    def end_s(self) -> float:
        """When it ends, in seconds."""
        return self.start_s + self.length_s


@dataclass(frozen=True, slots=True)
class Sung:
    """A voice that sings.

    Parameters
    ----------
    samples : (1, frames) float32, within ±1
    sample_rate : Hz
    notes : those that are sung, in seconds from the first sample
    pitch_curve : (time,) MIDI pitch every 5 ms, glides and vibrato included; NaN where there is no voice
    """

    samples: np.ndarray
    sample_rate: int
    notes: tuple[Note, ...]
    pitch_curve: np.ndarray

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate


@dataclass(frozen=True, slots=True)
class SingingSettings:
    """Ranges from which each phrase draws its melody, its manner and its voice.

    Parameters
    ----------
    tempo_bpm : beats per minute
    beats : shortest and longest note
    shortest_share : no syllable of a drawn melody is shorter than this share of its spoken length
    start_semitones : first note, above the speaker's median pitch
    reach_semitones : lowest and highest note, from the first
    glide_s : how long the pitch takes from note to note
    vibrato_hz, vibrato_semitones : its rate, and how far it goes to each side
    vibrato_after_s : how long a note is held before its vibrato begins
    vibrato_level_db : how far the level moves with it to each side
    jitter_semitones : standard deviation of a slow wandering of the pitch
    formants : by what the frequencies of the formants are multiplied
    tilt_db : treble against bass, from 300 Hz to 5 kHz
    ring_db : lift near 3 kHz, the singer's formant
    accent_db : how far notes differ in level, to each side
    fit_octave : move a given melody by whole octaves to where the singer is at ease
    """

    tempo_bpm: Range = (66.0, 150.0)
    beats: Range = (0.25, 3.0)
    shortest_share: float = 0.7
    start_semitones: Range = (0.0, 9.0)
    reach_semitones: Range = (-7.0, 8.0)
    glide_s: Range = (0.04, 0.13)
    vibrato_hz: Range = (4.5, 6.8)
    vibrato_semitones: Range = (0.1, 0.7)
    vibrato_after_s: Range = (0.1, 0.3)
    vibrato_level_db: Range = (0.2, 1.5)
    jitter_semitones: Range = (0.05, 0.15)
    formants: Range = (0.88, 1.13)
    tilt_db: Range = (-2.0, 5.0)
    ring_db: Range = (0.0, 7.0)
    accent_db: float = 2.0
    fit_octave: bool = True

    def __post_init__(self) -> None:
        """Refuse ranges that are none."""
        for item in fields(self):
            value = getattr(self, item.name)
            if not isinstance(value, tuple):
                continue
            positive = item.name in _POSITIVE
            if len(value) != 2 or not value[0] <= value[1] or (positive and not value[0] > 0):
                above = " above 0" if positive else ""
                raise UsageError(f"{item.name} is a range from low to high{above}; got {value}")
