"""From a seed and a number to the score of a song."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.grooves import compose_drums
from tonewright.audio.band.harmony import draw_chords, draw_key, draw_sections
from tonewright.audio.band.melody import REGISTERS, compose_backing, compose_lead, compose_voice
from tonewright.audio.band.parts import (
    BASS_FIGURES,
    COMP_FIGURES,
    compose_bass,
    compose_comping,
    compose_held,
)
from tonewright.audio.band.score import Grid, Key, Part, Score, Section

KITS = ("acoustic", "tight", "machine", "big")
BASS_STYLES = ("finger", "pick", "synth", "sub")
COMP_INSTRUMENTS = ("guitar", "steel_guitar", "electric_piano", "piano", "mallets")
HELD_INSTRUMENTS = ("strings", "organ", "pad")
LEAD_INSTRUMENTS = ("brass", "flute", "synth_lead")

FACETS = (
    "form",
    "voice",
    "drums",
    "bass",
    "other",
    "sound_drums",
    "sound_bass",
    "sound_other",
    "sound_voice",
    "room",
)


def generator(seed: int, index: int, facet: str) -> np.random.Generator:
    """The random numbers of one facet of one song, independent of every other."""
    return np.random.default_rng([seed, index, FACETS.index(facet)])


def _draw_grid(seconds: float, rng: np.random.Generator) -> tuple[Grid, int]:
    """A grid whose bars fill ``seconds`` but for the last chord's ring, and the number of bars."""
    steps = 4 if rng.random() < 0.8 else 3
    beats = int(rng.choice([4, 3], p=[0.8, 0.2]))
    slow, fast = (72.0, 148.0) if steps == 4 else (54.0, 96.0)
    tempo = float(np.exp(rng.uniform(np.log(slow), np.log(fast))))
    ring = min(1.4, 0.1 * seconds)
    bar_s = 60.0 / tempo * beats
    bars = max(1, round((seconds - ring) / bar_s))
    if bars > 2:
        tempo *= bars * bar_s / (seconds - ring)
    swing = float(rng.choice([0.0, 0.0, rng.uniform(0.1, 0.34)])) if steps == 4 else 0.0
    return Grid(round(tempo, 3), beats, steps, round(swing, 3)), bars


def _compose_parts(
    grid: Grid,
    key: Key,
    sections: tuple[Section, ...],
    chords: tuple[tuple[int, ...], ...],
    rng: np.random.Generator,
) -> tuple[Part, ...]:
    """One instrument in rhythm, and most often one that holds chords and one that plays lines."""
    side = float(rng.choice([-1.0, 1.0]))
    comp = str(rng.choice(COMP_INSTRUMENTS))
    figure = str(rng.choice(COMP_FIGURES))
    center = float(rng.uniform(57, 64))
    notes = compose_comping(grid, sections, chords, figure, center, rng)
    parts = [Part(comp, notes, 1.0, side * float(rng.uniform(0.25, 0.6)))]
    if rng.random() < 0.8:
        held = str(rng.choice(HELD_INSTRUMENTS))
        notes = compose_held(grid, sections, chords, center + float(rng.uniform(-4, 8)))
        parts.append(Part(held, notes, float(rng.uniform(0.4, 0.7)), -side * float(rng.uniform(0.0, 0.3))))
    lead = compose_lead(grid, key, sections, chords, rng)
    if lead and rng.random() < 0.75:
        name = str(rng.choice(LEAD_INSTRUMENTS))
        parts.append(Part(name, lead, float(rng.uniform(0.7, 1.0)), -side * float(rng.uniform(0.1, 0.4))))
    return tuple(parts)


def compose(index: int, *, seconds: float = 30.0, seed: int = 0) -> Score:
    """The score of song ``index`` of the band ``seed``.

    It does not depend on how many songs there are. Neighbours differ in kit, bass and singer by
    turns; everything else is drawn.
    """
    rng = generator(seed, index, "form")
    grid, bars = _draw_grid(seconds, rng)
    key = draw_key(rng)
    sections = draw_sections(bars, rng)
    chords = draw_chords(key, sections, rng)
    registers = tuple(REGISTERS)
    register = registers[(index + seed) % len(registers)]
    voice_rng, bass_rng = generator(seed, index, "voice"), generator(seed, index, "bass")
    voice = compose_voice(grid, key, sections, chords, register, voice_rng)
    with_backing = voice_rng.random() < 0.6
    backing = compose_backing(voice, grid, sections, chords, REGISTERS[register].high) if with_backing else ()
    figure = str(bass_rng.choice(BASS_FIGURES))
    return Score(
        index=index,
        seconds=seconds,
        grid=grid,
        key=key,
        sections=sections,
        chords=chords,
        drums=compose_drums(grid, sections, generator(seed, index, "drums")),
        bass=compose_bass(grid, sections, chords, figure, bass_rng),
        voice=tuple(note for note in voice if note.start_s < seconds - 0.2),
        backing=tuple(note for note in backing if note.start_s < seconds - 0.2),
        parts=_compose_parts(grid, key, sections, chords, generator(seed, index, "other")),
        kit=KITS[(index // len(KITS) + index * 3 + seed) % len(KITS)],
        bass_style=BASS_STYLES[int(bass_rng.integers(len(BASS_STYLES)))],
        register=register,
        decay_s=round(float(np.exp(rng.uniform(np.log(0.25), np.log(2.2)))), 2),
    )
