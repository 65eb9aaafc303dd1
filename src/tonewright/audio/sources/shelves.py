"""Shelves of a pool: the pieces of one package, joined into arrays on disk, and the rows that name them.

::

    POOL/<part>/<shelf>.wav            its pieces one after another, 16 bit
    POOL/<part>/<shelf>.<stem>.wav     the same, where its pieces have stems
    POOL/<part>/<shelf>.mono.wav       pieces of one channel in a shelf of two
    POOL/index/<shelf>.csv             its rows of the manifest, written last: without it there is no shelf
    POOL/index/<shelf>.json            what else is known of it
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from tonewright.audio.clips import convert_channels
from tonewright.audio.handles import HANDLES
from tonewright.audio.pcm import WavLayout
from tonewright.audio.sources.manifest import MANIFEST, PARTS, Piece, read_manifest, write_manifest
from tonewright.audio.writing import SoundWriter, atomic_output
from tonewright.errors import CorpusError, UsageError

SAMPLE_RATE = 44_100
INDEX = "index"
_BLOCK_FRAMES = 1 << 18


class ShelfWriter:
    """Writes one shelf of a pool, whole or not at all.

    A context manager: at its end the arrays take their names, then the index; on an error nothing of it is
    left, and a shelf of that name that was there before stays. A shelf without pieces has an index without
    rows and no arrays.

    Parameters
    ----------
    pool : the folder of the pool
    part : "voices", "music", "instruments", "singing" or "songs"
    shelf : its name, unlike that of any other shelf of the pool in any part
    package, version : what its pieces say they came from
    channels : of the arrays; pieces of one channel in a shelf of two have an array of their own
    stems : of every piece
    facts : what else is to be kept of the shelf, as JSON takes it; may be changed until the end
    """

    def __init__(
        self,
        pool: str | os.PathLike[str],
        *,
        part: str,
        shelf: str,
        package: str,
        version: str,
        channels: int = 1,
        stems: tuple[str, ...] = ("mixture",),
        facts: dict[str, Any] | None = None,
    ) -> None:
        if part not in PARTS:
            raise UsageError(f"there is no part {part!r} of a pool; choose from: {', '.join(PARTS)}")
        if not shelf or shelf.startswith(".") or "/" in shelf:
            raise UsageError(f"{shelf!r} is no name for a shelf: it becomes the name of a file")
        if channels not in (1, 2) or "mixture" not in stems:
            raise UsageError('a shelf has 1 or 2 channels, and "mixture" among its stems')
        self.pool, self.part, self.shelf = Path(pool), part, shelf
        self.package, self.version = package, version
        self.channels, self.stems, self.facts = channels, stems, facts if facts is not None else {}
        self.pieces: list[Piece] = []
        self._names: set[str] = set()
        self._writers: dict[str, SoundWriter] = {}
        self._outputs = ExitStack()

    def __enter__(self) -> Self:
        """Begin; files are opened at the first piece."""
        return self

    def add(
        self,
        sounds: Mapping[str, np.ndarray],
        *,
        name: str,
        song: str,
        labels: Iterable[str],
        source_rate: int,
        bandwidth_hz: float,
        level_db: float,
        gain_db: float,
        clipped: float,
        file: str,
        licence: str,
        author: str,
    ) -> Piece:
        """Append one piece.

        Parameters
        ----------
        sounds : stem to (channels, frames) at 44.1 kHz, of one length: floating point within ±1, or int16
        name, song : the piece's and its song's; unlike any other in the shelf
        labels : words; white space in one becomes "-"
        source_rate, bandwidth_hz, level_db, gain_db, clipped, file, licence, author : as in `Piece`

        Returns
        -------
        its row
        """
        self._check(name, sounds)
        channels = self.channels if any(array.shape[0] > 1 for array in sounds.values()) else 1
        path = self._path(channels)
        start = self._write(path, sounds, channels)
        piece = Piece(
            name=name,
            song=song,
            part=self.part,
            labels=tuple("-".join(str(label).split()) for label in labels if str(label).strip()),
            path=path,
            stems=tuple(self.stems),
            start=start,
            frames=sounds["mixture"].shape[-1],
            sample_rate=SAMPLE_RATE,
            channels=channels,
            source_rate=source_rate,
            bandwidth_hz=bandwidth_hz,
            level_db=level_db,
            gain_db=gain_db,
            clipped=clipped,
            package=self.package,
            version=self.version,
            file=file,
            licence=licence,
            author=author,
        )
        self._names.add(name)
        self.pieces.append(piece)
        return piece

    def _check(self, name: str, sounds: Mapping[str, np.ndarray]) -> None:
        if set(sounds) != set(self.stems) or len({array.shape[-1] for array in sounds.values()}) != 1:
            raise UsageError(f"{name}: a piece of {self.shelf} has the stems {self.stems}, of one length")
        if sounds["mixture"].shape[-1] < 1:
            raise UsageError(f"{name}: has no samples")
        if name in self._names:
            raise UsageError(f"{name}: is in {self.shelf} already; names are given once")

    def _write(self, path: str, sounds: Mapping[str, np.ndarray], channels: int) -> int:
        """Append samples to the arrays of a path; gives the frame at which they begin."""
        start = 0
        for stem in self.stems:
            writer = self._writer(path.replace("{stem}", stem), channels)
            start = writer.frames
            for begin in range(0, sounds[stem].shape[-1], _BLOCK_FRAMES):
                part = sounds[stem][:, begin : begin + _BLOCK_FRAMES]
                writer.write(convert_channels(_floating(part), channels))
        return start

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Give the arrays their names and write the index, or remove what was written after an error."""
        if error is not None:
            self._outputs.__exit__(kind, error, trace)
            return
        # An old index must not describe new arrays, whatever happens between here and the end.
        index_path(self.pool, self.shelf).unlink(missing_ok=True)
        self._outputs.close()
        write_json(facts_path(self.pool, self.shelf), self.facts)
        write_manifest(index_path(self.pool, self.shelf), self.pieces)

    def _path(self, channels: int) -> str:
        """Where pieces of so many channels lie, "{stem}" for the stem, relative to the pool."""
        mono = ".mono" if channels < self.channels else ""
        stem = ".{stem}" if len(self.stems) > 1 else ""
        return f"{self.part}/{self.shelf}{mono}{stem}.wav"

    def _writer(self, path: str, channels: int) -> SoundWriter:
        if path not in self._writers:
            writer = SoundWriter(
                self.pool / path,
                sample_rate=SAMPLE_RATE,
                channels=channels,
                encoding="pcm16",
                overwrite=True,
            )
            self._writers[path] = self._outputs.enter_context(writer)
        return self._writers[path]


