"""The manifest of a pool: one line for every piece of sound, with its place, source and licence."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import get_type_hints

from tonewright.audio.files import atomic_output
from tonewright.errors import CorpusError

MANIFEST, LICENCES = "manifest.csv", "LICENCES.md"
PARTS = ("voices", "music", "instruments", "singing", "songs")


@dataclass(frozen=True)
class Piece:
    """One piece of sound of a pool.

    Parameters
    ----------
    name : unlike any other in the pool, such as "asterisk-core-sounds-fr-g722/digits/7"
    song : what decides its split
    part : "voices", "music", "instruments", "singing" or "songs"
    labels : further words, such as ("speech", "fr", "woman")
    path : of the array it lies in, relative to the pool; "{stem}" in it stands for each of `stems`
    stems : aligned arrays, such as ("mixture", "drums"); ("mixture",) for most
    start, frames : its section of the array
    sample_rate, channels : of the array
    source_rate : of the recording as it was published
    bandwidth_hz : highest frequency within 60 dB of the spectral peak
    level_db : RMS level as published, dB full scale, before levelling
    gain_db : what levelling added
    clipped : share of samples at full scale as published
    package, version : where it came from
    file : its path in the package
    licence : as an SPDX name or as near to one as the source allows
    author : where known
    """

    name: str
    song: str
    part: str
    labels: tuple[str, ...]
    path: str
    stems: tuple[str, ...]
    start: int
    frames: int
    sample_rate: int
    channels: int
    source_rate: int
    bandwidth_hz: float
    level_db: float
    gain_db: float
    clipped: float
    package: str
    version: str
    file: str
    licence: str
    author: str

    @classmethod
    def columns(cls) -> tuple[str, ...]:
        """Names of the columns, in order."""
        return tuple(field.name for field in dataclasses.fields(cls))

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate

    def stem_paths(self) -> dict[str, str]:
        """Stem to the path of its array, relative to the pool."""
        return {stem: self.path.replace("{stem}", stem) for stem in self.stems}


_TYPES = get_type_hints(Piece)


def write_manifest(path: Path, pieces: Iterable[Piece]) -> None:
    """Write a manifest, whole or not at all; one that is there is replaced."""
    with atomic_output(path, overwrite=True) as temporary, temporary.open("w", encoding="utf-8") as lines:
        writer = csv.writer(lines, lineterminator="\n")
        writer.writerow(Piece.columns())
        for piece in pieces:
            writer.writerow([_text(getattr(piece, name)) for name in Piece.columns()])


def read_manifest(path: str | os.PathLike[str]) -> tuple[Piece, ...]:
    """The pieces of a manifest, in its order.

    Raises
    ------
    CorpusError
        If it is missing or no manifest.
    """
    try:
        with Path(path).open(encoding="utf-8", newline="") as lines:
            rows = csv.reader(lines)
            if tuple(next(rows, ())) != Piece.columns():
                raise CorpusError(f"{path}: is not the manifest of a pool, or one of another version")
            return tuple(_piece(row) for row in rows)
    except (OSError, ValueError, csv.Error) as error:
        raise CorpusError(f"{path}: cannot be read as the manifest of a pool ({error})") from error


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return " ".join(str(item) for item in value)
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _piece(row: list[str]) -> Piece:
    values, columns = {}, Piece.columns()
    if len(row) != len(columns):
        raise ValueError(f"{row[0] if row else 'a row'} has {len(row)} fields, not {len(columns)}")
    for name, text in zip(columns, row, strict=True):
        kind = _TYPES[name]
        try:
            values[name] = kind(text) if kind in (str, int, float) else tuple(text.split())
        except ValueError as error:
            raise ValueError(f"{name} of {row[0]} is {text!r}, no number") from error
    piece = Piece(**values)
    paths = piece.stem_paths().values()
    if min(piece.start, piece.frames - 1, piece.sample_rate - 1) < 0 or not paths or any(map(_leaves, paths)):
        raise ValueError(f"{piece.name} names no section inside the pool")
    return piece


def _leaves(path: str) -> bool:
    return path.startswith("/") or ".." in path.split("/")
