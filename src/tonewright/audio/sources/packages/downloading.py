"""Archives of packages brought into the folder of downloads, one or many at a time."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Self

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages import apt, npm
from tonewright.audio.sources.packages.commands import SourceError, check_room
from tonewright.audio.sources.packages.store import PARTIAL, Facts, archive_of, keep, key_of, known, lock_of

Progress = Callable[[int, int], None]


class Held:
    """Holds packages that no other thread is fetching, until each is there.

    Parameters
    ----------
    sources : whose packages are wanted
    downloads : the folder of downloads
    stop : see `prefetch`
    """

    def __init__(self, sources: Collection[Source], downloads: Path, stop: threading.Event | None) -> None:
        self._wanted = {key_of(source): source for source in sources}
        self._downloads, self._stop = downloads, stop
        self._locks: dict[str, threading.Lock] = {}

    def __enter__(self) -> Self:
        """Hold what is free."""
        for key, source in self._wanted.items():
            lock = lock_of(source, self._downloads)
            if lock.acquire(blocking=False):
                self._locks[key] = lock
        return self

    @property
    def sources(self) -> list[Source]:
        """What is held; one source of each package."""
        return [self._wanted[key] for key in self._locks]

    def release(self, source: Source) -> None:
        """Let others have a package."""
        self._locks.pop(key_of(source)).release()

    def check(self) -> None:
        """Raise an error when the work is to end."""
        if self._stop is not None and self._stop.is_set():
            raise SourceError("stopped")

    def __exit__(self, *exception: object) -> None:
        """Let go of all."""
        for source in self.sources:
            self.release(source)


def download(source: Source, downloads: Path, progress: Progress | None) -> Facts:
    """See that the archive of a package is there whole.

    Parameters
    ----------
    source : whose package is wanted
    downloads : the folder of downloads
    progress : called with (done, total) in bytes

    Raises
    ------
    SourceError, OutputError
        As `fetch` does.
    """
    archive = archive_of(source, downloads)
    facts = known(downloads / key_of(source))
    if facts is not None and apt.intact(archive, facts.bytes, facts.checksum):
        return facts
    partial = downloads / PARTIAL
    partial.mkdir(parents=True, exist_ok=True)
    if source.manager == "npm":
        check_room(downloads, int(source.megabytes * 1e6), source.package)
        return pack_together([source], downloads)
    return _download_apt(source, downloads, progress)


def _download_apt(source: Source, downloads: Path, progress: Progress | None) -> Facts:
    partial, lists = downloads / PARTIAL, downloads / "apt"
    offer = _offer(source, lists)
    try:
        apt.download({_wanted(source): offer}, partial, lists, _watch(partial / offer.file, offer, progress))
    except apt.OutdatedError:
        apt.update(lists)  # lists that are out of date name files that are no longer there
        offer = _offer(source, lists)
        apt.download({_wanted(source): offer}, partial, lists, _watch(partial / offer.file, offer, progress))
    if not apt.intact(partial / offer.file, offer.bytes, offer.checksum):
        (partial / offer.file).unlink(missing_ok=True)
        raise SourceError(f"{source.package}: what was downloaded is damaged; run it again")
    return keep(source, downloads, partial / offer.file, Facts(offer.version, offer.bytes, offer.checksum))


def download_together(sources: Collection[Source], downloads: Path, held: Held) -> None:
    """Have apt download some packages at once; each is kept, and free to be used, as soon as it is there."""
    partial, lists = downloads / PARTIAL, downloads / "apt"
    offers = apt.offers(map(_wanted, sources), lists)
    pending = {source: offers[_wanted(source)] for source in sources if _wanted(source) in offers}

    def watch() -> int:
        for source, offer in list(pending.items()):
            if apt.intact(partial / offer.file, offer.bytes, offer.checksum):
                del pending[source]
                facts = Facts(offer.version, offer.bytes, offer.checksum)
                keep(source, downloads, partial / offer.file, facts)
                held.release(source)
        held.check()
        return sum(file.stat().st_size for file in partial.glob("*.deb")) - len(pending)

    watch()
    try:
        chosen = {_wanted(source): offer for source, offer in pending.items()}
        apt.download(chosen, partial, lists, watch)
    finally:
        watch()


def _offer(source: Source, lists: Path) -> apt.Offer:
    offer = apt.offers([_wanted(source)], lists).get(_wanted(source))
    if offer is None:
        raise SourceError(
            f"{source.package}: apt knows no such package here; it may have another name in this release,"
            " or its archive (main, universe) is not among the machine's sources"
        )
    return offer


def _wanted(source: Source) -> str:
    return source.package if source.version is None else f"{source.package}={source.version}"


def pack_together(sources: Collection[Source], downloads: Path, held: Held | None = None) -> Facts:
    """Have npm pack some packages at once; gives the facts of the last."""
    partial = downloads / PARTIAL
    wanted = [f"{source.package}@{source.version or 'latest'}" for source in sources]
    made = npm.pack(wanted, partial, downloads / "npm")
    facts = None
    for source, name in zip(sources, wanted, strict=True):
        entry = made[name]
        if not apt.intact(entry.file, entry.bytes, entry.checksum):
            raise SourceError(f"{source.package}: what was downloaded is damaged; run it again")
        facts = keep(source, downloads, entry.file, Facts(entry.version, entry.bytes, entry.checksum))
        if held is not None:
            held.release(source)
    if facts is None:
        raise SourceError("no package was named")
    return facts


def _watch(file: Path, offer: apt.Offer, progress: Progress | None) -> Callable[[], int]:
    """Look how much of a file is there, and tell."""

    def watch() -> int:
        done = file.stat().st_size if file.exists() else 0
        if progress is not None:
            progress(min(done, offer.bytes), offer.bytes)
        return done

    return watch
