"""Packages of the pool's sources: fetched and unpacked, never installed.

In the folder of downloads: `NAME.deb` or `NAME.tgz`, what is known of it in `NAME.json`, and `NAME/`,
unpacked; what is not yet whole lies in `partial/`, lists and caches of the managers in `apt/` and
`npm/`. Everything takes its name when it is whole, so that a run that was stopped goes on.
"""

from __future__ import annotations

import json
import re
import shutil
import threading
from collections import defaultdict
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

from tonewright.audio.files import atomic_output
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages import apt, npm
from tonewright.audio.sources.packages.commands import SourceError, check_room, room_or_words
from tonewright.errors import TonewrightError

__all__ = ["Fetched", "SourceError", "discard", "fetch", "lacking", "prefetch"]

Progress = Callable[[int, int], None]

_NEEDS = {
    "apt": (("apt-get", "dpkg-deb"), "Debian, Ubuntu or another system with apt"),
    "npm": (("npm",), "npm, the package manager of Node.js"),
    "ffmpeg": (("ffmpeg",), "ffmpeg, for speech in G.722"),
}
_locks: defaultdict[tuple[str, str], threading.Lock] = defaultdict(threading.Lock)


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


@dataclass(frozen=True)
class _Facts:
    """What is known of a downloaded archive."""

    version: str
    bytes: int
    checksum: str


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
    place = downloads / _key(source)
    with _lock(source, downloads), room_or_words(downloads):
        facts = _known(place)
        if facts is None or not place.is_dir():
            facts = _download(source, downloads, progress)
            _unpack(source, downloads)
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
    for manager, together in (("npm", _pack), ("apt", _download_together)):
        missing = [
            source
            for source in sources
            if source.manager == manager and _known(downloads / _key(source)) is None
        ]
        with _Held(missing, downloads, stop) as held, suppress(TonewrightError), room_or_words(downloads):
            if held.sources:
                (downloads / "partial").mkdir(parents=True, exist_ok=True)
                together(held.sources, downloads, held)


class _Held:
    """Holds packages that no other thread is fetching, until each is there.

    Parameters
    ----------
    sources : whose packages are wanted
    downloads : the folder of downloads
    stop : see `prefetch`
    """

    def __init__(self, sources: Collection[Source], downloads: Path, stop: threading.Event | None) -> None:
        self._wanted = {_key(source): source for source in sources}
        self._downloads, self._stop = downloads, stop
        self._locks: dict[str, threading.Lock] = {}

    def __enter__(self) -> Self:
        """Hold what is free."""
        for key, source in self._wanted.items():
            lock = _lock(source, self._downloads)
            if lock.acquire(blocking=False):
                self._locks[key] = lock
        return self

    @property
    def sources(self) -> list[Source]:
        """What is held; one source of each package."""
        return [self._wanted[key] for key in self._locks]

    def release(self, source: Source) -> None:
        """Let others have a package."""
        self._locks.pop(_key(source)).release()

    def check(self) -> None:
        """Raise an error when the work is to end."""
        if self._stop is not None and self._stop.is_set():
            raise SourceError("stopped")

    def __exit__(self, *exception: object) -> None:
        """Let go of all."""
        for source in self.sources:
            self.release(source)


def discard(source: Source, downloads: Path, *, pending: Collection[Source] = ()) -> None:
    """Remove a package's download and what was unpacked of it.

    Parameters
    ----------
    source : that is done
    downloads : the folder of downloads
    pending : sources still to be done; a package that one of them needs is kept
    """
    if any(_key(other) == _key(source) for other in pending):
        return
    downloads = downloads.resolve()
    place = downloads / _key(source)
    with _lock(source, downloads):
        (downloads / f"{place.name}.json").unlink(missing_ok=True)
        _archive(source, downloads).unlink(missing_ok=True)
        shutil.rmtree(place, ignore_errors=True)


def _download(source: Source, downloads: Path, progress: Progress | None) -> _Facts:
    """See that the archive of a package is there whole."""
    archive = _archive(source, downloads)
    facts = _known(downloads / _key(source))
    if facts is not None and apt.intact(archive, facts.bytes, facts.checksum):
        return facts
    partial = downloads / "partial"
    partial.mkdir(parents=True, exist_ok=True)
    if source.manager == "npm":
        check_room(downloads, int(source.megabytes * 1e6), source.package)
        return _pack([source], downloads)
    return _download_apt(source, downloads, progress)


