"""What a pool holds to play with: soundfonts, recorded notes, recorded drums."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import pairwise
from pathlib import Path

from tonewright.audio.band.score import NOTE_NAMES
from tonewright.audio.sources.catalogue import CATALOGUE
from tonewright.audio.sources.ensemble.composing import Stage
from tonewright.audio.sources.ensemble.instruments import INSTRUMENTS, RECORDED
from tonewright.audio.sources.ensemble.kits import AVL_KEYS, GM_KEYS, drum_of, piece_of
from tonewright.audio.sources.ensemble.soundfonts import presets
from tonewright.audio.sources.manifest import Piece
from tonewright.errors import AudioError, CorpusError

DRUM_BANK = 128
REACH_SEMITONES = 4
_AVL_NAMES = re.compile(r"Black_?Pearl|Red_?Zeppelin|Blonde_?Bop|Buskman", re.IGNORECASE)
_NOTE = re.compile(r"([A-G])(#|s|b)?(-?\d)")
_FEWEST_NOTES = 3
_WIDEST_GAP = 2 * REACH_SEMITONES


@dataclass(frozen=True, slots=True)
class Rights:
    """Under which licence, and by whom."""

    licence: str
    author: str


@dataclass(frozen=True, slots=True)
class Soundfont:
    """A bank for fluidsynth.

    Parameters
    ----------
    path : of the file
    programs : (bank, program) of what plays notes
    kits : (bank, program) of what plays drums
    keys : piece of a kit to the keys it lies on
    rights : its licence and author
    """

    path: Path
    programs: frozenset[tuple[int, int]]
    kits: frozenset[tuple[int, int]]
    keys: dict[str, tuple[int, ...]]
    rights: Rights


@dataclass(frozen=True, slots=True)
class RecordedNotes:
    """Notes of one instrument: (pitch, piece) from low to high."""

    instrument: str
    notes: tuple[tuple[int, Piece], ...]

    def reaches(self, low: float, high: float) -> bool:
        """Whether it can play from one pitch to another without being bent too far."""
        pitches = [pitch for pitch, _ in self.notes]
        return pitches[0] - REACH_SEMITONES <= low and high <= pitches[-1] + REACH_SEMITONES


@dataclass(frozen=True, slots=True)
class RecordedKit:
    """Drums of one kit: piece to drums, each of which has takes from soft to loud."""

    name: str
    drums: dict[str, tuple[tuple[Piece, ...], ...]]


@dataclass(frozen=True, slots=True)
class Banks:
    """Everything of a pool that can be played."""

    soundfonts: tuple[Soundfont, ...]
    notes: dict[str, RecordedNotes]
    kits: tuple[RecordedKit, ...]

    @property
    def stage(self) -> Stage:
        """What can be played with it. Recorded notes alone make no instrument: few reach far enough."""
        programs = {program for font in self.soundfonts for bank, program in font.programs if bank == 0}
        names = frozenset(name for name, instrument in INSTRUMENTS.items() if instrument.program in programs)
        return Stage(names, bool(self.kits) or any(font.kits for font in self.soundfonts))


def find_banks(pool: Path, pieces: tuple[Piece, ...]) -> Banks:
    """What a pool holds to play with.

    Parameters
    ----------
    pool : its folder
    pieces : its manifest

    Raises
    ------
    CorpusError
        If there is no soundfont with instruments in it.
    """
    paths = sorted(p for p in (pool / "soundfonts").glob("*") if p.suffix.lower() in (".sf2", ".sf3"))
    fonts = tuple(font for path in paths if (font := _soundfont(path, pieces)) is not None)
    own = [piece for piece in pieces if piece.part == "instruments" and ".sf" not in piece.file.lower()]
    banks = Banks(fonts, _recorded_notes(own), _recorded_kits(own))
    if not banks.stage.instruments:
        raise CorpusError(
            f"{pool}: has no soundfont to play songs with; add the instruments first: "
            "tonewright data pool FOLDER --only instruments"
        )
    return banks


def _soundfont(path: Path, pieces: tuple[Piece, ...]) -> Soundfont | None:
    """A soundfont with its programs; None where it is damaged."""
    try:
        found = presets(path)
    except AudioError:
        return None
    rights = _rights(path, pieces)
    if all(_AVL_NAMES.search(name) for name in found.values()):
        return Soundfont(path, frozenset(), frozenset(found), AVL_KEYS, rights)
    kits = frozenset(preset for preset in found if preset[0] == DRUM_BANK)
    return Soundfont(path, frozenset(found) - kits, kits, GM_KEYS, rights)


def _rights(path: Path, pieces: tuple[Piece, ...]) -> Rights:
    """The rights of a bank: those of its samples in the pool, or of its source."""
    for piece in pieces:
        if f"{path.name}:" in piece.file:
            return Rights(piece.licence, piece.author)
    for source in CATALOGUE:
        if any(fnmatch(path.name, pattern) for pattern in source.files):
            return Rights(source.licence or "unknown", source.author)
    return Rights("unknown", "")


def pitch_of(text: str) -> int | None:
    """The MIDI number of a note's name such as "A4", "Fs3" or "Bb2"; None where it is none."""
    match = _NOTE.fullmatch(text)
    if match is None:
        return None
    letter, sign, octave = match.groups()
    step = {"#": 1, "s": 1, "b": -1}.get(sign or "", 0)
    return 12 * (int(octave) + 1) + NOTE_NAMES.index(letter) + step


def _recorded_notes(pieces: list[Piece]) -> dict[str, RecordedNotes]:
    """Instruments of which there are enough notes, near enough to each other."""
    found: dict[str, dict[int, Piece]] = defaultdict(dict)
    for piece in pieces:
        if len(piece.labels) > 2 and piece.labels[0] == "note" and piece.labels[1] in RECORDED:
            pitch = pitch_of(piece.labels[2])
            if pitch is not None:
                found[RECORDED[piece.labels[1]]].setdefault(pitch, piece)
    notes = {}
    for name, by_pitch in sorted(found.items()):
        ordered = tuple(sorted(by_pitch.items()))
        gaps = [b[0] - a[0] for a, b in pairwise(ordered)]
        if len(ordered) >= _FEWEST_NOTES and max(gaps) <= _WIDEST_GAP:
            notes[name] = RecordedNotes(name, ordered)
    return notes


def _recorded_kits(pieces: list[Piece]) -> tuple[RecordedKit, ...]:
    """Kits that have a bass drum, a snare and something to keep time with."""
    found: dict[str, dict[str, dict[str, list[Piece]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for piece in pieces:
        drum = piece_of(piece.file)
        if piece.labels[:1] == ("drum",) and drum is not None:
            found[" ".join(piece.labels[1:2])][drum][drum_of(piece.file)].append(piece)
    kits = []
    for name, drums in sorted(found.items()):
        if {"kick", "snare"} <= set(drums) and {"hat", "ride"} & set(drums):
            takes = {
                drum: tuple(tuple(sorted(group, key=_loudness)) for _, group in sorted(groups.items()))
                for drum, groups in drums.items()
            }
            kits.append(RecordedKit(name, takes))
    return tuple(kits)


def _loudness(piece: Piece) -> tuple[float, str]:
    return piece.level_db, piece.name
