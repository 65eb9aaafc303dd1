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
from dataclasses import asdict, dataclass
from pathlib import Path

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


def prefetch(sources: Collection[Source], downloads: Path) -> None:
    """Download the packages of some sources; `fetch` then finds them there.

    Those of npm are asked for at once, which takes a fifth of the time. What cannot be had is passed
    over: `fetch` says why. May run in a thread beside `fetch`.
    """
    downloads = downloads.resolve()
    packed = [source for source in sources if source.manager == "npm" and not _is_there(source, downloads)]
    if len(packed) > 1:
        try:
            with room_or_words(downloads):
                _pack(packed, downloads)
        except TonewrightError:
            pass
    for source in sources:
        try:
            with _lock(source, downloads), room_or_words(downloads):
                if not (downloads / _key(source)).is_dir():
                    _download(source, downloads, None)
        except TonewrightError:
            continue


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
    wanted = source.package if source.version is None else f"{source.package}={source.version}"
    for attempt in range(2):
        offer = apt.offers([wanted], lists).get(wanted)
        if offer is None:
            raise SourceError(
                f"{source.package}: apt knows no such package here; it may have another name in this release,"
                " or its archive (main, universe) is not among the machine's sources"
            )
        watch = _watch(partial / offer.file, offer.bytes, progress)
        try:
            file = apt.download(wanted, offer, partial, lists, watch)
            break
        except SourceError:
            if attempt:
                raise
            apt.update(lists)  # lists that are out of date name files that are no longer there
    else:
        raise AssertionError("unreachable")
    return _keep(source, downloads, file, _Facts(offer.version, offer.bytes, offer.checksum))


def _pack(sources: Collection[Source], downloads: Path) -> _Facts:
    """Have npm pack some packages at once; gives the facts of the last."""
    partial = downloads / "partial"
    partial.mkdir(parents=True, exist_ok=True)
    wanted = [f"{source.package}@{source.version or 'latest'}" for source in sources]
    made = npm.pack(wanted, partial, downloads / "npm")
    facts = None
    for source, name in zip(sources, wanted, strict=True):
        entry = made[name]
        if not apt.intact(entry.file, entry.bytes, entry.checksum):
            raise SourceError(f"{source.package}: what was downloaded is damaged; run it again")
        facts = _keep(source, downloads, entry.file, _Facts(entry.version, entry.bytes, entry.checksum))
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


def _is_there(source: Source, downloads: Path) -> bool:
    return _known(downloads / _key(source)) is not None


def _watch(file: Path, total: int, progress: Progress | None) -> Callable[[], int]:
    """Look how much of a file is there, and tell."""

    def watch() -> int:
        done = file.stat().st_size if file.exists() else 0
        if progress is not None:
            progress(min(done, total), total)
        return done

    return watch


def _lock(source: Source, downloads: Path) -> threading.Lock:
    return _locks[str(downloads), _key(source)]


def _archive(source: Source, downloads: Path) -> Path:
    return downloads / f"{_key(source)}{'.deb' if source.manager == 'apt' else '.tgz'}"


def _key(source: Source) -> str:
    return re.sub(r"[^\w.+-]+", "-", f"{source.manager}-{source.package}")
