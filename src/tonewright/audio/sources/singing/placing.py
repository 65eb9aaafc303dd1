"""Syllables put on notes: which frame of the speech is heard at which frame of the song."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tonewright.audio.sources.singing.score import Note
from tonewright.audio.sources.singing.syllables import Syllable
from tonewright.audio.sources.singing.world import FRAME_S

_SHORTEST_VOWEL = 12.0  # frames, all of these
_LEAST_SHARE = 0.35
_SHORT_REST = 8.0
_EDGE = 8.0
_WANDER = 3.0


@dataclass(frozen=True, slots=True)
class Placed:
    """A syllable on its note, in frames of the song; fractions count.

    Parameters
    ----------
    syllable : frames of the speech
    pitch : MIDI
    start, vowel_start, vowel_end, end : as those of the syllable
    joined : whether the syllable before it goes over into it without a gap, here as in the speech
    """

    syllable: Syllable
    pitch: float
    start: float
    vowel_start: float
    vowel_end: float
    end: float
    joined: bool


def place(syllables: Sequence[Syllable], notes: Sequence[Note]) -> tuple[Placed, ...]:
    """Each note gets the next syllable; after the last syllable comes the first again.

    A vowel starts with its note. It ends with it, or earlier where the consonants before the next note
    need the time; only where even that leaves less than a third are consonants hurried. Where there is time
    left before the next syllable begins, there is silence.
    """
    words = [syllables[number % len(syllables)] for number in range(len(notes))]
    placed = []
    start, joined = notes[0].start_s / FRAME_S - (words[0].vowel_start - words[0].start), False
    for number, (word, note) in enumerate(zip(words, notes, strict=True)):
        vowel_start = note.start_s / FRAME_S
        vowel_end, coda = note.end_s / FRAME_S, float(word.end - word.vowel_end)
        next_start, next_joined = 0.0, False
        if number + 1 < len(notes):
            limit = notes[number + 1].start_s / FRAME_S
            onset = float(words[number + 1].vowel_start - words[number + 1].start)
            spoken = float(word.vowel_end - word.vowel_start)
            vowel_end, coda, next_start = _fit((vowel_start, vowel_end), spoken, coda, onset, limit)
            follows = words[number + 1].start == word.end
            next_joined = follows and next_start - (vowel_end + coda) < 1e-6
        placed.append(Placed(word, note.pitch, start, vowel_start, vowel_end, vowel_end + coda, joined))
        start, joined = next_start, next_joined
    return tuple(placed)


def _fit(
    vowel: tuple[float, float], spoken: float, coda: float, onset: float, limit: float
) -> tuple[float, float, float]:
    """End of the vowel, length of what follows it, and start of the next syllable, all before `limit`."""
    vowel_start, vowel_end = vowel
    least = vowel_start + min(_SHORTEST_VOWEL, spoken, _LEAST_SHARE * (limit - vowel_start))
    vowel_end = max(min(vowel_end, limit - coda - onset), least)
    left = limit - vowel_end
    if coda + onset > left:
        hurry = left / (coda + onset)
        return vowel_end, coda * hurry, limit - onset * hurry
    rest = left - coda - onset
    if rest < _SHORT_REST:
        vowel_end += rest
    return vowel_end, coda, limit - onset


def source_positions(
    placed: Sequence[Placed], frames: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """What is heard when.

    The edges of a vowel keep their pace, its middle is stretched, and the place in it wanders a little, as
    no held vowel stands still.

    Parameters
    ----------
    placed : in order
    frames : of the song
    rng : decides the wandering

    Returns
    -------
    (frames,) frame of the speech, a fraction; (frames,) whether anything is heard
    """
    position = np.zeros(frames)
    heard = np.zeros(frames, dtype=bool)
    for one in placed:
        first, last = max(0, int(np.ceil(one.start))), min(frames, int(np.ceil(one.end)))
        if last <= first:
            continue
        time = np.arange(first, last)
        position[first:last] = np.interp(time, *_knots(one))
        heard[first:last] = True
        inside = (time > one.vowel_start + _EDGE) & (time < one.vowel_end - _EDGE)
        if np.count_nonzero(inside) > 4 * _EDGE:
            vowel = position[first:last][inside] + _wander(int(np.count_nonzero(inside)), rng)
            position[first:last][inside] = np.clip(
                vowel, one.syllable.vowel_start, one.syllable.vowel_end - 1
            )
    return position, heard


def _knots(one: Placed) -> tuple[np.ndarray, np.ndarray]:
    """Times in the song and frames of the speech between which the pace is constant."""
    word = one.syllable
    sung, spoken = one.vowel_end - one.vowel_start, word.vowel_end - word.vowel_start
    edge = min(_EDGE, spoken / 3) if sung > spoken else spoken / 3
    out_edge = edge if sung > spoken else sung / 3
    song = [one.start, one.vowel_start, one.vowel_start + out_edge]
    speech = [word.start, word.vowel_start, word.vowel_start + edge]
    song += [one.vowel_end - out_edge, one.vowel_end, max(one.end, one.vowel_end)]
    speech += [word.vowel_end - edge, word.vowel_end, word.end]
    return np.array(song), np.array(speech, dtype=np.float64)


def _wander(count: int, rng: np.random.Generator) -> np.ndarray:
    """(count,) frames to go back or forth, slow, and 0 at both ends."""
    phases = rng.uniform(0, 2 * np.pi, 3)
    rates = rng.uniform((0.7, 1.5, 2.6), (1.5, 2.6, 4.0))
    time_s = np.arange(count) * FRAME_S
    walk = sum(np.sin(2 * np.pi * rate * time_s + phase) for rate, phase in zip(rates, phases, strict=True))
    ends = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / (2 * _EDGE))
    return _WANDER / 3 * walk * ends
