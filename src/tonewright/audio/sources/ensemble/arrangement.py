"""What is played: parts of notes and strokes, by whom, from where on the stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tonewright.audio.band.score import Grid, Hit, Key, Note, Section

Stem = Literal["drums", "bass", "other", "vocals"]
Chords = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class Frame:
    """What all parts of a song have in common.

    Parameters
    ----------
    grid, key : its beats and its scale
    sections : from the first bar to the last
    chords : one a bar
    """

    grid: Grid
    key: Key
    sections: tuple[Section, ...]
    chords: Chords

    @property
    def bars(self) -> int:
        """Bars played; the last chord rings out after them."""
        return len(self.chords)

    @property
    def end_s(self) -> float:
        """When the last bar ends and the last chord is struck."""
        return self.grid.time_s(self.bars, 0)

    def chord_at(self, bar: int) -> tuple[int, ...]:
        """The chord of a bar, the first one again after the last."""
        return self.chords[bar] if bar < self.bars else self.chords[0]


@dataclass(frozen=True, slots=True)
class Bend:
    """The pitch of a part leaves its notes: from `start_s` on it is `semitones` away."""

    start_s: float
    semitones: float


@dataclass(frozen=True, slots=True)
class Swell:
    """From `start_s` on a part sounds at `level`, 0 … 1 of its own."""

    start_s: float
    level: float


@dataclass(frozen=True, slots=True)
class Part:
    """What one player plays.

    Parameters
    ----------
    role : such as "chords" or "lead"
    stem : "drums", "bass", "other" or "vocals"
    instrument : one of `INSTRUMENTS`, "kit" or "voice"
    notes : of an instrument
    hits : of a kit
    bends, swells : in order of time
    level_db : against the other parts
    pan : −1 … 1
    width : 0 … 1, what is kept of the difference between left and right as played
    room_db : energy of the room's answer against the sound itself
    treble_db : lift above about 2 kHz
    drive : 0 … 1, how far it is distorted
    echo_s : time to a first echo, 0 for none
    """

    role: str
    stem: Stem
    instrument: str
    notes: tuple[Note, ...] = ()
    hits: tuple[Hit, ...] = ()
    bends: tuple[Bend, ...] = ()
    swells: tuple[Swell, ...] = ()
    level_db: float = 0.0
    pan: float = 0.0
    width: float = 1.0
    room_db: float = -12.0
    treble_db: float = 0.0
    drive: float = 0.0
    echo_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Arrangement:
    """A whole song as data.

    Parameters
    ----------
    line_up : which stems it has, a key of `LINE_UPS`
    style : such as "funk" or "quartet"
    frame : beats, key, form and chords
    parts : of all players
    melody : what a voice would sing; empty where none does
    seconds : length with the last chord
    room : which of the rooms it is played in
    """

    line_up: str
    style: str
    frame: Frame
    parts: tuple[Part, ...]
    melody: tuple[Note, ...]
    seconds: float
    room: int

    @property
    def stems(self) -> tuple[str, ...]:
        """The stems that sound, in the usual order."""
        there = {part.stem for part in self.parts} | ({"vocals"} if self.melody else set())
        return tuple(stem for stem in ("drums", "bass", "other", "vocals") if stem in there)