def index_path(pool: Path, shelf: str) -> Path:
    """The file that says that a shelf is complete."""
    return pool / INDEX / f"{shelf}.csv"


def facts_path(pool: Path, shelf: str) -> Path:
    """The file of what else is known of a shelf."""
    return pool / INDEX / f"{shelf}.json"


def read_shelf(pool: str | os.PathLike[str], shelf: str) -> tuple[Piece, ...] | None:
    """The pieces of a shelf, or None where it is not complete.

    Raises
    ------
    CorpusError
        If its index or one of its arrays is damaged.
    """
    folder = Path(pool)
    if not index_path(folder, shelf).is_file():
        return None
    pieces = read_manifest(index_path(folder, shelf))
    ends: dict[str, tuple[int, int]] = {}
    for piece in pieces:
        for path in piece.stem_paths().values():
            ends[path] = (max(ends.get(path, (0, 0))[0], piece.start + piece.frames), piece.channels)
    for path, (frames, channels) in ends.items():
        _check_array(folder / path, frames, channels)
    return pieces


def read_facts(pool: str | os.PathLike[str], shelf: str) -> dict[str, Any]:
    """What else is known of a complete shelf.

    Raises
    ------
    CorpusError
        If it cannot be read.
    """
    path = facts_path(Path(pool), shelf)
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError) as error:
        raise CorpusError(f"{path}: cannot be read ({error}); make the pool again") from error


def shelf_names(pool: str | os.PathLike[str]) -> tuple[str, ...]:
    """The names of the complete shelves, sorted."""
    return tuple(sorted(path.stem for path in (Path(pool) / INDEX).glob("*.csv") if path.name[0] != "."))


def publish(pool: str | os.PathLike[str]) -> tuple[Piece, ...]:
    """Write the manifest of a pool from its shelves: by part, then by shelf.

    Returns
    -------
    every piece of the pool

    Raises
    ------
    CorpusError
        If a shelf is damaged.
    """
    shelves = [read_shelf(pool, name) or () for name in shelf_names(pool)]
    shelves.sort(key=lambda pieces: PARTS.index(pieces[0].part) if pieces else 0)  # stable: names stay sorted
    pieces = tuple(piece for shelf in shelves for piece in shelf)
    write_manifest(Path(pool) / MANIFEST, pieces)
    return pieces


def read_piece(pool: str | os.PathLike[str], piece: Piece, stem: str = "mixture") -> np.ndarray:
    """The samples of a piece.

    Parameters
    ----------
    pool : the folder of the pool
    piece : a row of its manifest
    stem : which of the piece's stems

    Returns
    -------
    (channels, frames) float32
    """
    if stem not in piece.stems:
        raise UsageError(f"{piece.name}: has no stem {stem!r}; it has {', '.join(piece.stems)}")
    path = os.fspath(Path(pool) / piece.stem_paths()[stem])
    return HANDLES.reader(path).part(piece.start, piece.frames)


def write_json(path: Path, value: Any) -> None:
    """Write JSON, whole or not at all; a file that is there is replaced."""
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def _floating(samples: np.ndarray) -> np.ndarray:
    """float32 within ±1, of int16 too."""
    if samples.dtype == np.int16:
        return samples.astype(np.float32) * np.float32(2.0**-15)
    return np.asarray(samples, np.float32)


def _check_array(path: Path, frames: int, channels: int) -> None:
    """A `CorpusError` unless the array is there, of that many channels and long enough."""
    again = "remove its file in index/ and make the pool again"
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError as error:
        raise CorpusError(
            f"{path}: an array of the pool cannot be read ({error.strerror}); {again}"
        ) from error
    try:
        layout = WavLayout.of(descriptor)
    except OSError as error:
        raise CorpusError(f"{path}: an array of the pool cannot be read ({error}); {again}") from error
    finally:
        os.close(descriptor)
    if layout is None or layout.kind != "pcm16" or layout.sample_rate != SAMPLE_RATE:
        raise CorpusError(f"{path}: is damaged or cut short; {again}")
    if layout.frames != frames or layout.channels != channels:
        raise CorpusError(f"{path}: is not as long or as wide as its index says; {again}")
