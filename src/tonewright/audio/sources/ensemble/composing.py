"""From a seed and a number to a whole arrangement."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from tonewright.audio.band.score import Note
from tonewright.audio.sources.ensemble.accompaniment import (
    Notes,
    write_arpeggio,
    write_bass,
    write_chords,
    write_pad,
    write_riff,
)
from tonewright.audio.sources.ensemble.arrangement import Arrangement, Frame, Part
from tonewright.audio.sources.ensemble.chamber import write_duo, write_ensemble, write_solo
from tonewright.audio.sources.ensemble.ensembles import DUO, ENSEMBLES, SOLO
from tonewright.audio.sources.ensemble.grooves import draw_drums
from tonewright.audio.sources.ensemble.harmony import draw_frame
from tonewright.audio.sources.ensemble.instruments import INSTRUMENTS, Instrument
from tonewright.audio.sources.ensemble.melodies import write_counter, write_lead, write_melody
from tonewright.audio.sources.ensemble.performing import perform
from tonewright.audio.sources.ensemble.styles import BASSES, STYLES, Role, Style

ROOMS = 24
# Stems of each line-up. What is alone in its song is what a separator must not take for something else.
LINE_UPS: dict[str, tuple[str, ...]] = {
    "band": ("drums", "bass", "other"),
    "sung": ("drums", "bass", "other", "vocals"),
    "quiet": ("bass", "other"),
    "ensemble": ("other",),
    "rhythm": ("drums", "bass"),
    "drums": ("drums",),
    "bass": ("bass",),
}
_QUIET_STYLES = ("ballad", "folk", "jazz", "ambient", "bossa", "country", "pop")
_VOICE_RANGES = ((45, 64), (50, 69), (55, 74), (60, 79))
_ROLE_ROOM_DB = {"drums": -17.0, "bass": -26.0, "lead": -12.0, "pad": -11.0, "power": -18.0}
_ROLE_LEVEL_DB = {
    "pad": -5.0, "arpeggio": -3.5, "riff": -3.0, "stabs": -2.5, "counter": -2.5, "lead": 1.5, "power": -1.0,
}  # fmt: skip
_TREBLE_DB = {"drums": (-1.5, 2.5), "bass": (0.0, 2.0), "other": (1.5, 3.0)}
_DRIVEN = {"power": 0.5, "riff": 0.2, "lead": 0.12, "bass": 0.15}
_STREAM = {"line_up": 0, "frame": 1, "parts": 2, "playing": 3, "casting": 4, "mixing": 5, "singing": 6}


@dataclass(frozen=True, slots=True)
class Stage:
    """What can be played.

    Parameters
    ----------
    instruments : names out of `INSTRUMENTS`
    drums : whether there is a kit
    """

    instruments: frozenset[str]
    drums: bool

    @property
    def has_bass(self) -> bool:
        """Whether there is an instrument for the stem "bass"."""
        return any(name in self.instruments for name in BASSES)

    def some(self, names: tuple[str, ...], rng: np.random.Generator) -> Instrument | None:
        """One of some instruments that can be played; None where none of them can."""
        there = [name for name in names if name in self.instruments]
        return INSTRUMENTS[str(rng.choice(there))] if there else None


def generator(seed: int, line_up: str, number: int, stream: str) -> np.random.Generator:
    """Random numbers of one side of one song, independent of all others."""
    return np.random.default_rng([seed, list(LINE_UPS).index(line_up), number, _STREAM[stream]])


def compose(line_up: str, number: int, *, seed: int = 0, stage: Stage) -> Arrangement:
    """The song `number` of a line-up.

    Parameters
    ----------
    line_up : a key of `LINE_UPS`
    number : 0 or more; each is another song, the same whatever else is composed
    seed : of all songs
    stage : what can be played

    Returns
    -------
    the arrangement, whose stems are those of the line-up as far as the stage allows
    """
    rng = generator(seed, line_up, number, "parts")
    style = _draw_style(line_up, rng)
    frame, seconds = draw_frame(style, generator(seed, line_up, number, "frame"))
    stems = LINE_UPS[line_up]
    melody = _voice(frame, rng) if "vocals" in stems else ()
    parts: list[Part] = []
    if line_up == "ensemble":
        style, parts = _ensemble(style, frame, stage, rng)
    else:
        if "drums" in stems and stage.drums:
            parts.append(Part("drums", "drums", "kit", hits=draw_drums(frame, style.grooves, rng)))
        bass = stage.some(style.basses, rng) or stage.some(BASSES, rng)
        if "bass" in stems and bass is not None:
            parts.append(Part("bass", "bass", bass.name, write_bass(frame, bass, style.figures, rng)))
        if "other" in stems:
            parts += _others(style, frame, stage, rng, singing=bool(melody))
    playing = generator(seed, line_up, number, "playing")
    played = [
        perform(part, seconds=seconds, looseness_s=style.looseness_s, rng=playing)
        for part in _placed(parts, generator(seed, line_up, number, "mixing"))
    ]
    played = [part for part in played if part.notes or part.hits]
    room = int(generator(seed, line_up, number, "line_up").integers(ROOMS))
    return Arrangement(line_up, style.name, frame, tuple(played), melody, seconds, room)


def song_seconds(line_up: str, number: int, *, seed: int = 0) -> float:
    """How long the song `number` of a line-up is."""
    style = _draw_style(line_up, generator(seed, line_up, number, "parts"))
    return draw_frame(style, generator(seed, line_up, number, "frame"))[1]


def _draw_style(line_up: str, rng: np.random.Generator) -> Style:
    """A style that suits a line-up; of an ensemble, the frame of one."""
    if line_up == "ensemble":
        kind = rng.random()
        ensemble = ENSEMBLES[str(rng.choice(list(ENSEMBLES)))]
        name = ensemble.name if kind < 0.5 else ("duo" if kind < 0.68 else "solo")
        return Style(
            name,
            ensemble.tempo_bpm,
            (),
            meters=((4, 4), (4, 4), (3, 4), (4, 3), (2, 4)),
            harmony=ensemble.harmony if rng.random() < 0.6 else str(rng.choice(["plain", "jazz", "static"])),
            looseness_s=float(rng.uniform(0.006, 0.016)),
        )
    names = _QUIET_STYLES if line_up == "quiet" else tuple(STYLES)
    return STYLES[str(rng.choice(names))]


def _ensemble(style: Style, frame: Frame, stage: Stage, rng: np.random.Generator) -> tuple[Style, list[Part]]:
    """The parts of an ensemble, a duo or a soloist; a soloist where not enough of it can be played."""
    if style.name not in ("solo", "duo"):
        wanted = [stage.some(names, rng) for names in ENSEMBLES[style.name].players]
        players = tuple(player for player in wanted if player is not None)
        if len(players) >= max(2, len(wanted) - 1):
            lines = write_ensemble(frame, players, rng)
            return style, [
                Part("tune", "other", p.name, line) for p, line in zip(players, lines, strict=True)
            ]
    if style.name == "duo":
        pair = tuple(stage.some(names, rng) for names in DUO)
        players = tuple(player for player in pair if player is not None)
        if len(players) == 2:
            tune, below = write_duo(frame, players, rng)
            first, second = players
            return style, [
                Part("lead", "other", first.name, tune),
                Part("chords", "other", second.name, below),
            ]
    soloist = stage.some(SOLO, rng) or stage.some(tuple(sorted(stage.instruments)), rng)
    parts = [Part("solo", "other", soloist.name, write_solo(frame, soloist, rng))] if soloist else []
    return replace(style, name="solo"), parts


def _others(
    style: Style, frame: Frame, stage: Stage, rng: np.random.Generator, *, singing: bool
) -> list[Part]:
    """The players of the stem "other": those of the style that chance calls, one at least."""
    parts: list[Part] = []
    called = [role for role in style.roles if rng.random() < role.chance] or [style.roles[0]]
    for role in called:
        player = stage.some(role.instruments, rng)
        if player is None:
            continue
        notes = _written(role, frame, player, rng, singing=singing)
        notes = notes if role.name in ("lead", "counter") else _arranged(notes, frame, rng, always=not parts)
        if notes:
            parts.append(Part(role.name, "other", player.name, notes))
    if not parts:
        player = stage.some(tuple(sorted(stage.instruments)), rng)
        if player is not None:
            parts.append(Part("chords", "other", player.name, write_chords(frame, player, (), rng)))
    return parts


def _written(
    role: Role, frame: Frame, player: Instrument, rng: np.random.Generator, *, singing: bool
) -> Notes:
    """What a player of a role plays."""
    if role.name == "power":
        return write_chords(frame, player, role.figures, rng, shape="power")
    if role.name == "stabs":
        return write_chords(
            frame, player, role.figures or ("hits", "stabs", "charleston"), rng, shape="close"
        )
    if role.name == "pad":
        return write_pad(frame, player, rng)
    if role.name == "arpeggio":
        return write_arpeggio(frame, player, rng)
    if role.name == "riff":
        return write_riff(frame, player, rng)
    if role.name == "counter":
        return write_counter(frame, player, rng)
    if role.name == "lead":
        return write_lead(frame, player, rng, singing=singing)
    return write_chords(frame, player, role.figures, rng)


def _arranged(notes: Notes, frame: Frame, rng: np.random.Generator, *, always: bool) -> Notes:
    """A part kept in some of the sections alone, so that the song is not equally full throughout."""
    names = sorted({section.name for section in frame.sections})
    silent = {name for name in names if rng.random() < (0.0 if always else 0.35)}
    if len(silent) == len(names):
        return notes
    bars = {
        bar
        for section in frame.sections
        if section.name not in silent
        for bar in range(section.first_bar, section.first_bar + section.bars)
    }
    last = frame.bars - 1
    return tuple(note for note in notes if min(int(note.start_s / frame.grid.bar_s + 1e-6), last) in bars)


def _voice(frame: Frame, rng: np.random.Generator) -> tuple[Note, ...]:
    """What a voice sings in verses, choruses and bridges."""
    low, high = _VOICE_RANGES[int(rng.integers(len(_VOICE_RANGES)))]
    sung = ("verse", "chorus", "bridge")
    return write_melody(frame, low, high, rng, only=sung, density=float(rng.uniform(0.25, 0.9)))


def _placed(parts: list[Part], rng: np.random.Generator) -> list[Part]:
    """Every part with its place on the stage, its level, its tone and its share of the room."""
    wide = float(rng.choice([0.15, 0.35, 0.6, 0.9], p=[0.25, 0.35, 0.3, 0.1]))
    wet = float(rng.uniform(-6.0, 5.0))
    side = float(rng.choice([-1.0, 1.0]))
    placed = []
    for part in parts:
        central = part.role in ("drums", "bass", "solo") or (part.role == "lead" and rng.random() < 0.6)
        pan = float(rng.normal(0.0, 0.06)) if central else side * wide * float(rng.uniform(0.25, 1.0))
        side = side if central else -side
        driven = part.role in _DRIVEN and rng.random() < _DRIVEN[part.role]
        placed.append(
            replace(
                part,
                level_db=_ROLE_LEVEL_DB.get(part.role, 0.0) + float(rng.normal(0.0, 1.8)),
                pan=float(np.clip(pan, -1.0, 1.0)),
                width=float(rng.uniform(0.2, 1.0)),
                room_db=_ROLE_ROOM_DB.get(part.role, -13.0) + wet + float(rng.normal(0.0, 1.5)),
                treble_db=float(np.clip(rng.normal(*_TREBLE_DB[part.stem]), -6.0, 8.0)),
                drive=float(rng.uniform(0.2, 0.9)) if driven else 0.0,
                echo_s=float(rng.uniform(0.12, 0.5))
                if part.role in ("lead", "arpeggio", "riff", "solo") and rng.random() < 0.18
                else 0.0,
            )
        )
    return placed
