"""What accompanies: basses, chords in rhythm, held chords, broken chords, riffs, stabs."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from tonewright.audio.band.harmony import scale_pitches, voicing
from tonewright.audio.band.melody import ENERGY
from tonewright.audio.band.parts import BASS_FIGURES as PLAIN_FIGURES
from tonewright.audio.band.parts import COMP_FIGURES, compose_bass, compose_comping
from tonewright.audio.band.score import Note
from tonewright.audio.sources.ensemble.arrangement import Frame
from tonewright.audio.sources.ensemble.instruments import Instrument
from tonewright.audio.sources.ensemble.patterns import BASS_FIGURES, CHORD_FIGURES

Notes = tuple[Note, ...]
Stroke = tuple[int, int, str]


def strokes(figure: str) -> list[Stroke]:
    """(step, length in steps, sign) of the notes of a figure; "." holds what sounds and "," stops it."""
    found: list[Stroke] = []
    for step, sign in enumerate(figure):
        if sign in ".,":
            continue
        length = 1
        while step + length < len(figure) and figure[step + length] == ".":
            length += 1
        found.append((step, length, sign))
    return found


def energy_at(frame: Frame, bar: int) -> float:
    """How strongly a bar is played, 0.45 … 1, by its section."""
    return next(
        (ENERGY[s.name] for s in frame.sections if s.first_bar <= bar < s.first_bar + s.bars), ENERGY["outro"]
    )


def octave_into(pitch: float, low: float, high: float) -> float:
    """A pitch moved by octaves into a range, or as near to it as octaves go."""
    while pitch < low:
        pitch += 12
    while pitch > high:
        pitch -= 12
    return pitch


def write_bass(
    frame: Frame, instrument: Instrument, figures: tuple[str, ...], rng: np.random.Generator
) -> Notes:
    """A bass line: one figure in the verses, sometimes another in the choruses, the root at the end."""
    if frame.grid.steps_per_bar != 16:
        figure = str(rng.choice(PLAIN_FIGURES))
        return _in_range(compose_bass(frame.grid, frame.sections, frame.chords, figure, rng), instrument)
    first, second = (str(rng.choice(figures)) for _ in range(2))
    gate = float(rng.uniform(0.7, 0.98))
    notes: list[Note] = []
    for section in frame.sections:
        figure = second if section.name in ("chorus", "bridge") else first
        if section.name in ("intro", "break") and rng.random() < 0.3:
            figure = "held"
        for bar in range(section.first_bar, section.first_bar + section.bars):
            notes += _bass_bar(frame, bar, BASS_FIGURES[figure], gate, rng)
    root = 28 + (frame.chords[0][0] - 28) % 12
    return _in_range((*notes, Note(frame.end_s, 1.5, root, 0.85)), instrument)


def _bass_bar(frame: Frame, bar: int, figure: str, gate: float, rng: np.random.Generator) -> list[Note]:
    """One bar of a figure under its chord."""
    chord, after = frame.chord_at(bar), frame.chord_at(bar + 1)
    root, goal = (28 + (pitch_class - 28) % 12 for pitch_class in (chord[0], after[0]))
    step_from = {
        "R": 0,
        "5": (chord[2] - chord[0]) % 12,
        "8": 12,
        "3": (chord[1] - chord[0]) % 12,
        "7": (chord[3] - chord[0]) % 12 if len(chord) > 3 else 10,
        "A": goal - root + int(rng.choice([-1, 1, 2])),
    }
    notes = []
    for step, length, sign in strokes(figure):
        start, end = frame.grid.time_s(bar, step), frame.grid.time_s(bar, step + length)
        level = (0.62 + 0.33 * energy_at(frame, bar)) * (1.0 if step % 4 == 0 else 0.85)
        notes.append(Note(start, (end - start) * gate, root + step_from[sign], level))
    return notes


def _in_range(notes: Iterable[Note], instrument: Instrument) -> Notes:
    return tuple(
        Note(n.start_s, n.seconds, octave_into(n.pitch, instrument.low, instrument.high), n.level)
        for n in notes
    )


def write_chords(
    frame: Frame,
    instrument: Instrument,
    figures: tuple[str, ...],
    rng: np.random.Generator,
    *,
    shape: str | None = None,
) -> Notes:
    """Chords in rhythm, by a figure of sixteenths or as the band's players strum, break and stab them.

    Parameters
    ----------
    frame : beats, key, form and chords
    instrument : whose range is kept
    figures : names of patterns; all where there are none
    rng : of all choices
    shape : of the chords, as for `shaped`; drawn where not given
    """
    center = _center(instrument, rng, 52, 67)
    if frame.grid.steps_per_bar != 16 or (not figures and rng.random() < 0.25):
        figure = str(rng.choice(COMP_FIGURES))
        return _in_range(
            compose_comping(frame.grid, frame.sections, frame.chords, figure, center, rng), instrument
        )
    names = figures or tuple(CHORD_FIGURES)
    shape = shape or str(rng.choice(["close", "open", "rooted", "shell"], p=[0.4, 0.2, 0.25, 0.15]))
    lag = float(rng.choice([0.0, rng.uniform(0.004, 0.018)])) if shape != "power" else 0.0
    chosen = {name: str(rng.choice(names)) for name in ("verse", "chorus", "other")}
    notes: list[Note] = []
    for section in frame.sections:
        figure = CHORD_FIGURES[chosen.get(section.name, chosen["other"])]
        for bar in range(section.first_bar, section.first_bar + section.bars):
            pitches = shaped(frame.chord_at(bar), center, shape)
            notes += _struck(frame, bar, figure, pitches, lag)
    last = [
        Note(frame.end_s + 0.012 * k, 1.6, p, 0.7)
        for k, p in enumerate(shaped(frame.chords[0], center, shape))
    ]
    return _in_range((*notes, *last), instrument)


def shaped(chord: tuple[int, ...], center: float, shape: str) -> tuple[int, ...]:
    """A chord as pitches from low to high: close, open, with its root below, as a shell or a fifth."""
    pitches = voicing(chord, center)
    root = int(octave_into(chord[0], center - 17, center - 6))
    if shape == "open" and len(pitches) > 2:
        return tuple(sorted((*pitches[:-2], pitches[-2] - 12, pitches[-1])))
    if shape == "rooted":
        return (root, *pitches)
    if shape == "shell":
        return (root, *(p for p in pitches if p % 12 != chord[0]))
    if shape == "power":
        return (root, root + (chord[2] - chord[0]) % 12, root + 12)
    return pitches


def _struck(frame: Frame, bar: int, figure: str, pitches: tuple[int, ...], lag: float) -> list[Note]:
    notes = []
    loud = 0.5 + 0.45 * energy_at(frame, bar)
    for number, (step, length, sign) in enumerate(strokes(figure)):
        start, end = frame.grid.time_s(bar, step), frame.grid.time_s(bar, step + length)
        order = pitches if number % 2 == 0 or not lag else pitches[::-1]
        level = loud * (1.0 if sign == "X" else 0.78)
        notes += [
            Note(start + lag * k, max(0.96 * (end - start), 0.04), pitch, level * 0.97**k)
            for k, pitch in enumerate(order)
        ]
    return notes


def write_pad(frame: Frame, instrument: Instrument, rng: np.random.Generator) -> Notes:
    """Whole chords, bar by bar or as long as they last."""
    center = _center(instrument, rng, 54, 72)
    shape = str(rng.choice(["close", "open", "rooted"]))
    tied = rng.random() < 0.6
    notes: list[Note] = []
    bar = 0
    while bar < frame.bars:
        until = bar + 1
        while tied and until < frame.bars and frame.chords[until] == frame.chords[bar] and until - bar < 4:
            until += 1
        start, end = frame.grid.time_s(bar, 0), frame.grid.time_s(until, 0)
        level = 0.5 + 0.4 * energy_at(frame, bar)
        notes += [Note(start, end - start, p, level) for p in shaped(frame.chords[bar], center, shape)]
        bar = until
    last = [Note(frame.end_s, 1.5, pitch, 0.65) for pitch in shaped(frame.chords[0], center, shape)]
    return _in_range((*notes, *last), instrument)


def write_arpeggio(frame: Frame, instrument: Instrument, rng: np.random.Generator) -> Notes:
    """Broken chords: up, down, both ways, as Alberti did, or in an order of their own."""
    grid = frame.grid
    center = _center(instrument, rng, 55, 74)
    unit = 1 if grid.step_s > 0.1 and rng.random() < 0.5 else grid.half
    order = str(rng.choice(["up", "down", "both", "alberti", "own"]))
    own = [int(place) for place in rng.integers(0, 6, size=8)]
    hold = int(rng.choice([1, 2, 4]))
    octaves = 2 if rng.random() < 0.5 else 1
    rests = float(rng.choice([0.0, 0.0, 0.15]))
    notes: list[Note] = []
    for bar in range(frame.bars):
        low = shaped(frame.chord_at(bar), center, "close")
        ladder = tuple(p + 12 * octave for octave in range(octaves) for p in low)
        loud = 0.45 + 0.4 * energy_at(frame, bar)
        for number, step in enumerate(range(0, grid.steps_per_bar, unit)):
            if step and rng.random() < rests:
                continue
            start = grid.time_s(bar, step)
            end = grid.time_s(bar, step + unit * hold)
            pitch = ladder[_place(order, number, len(ladder), own)]
            notes.append(
                Note(start, 0.95 * (end - start), pitch, loud * (1.0 if step % grid.steps == 0 else 0.8))
            )
    return _in_range((*notes, Note(frame.end_s, 1.5, voicing(frame.chords[0], center)[0], 0.6)), instrument)


def _place(order: str, number: int, count: int, own: list[int]) -> int:
    """Which note of the ladder is the `number`-th."""
    if order == "up":
        return number % count
    if order == "down":
        return count - 1 - number % count
    if order == "both":
        turn = max(2 * count - 2, 1)
        return min(number % turn, turn - number % turn)
    if order == "alberti":
        return (0, count - 1, count // 2, count - 1)[number % 4]
    return own[number % len(own)] % count


def write_riff(frame: Frame, instrument: Instrument, rng: np.random.Generator) -> Notes:
    """A figure of one or two bars in the scale that comes back all through the song."""
    grid = frame.grid
    center = _center(instrument, rng, 48, 72)
    scale = scale_pitches(frame.key, center - 7, center + 7)
    bars = int(rng.choice([1, 2]))
    steps = [
        step
        for step in range(bars * grid.steps_per_bar)
        if step == 0 or rng.random() < _busy(grid.half, step)
    ]
    places = np.clip(
        len(scale) // 2 + np.cumsum(rng.choice([-2, -1, 0, 1, 2, 3], size=len(steps))), 0, len(scale) - 1
    )
    ends = [*steps[1:], bars * grid.steps_per_bar]
    short = float(rng.choice([0.4, 0.95]))
    notes: list[Note] = []
    for first in range(0, frame.bars, bars):
        loud = 0.5 + 0.4 * energy_at(frame, first)
        for step, end, place in zip(steps, ends, places, strict=True):
            bar = first + step // grid.steps_per_bar
            if bar < frame.bars:
                within = step % grid.steps_per_bar
                start = grid.time_s(bar, within)
                seconds = short * (grid.time_s(bar, within + end - step) - start)
                notes.append(
                    Note(start, seconds, float(scale[place]), loud * (1.0 if step % grid.steps == 0 else 0.8))
                )
    return _in_range(tuple(notes), instrument)


def _busy(half: int, step: int) -> float:
    return 0.55 if step % half == 0 else 0.18


def _center(instrument: Instrument, rng: np.random.Generator, low: float, high: float) -> float:
    """Around which pitch an instrument plays: in its range, and between two pitches as far as that allows."""
    inside = max(instrument.low + 7.0, low), min(instrument.high - 7.0, high)
    if inside[0] > inside[1]:
        return float(np.clip((low + high) / 2, instrument.low + 7, instrument.high - 7))
    return float(rng.uniform(*inside))
