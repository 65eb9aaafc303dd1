"""Tracks with stems, labels and a stable split, and corpora of them."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from tonewright.errors import UsageError

SPLITS = ("train", "validation", "test")
Split = Literal["train", "validation", "test"]


@dataclass(frozen=True, slots=True)
class Track:
    """A piece of sound in one or several aligned files, or a section of them.

    Parameters
    ----------
    name : unlike any other in its corpus
    song : what decides the split
    stems : stem to absolute path; a track of one file has the stem "mixture"
    sample_rate : Hz, the same in all stems
    channels : the most that a stem has
    frames : its length; that of the shortest stem
    split : "train", "validation" or "test"
    labels : such as genre or instrument
    start : frame of its files at which it begins
    bandwidth_hz : up to where there is sound in it, where that was measured
    """

    name: str
    song: str
    stems: Mapping[str, str] = field(hash=False)
    sample_rate: int
    channels: int
    frames: int
    split: str
    labels: tuple[str, ...] = ()
    start: int = 0
    bandwidth_hz: float | None = None

    @property
    def seconds(self) -> float:
        """Length in seconds."""
        return self.frames / self.sample_rate


@dataclass(frozen=True)
class Unreadable:
    """A file that was found and left out.

    Parameters
    ----------
    path : absolute
    reason : in words, without the path
    """

    path: str
    reason: str


@dataclass(frozen=True)
class Corpus:
    """Tracks below one folder.

    Parameters
    ----------
    root : the folder
    layout : name of the layout it was read by
    tracks : in a stable order
    unreadable : what was left out, and why
    missing : what a known set lacks here, in words, such as "test: 3 of 50 songs are here"
    copies : tracks that hold the same sound as another: name of the copy, name of the first by name
    """

    root: Path
    layout: str
    tracks: tuple[Track, ...]
    unreadable: tuple[Unreadable, ...] = ()
    missing: tuple[str, ...] = ()
    copies: tuple[tuple[str, str], ...] = ()

    @classmethod
    def from_tracks(cls, tracks: Iterable[Track], *, root: str | os.PathLike[str] = ".") -> Corpus:
        """A corpus of tracks that were made elsewhere."""
        return cls(Path(root), "tracks", tuple(tracks))

    def __len__(self) -> int:
        """Number of tracks."""
        return len(self.tracks)

    @property
    def seconds(self) -> float:
        """Length of all tracks together."""
        return sum(track.seconds for track in self.tracks)

    @property
    def stem_names(self) -> tuple[str, ...]:
        """Every stem that some track has, in the order they are met."""
        return tuple(dict.fromkeys(stem for track in self.tracks for stem in track.stems))

    def split(self, name: str) -> Corpus:
        """The tracks of one split, which may be none."""
        if name not in SPLITS:
            raise UsageError(f"there is no split {name!r}; the splits are {', '.join(SPLITS)}")
        return replace(self, tracks=tuple(track for track in self.tracks if track.split == name))

    def having(self, stems: Iterable[str]) -> Corpus:
        """The tracks that have all of these stems, which may be none."""
        wanted = tuple(stems)
        kept = tuple(track for track in self.tracks if all(stem in track.stems for stem in wanted))
        return replace(self, tracks=kept)


def split_of(song: str, *, validation: float = 0.1, test: float = 0.1) -> Split:
    """The split of a song, from nothing but its name.

    With u = hash(name) / 2⁶⁴ in [0, 1): test if u < `test`, validation if u < `test` + `validation`,
    else train. Composed and decomposed accents are the same name.

    Parameters
    ----------
    song : its name
    validation, test : the share of songs, on average
    """
    if not (0 <= validation <= 1 and 0 <= test <= 1 and validation + test <= 1):
        raise UsageError(f"shares lie in 0 to 1 and add up to at most 1; got {validation} and {test}")
    name = os.fsencode(unicodedata.normalize("NFC", song))
    position = int.from_bytes(hashlib.blake2b(name, digest_size=8).digest(), "big") / 2**64
    if position < test:
        return "test"
    return "validation" if position < test + validation else "train"
