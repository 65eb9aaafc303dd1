"""What the bass and the chord instruments play."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.harmony import voicing
from tonewright.audio.band.melody import ENERGY
from tonewright.audio.band.score import Grid, Note, Section

BASS_FIGURES = ("pulse", "held", "syncopated", "walking")
COMP_FIGURES = ("strum", "arpeggio", "stabs")

Chords = tuple[tuple[int, ...], ...]


def _bass_root(pitch_class: int) -> int:
    """The root between E1 and Eb2."""
    return 28 + (pitch_class - 28) % 12


def _figure_steps(figure: str, grid: Grid, rng: np.random.Generator) -> list[int]:
    """Steps of one bar on which a bass figure strikes."""
    bar = grid.steps_per_bar
    if figure == "pulse":
        return list(range(0, bar, grid.half))
    if figure == "held":
        return [0] if rng.random() < 0.5 else [0, bar - grid.steps]
    if figure == "walking":
        return list(range(0, bar, grid.steps))
    steps = [
        step for step in range(grid.half, bar) if rng.random() < (0.4 if step % grid.half == 0 else 0.12)
    ]
    return [0, *steps]


def _bass_pitch(figure: str, number: int, count: int, chord: tuple[int, ...], after: tuple[int, ...]) -> int:
    """Pitch of the note ``number`` of ``count`` in a bar under ``chord``, with ``after`` to come."""
    root = _bass_root(chord[0])
    if figure == "walking":
        if number == count - 1 and count > 1:
            goal = _bass_root(after[0])
            return goal - 1 if goal >= root else goal + 1
        pitch_class = (chord[0], chord[1], chord[2], chord[1])[number % 4]
        return root + (pitch_class - chord[0]) % 12
    if figure == "syncopated" and number:
        return root + ((0, 12, 0, (chord[2] - chord[0]) % 12, 12)[number % 5])
    if figure == "held" and number:
        return root + (chord[2] - chord[0]) % 12 - 12 * (root > 34)
    return root


def compose_bass(
    grid: Grid, sections: tuple[Section, ...], chords: Chords, figure: str, rng: np.random.Generator
) -> tuple[Note, ...]:
    """The bass line; it rests in a break, and holds the last root."""
    notes: list[Note] = []
    gate = rng.uniform(0.7, 0.97)
    for section in sections:
        if section.name == "break" and section.bars > 1 and rng.random() < 0.4:
            continue
        name = "held" if section.name in ("intro", "break") and rng.random() < 0.5 else figure
        steps = _figure_steps(name, grid, rng)
        ends = [*steps[1:], grid.steps_per_bar]
        for bar in range(section.first_bar, section.first_bar + section.bars):
            after = chords[min(bar + 1, len(chords) - 1)]
            for number, (step, end) in enumerate(zip(steps, ends, strict=True)):
                start = grid.time_s(bar, step)
                seconds = (grid.time_s(bar, end) - start) * gate
                level = (0.6 + 0.4 * ENERGY[section.name]) * (0.95 if step % grid.steps == 0 else 0.75)
                pitch = _bass_pitch(name, number, len(steps), chords[bar], after)
                notes.append(Note(start, seconds, pitch, float(level * rng.uniform(0.9, 1.05))))
    end_s = grid.time_s(len(chords), 0)
    return (*notes, Note(end_s, 1.5, _bass_root(chords[0][0]), 0.85))


def compose_held(
    grid: Grid, sections: tuple[Section, ...], chords: Chords, center: float
) -> tuple[Note, ...]:
    """Whole chords, bar by bar; equal chords that follow each other are tied."""
    notes: list[Note] = []
    for section in sections:
        bar, last = section.first_bar, section.first_bar + section.bars
        while bar < last:
            until = bar + 1
            while until < last and chords[until] == chords[bar] and until - bar < 2:
                until += 1
            start, end = grid.time_s(bar, 0), grid.time_s(until, 0)
            level = 0.5 + 0.4 * ENERGY[section.name]
            notes += [Note(start, end - start, pitch, level) for pitch in voicing(chords[bar], center)]
            bar = until
    end_s = grid.time_s(len(chords), 0)
    return (*notes, *(Note(end_s, 1.2, pitch, 0.7) for pitch in voicing(chords[0], center)))


def compose_comping(
    grid: Grid,
    sections: tuple[Section, ...],
    chords: Chords,
    figure: str,
    center: float,
    rng: np.random.Generator,
) -> tuple[Note, ...]:
    """Chords in rhythm: strummed, broken, or in short stabs; one pattern a section."""
    notes: list[Note] = []
    for section in sections:
        pattern = _comp_pattern(figure, grid, rng)
        for bar in range(section.first_bar, section.first_bar + section.bars):
            pitches = voicing(chords[bar], center)
            if figure == "strum":
                pitches = (pitches[0] - 12, *pitches)
            loud = 0.5 + 0.45 * ENERGY[section.name]
            for number, (step, length) in enumerate(pattern):
                start = grid.time_s(bar, step)
                seconds = grid.time_s(bar, step + length) - start
                level = loud * (1.0 if step % grid.steps == 0 else 0.78) * rng.uniform(0.85, 1.0)
                notes += _comp_strike(figure, number, start, seconds, pitches, float(level), rng)
    end_s = grid.time_s(len(chords), 0)
    last = voicing(chords[0], center)
    return (*notes, *(Note(end_s + 0.015 * k, 1.5, pitch, 0.75) for k, pitch in enumerate(last)))


def _comp_pattern(figure: str, grid: Grid, rng: np.random.Generator) -> list[tuple[int, int]]:
    """(step, length) of one bar of comping."""
    bar = grid.steps_per_bar
    if figure == "arpeggio":
        unit = grid.half if rng.random() < 0.6 or grid.step_s < 0.11 else 1
        return [(step, min(3 * unit, bar)) for step in range(0, bar, unit)]
    chance = 0.75 if figure == "strum" else 0.35
    steps = [0] + [step for step in range(grid.half, bar, grid.half) if rng.random() < chance]
    ends = [*steps[1:], bar]
    if figure == "stabs":
        ends = [min(end, step + grid.half) for step, end in zip(steps, ends, strict=True)]
    return [(step, end - step) for step, end in zip(steps, ends, strict=True)]


def _comp_strike(
    figure: str,
    number: int,
    start: float,
    seconds: float,
    pitches: tuple[int, ...],
    level: float,
    rng: np.random.Generator,
) -> list[Note]:
    """The notes of one stroke."""
    if figure == "arpeggio":
        round_trip = (*pitches, *pitches[-2:0:-1])
        return [Note(start, seconds, round_trip[number % len(round_trip)], level)]
    lag = rng.uniform(0.008, 0.018) if figure == "strum" else 0.002
    order = pitches if number % 2 == 0 else pitches[::-1]
    return [Note(start + lag * k, seconds, pitch, level * 0.9**k) for k, pitch in enumerate(order)]