def _download_apt(source: Source, downloads: Path, progress: Progress | None) -> _Facts:
    partial, lists = downloads / "partial", downloads / "apt"
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
    return _keep(source, downloads, partial / offer.file, _Facts(offer.version, offer.bytes, offer.checksum))


def _download_together(sources: Collection[Source], downloads: Path, held: _Held) -> None:
    """Have apt download some packages at once; each is kept, and free to be used, as soon as it is there."""
    partial, lists = downloads / "partial", downloads / "apt"
    offers = apt.offers(map(_wanted, sources), lists)
    pending = {source: offers[_wanted(source)] for source in sources if _wanted(source) in offers}

    def watch() -> int:
        for source, offer in list(pending.items()):
            if apt.intact(partial / offer.file, offer.bytes, offer.checksum):
                del pending[source]
                facts = _Facts(offer.version, offer.bytes, offer.checksum)
                _keep(source, downloads, partial / offer.file, facts)
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


def _pack(sources: Collection[Source], downloads: Path, held: _Held | None = None) -> _Facts:
    """Have npm pack some packages at once; gives the facts of the last."""
    partial = downloads / "partial"
    wanted = [f"{source.package}@{source.version or 'latest'}" for source in sources]
    made = npm.pack(wanted, partial, downloads / "npm")
    facts = None
    for source, name in zip(sources, wanted, strict=True):
        entry = made[name]
        if not apt.intact(entry.file, entry.bytes, entry.checksum):
            raise SourceError(f"{source.package}: what was downloaded is damaged; run it again")
        facts = _keep(source, downloads, entry.file, _Facts(entry.version, entry.bytes, entry.checksum))
        if held is not None:
            held.release(source)
    if facts is None:
        raise SourceError("no package was named")
    return facts


def _keep(source: Source, downloads: Path, file: Path, facts: _Facts) -> _Facts:
    """Give a whole archive its name, and note what is known of it."""
    file.replace(_archive(source, downloads))
    with atomic_output(downloads / f"{_key(source)}.json", overwrite=True) as temporary:
        temporary.write_text(json.dumps(asdict(facts)), encoding="utf-8")
    return facts


def _unpack(source: Source, downloads: Path) -> None:
    """Unpack an archive, and archives in it; the folder takes its name when all of it is there."""
    from tonewright.audio.sources.archives import ArchiveError, unpack

    place, staged = downloads / _key(source), downloads / "partial" / _key(source)
    shutil.rmtree(staged, ignore_errors=True)
    try:
        staged.mkdir(parents=True)
        if source.manager == "npm":
            unpack(_archive(source, downloads), staged)
        else:
            apt.unpack(_archive(source, downloads), staged, source.package)
        for pattern in source.archives:
            for inner in sorted(staged.glob(pattern)):
                if inner.is_file() and not inner.is_symlink():
                    unpack(inner, inner.with_suffix(""))
                    inner.unlink()
        shutil.rmtree(place, ignore_errors=True)
        staged.replace(place)
    except ArchiveError as error:
        raise SourceError(f"{source.package}: could not be unpacked ({error})") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _known(place: Path) -> _Facts | None:
    try:
        return _Facts(**json.loads(place.with_name(f"{place.name}.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def _watch(file: Path, offer: apt.Offer, progress: Progress | None) -> Callable[[], int]:
    """Look how much of a file is there, and tell."""

    def watch() -> int:
        done = file.stat().st_size if file.exists() else 0
        if progress is not None:
            progress(min(done, offer.bytes), offer.bytes)
        return done

    return watch


def _lock(source: Source, downloads: Path) -> threading.Lock:
    return _locks[str(downloads), _key(source)]


def _archive(source: Source, downloads: Path) -> Path:
    return downloads / f"{_key(source)}{'.deb' if source.manager == 'apt' else '.tgz'}"


def _key(source: Source) -> str:
    return re.sub(r"[^\w.+-]+", "-", f"{source.manager}-{source.package}")
