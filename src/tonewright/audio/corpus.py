"""A corpus: an immutable list of tracks with stems, labels and a stable split."""

from __future__ import annotations

import hashlib
import os
import unicodedata
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from tonewright.audio import index
from tonewright.audio.layouts import (
    FOREIGN_SUFFIXES,
    LAYOUTS,
    Layout,
    Listing,
    TrackFiles,
    list_files,
    split_suffix,
)
from tonewright.errors import CorpusError, UsageError, nearest

SPLITS = ("train", "validation", "test")
Split = Literal["train", "validation", "test"]
Progress = Callable[[int, int], None]


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
    """

    root: Path
    layout: str
    tracks: tuple[Track, ...]
    unreadable: tuple[Unreadable, ...] = ()

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


def load_corpus(
    root: str | os.PathLike[str],
    *,
    layout: str = "auto",
    refresh: bool = False,
    progress: Progress | None = None,
) -> Corpus:
    """Find the tracks below a folder.

    What a file holds is remembered between calls, outside the folder, and looked up again when its
    size or time of change is another.

    Parameters
    ----------
    root : the folder, searched to any depth
    layout : "folder", "musdb18hq", or "auto" to go by what lies there
    refresh : open every file again
    progress : called with (done, total) while files are opened

    Raises
    ------
    CorpusError
        If the folder is missing, or holds no sound that can be read.
    """
    corpus = scan_corpus(root, layout=layout, refresh=refresh, progress=progress)
    if corpus.tracks:
        return corpus
    first = corpus.unreadable[0]
    raise CorpusError(
        f"{corpus.root}: none of its {len(corpus.unreadable)} sound files can be read;"
        f" the first: {first.path}: {first.reason}"
    )


def scan_corpus(
    root: str | os.PathLike[str],
    *,
    layout: str = "auto",
    refresh: bool = False,
    progress: Progress | None = None,
) -> Corpus:
    """As `load_corpus`, but a corpus of which nothing can be read is given all the same.

    Raises
    ------
    CorpusError
        If the folder is missing, or holds no file that is sound by its name.
    """
    folder = Path(root).expanduser().resolve()
    if not folder.is_dir():
        problem = "is a file; name its folder" if folder.exists() else "there is no such folder"
        raise CorpusError(f"{folder}: {problem}")
    listing = list_files(folder)
    chosen = _layout(layout, listing)
    found = list(chosen.find(listing))
    paths = [path for files in found for path in files.stems.values()]
    left_out = _foreign(listing)
    if not paths and not left_out:
        what = "no sound files" if layout == "auto" else f"no sound files in the layout {layout!r}"
        raise CorpusError(f"{folder}: {what} in it")
    facts = index.facts_of(folder, paths, refresh=refresh, progress=progress)
    left_out += [
        Unreadable(f"{folder}/{path}", fact) for path, fact in facts.items() if isinstance(fact, str)
    ]
    tracks = []
    for files in found:
        made = _track(files, folder, facts)
        if isinstance(made, Track):
            tracks.append(made)
        elif made is not None:
            left_out.append(made)
    return Corpus(folder, chosen.name, tuple(tracks), tuple(left_out))


def _layout(name: str, listing: Listing) -> Layout:
    if name == "auto":
        return next(layout for layout in LAYOUTS.values() if layout.detect(listing))
    if name not in LAYOUTS:
        raise UsageError(f"there is no layout {name!r}; {nearest(name, ('auto', *LAYOUTS))}")
    return LAYOUTS[name]


def _foreign(listing: Listing) -> list[Unreadable]:
    """Sound by its name that is not read, and folders that could not be entered."""
    refused = [Unreadable(f"{listing.root}/{path}", reason) for path, reason in listing.refused]
    for path in listing.files:
        suffix = split_suffix(path)[1]
        if suffix in FOREIGN_SUFFIXES:
            reason = f"{suffix} is not read; convert it to WAV or FLAC, for instance with ffmpeg"
            refused.append(Unreadable(f"{listing.root}/{path}", reason))
    return refused


def _track(
    files: TrackFiles, folder: Path, facts: Mapping[str, index.Facts | str]
) -> Track | Unreadable | None:
    """A track of the stems that can be read; None where none can."""
    stems = {stem: path for stem, path in files.stems.items() if not isinstance(facts[path], str)}
    if not stems:
        return None
    known = [fact for path in stems.values() if not isinstance(fact := facts[path], str)]
    rates = {fact.sample_rate for fact in known}
    if len(rates) > 1:
        listed = ", ".join(f"{stem} {fact.sample_rate} Hz" for stem, fact in zip(stems, known, strict=True))
        place = str((folder / next(iter(stems.values()))).parent)
        return Unreadable(place, f"its stems differ in sample rate: {listed}")
    share = {} if files.test_share is None else {"test": files.test_share}
    available = min(fact.frames for fact in known) - files.start
    frames = available if files.frames is None else files.frames
    if not 0 < frames <= available:
        return Unreadable(
            f"{folder}/{next(iter(stems.values()))}", f"is too short to hold {files.name}; make it anew"
        )
    return Track(
        name=files.name,
        song=files.song,
        stems={stem: f"{folder}/{path}" for stem, path in stems.items()},
        sample_rate=known[0].sample_rate,
        channels=max(fact.channels for fact in known),
        frames=frames,
        split=files.split or split_of(files.song, **share),
        labels=files.labels,
        start=files.start,
        bandwidth_hz=files.bandwidth_hz,
    )
