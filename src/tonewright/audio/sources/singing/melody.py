"""Melodies that suit given words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from tonewright.audio.band.harmony import SCALES
from tonewright.audio.sources.singing.score import Note, Range, SingingSettings
from tonewright.audio.sources.singing.syllables import Syllable
from tonewright.audio.sources.singing.world import FRAME_S
from tonewright.errors import UsageError

LOWEST_PITCH, HIGHEST_PITCH = 36.0, 86.0
_SCALES = (
    *SCALES.values(),
    (0, 2, 3, 5, 7, 8, 11),  # harmonic minor
    (0, 2, 4, 7, 9),
    (0, 3, 5, 7, 10),
    (0, 1, 3, 5, 7, 8, 10),  # phrygian
)
_STEPS = np.array([-4, -3, -2, -1, 0, 1, 2, 3, 4])
_STEP_WEIGHTS = np.array([0.02, 0.04, 0.13, 0.25, 0.12, 0.25, 0.13, 0.04, 0.02])
_BEATS = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0])
_BEAT_WEIGHTS = np.array([0.22, 0.4, 0.1, 0.17, 0.06, 0.04, 0.01])
_LAST_WEIGHTS = np.array([0.0, 0.1, 0.15, 0.35, 0.2, 0.15, 0.05])
_GRID_BEATS = 0.25
_SHORTEST_VOWEL_S = 0.08
_LONGEST_REST_S = 0.5
_LONGEST_S = 600.0


def pitch_of(frequency_hz: float) -> float:
    """MIDI pitch p = 69 + 12 log₂(f / 440 Hz)."""
    return 69.0 + 12.0 * float(np.log2(frequency_hz / 440.0))


def draw_melody(
    syllables: Sequence[Syllable], median_hz: float, settings: SingingSettings, rng: np.random.Generator
) -> tuple[Note, ...]:
    """A note for every syllable, on a grid of quarter beats.

    The pitch is a random walk in a random scale. Lengths are drawn in beats and made longer where the words
    need it. Where the speaker paused there is a rest.

    Parameters
    ----------
    syllables : in order
    median_hz : of the speaker
    settings : ranges to draw from
    rng : decides everything
    """
    pitches = _walk(len(syllables), pitch_of(median_hz), settings, rng)
    beat_s = 60.0 / float(np.exp(rng.uniform(*np.log(settings.tempo_bpm))))
    grid_s = _GRID_BEATS * beat_s
    start = _grid((syllables[0].vowel_start - syllables[0].start) * FRAME_S, grid_s)
    notes = []
    for number, (syllable, pitch) in enumerate(zip(syllables, pitches, strict=True)):
        following = syllables[number + 1] if number + 1 < len(syllables) else None
        last = following is None or syllable.pause > 0
        length = _beats(settings.beats, last, rng) * beat_s
        length = max(length, _grid(_shortest_s(syllable, following, settings.shortest_share), grid_s))
        notes.append(Note(start, length, float(pitch)))
        start += length + _grid(min(syllable.pause * FRAME_S, _LONGEST_REST_S), grid_s)
    return tuple(notes)


def check_notes(notes: Sequence[Note]) -> tuple[Note, ...]:
    """The notes, no longer than until the next begins; a `UsageError` where they are no melody."""
    if not notes:
        raise UsageError("there are no notes to sing")
    values = np.array([(note.start_s, note.length_s, note.pitch) for note in notes], dtype=np.float64)
    if not np.isfinite(values).all() or (values[:, 0] < 0).any() or (values[:, 1] <= 0).any():
        raise UsageError("notes start at 0 s or later, are longer than 0 s, and have a pitch")
    if (np.diff(values[:, 0]) <= 0).any():
        raise UsageError("a voice sings one note at a time: each note starts after the one before")
    if values[-1, :2].sum() > _LONGEST_S:
        raise UsageError(f"a melody ends within {_LONGEST_S:.0f} s")
    if (values[:, 2] < 0).any() or (values[:, 2] > 127).any():
        raise UsageError("pitches are MIDI note numbers, 0 to 127")
    ends = [following.start_s for following in notes[1:]] + [np.inf]
    return tuple(
        replace(note, length_s=float(min(note.length_s, end - note.start_s)))
        for note, end in zip(notes, ends, strict=True)
    )


def fit_octave(notes: tuple[Note, ...], median_hz: float, start_semitones: Range) -> tuple[Note, ...]:
    """A melody moved by whole octaves: its mean lies nearest to the middle of where first notes may lie."""
    comfortable = pitch_of(median_hz) + sum(start_semitones) / 2
    mean = np.average([note.pitch for note in notes], weights=[note.length_s for note in notes])
    octaves = float(np.rint((comfortable - mean) / 12))
    return tuple(replace(note, pitch=note.pitch + 12 * octaves) for note in notes)


def _walk(count: int, median_pitch: float, settings: SingingSettings, rng: np.random.Generator) -> np.ndarray:
    """(count,) pitches of a scale, each a few degrees from the one before."""
    first = median_pitch + rng.uniform(*settings.start_semitones)
    low, high = np.clip(first + np.array(settings.reach_semitones), LOWEST_PITCH, HIGHEST_PITCH)
    tonic, scale = rng.integers(12), _SCALES[rng.integers(len(_SCALES))]
    allowed = np.arange(np.ceil(low), np.floor(high) + 1)
    in_scale = allowed[np.isin((allowed - tonic) % 12, scale)]
    allowed = in_scale if len(in_scale) else np.array([np.rint((low + high) / 2)])
    steps = rng.choice(_STEPS, size=count, p=_STEP_WEIGHTS)
    place = int(np.argmin(abs(allowed - first)))
    path = np.empty(count)
    for number, step in enumerate(steps):
        path[number] = allowed[place]
        # A step that would leave the range goes the other way.
        place = place + step if 0 <= place + step < len(allowed) else place - step
        place = int(np.clip(place, 0, len(allowed) - 1))
    return path


def _beats(limits: Range, last: bool, rng: np.random.Generator) -> float:
    weights = _LAST_WEIGHTS if last else _BEAT_WEIGHTS
    return float(np.clip(rng.choice(_BEATS, p=weights / weights.sum()), *limits))


def _shortest_s(syllable: Syllable, following: Syllable | None, share: float) -> float:
    """The least time from this vowel's start to the next one's."""
    vowel_s = (syllable.vowel_end - syllable.vowel_start) * FRAME_S
    onset = following.vowel_start - following.start if following is not None else 0
    consonants_s = (syllable.end - syllable.vowel_end + onset) * FRAME_S
    return max(share * (vowel_s + consonants_s), consonants_s + min(vowel_s, _SHORTEST_VOWEL_S))


def _grid(seconds: float, grid_s: float) -> float:
    """Not shorter, and a multiple of the grid."""
    return float(np.ceil(seconds / grid_s - 1e-6)) * grid_s
