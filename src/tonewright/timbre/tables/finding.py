"""Sound files by name: those that people name, and those in folders that they name."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from tonewright.audio.layouts.base import FOREIGN_SUFFIXES, SUFFIXES, list_files, split_suffix
from tonewright.errors import CorpusError, UsageError


class Found(NamedTuple):
    """A file to describe.

    Parameters
    ----------
    path : as seen from where the search began
    reason : why it cannot be described, where that is known already
    """

    path: str
    reason: str = ""


def find_sounds(paths: Iterable[str | os.PathLike[str]]) -> list[Found]:
    """Files as they are named, and all sound below folders; each once, in the order of names in a folder.

    Sound in folders that is there but not readable, such as .m4a or links to nothing, comes with its reason.

    Parameters
    ----------
    paths : files and folders

    Raises
    ------
    CorpusError
        If there is nothing at all.
    UsageError
        If a name is empty.
    """
    found: dict[str, Found] = {}
    named = [os.fspath(path) for path in paths]
    if "" in named:
        raise UsageError("an empty name is no file and no folder; is a variable not set?")
    for path in named:
        for one in _inside(path) if Path(path).is_dir() else (_named(path),):
            found.setdefault(one.path, one)
    if not found:
        raise CorpusError(f"{', '.join(named) or 'nothing'}: there is no sound file here")
    return list(found.values())


def printable(name: str) -> str:
    """A name as it can be shown: spaces for tabs and line breaks, � for what cannot be drawn.

    So a name cannot break a table or give orders to a terminal.
    """
    return "".join(
        letter if letter.isprintable() else " " if letter.isspace() else "\N{REPLACEMENT CHARACTER}"
        for letter in name
    )


def _named(path: str) -> Found:
    """A file that somebody named; a pipe or device, which may have no end, is refused."""
    strange = Path(path).exists() and not Path(path).is_file()
    return Found(path, "is a pipe or device; name a file" if strange else "")


def _inside(folder: str) -> Iterator[Found]:
    listing = list_files(folder)
    refused = dict(listing.refused)
    for path in sorted([*listing.files, *refused]):
        suffix = split_suffix(path)[1]
        whole = path if folder == "." else os.path.join(folder, path)  # noqa: PTH118, path objects cost more
        if path in refused:
            yield Found(whole, refused[path])
        elif suffix in SUFFIXES:
            yield Found(whole)
        elif suffix in FOREIGN_SUFFIXES:
            yield Found(whole, f"{suffix} is not read; convert it to WAV or FLAC, for instance with ffmpeg")
