"""Packages of the pool's sources: fetched and unpacked, never installed."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from pathlib import Path

from tonewright.audio.sources.catalogue import Source
from tonewright.errors import TonewrightError

Progress = Callable[[int, int], None]


class SourceError(TonewrightError):
    """A package that cannot be had: missing, renamed, damaged, or its manager is not on the machine."""


@dataclass(frozen=True)
class Fetched:
    """A package on disk.

    Parameters
    ----------
    folder : it is unpacked in
    version : as its manager gives it
    bytes : of the download
    """

    folder: Path
    version: str
    bytes: int


def fetch(source: Source, downloads: Path, *, progress: Progress | None = None) -> Fetched:
    """Fetch and unpack the package of a source; what is there already is not fetched again.

    Parameters
    ----------
    source : whose package is wanted
    downloads : a folder of our own; the package is unpacked in a folder below it
    progress : called with (done, total) in bytes of the download

    Raises
    ------
    SourceError
        If there is no such package, it cannot be fetched or is damaged, or its manager is missing.
    OutputError
        If the disk is full.
    """
    raise NotImplementedError


def prefetch(sources: Collection[Source], downloads: Path) -> None:
    """Download the packages of some sources together; `fetch` then finds them there.

    What cannot be had is passed over: `fetch` says why. May run in a thread beside `fetch`.
    """
    raise NotImplementedError


def discard(source: Source, downloads: Path) -> None:
    """Remove a package's download and what was unpacked of it."""
    raise NotImplementedError
