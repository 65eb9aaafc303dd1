"""What a song is before it sounds: bars and beats, notes, sung syllables, hits."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Note:
    """One note: start and length in seconds, MIDI pitch, level 0 … 1."""

    start_s: float
    seconds: float
    pitch: float
    level: float


@dataclass(frozen=True, slots=True)
class Sung:
    """One syllable on one note. ``phones`` are those of the phone table; ``word`` starts here."""

    start_s: float
    seconds: float
    pitch: float
    level: float
    phones: tuple[str, ...]
    word: str = ""


@dataclass(frozen=True, slots=True)
class Hit:
    """One stroke on a piece of the kit, level 0 … 1."""

    start_s: float
    piece: str
    level: float


@dataclass(frozen=True, slots=True)
class Section:
    """A run of bars of one character."""

    name: str
    first_bar: int
    bars: int


@dataclass(frozen=True, slots=True)
class Part:
    """What one instrument of the ``other`` stem plays; ``pan`` −1 … 1."""

    instrument: str
    notes: tuple[Note, ...]
    gain: float
    pan: float


@dataclass(frozen=True, slots=True)
class Grid:
    """Bars, beats and steps in seconds; odd steps come late by ``swing`` of a step."""

    tempo_bpm: float
    beats: int
    steps: int
    swing: float = 0.0

    @property
    def steps_per_bar(self) -> int:
        """Steps in one bar."""
        return self.beats * self.steps

    @property
    def step_s(self) -> float:
        """Length of a step in seconds."""
        return 60.0 / self.tempo_bpm / self.steps

    @property
    def bar_s(self) -> float:
        """Length of a bar in seconds."""
        return self.step_s * self.steps_per_bar

    @property
    def half(self) -> int:
        """Steps of the usual subdivision: eighths, or the triplets themselves."""
        return 2 if self.steps == 4 else 1

    def time_s(self, bar: int, step: float) -> float:
        """Time of a step of a bar; whole odd steps of four swing."""
        late = self.swing if self.steps == 4 and step % 2 == 1 else 0.0
        return bar * self.bar_s + (step + late) * self.step_s

    @property
    def meter(self) -> str:
        """The meter as written: 4/4, 3/4, 12/8, 9/8."""
        return f"{self.beats}/4" if self.steps == 4 else f"{3 * self.beats}/8"


@dataclass(frozen=True, slots=True)
class Key:
    """A tonic as pitch class 0 … 11, and a mode by name."""

    tonic: int
    mode: str

    @property
    def name(self) -> str:
        """As a person writes it: ``F# dorian``."""
        return f"{NOTE_NAMES[self.tonic]} {self.mode}"


NOTE_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


@dataclass(frozen=True, slots=True)
class Score:
    """A whole song as data. ``chords`` holds one tuple of pitch classes a bar, the root first."""

    index: int
    seconds: float
    grid: Grid
    key: Key
    sections: tuple[Section, ...]
    chords: tuple[tuple[int, ...], ...]
    drums: tuple[Hit, ...]
    bass: tuple[Note, ...]
    voice: tuple[Sung, ...]
    backing: tuple[Sung, ...]
    parts: tuple[Part, ...]
    kit: str
    bass_style: str
    register: str
    decay_s: float

    @property
    def bars(self) -> int:
        """Bars played; the last chord rings out after them."""
        return len(self.chords)
