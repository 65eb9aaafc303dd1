"""What drummers play: one-bar grooves by style, their variations, fills."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.grooves import compose_drums
from tonewright.audio.band.melody import ENERGY
from tonewright.audio.band.score import Grid, Hit, Section
from tonewright.audio.sources.ensemble.arrangement import Frame
from tonewright.audio.sources.ensemble.patterns import GROOVES

_LEVELS = {"X": 0.95, "x": 0.7, "o": 0.32, "O": 0.45}
_KEEPERS = ("hat", "ride", "shaker")
Strokes = list[tuple[int, str, float]]


def draw_drums(frame: Frame, names: tuple[str, ...], rng: np.random.Generator) -> tuple[Hit, ...]:
    """All strokes of a song, on the grid.

    In four quarters by one of the grooves `names`; otherwise, and now and then, by the drummer of the band,
    who invents patterns for every meter.
    """
    grid = frame.grid
    if grid.steps_per_bar != 16 or rng.random() < 0.12:
        return compose_drums(grid, frame.sections, rng)
    name = str(rng.choice(names))
    other = str(rng.choice(names))
    hits: list[Hit] = []
    patterns: dict[str, Strokes] = {}
    for section in frame.sections:
        if section.name not in patterns:
            groove = other if section.name in ("bridge", "break") else name
            patterns[section.name] = _varied(groove, section.name, rng)
        hits += _section(grid, section, patterns[section.name], rng)
    hits += [Hit(frame.end_s, "kick", 0.9), Hit(frame.end_s, "crash", float(rng.uniform(0.5, 0.9)))]
    return tuple(sorted(hits, key=lambda hit: (hit.start_s, hit.piece)))


def _varied(name: str, section: str, rng: np.random.Generator) -> Strokes:
    """A groove as it is played in a section."""
    lines = dict(GROOVES[name])
    if section == "chorus" and "hat" in lines and rng.random() < 0.4:
        lines[str(rng.choice(["ride", "crash", "open_hat"], p=[0.6, 0.15, 0.25]))] = _eighths(
            lines.pop("hat")
        )
    if section == "intro" and rng.random() < 0.5:
        lines = {piece: line for piece, line in lines.items() if piece not in ("snare", "clap")}
    if section in ("break", "outro") and rng.random() < 0.4:
        lines = {piece: line for piece, line in lines.items() if piece != "kick"} or lines
    if section == "chorus" and rng.random() < 0.2:
        lines["tambourine"] = "..x...x...x...x."
    strokes = [
        (step, piece, _LEVELS[sign])
        for piece, line in lines.items()
        for step, sign in enumerate(line)
        if sign != "."
    ]
    return _ornamented(strokes, name, rng)


def _eighths(line: str) -> str:
    return "".join(sign if step % 2 == 0 else "." for step, sign in enumerate(line))


def _ornamented(strokes: Strokes, name: str, rng: np.random.Generator) -> Strokes:
    """A kick or a ghost note more, or one less, for the whole section."""
    taken = {(step, piece) for step, piece, _ in strokes}
    snares = {step for step, piece, _ in strokes if piece in ("snare", "clap", "rim")}
    if any(piece == "kick" for _, piece, _ in strokes) and name not in ("four_floor", "house", "techno"):
        step = int(rng.integers(1, 16))
        if rng.random() < 0.5 and step not in snares and (step, "kick") not in taken:
            strokes.append((step, "kick", 0.6))
    if any(piece == "snare" for _, piece, _ in strokes) and rng.random() < 0.4:
        strokes += [
            (step, "snare", float(rng.uniform(0.15, 0.3)))
            for step in range(1, 16, 2)
            if step not in snares and rng.random() < 0.2
        ]
    return strokes


def _section(grid: Grid, section: Section, pattern: Strokes, rng: np.random.Generator) -> list[Hit]:
    """The pattern over all bars of a section, with a crash where it begins and a fill where it ends."""
    hits: list[Hit] = []
    energy = 0.6 + 0.4 * ENERGY[section.name]
    for bar in range(section.first_bar, section.first_bar + section.bars):
        strokes = list(pattern)
        last = bar == section.first_bar + section.bars - 1
        if last and section.bars > 1 and rng.random() < 0.8:
            first, fill = _fill(rng)
            strokes = [s for s in strokes if s[0] < first or s[1] == "kick"] + fill
        elif bar % 2 and rng.random() < 0.25:
            strokes = [s for s in strokes if s[1] in _KEEPERS or rng.random() < 0.9]
        if bar == section.first_bar and bar and ENERGY[section.name] > 0.6 and rng.random() < 0.8:
            strokes.append((0, "crash", 0.8))
        hits += [
            Hit(grid.time_s(bar, step), piece, float(min(level * energy, 1.0)))
            for step, piece, level in strokes
        ]
    return hits


def _fill(rng: np.random.Generator) -> tuple[int, Strokes]:
    """(first step, strokes) of a fill at the end of a bar of sixteen steps."""
    first = 16 - int(rng.choice([2, 4, 4, 8]))
    orders = (
        ("snare",),
        ("snare", "tom_high", "tom_mid", "tom_low"),
        ("tom_high", "tom_mid", "tom_low"),
        ("snare", "tom_low"),
        ("tom_low", "tom_mid", "tom_high", "snare"),
    )
    order = orders[int(rng.integers(len(orders)))]
    steps = [step for step in range(first, 16) if step == first or rng.random() < 0.85]
    return first, [
        (step, order[(step - first) * len(order) // (16 - first)], 0.55 + 0.4 * (step - first) / (16 - first))
        for step in steps
    ]
