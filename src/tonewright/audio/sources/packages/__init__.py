"""Packages of the pool's sources: fetched and unpacked, never installed.

In the folder of downloads: `NAME.deb` or `NAME.tgz`, what is known of it in `NAME.json`, and `NAME/`,
unpacked; what is not yet whole lies in `partial/`, lists and caches of the managers in `apt/` and
`npm/`. Everything takes its name when it is whole, so that a run that was stopped goes on.
"""

from __future__ import annotations

import shutil
import threading
from collections import defaultdict
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages.commands import SourceError, room_or_words
from tonewright.audio.sources.packages.downloading import (
    Held,
    Progress,
    download,
    download_together,
    pack_together,
)
from tonewright.audio.sources.packages.store import PARTIAL, archive_of, key_of, known, lock_of, unpack
from tonewright.errors import TonewrightError

__all__ = ["Fetched", "SourceError", "discard", "fetch", "lacking", "prefetch"]

_NEEDS = {
    "apt": (("apt-get", "dpkg-deb"), "Debian, Ubuntu or another system with apt"),
    "npm": (("npm",), "npm, the package manager of Node.js"),
    "ffmpeg": (("ffmpeg",), "ffmpeg, for speech in G.722"),
}


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


def lacking(sources: Collection[Source]) -> dict[str, tuple[str, ...]]:
    """What the machine lacks for some sources: words for it, and the sources that are lost without it."""
    needs = defaultdict(list)
    for source in sources:
        needs[source.manager].append(source.name)
        if source.decoder == "g722":
            needs["ffmpeg"].append(source.name)
    return {
        _NEEDS[need][1]: tuple(names)
        for need, names in needs.items()
        if not all(shutil.which(program) for program in _NEEDS[need][0])
    }


def fetch(source: Source, downloads: Path, *, progress: Progress | None = None) -> Fetched:
    """Fetch and unpack the package of a source; what is there already is not fetched again.

    Several threads may fetch at once.

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
    downloads = downloads.resolve()
    place = downloads / key_of(source)
    with lock_of(source, downloads), room_or_words(downloads):
        facts = known(place)
        if facts is None or not place.is_dir():
            facts = download(source, downloads, progress)
            unpack(source, downloads)
        if progress is not None:
            progress(facts.bytes, facts.bytes)
        return Fetched(place, facts.version, facts.bytes)


def prefetch(sources: Collection[Source], downloads: Path, *, stop: threading.Event | None = None) -> None:
    """Download the packages of some sources together; `fetch` then finds them there.

    Made to run in a thread beside `fetch`, which waits for a package that is under way here. Together
    they take far less time than one by one, since a manager reads its lists but once. What cannot be
    had is passed over: `fetch` says why.

    Parameters
    ----------
    sources : whose packages are wanted
    downloads : a folder of our own
    stop : ends it soon after it is set
    """
    downloads = downloads.resolve()
    for manager, together in (("npm", pack_together), ("apt", download_together)):
        missing = [
            source
            for source in sources
            if source.manager == manager and known(downloads / key_of(source)) is None
        ]
        with Held(missing, downloads, stop) as held, suppress(TonewrightError), room_or_words(downloads):
            if held.sources:
                (downloads / PARTIAL).mkdir(parents=True, exist_ok=True)
                together(held.sources, downloads, held)


def discard(source: Source, downloads: Path, *, pending: Collection[Source] = ()) -> None:
    """Remove a package's download and what was unpacked of it.

    Parameters
    ----------
    source : that is done
    downloads : the folder of downloads
    pending : sources still to be done; a package that one of them needs is kept
    """
    if any(key_of(other) == key_of(source) for other in pending):
        return
    downloads = downloads.resolve()
    place = downloads / key_of(source)
    with lock_of(source, downloads):
        (downloads / f"{place.name}.json").unlink(missing_ok=True)
        archive_of(source, downloads).unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)
