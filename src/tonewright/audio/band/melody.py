"""Sung and played lines: phrases with a rhythm, a contour over the chords, and a breath at the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tonewright.audio.band.harmony import scale_pitches
from tonewright.audio.band.lyrics import draw_syllables
from tonewright.audio.band.score import Grid, Key, Note, Section, Sung

ENERGY = {"intro": 0.45, "verse": 0.65, "chorus": 1.0, "break": 0.5, "bridge": 0.75, "outro": 0.55}
SUNG_SECTIONS = ("verse", "chorus", "bridge")


@dataclass(frozen=True, slots=True)
class Register:
    """A kind of singer: range in MIDI pitches and formants relative to an average man."""

    low: float
    center: float
    high: float
    formant_scale: float


REGISTERS = {
    "soprano": Register(60, 67, 76, 1.18),
    "alto": Register(55, 62, 71, 1.13),
    "tenor": Register(50, 57, 66, 1.03),
    "baritone": Register(45, 52, 61, 0.96),
}

Rhythm = list[tuple[int, int]]


def draw_rhythm(grid: Grid, bars: int, density: float, rng: np.random.Generator) -> Rhythm:
    """(step, length in steps) of the notes of a phrase of ``bars``; at least half a second rests at its end.

    ``density`` 0 … 1 moves the choice from long notes to short ones.
    """
    total = bars * grid.steps_per_bar
    rest = max(grid.half, int(np.ceil(rng.uniform(0.5, 0.8) / grid.step_s)))
    end = max(total - rest, grid.half)
    lengths = np.array([1, 2, 3, 4, 6, 8])
    weights = np.exp(-np.abs(lengths * grid.step_s - (0.62 - 0.42 * density)) / 0.18)
    weights[lengths * grid.step_s < 0.15] = 0.0
    weights[(lengths % grid.half) != 0] *= 0.35
    step = int(grid.half * rng.choice([0, 1, 2], p=[0.5, 0.25, 0.25])) if end > 3 * grid.half else 0
    rhythm: Rhythm = []
    while step < end:
        length = int(rng.choice(lengths, p=weights / weights.sum()))
        if end - step - length < 3:  # the last note takes what is left
            length = end - step
        rhythm.append((step, length))
        step += length
    return rhythm


def draw_contour(
    rhythm: Rhythm,
    scale: np.ndarray,
    chord_at: Callable[[int], tuple[int, ...]],
    grid: Grid,
    start: float,
    rng: np.random.Generator,
) -> list[float]:
    """A pitch for each note of ``rhythm``: small steps in the scale, chord tones on beats and at the end.

    ``chord_at`` gives the chord's pitch classes at a step of the phrase.
    """
    place = int(np.argmin(np.abs(scale - start)))
    home, pitches = place, []
    for number, (step, length) in enumerate(rhythm):
        pull = np.sign(home - place) * (rng.random() < 0.3)
        move = int(rng.choice([-3, -2, -1, 0, 1, 2, 4], p=[0.05, 0.13, 0.25, 0.17, 0.23, 0.12, 0.05])) + int(
            pull
        )
        place = int(np.clip(place + move, 0, len(scale) - 1))
        strong = step % grid.steps == 0 or length >= grid.steps or number == len(rhythm) - 1
        tones = np.flatnonzero(np.isin(scale % 12, chord_at(step)))
        if strong and len(tones):
            place = int(tones[np.argmin(np.abs(tones - place))])
        pitches.append(float(scale[place]))
    return pitches


def _phrases(sections: tuple[Section, ...], names: tuple[str, ...]) -> list[tuple[Section, int, int, int]]:
    """(section, number of the phrase in it, first bar, bars) of every phrase of the named sections."""
    return [
        (section, offset // 2, section.first_bar + offset, min(2, section.bars - offset))
        for section in sections
        if section.name in names
        for offset in range(0, section.bars, 2)
    ]


def _chord_at(
    chords: tuple[tuple[int, ...], ...], bar: int, steps_per_bar: int
) -> Callable[[int], tuple[int, ...]]:
    return lambda step: chords[min(bar + step // steps_per_bar, len(chords) - 1)]


def compose_voice(
    grid: Grid,
    key: Key,
    sections: tuple[Section, ...],
    chords: tuple[tuple[int, ...], ...],
    register: str,
    rng: np.random.Generator,
) -> tuple[Sung, ...]:
    """The sung line. Rhythms come back within a section, choruses come back with their words and tune."""
    singer = REGISTERS[register]
    scale = scale_pitches(key, singer.low, singer.high)
    density = {name: rng.uniform(0.45, 1.0) for name in ("verse", "bridge")} | {
        "chorus": rng.uniform(0.2, 0.8)
    }
    rhythms: dict[tuple, Rhythm] = {}
    lines: dict[tuple, list] = {}
    sung: list[Sung] = []
    for section, number, bar, bars in _phrases(sections, SUNG_SECTIONS):
        motif = (section.name, number % 2, bars)
        if motif not in rhythms:
            rhythms[motif] = draw_rhythm(grid, bars, density[section.name], rng)
        rhythm = rhythms[motif]
        chord_at = _chord_at(chords, bar, grid.steps_per_bar)
        refrain = (
            (section.name, number, bars, chord_at(0)) if section.name == "chorus" else (section.name, bar)
        )
        if refrain not in lines:
            lift = 3.0 if section.name == "chorus" else 0.0
            pitches = draw_contour(rhythm, scale, chord_at, grid, singer.center + lift, rng)
            lines[refrain] = list(zip(rhythm, pitches, draw_syllables(len(rhythm), rng), strict=True))
        sung.extend(_syllables(lines[refrain], grid, bar, ENERGY[section.name], rng))
    return tuple(sung)


def _syllables(line: list, grid: Grid, bar: int, energy: float, rng: np.random.Generator) -> list[Sung]:
    """One phrase in seconds, louder in its middle and on the beats, a few milliseconds off the grid."""
    phrase = []
    for number, ((step, length), pitch, (word, phones)) in enumerate(line):
        arc = np.sin(np.pi * (number + 0.7) / (len(line) + 0.4))
        level = (0.55 + 0.45 * energy) * (0.72 + 0.2 * arc + 0.08 * (step % grid.steps == 0))
        start = grid.time_s(bar, step) + float(np.clip(rng.normal(0.008, 0.01), -0.015, 0.03))
        seconds = grid.time_s(bar, step + length) - grid.time_s(bar, step)
        phrase.append(Sung(max(start, 0.06), seconds, pitch, float(min(level, 1.0)), phones, word))
    ends = [later.start_s for later in phrase[1:]] + [phrase[-1].start_s + phrase[-1].seconds * 0.97]
    return [replace(note, seconds=end - note.start_s) for note, end in zip(phrase, ends, strict=True)]


def compose_backing(
    voice: tuple[Sung, ...],
    grid: Grid,
    sections: tuple[Section, ...],
    chords: tuple[tuple[int, ...], ...],
    high: float,
) -> tuple[Sung, ...]:
    """A second voice for the choruses: the nearest chord tone at least a minor third away."""
    backing = []
    for note in voice:
        bar = min(int(note.start_s / grid.bar_s + 1e-6), len(chords) - 1)
        if not any(s.name == "chorus" and s.first_bar <= bar < s.first_bar + s.bars for s in sections):
            continue
        side = 1 if note.pitch + 5 <= high + 3 else -1
        pitch = note.pitch + 3 * side
        while int(pitch) % 12 not in chords[bar]:
            pitch += side
        backing.append(replace(note, pitch=pitch, level=note.level * 0.85))
    return tuple(backing)


def compose_lead(
    grid: Grid,
    key: Key,
    sections: tuple[Section, ...],
    chords: tuple[tuple[int, ...], ...],
    rng: np.random.Generator,
) -> tuple[Note, ...]:
    """An instrumental line where nobody sings."""
    scale = scale_pitches(key, 60, 84)
    density = rng.uniform(0.3, 0.9)
    notes = []
    for section, _, bar, bars in _phrases(sections, ("intro", "break", "outro")):
        rhythm = draw_rhythm(grid, bars, density, rng)
        pitches = draw_contour(rhythm, scale, _chord_at(chords, bar, grid.steps_per_bar), grid, 71, rng)
        for (step, length), pitch in zip(rhythm, pitches, strict=True):
            start, end = grid.time_s(bar, step), grid.time_s(bar, step + length)
            level = float(rng.uniform(0.6, 0.9) * (0.7 + 0.3 * ENERGY[section.name]))
            notes.append(Note(start, (end - start) * 0.95, pitch, level))
    return tuple(notes)
