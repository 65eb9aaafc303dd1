"""Tempo, key, form and chords of a song."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.harmony import chord, draw_chords, draw_key, draw_sections
from tonewright.audio.band.score import Grid, Key, Section
from tonewright.audio.sources.ensemble.arrangement import Chords, Frame
from tonewright.audio.sources.ensemble.styles import Style

# From a degree (counted from 0) to the likely next ones, of a scale of seven.
_STEPS = {
    0: (3, 4, 5, 1, 2, 6),
    1: (4, 6, 3),
    2: (5, 3, 1),
    3: (4, 0, 1, 5),
    4: (0, 5, 3),
    5: (1, 3, 4, 2),
    6: (0, 2, 5),
}
_TURNS = ((1, 4, 0, 0), (1, 4, 0, 5), (2, 5, 1, 4), (0, 5, 1, 4), (3, 6, 2, 5))
_BLUES = (0, 0, 0, 0, 3, 3, 0, 0, 4, 3, 0, 4)
_VAMPS = ((0, 3), (0, 6), (0, 0), (0, 1), (0, 4), (5, 3), (0, 5))


def draw_frame(style: Style, rng: np.random.Generator) -> tuple[Frame, float]:
    """What the parts of a song have in common, and its length in seconds with the last chord."""
    beats, steps = style.meters[int(rng.integers(len(style.meters)))]
    slow, fast = style.tempo_bpm
    tempo = float(np.exp(rng.uniform(np.log(slow), np.log(fast))))
    swing = float(rng.uniform(*style.swing)) if steps == 4 and rng.random() < style.swing_chance else 0.0
    grid = Grid(round(tempo, 2), beats, steps, round(swing, 3))
    ring_s = float(rng.uniform(1.6, 3.2))
    bars = max(4, 2 * round((rng.uniform(*style.seconds) - ring_s) / grid.bar_s / 2))
    key = draw_key(rng)
    sections = draw_sections(bars, rng)
    frame = Frame(grid, key, sections, _draw_harmony(style.harmony, key, sections, rng))
    return frame, frame.end_s + ring_s


def _draw_harmony(taste: str, key: Key, sections: tuple[Section, ...], rng: np.random.Generator) -> Chords:
    """One chord a bar: the band's progressions, chains of likely steps, cadences, vamps or a blues."""
    kinds = {
        "plain": (0.5, 0.4, 0.0, 0.1, 0.0),
        "blue": (0.3, 0.2, 0.0, 0.2, 0.3),
        "jazz": (0.1, 0.25, 0.5, 0.05, 0.1),
        "static": (0.25, 0.1, 0.0, 0.65, 0.0),
        "classical": (0.15, 0.65, 0.2, 0.0, 0.0),
    }[taste]
    kind = int(rng.choice(5, p=kinds))
    if kind == 0:
        return draw_chords(key, sections, rng)
    sevenths = {"jazz": 0.9, "blue": 0.6}.get(taste, float(rng.choice([0.05, 0.3])))
    pace = int(rng.choice([1, 2], p=[0.75, 0.25]))
    progressions: dict[str, list[tuple[int, ...]]] = {}
    chords: list[tuple[int, ...]] = []
    for section in sections:
        if section.name not in progressions:
            degrees = _degrees(kind, rng)
            progressions[section.name] = [
                chord(key, degree, seventh=bool(rng.random() < sevenths)) for degree in degrees
            ]
        line = progressions[section.name]
        chords.extend(line[bar // pace % len(line)] for bar in range(section.bars))
    return tuple(chords)


def _degrees(kind: int, rng: np.random.Generator) -> tuple[int, ...]:
    if kind == 2:
        return _TURNS[int(rng.integers(len(_TURNS)))]
    if kind == 3:
        return _VAMPS[int(rng.integers(len(_VAMPS)))]
    if kind == 4:
        return _BLUES
    walk = [int(rng.choice([0, 0, 0, 3, 5]))]
    while len(walk) < int(rng.choice([4, 8])) or walk[-1] not in (3, 4, 1, 6):
        following = _STEPS[walk[-1]]
        walk.append(int(following[min(int(rng.geometric(0.45)) - 1, len(following) - 1)]))
        if len(walk) > 12:
            break
    return tuple(walk)
