"""Tunes: who carries the melody, who answers it, who runs."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.harmony import scale_pitches
from tonewright.audio.band.melody import draw_contour, draw_rhythm
from tonewright.audio.band.score import Note
from tonewright.audio.sources.ensemble.accompaniment import Notes, energy_at
from tonewright.audio.sources.ensemble.arrangement import Frame
from tonewright.audio.sources.ensemble.instruments import Instrument

Line = list[tuple[int, int, float]]


def phrases(frame: Frame, bars: int) -> list[tuple[str, int, int, int]]:
    """(name of the section, number of the phrase in it, first bar, bars) of all phrases."""
    return [
        (section.name, offset // bars, section.first_bar + offset, min(bars, section.bars - offset))
        for section in frame.sections
        for offset in range(0, section.bars, bars)
    ]


def write_melody(
    frame: Frame,
    low: float,
    high: float,
    rng: np.random.Generator,
    *,
    density: float | None = None,
    only: tuple[str, ...] | None = None,
    rests: float = 0.0,
) -> Notes:
    """A tune that breathes between its phrases; sections of the same name share it.

    Parameters
    ----------
    frame : beats, key, form and chords
    low, high : its range
    rng : of all choices
    density : 0 … 1, from long notes to short ones; drawn where not given
    only : names of the sections in which it is played
    rests : chance that a phrase is left out
    """
    scale = scale_pitches(frame.key, low, high)
    density = float(rng.uniform(0.2, 1.0)) if density is None else density
    span = int(rng.choice([2, 2, 4]))
    rhythms: dict[tuple, list[tuple[int, int]]] = {}
    tunes: dict[tuple, Line] = {}
    home = float(rng.uniform(0.35, 0.65)) * (high - low) + low
    notes: list[Note] = []
    for name, number, bar, bars in phrases(frame, span):
        if (only is not None and name not in only) or rng.random() < rests:
            continue
        motif = (name, number % 2, bars)
        if motif not in rhythms:
            rhythms[motif] = draw_rhythm(frame.grid, bars, density, rng)
        tune = (name, number, bars, frame.chord_at(bar))
        if tune not in tunes:
            lift = 3.0 if name == "chorus" else 0.0
            pitches = draw_contour(rhythms[motif], scale, _chord_at(frame, bar), frame.grid, home + lift, rng)
            tunes[tune] = [(*place, pitch) for place, pitch in zip(rhythms[motif], pitches, strict=True)]
        notes += _sounding(frame, bar, tunes[tune])
    return tuple(notes)


def _chord_at(frame: Frame, bar: int):
    return lambda step: frame.chord_at(bar + int(step) // frame.grid.steps_per_bar)


def _sounding(frame: Frame, bar: int, line: Line) -> list[Note]:
    """A phrase in seconds, louder in its middle and on the beats; neighbours touch."""
    notes = []
    loud = 0.5 + 0.4 * energy_at(frame, bar)
    for number, (step, length, pitch) in enumerate(line):
        start = _time(frame, bar, step)
        arc = np.sin(np.pi * (number + 0.7) / (len(line) + 0.4))
        level = loud * (0.75 + 0.2 * arc + 0.05 * (step % frame.grid.steps == 0))
        notes.append(Note(start, _time(frame, bar, step + length) - start, pitch, float(level)))
    return notes


def _time(frame: Frame, bar: int, step: int) -> float:
    per_bar = frame.grid.steps_per_bar
    return frame.grid.time_s(bar + step // per_bar, step % per_bar)


def write_lead(frame: Frame, instrument: Instrument, rng: np.random.Generator, *, singing: bool) -> Notes:
    """The melody of an instrument: all through where nobody sings, else where the voice rests."""
    low = max(instrument.low, 55 if instrument.high > 76 else instrument.low)
    high = min(instrument.high, low + 26)
    only = ("intro", "break", "bridge", "outro") if singing or rng.random() < 0.25 else None
    notes = write_melody(frame, low, high, rng, only=only, rests=0.1)
    if not notes:
        notes = write_melody(frame, low, high, rng)
    return ornamented(notes, scale_pitches(frame.key, instrument.low, instrument.high), rng)


def write_counter(frame: Frame, instrument: Instrument, rng: np.random.Generator) -> Notes:
    """Long notes and short answers beside the tune."""
    low = max(instrument.low, 48)
    return write_melody(
        frame, low, min(instrument.high, low + 19), rng, density=float(rng.uniform(0.0, 0.4)), rests=0.3
    )


def write_runs(frame: Frame, instrument: Instrument, rng: np.random.Generator) -> Notes:
    """A study: scales and broken chords in short notes, from breath to breath."""
    grid = frame.grid
    scale = scale_pitches(frame.key, instrument.low + 2, min(instrument.high - 2, instrument.low + 31))
    unit = 1 if grid.step_s > 0.09 else grid.half
    place = len(scale) // 2
    move = 1
    notes: list[Note] = []
    for _, _, bar, bars in phrases(frame, int(rng.choice([1, 2]))):
        total = bars * grid.steps_per_bar
        leaping = rng.random() < 0.35
        for step in range(0, total - 2 * grid.half, unit):
            start = _time(frame, bar, step)
            seconds = 0.9 * (_time(frame, bar, step + unit) - start)
            loud = (0.5 + 0.35 * energy_at(frame, bar)) * (1.0 if step % grid.steps == 0 else 0.82)
            notes.append(Note(start, seconds, float(scale[place]), loud))
            if rng.random() < 0.12 or not 0 <= place + move < len(scale):
                move = -move
            place = int(
                np.clip(place + move * (2 if leaping and rng.random() < 0.7 else 1), 0, len(scale) - 1)
            )
    return (*notes, Note(frame.end_s, 1.4, float(scale[len(scale) // 2]), 0.7))


def ornamented(notes: Notes, scale: np.ndarray, rng: np.random.Generator) -> Notes:
    """Now and then a grace note, a turn or a trill on a long note."""
    taste = float(rng.choice([0.0, 0.05, 0.15]))
    result: list[Note] = []
    for note in notes:
        above = scale[scale > note.pitch]
        if not len(above) or note.seconds < 0.35 or rng.random() >= taste:
            result.append(note)
            continue
        upper, unit = float(above[0]), float(rng.uniform(0.06, 0.09))
        count = 1 if rng.random() < 0.6 else 2 * int(min(note.seconds, 1.2) / unit / 4)
        for k in range(count):
            pitch = upper if k % 2 == 0 else note.pitch
            result.append(Note(note.start_s + k * unit, unit, pitch, 0.85 * note.level))
        spent = count * unit
        result.append(Note(note.start_s + spent, note.seconds - spent, note.pitch, note.level))
    return tuple(result)
