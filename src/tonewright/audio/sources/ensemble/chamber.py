"""What is played without drums: textures of an ensemble, a tune and its accompaniment, one player alone."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.melody import draw_rhythm
from tonewright.audio.band.score import Note, Section
from tonewright.audio.sources.ensemble.accompaniment import (
    Notes,
    energy_at,
    octave_into,
    write_arpeggio,
    write_chords,
)
from tonewright.audio.sources.ensemble.arrangement import Frame
from tonewright.audio.sources.ensemble.ensembles import POLYPHONIC
from tonewright.audio.sources.ensemble.instruments import Instrument
from tonewright.audio.sources.ensemble.melodies import write_melody, write_runs

_TEXTURES = ("tune", "tune", "chorale", "canon", "unison", "dialogue")
_WIDE = 44
_INNER = ("held", "halves", "pulse", "offbeat", "broken")
_OUTER = ("held", "halves", "quarters", "pulse")


def write_ensemble(frame: Frame, players: tuple[Instrument, ...], rng: np.random.Generator) -> list[Notes]:
    """What every player of an ensemble plays, section by section in textures of its own.

    Parameters
    ----------
    frame : beats, key, form and chords
    players : from high to low
    rng : of all choices
    """
    parts: list[list[Note]] = [[] for _ in players]
    textures: dict[str, tuple[str, int]] = {}
    tunes = [write_melody(frame, *_register(player), rng, rests=0.05) for player in players]
    for section in frame.sections:
        if section.name not in textures:
            textures[section.name] = (str(rng.choice(_TEXTURES)), int(rng.integers(max(1, len(players) - 1))))
        texture, leader = textures[section.name]
        for part, notes in zip(
            parts, _texture(frame, section, texture, leader, players, tunes, rng), strict=True
        ):
            part += notes
    last = _spread(frame.chords[0], players)
    for part, pitch in zip(parts, last, strict=True):
        part.append(Note(frame.end_s, 1.6, pitch, 0.65))
    return [tuple(part) for part in parts]


def _register(player: Instrument) -> tuple[float, float]:
    """The part of an instrument's range in which it sings best."""
    span = player.high - player.low
    if span > _WIDE:  # keyboards and harps, in their middle
        middle = player.low + 0.5 * span
        return middle - 9, middle + 15
    return player.low + 0.15 * span, player.low + min(0.85 * span, 0.15 * span + 24)


def _texture(
    frame: Frame,
    section: Section,
    texture: str,
    leader: int,
    players: tuple[Instrument, ...],
    tunes: list[Notes],
    rng: np.random.Generator,
) -> list[Notes]:
    """The parts of all players in one section."""
    start = frame.grid.time_s(section.first_bar, 0)
    end = frame.grid.time_s(section.first_bar + section.bars, 0)
    tune = _between(tunes[leader], start, end)
    if texture == "chorale" or not tune:
        return _chorale(frame, section, players, rng)
    if texture == "unison":
        return [_moved(tune, player) for player in players]
    if texture == "canon":
        delay = frame.grid.bar_s * int(rng.choice([1, 2]))
        return [
            _between(_moved(tune, player, delay * ((k - leader) % len(players))), start, end)
            for k, player in enumerate(players)
        ]
    if texture == "dialogue":
        return [
            tuple(
                n for n in _moved(tune, player) if int(n.start_s / frame.grid.bar_s) // 2 % len(players) == k
            )
            for k, player in enumerate(players)
        ]
    return [
        tune if k == leader else _accompanying(frame, section, player, k == len(players) - 1, k, rng)
        for k, player in enumerate(players)
    ]


def _between(notes: Notes, start_s: float, end_s: float) -> Notes:
    return tuple(note for note in notes if start_s - 1e-6 <= note.start_s < end_s - 1e-6)


def _moved(notes: Notes, player: Instrument, delay_s: float = 0.0) -> Notes:
    """A tune in another player's octave, and later."""
    low, high = _register(player)
    middle = np.mean([note.pitch for note in notes])
    shift = 12 * round(((low + high) / 2 - middle) / 12)
    return tuple(
        Note(n.start_s + delay_s, n.seconds, octave_into(n.pitch + shift, player.low, player.high), n.level)
        for n in notes
    )


