"""The names of files below a folder, and what a layout makes of them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

# In the order of preference where one song has the same stem twice.
SUFFIXES = (
    *(".wav", ".wave", ".flac", ".aif", ".aiff", ".aifc", ".w64", ".rf64", ".caf", ".au", ".snd"),
    *(".ogg", ".oga", ".opus", ".mp3"),
)
# A song of several streams in one file, the stems.
STEM_SUFFIX = ".stem.mp4"
# Sound that people have in such folders and that is not read; named, so that it is not missed in silence.
FOREIGN_SUFFIXES = (".m4a", ".aac", ".mp4", ".wma", ".mka", ".ape", ".wv")


@dataclass(frozen=True)
class Listing:
    """The names of the files below a folder.

    Parameters
    ----------
    root : the folder
    files : relative paths with "/", sorted
    refused : (path, reason) of what could not be looked into
    """

    root: Path
    files: tuple[str, ...]
    refused: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class TrackFiles:
    """A track as a layout finds it, before its files are opened.

    Parameters
    ----------
    name : unlike any other in the corpus
    song : what decides the split; tracks of one song stay together
    stems : stem to relative path
    labels : such as genre or instrument
    split : "train", "validation" or "test" where the corpus itself says so
    test_share : share of songs that go to "test" where it does not; None for the default
    start, frames : the section of the files that it is; without `frames`, to the end. Tracks that state a
        section are not searched for copies of each other
    bandwidth_hz : up to where there is sound in it, where that was measured
    container : the one file whose streams are the stems, in their order; it is decoded before anything is
        read, and the paths in `stems` are its own
    remark : what to add to the reason where the track cannot be read
    """

    name: str
    song: str
    stems: Mapping[str, str]
    labels: tuple[str, ...] = ()
    split: str | None = None
    test_share: float | None = None
    start: int = 0
    frames: int | None = None
    bandwidth_hz: float | None = None
    container: str | None = None
    remark: str = ""


class Layout(Protocol):
    """One way to lay a corpus out on disk."""

    name: str

    def detect(self, listing: Listing) -> bool:
        """Whether these names look like this layout."""
        ...

    def find(self, listing: Listing) -> Iterable[TrackFiles]:
        """The tracks, in a stable order."""
        ...


@runtime_checkable
class CountedLayout(Layout, Protocol):
    """A layout of one particular set, which knows what belongs to it."""

    def missing(self, found: Sequence[TrackFiles]) -> Iterable[str]:
        """What the set has and this copy of it lacks, in words, such as "test: 3 of 50 songs are here"."""
        ...


def split_suffix(path: str) -> tuple[str, str]:
    """A path with "/" without its suffix, and the suffix in lower case (pathlib costs ten times as much)."""
    bare, dot, suffix = path.rpartition(".")
    if not dot or "/" in suffix or not bare or bare.endswith("/"):
        return path, ""
    return bare, f".{suffix.lower()}"


def list_files(root: str | os.PathLike[str]) -> Listing:
    """Walk a folder.

    Names that start with a dot are left out. Links to folders are followed after the folders
    themselves, each folder is entered once, so that circles end. What is neither a file nor a folder
    (pipes, devices) is left out.

    Parameters
    ----------
    root : the folder
    """
    files: list[str] = []
    refused: list[tuple[str, str]] = []
    seen: set[tuple[int, int]] = set()
    folders, links = [""], []
    base = Path(root)
    while folders or links:
        folder = folders.pop() if folders else links.pop(0)
        try:
            facts = (base / folder).stat()
            if (facts.st_dev, facts.st_ino) in seen:
                continue
            seen.add((facts.st_dev, facts.st_ino))
            with os.scandir(base / folder) as entries:
                _sort_entries(entries, folder, files, folders, links, refused)
        except OSError as error:
            refused.append((folder, f"the folder cannot be read ({error.strerror})"))
        links.sort()
    return Listing(base, tuple(sorted(files)), tuple(sorted(refused)))


def _sort_entries(
    entries: Iterable[os.DirEntry[str]],
    folder: str,
    files: list[str],
    folders: list[str],
    links: list[str],
    refused: list[tuple[str, str]],
) -> None:
    """Put the entries of one folder where they belong."""
    prefix = f"{folder}/" if folder else ""
    for entry in entries:
        if entry.name.startswith("."):
            continue
        path = prefix + entry.name
        try:
            if entry.is_file():
                files.append(path)
            elif entry.is_dir():
                (links if entry.is_symlink() else folders).append(path)
            elif entry.is_symlink() and split_suffix(path)[1] in SUFFIXES:
                refused.append((path, "is a link to nothing"))
        except OSError as error:  # a link to itself; the rest of the folder is looked at all the same
            if split_suffix(path)[1] in SUFFIXES:
                refused.append((path, f"cannot be looked at ({error.strerror})"))


def preference(path: str) -> int:
    """Place of a file's suffix in the order of preference."""
    return SUFFIXES.index(split_suffix(path)[1])


def is_mostly(listing: Listing, paths: Iterable[str]) -> bool:
    """Whether these are more than half of the sound in a listing, stems in one file included."""
    suffixes = (*SUFFIXES, STEM_SUFFIX)
    return 2 * len(set(paths)) > sum(path.lower().endswith(suffixes) for path in listing.files)
