"""From what is written to what is played: timing, touch, swells, vibrato and glides."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np

from tonewright.audio.band.score import Hit, Note
from tonewright.audio.sources.ensemble.arrangement import Bend, Part, Swell
from tonewright.audio.sources.ensemble.instruments import INSTRUMENTS

LEAD_IN_S = 0.04
_LATEST_S = 0.03
_LATEST_HIT_S = 0.012
_BEND_EVERY_S = 0.012
_SWELL_EVERY_S = 0.04
_SOLO_ROLES = ("lead", "counter", "tune", "solo")
_SHORTEST_S = 0.03


def perform(part: Part, *, seconds: float, looseness_s: float, rng: np.random.Generator) -> Part:
    """A part as a person plays it; the same notes, a few milliseconds and a few decibels away.

    Parameters
    ----------
    part : as written
    seconds : of the song; what begins within its last 0.1 s is left out
    looseness_s : standard deviation of the timing; each player also has a habit of being early or late
    rng : of all choices
    """
    habit = LEAD_IN_S + float(np.clip(rng.normal(0.0, looseness_s), -0.015, 0.015))
    drift = _drift(seconds, rng)
    end = seconds - 0.1
    if part.hits:
        hits = [_played_hit(hit, habit, looseness_s, drift, rng) for hit in part.hits]
        return replace(part, hits=tuple(sorted((h for h in hits if h.start_s < end), key=_hit_order)))
    notes = [_played(note, habit, looseness_s, drift, rng) for note in part.notes]
    notes = unpiled(tuple(note for note in notes if note.start_s < end))
    if not INSTRUMENTS[part.instrument].sustained:
        return replace(part, notes=notes)
    free = INSTRUMENTS[part.instrument].glides and part.role in _SOLO_ROLES and _alone(notes)
    bends = _bends(notes, rng) if free else ()
    return replace(part, notes=notes, bends=bends, swells=_swells(notes, rng))


def _hit_order(hit: Hit) -> tuple[float, str]:
    return hit.start_s, hit.piece


def _drift(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A slow wandering of the loudness, one value a second."""
    return 1.0 + 0.05 * np.interp(
        np.arange(int(seconds) + 2),
        np.arange(0, int(seconds) + 12, 5),
        rng.normal(size=len(range(0, int(seconds) + 12, 5))),
    )


def _played(note: Note, habit: float, loose: float, drift: np.ndarray, rng: np.random.Generator) -> Note:
    start = max(note.start_s + habit + _within(float(rng.normal(0.0, 0.6 * loose)), _LATEST_S), 0.0)
    level = note.level * drift[min(int(start), len(drift) - 1)] * rng.uniform(0.92, 1.06)
    return Note(start, max(note.seconds, _SHORTEST_S), note.pitch, _level(level))


def _played_hit(hit: Hit, habit: float, loose: float, drift: np.ndarray, rng: np.random.Generator) -> Hit:
    start = max(hit.start_s + habit + _within(float(rng.normal(0.0, 0.4 * loose)), _LATEST_HIT_S), 0.0)
    level = hit.level * drift[min(int(start), len(drift) - 1)] * rng.uniform(0.9, 1.06)
    return Hit(start, hit.piece, _level(level))


def _within(value: float, reach: float) -> float:
    return min(max(value, -reach), reach)


def _level(level: float) -> float:
    return float(min(max(level, 0.05), 1.0))


def unpiled(notes: tuple[Note, ...]) -> tuple[Note, ...]:
    """Notes in order; one that would still sound when its pitch is struck again ends before."""
    ordered = sorted(notes, key=lambda note: (note.start_s, note.pitch))
    following: dict[float, float] = {}
    result: list[Note] = []
    for note in reversed(ordered):
        room = following.get(note.pitch, np.inf) - note.start_s - 0.004
        if room >= 0.02:
            result.append(replace(note, seconds=float(min(note.seconds, room))))
            following[note.pitch] = note.start_s
    return tuple(reversed(result))


def _alone(notes: tuple[Note, ...]) -> bool:
    """Whether hardly any note begins while another sounds: bends move all of them together."""
    if len(notes) < 2:
        return bool(notes)
    over = [b.start_s < a.start_s + a.seconds - 0.12 for a, b in pairwise(notes)]
    return float(np.mean(over)) < 0.05


def _bends(notes: tuple[Note, ...], rng: np.random.Generator) -> tuple[Bend, ...]:
    """Scoops into notes, slides out of them, and a vibrato that begins after a while."""
    rate_hz = float(rng.uniform(4.6, 6.6))
    depth = float(rng.choice([0.0, rng.uniform(0.08, 0.4)], p=[0.2, 0.8]))
    delay_s = float(rng.uniform(0.08, 0.3))
    scoops, slides = (float(rng.choice([0.0, 0.15, 0.4])) for _ in range(2))
    bends: list[Bend] = []
    for number, note in enumerate(notes):
        following = notes[number + 1] if number + 1 < len(notes) else None
        count = max(1, int(note.seconds / _BEND_EVERY_S))
        after = np.arange(count) * _BEND_EVERY_S
        rising = np.clip((after - delay_s) / 0.25, 0.0, 1.0)
        curve = depth * rising * np.sin(2 * np.pi * rate_hz * (after - delay_s) + rng.uniform(-0.5, 0.5))
        if rng.random() < scoops:
            curve -= float(rng.uniform(0.3, 1.2)) * np.exp(-after / float(rng.uniform(0.02, 0.06)))
        if following is not None and abs(following.pitch - note.pitch) <= 2 and rng.random() < slides:
            near = np.clip((after - after[-1] + 0.06) / 0.06, 0.0, 1.0)
            curve = curve * (1 - near) + near**2 * (following.pitch - note.pitch)
        previous = None
        for time, value in zip((note.start_s + after).tolist(), np.round(curve, 3).tolist(), strict=True):
            if value != previous:
                bends.append(Bend(time, value))
            previous = value
        if following is None or following.start_s > note.start_s + note.seconds + _BEND_EVERY_S:
            bends.append(Bend(note.start_s + note.seconds, 0.0))
    return tuple(sorted(bends, key=lambda bend: bend.start_s))


def _swells(notes: tuple[Note, ...], rng: np.random.Generator) -> tuple[Swell, ...]:
    """Loudness within long notes: it grows, fades or swells and falls back."""
    if rng.random() < 0.3:
        return ()
    reach = float(rng.uniform(0.1, 0.45))
    swells: list[Swell] = []
    until = -1.0
    for note in notes:
        if note.seconds < 0.3 or note.start_s < until:
            continue
        until = note.start_s + note.seconds - 0.02
        after = np.arange(0.0, note.seconds, _SWELL_EVERY_S)
        share = after / note.seconds
        shape = (np.sin(np.pi * share), share, 1.0 - share)[int(rng.integers(3))]
        swells += [
            Swell(time, value)
            for time, value in zip(
                (note.start_s + after).tolist(),
                np.round(1.0 - reach + reach * shape, 3).tolist(),
                strict=True,
            )
        ]
    return tuple(sorted(swells, key=lambda swell: swell.start_s))
