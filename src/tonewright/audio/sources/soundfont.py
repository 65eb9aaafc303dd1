"""Notes of a SoundFont 2 bank: its samples one by one, with the instruments they belong to.

The format: SoundFont Technical Specification 2.01 (Creative Technology, 1998): a RIFF file "sfbk" with
the samples of all notes in "smpl", 16 bits, one after another, and tables of presets, instruments
and sample headers. What presets add (envelopes, filters, loops) is not played. The lower eight bits
of 24-bit banks ("sm24") are left out.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, NamedTuple

import numpy as np

from tonewright.audio.sources.soundfont_tables import (
    BAG,
    COMPRESSED,
    GEN,
    INST,
    INSTRUMENT,
    PHDR,
    RIGHT,
    ROM,
    ROOT_KEY,
    SAMPLE,
    SHDR,
    SIDE,
    chunks_of,
    pairs_of,
    read_header,
    text_of,
    zones_of,
)
from tonewright.errors import AudioError

SHORTEST_SECONDS = 0.1
PERCUSSION_BANK = 128
_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MOST_TABLE_BYTES = 64 << 20
# Families of General MIDI Level 1, eight programs each.
_FAMILIES = (
    "piano",
    "chromatic-percussion",
    "organ",
    "guitar",
    "bass",
    "strings",
    "ensemble",
    "brass",
    "reed",
    "pipe",
    "synth-lead",
    "synth-pad",
    "synth-effects",
    "ethnic",
    "percussive",
    "sound-effects",
)
# Choir aahs, voice oohs, synth voice, lead voice, choir pad.
_VOICES = frozenset({52, 53, 54, 85, 91})


class Preset(NamedTuple):
    """What a player chooses: its bank and program by MIDI, and its name."""

    bank: int
    program: int
    name: str

    @property
    def family(self) -> str:
        """Of General MIDI; "drums" for a kit, "voice" for presets of voices."""
        if self.bank == PERCUSSION_BANK:
            return "drums"
        return "voice" if self.program in _VOICES else _FAMILIES[min(self.program, 127) // 8]


@dataclass(frozen=True)
class Note:
    """One sound of a bank.

    Parameters
    ----------
    name : of its sample
    start, end : per channel, its place in the bank, in samples; `end` is the first that is not its own
    sample_rate : Hz
    root_key : MIDI note at which it sounds as recorded; None where it has no pitch
    correction_cents : added to its pitch it is in tune
    presets : that use it, by bank and program
    """

    name: str
    start: tuple[int, ...]
    end: tuple[int, ...]
    sample_rate: int
    root_key: int | None
    correction_cents: int
    presets: tuple[Preset, ...]

    @property
    def seconds(self) -> float:
        """Length; that of its shorter channel."""
        frames = min(end - start for start, end in zip(self.start, self.end, strict=True))
        return frames / self.sample_rate

    @property
    def pitch(self) -> str:
        """Name of its root key, such as "A4" for 69; empty without one."""
        return "" if self.root_key is None else note_name(self.root_key)


def note_name(key: int) -> str:
    """Name of a MIDI note; 60 is C4.

    Examples
    --------
    >>> note_name(69), note_name(61)
    ('A4', 'C#4')
    """
    return f"{_NAMES[key % 12]}{key // 12 - 1}"


class SoundFont:
    """An open bank. A context manager.

    Parameters
    ----------
    path : of the .sf2 file

    Raises
    ------
    AudioError
        If it is no SoundFont 2 bank, is truncated, or its samples are compressed (.sf3).
    """

    def __init__(self, path: str | os.PathLike[str]) -> None:
        self.path = Path(path)
        try:
            self._file: BinaryIO = self.path.open("rb")
        except OSError as error:
            raise AudioError(self.path, f"cannot be read ({error.strerror})") from error
        try:
            self._chunks = chunks_of(self._file, self.path)
            self._place, self._samples = self._chunk(b"smpl")[0], self._chunk(b"smpl")[1] // 2
            self.notes = self._notes()
        except BaseException:
            self._file.close()
            raise

    def read(self, note: Note) -> np.ndarray:
        """The samples of a note.

        Returns
        -------
        (channels, frames), float32

        Raises
        ------
        AudioError
            If the file ends before it does.
        """
        frames = min(end - start for start, end in zip(note.start, note.end, strict=True))
        samples = np.empty((len(note.start), frames), np.float32)
        for channel, start in zip(samples, note.start, strict=True):
            self._file.seek(self._place + 2 * start)
            data = self._file.read(2 * frames)
            if len(data) != 2 * frames:
                raise AudioError(self.path, f"ends in the middle of {note.name}")
            np.multiply(np.frombuffer(data, "<i2"), np.float32(2**-15), out=channel)
        return samples

    def __enter__(self) -> SoundFont:
        """Give the bank itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Close the file."""
        self._file.close()

    def _chunk(self, name: bytes) -> tuple[int, int]:
        if name not in self._chunks:
            raise AudioError(self.path, f"is no SoundFont 2 bank (it has no {name.decode()!r})")
        return self._chunks[name]

    def _table(self, name: bytes, kind: np.dtype) -> np.ndarray:
        """The records of a table, the last of which only ends it."""
        place, size = self._chunk(name)
        if size > _MOST_TABLE_BYTES or size % kind.itemsize:
            raise AudioError(self.path, f"is damaged (its {name.decode()!r} has {size} bytes)")
        self._file.seek(place)
        return np.frombuffer(self._file.read(size), kind)

    def _notes(self) -> tuple[Note, ...]:
        headers = [read_header(record) for record in self._table(b"shdr", SHDR)[:-1]]
        if any(header.kind & COMPRESSED for header in headers):
            raise AudioError(self.path, "holds compressed samples (.sf3); only .sf2 is read")
        used, keys = self._uses()
        pairs = pairs_of(headers)
        here = {
            number
            for number, header in enumerate(headers)
            if not header.kind & ROM and 0 <= header.start < header.end <= self._samples
        }
        found = []
        for number in sorted(here):
            header = headers[number]
            partner = other if (other := pairs.get(number)) in here else None
            if partner is not None and header.kind & RIGHT:
                continue  # comes with its left side
            numbers = (number,) if partner is None else (number, partner)
            key = keys.get(number, header.key)
            note = Note(
                name=header.name if partner is None else SIDE.sub("", header.name),
                start=tuple(headers[index].start for index in numbers),
                end=tuple(headers[index].end for index in numbers),
                sample_rate=header.sample_rate,
                root_key=key if 0 <= key < 128 else None,
                correction_cents=header.correction_cents,
                presets=tuple(sorted({preset for index in numbers for preset in used[index]})),
            )
            if note.sample_rate > 0 and note.seconds >= SHORTEST_SECONDS:
                found.append(note)
        return tuple(_distinct(found))

    def _uses(self) -> tuple[defaultdict[int, set[Preset]], dict[int, int]]:
        """Presets by sample, and the root keys that instruments give to samples."""
        zones = list(
            zones_of(self._table(b"inst", INST), self._table(b"ibag", BAG), self._table(b"igen", GEN))
        )
        samples: defaultdict[int, set[int]] = defaultdict(set)
        keys: dict[int, int] = {}
        for instrument, zone in zones:
            if SAMPLE in zone:
                samples[instrument].add(zone[SAMPLE])
                if ROOT_KEY in zone:
                    keys.setdefault(zone[SAMPLE], zone[ROOT_KEY])
        presets = self._table(b"phdr", PHDR)
        used: defaultdict[int, set[Preset]] = defaultdict(set)
        for number, zone in zones_of(presets, self._table(b"pbag", BAG), self._table(b"pgen", GEN)):
            record = presets[number]
            preset = Preset(int(record["bank"]), int(record["preset"]), text_of(record["name"]))
            for sample in samples[zone[INSTRUMENT]] if INSTRUMENT in zone else ():
                used[sample].add(preset)
        return used, keys


def _distinct(notes: list[Note]) -> Iterator[Note]:
    """The notes under names that are unlike."""
    seen: defaultdict[str, int] = defaultdict(int)
    for note in notes:
        seen[note.name] += 1
        yield note if seen[note.name] == 1 else replace(note, name=f"{note.name} ({seen[note.name]})")
