"""What the drummer plays: patterns, ghost notes, fills."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.melody import ENERGY
from tonewright.audio.band.score import Grid, Hit, Section

_Strokes = list[tuple[int, str, float]]


def _backbeats(grid: Grid) -> list[int]:
    """Steps of the snare: two and four, or the third beat of three."""
    beats = {2: [1], 3: [2], 4: [1, 3]}[grid.beats]
    return [beat * grid.steps for beat in beats]


def _kick_steps(grid: Grid, energy: float, rng: np.random.Generator) -> list[int]:
    bar, snares = grid.steps_per_bar, set(_backbeats(grid))
    if energy > 0.6 and rng.random() < 0.2:
        return list(range(0, bar, grid.steps))  # four on the floor
    steps = [0] + ([bar // 2] if grid.beats == 4 else [])
    extra = [
        s for s in range(1, bar) if s not in snares and rng.random() < (0.22 if s % grid.half == 0 else 0.07)
    ]
    return sorted({*steps, *extra[:3]})


def _timekeeper(grid: Grid, piece: str, energy: float, rng: np.random.Generator) -> _Strokes:
    """Hi-hat, ride or shaker in eighths or sixteenths, accented, now and then open."""
    fine = grid.step_s > 0.105 and rng.random() < 0.45 * energy
    unit = 1 if fine else grid.half
    strokes: _Strokes = []
    for step in range(0, grid.steps_per_bar, unit):
        accent = 1.0 if step % grid.steps == 0 else (0.72 if step % grid.half == 0 else 0.45)
        strokes.append((step, piece, accent * (0.55 + 0.35 * energy)))
    if piece == "hat" and energy > 0.6 and rng.random() < 0.6:
        last = strokes[-1]
        strokes[-1] = (last[0], "open_hat", 0.75)
    return strokes


def _pattern(grid: Grid, section: str, rng: np.random.Generator) -> _Strokes:
    """One bar's strokes for a section."""
    energy = ENERGY[section]
    keeper = str(
        rng.choice(["hat", "hat", "ride", "shaker"] if section == "chorus" else ["hat", "hat", "shaker"])
    )
    strokes = _timekeeper(grid, keeper, energy, rng)
    if section == "intro" and rng.random() < 0.5:
        return [*strokes, (0, "kick", 0.7)]
    strokes += [(step, "kick", 0.95 if step == 0 else 0.82) for step in _kick_steps(grid, energy, rng)]
    if section == "break":
        return [*strokes, *((step, "rim", 0.7) for step in _backbeats(grid))]
    snare = "snare" if energy > 0.5 else "rim"
    strokes += [(step, snare, 0.92) for step in _backbeats(grid)]
    if section == "chorus" and rng.random() < 0.35:
        strokes += [(step, "clap", 0.7) for step in _backbeats(grid)]
    if rng.random() < 0.6 and grid.step_s > 0.09:
        taken = set(_backbeats(grid)) | {0}
        strokes += [
            (step, "snare", float(rng.uniform(0.12, 0.28)))
            for step in range(1, grid.steps_per_bar)
            if step not in taken and rng.random() < 0.14
        ]
    return strokes


def _fill(grid: Grid, rng: np.random.Generator) -> tuple[int, _Strokes]:
    """(first step, strokes) of a fill at the end of a bar."""
    beats = int(rng.integers(1, min(3, grid.beats)))
    first = grid.steps_per_bar - beats * grid.steps
    unit = 1 if grid.step_s > 0.085 else grid.half
    steps = list(range(first, grid.steps_per_bar, unit))
    order = ("snare", "tom_high", "tom_mid", "tom_low")
    if rng.random() < 0.35:
        order = ("snare",)
    strokes: _Strokes = []
    for number, step in enumerate(steps):
        piece = order[number * len(order) // len(steps)]
        strokes.append((step, piece, float(0.55 + 0.4 * number / len(steps)) * float(rng.uniform(0.9, 1.0))))
    return first, strokes


def compose_drums(grid: Grid, sections: tuple[Section, ...], rng: np.random.Generator) -> tuple[Hit, ...]:
    """All strokes of a song, a few milliseconds off the grid; the beats themselves the least."""
    hits: list[Hit] = []
    patterns: dict[str, _Strokes] = {}
    for section in sections:
        if section.name not in patterns:
            patterns[section.name] = _pattern(grid, section.name, rng)
        for bar in range(section.first_bar, section.first_bar + section.bars):
            strokes = list(patterns[section.name])
            last = bar == section.first_bar + section.bars - 1
            if last and section.bars > 1 and section.name != "outro":
                first, fill = _fill(grid, rng)
                strokes = [s for s in strokes if s[0] < first or s[1] == "kick"] + fill
            if bar == section.first_bar and bar and ENERGY[section.name] > 0.6:
                strokes.append((0, "crash", 0.8))
            hits += _timed(strokes, grid, bar, rng)
    end_s = grid.time_s(sum(section.bars for section in sections), 0)
    return (*hits, Hit(end_s, "kick", 0.9), Hit(end_s, "crash", 0.85))


def _timed(strokes: _Strokes, grid: Grid, bar: int, rng: np.random.Generator) -> list[Hit]:
    hits = []
    for step, piece, level in strokes:
        spread = 0.0015 if step % grid.steps == 0 else 0.004
        start = grid.time_s(bar, step) + float(np.clip(rng.normal(0.0, spread), -0.008, 0.008))
        hits.append(Hit(max(start, 0.0), piece, float(np.clip(level * rng.uniform(0.92, 1.04), 0.05, 1.0))))
    return hits