def _spread(chord: tuple[int, ...], players: tuple[Instrument, ...]) -> list[float]:
    """One pitch of a chord for every player, the root for the lowest."""
    pitches = []
    for number, player in enumerate(players):
        tone = chord[0] if number == len(players) - 1 else chord[(number + 1) % len(chord)]
        low, high = _register(player)
        pitches.append(
            float(octave_into(tone + 12 * round(((low + high) / 2 - tone) / 12), player.low, player.high))
        )
    return pitches


def _chorale(
    frame: Frame, section: Section, players: tuple[Instrument, ...], rng: np.random.Generator
) -> list[Notes]:
    """All move together, each to the nearest tone of the chord."""
    parts: list[list[Note]] = [[] for _ in players]
    rhythm = draw_rhythm(frame.grid, 1, float(rng.uniform(0.1, 0.7)), rng)
    for bar in range(section.first_bar, section.first_bar + section.bars):
        loud = 0.5 + 0.35 * energy_at(frame, bar)
        places = _spread(frame.chord_at(bar), players)
        for step, length in rhythm:
            start, end = frame.grid.time_s(bar, step), frame.grid.time_s(bar, step + length)
            for k, (part, player) in enumerate(zip(parts, players, strict=True)):
                if k < len(players) - 1 and rng.random() < 0.3:
                    tones = [t for t in frame.chord_at(bar) if t != int(places[k]) % 12]
                    tone = tones[int(rng.integers(len(tones)))]
                    nearest = tone + 12 * round((places[k] - tone) / 12)
                    places[k] = float(octave_into(nearest, player.low, player.high))
                part.append(Note(start, end - start, places[k], loud))
    return [tuple(part) for part in parts]


def _accompanying(
    frame: Frame, section: Section, player: Instrument, lowest: bool, number: int, rng: np.random.Generator
) -> Notes:
    """An accompanying part in one section."""
    grid = frame.grid
    figure = str(rng.choice(_OUTER if lowest else _INNER))
    unit = {
        "held": grid.steps_per_bar,
        "halves": max(1, grid.steps_per_bar // 2),
        "quarters": grid.steps,
    }.get(figure, grid.half)
    notes: list[Note] = []
    for bar in range(section.first_bar, section.first_bar + section.bars):
        chord = frame.chord_at(bar)
        loud = 0.38 + 0.3 * energy_at(frame, bar)
        low, high = _register(player)
        for count, step in enumerate(range(0, grid.steps_per_bar, unit)):
            if figure == "offbeat" and step % grid.steps == 0:
                continue
            place = count if figure == "broken" else number
            tone = chord[0 if lowest and count % 2 == 0 else (place + lowest) % len(chord)]
            pitch = octave_into(tone + 12 * round(((low + high) / 2 - tone) / 12), player.low, player.high)
            start, end = grid.time_s(bar, step), grid.time_s(bar, step + unit)
            notes.append(Note(start, 0.93 * (end - start), float(pitch), loud))
    return tuple(notes)


def write_duo(frame: Frame, players: tuple[Instrument, ...], rng: np.random.Generator) -> list[Notes]:
    """A tune over broken or struck chords."""
    first, second = players
    tune = write_melody(frame, *_register(first), rng, rests=0.08)
    return [tune, write_hand(frame, second, rng)]


def write_hand(frame: Frame, player: Instrument, rng: np.random.Generator) -> Notes:
    """An accompaniment for one player: broken chords or chords in rhythm."""
    if player.name not in POLYPHONIC or rng.random() < 0.6:
        return write_arpeggio(frame, player, rng)
    return write_chords(
        frame, player, ("whole", "halves", "quarters", "tresillo", "strum", "anticipated"), rng
    )


def write_solo(frame: Frame, player: Instrument, rng: np.random.Generator) -> Notes:
    """One player alone: a tune, a study, or with two hands a tune and what goes below it."""
    kind = float(rng.random())
    if player.name in POLYPHONIC and kind < 0.65:
        middle = (player.low + player.high) / 2
        right = write_melody(frame, middle, min(player.high, middle + 22), rng)
        left = Instrument(
            player.name, player.program, player.low, max(int(middle), player.low + 16), player.sustained
        )
        return (*right, *write_hand(frame, left, rng))
    if player.name in POLYPHONIC and kind < 0.8:
        return write_hand(frame, player, rng)
    if kind < 0.35:
        return write_runs(frame, player, rng)
    return write_melody(frame, *_register(player), rng, density=float(rng.uniform(0.0, 1.0)))
