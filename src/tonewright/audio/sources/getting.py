"""Public sets fetched into a folder: archives downloaded, checked, unpacked, and noted as there."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path

from tonewright.audio.sources.archives import in_words, unpack
from tonewright.audio.sources.asking import DownloadError
from tonewright.audio.sources.download import checksum_of, download, matching
from tonewright.audio.sources.marker import Marker
from tonewright.audio.sources.public import Archive, PublicSet, public_set
from tonewright.errors import OutputError, UsageError

Progress = Callable[[int, int], None]
Stage = Callable[[str], AbstractContextManager[Progress | None]]

_LOGGER = logging.getLogger("tonewright")


@dataclass(frozen=True)
class Got:
    """A set that is there.

    Parameters
    ----------
    name : of the set
    folder : where it is
    layout : that reads it
    parts : that are there now
    files : number of files of these parts
    bytes : their size
    fetched : parts that were fetched now; none where all was there
    """

    name: str
    folder: str
    layout: str
    parts: tuple[str, ...]
    files: int
    bytes: int
    fetched: tuple[str, ...]


def get_set(
    name: str,
    folder: str | os.PathLike[str],
    *,
    parts: Iterable[str] = (),
    source: str | None = None,
    keep_archive: bool = False,
    overwrite: bool = False,
    stage: Stage | None = None,
    pause_seconds: float = 1.0,
) -> Got:
    """Fetch a public set into a folder, or what is missing of it.

    An archive that lies in the folder already is used; one that was downloaded is removed once it is
    unpacked. A note in the folder says what is complete, so that a second call does nothing.

    Parameters
    ----------
    name : one of `public.PUBLIC_SETS`
    folder : made where it is missing
    parts : of the set; all of them where none is named
    source : instead of the published address: another address of the archive, an address that ends in
        "/" to which the archive's name is added, an archive's file, or a folder that holds the archives
    keep_archive : do not remove what was downloaded
    overwrite : replace files that are there with other content, and fetch what is complete again
    stage : called with what begins, gives a context whose value is called with (done, total) in bytes
    pause_seconds : between attempts at a connection

    Raises
    ------
    UsageError
        If there is no such set or part, or the source does not fit.
    DownloadError, archives.ArchiveError
        If an archive cannot be fetched, is another one or broken.
    OutputError
        If the folder cannot be written, holds other files in the way, or the disk has no room.
    """
    wanted = public_set(name)
    archives = wanted.choose(parts)
    base = Path(folder).expanduser()
    places = {archive.part: _place(archive, source, base, single=len(archives) == 1) for archive in archives}
    with _own(base):
        marker = Marker(base, wanted.name)
        missing = [archive for archive in archives if overwrite or not marker.complete(archive.part)]
        _check_room(base, missing, places, marker, keep_archive=keep_archive)
        for archive in missing:
            getting = _Getting(wanted, archive, base, marker, stage or _no_stage, pause_seconds)
            getting.run(places[archive.part], keep_archive=keep_archive, overwrite=overwrite)
        files, size = marker.counts(archive.part for archive in archives)
    there = tuple(archive.part for archive in archives)
    return Got(name, str(base), wanted.layout, there, files, size, tuple(archive.part for archive in missing))


def missing_parts(name: str, folder: str | os.PathLike[str], *, parts: Iterable[str] = ()) -> tuple[str, ...]:
    """The parts of a set that are not completely there."""
    wanted = public_set(name)
    base = Path(folder).expanduser()
    marker = Marker(base, wanted.name) if os.path.isdir(base) else None  # noqa: PTH112 (never raises)
    return tuple(
        archive.part
        for archive in wanted.choose(parts)
        if marker is None or not marker.complete(archive.part)
    )


@dataclass(frozen=True)
class _Getting:
    """The way of one archive into the folder."""

    wanted: PublicSet
    archive: Archive
    base: Path
    marker: Marker
    stage: Stage
    pause_seconds: float

    def run(self, place: str | Path, *, keep_archive: bool, overwrite: bool) -> None:
        """Fetch or check the archive, unpack it, note that."""
        try:
            self.bring(place, keep_archive=keep_archive, overwrite=overwrite)
        except KeyboardInterrupt as error:
            raise KeyboardInterrupt(
                str(error) or "interrupted: the same command goes on from there"
            ) from None

    def bring(self, place: str | Path, *, keep_archive: bool, overwrite: bool) -> None:
        """As `run`, without words for an interruption."""
        archive = self.archive
        is_file = isinstance(place, Path)
        file = self.checked(place) if is_file else self.fetched(place, overwrite=overwrite)
        with self.stage(f"unpacking {archive.name}") as progress:
            files = unpack(file, self.base, overwrite=overwrite, progress=progress)
        self.marker.note(archive.part, file.name, archive.checksum, files)
        if self.marker.downloaded(archive.name) and not is_file:
            if not keep_archive:
                file.unlink(missing_ok=True)
            self.marker.forget_download(archive.name)

    def fetched(self, address: str, *, overwrite: bool) -> Path:
        """The archive in the folder, downloaded where it is not there yet."""
        archive, target = self.archive, self.base / self.archive.name
        published = address == archive.address
        sums = (archive.checksum, *archive.also)
        was_there = target.is_file()
        if was_there and matching(target, sums) is not None:
            return target
        with self.stage(f"fetching {archive.name}") as progress:
            download(
                address,
                target,
                checksum=archive.checksum if published else sums,
                size=archive.size if published else None,
                progress=progress,
                overwrite=overwrite,
                advice=f"try again, or fetch {address} yourself and name it with --from FILE",
                pause_seconds=self.pause_seconds,
            )
        if not was_there:
            self.marker.note_download(archive.name)
        return target

    def checked(self, file: Path) -> Path:
        """A file that people have, if it is the archive."""
        sums = (self.archive.checksum, *self.archive.also)
        with self.stage(f"checking {file.name}"):
            if matching(file, sums) is None:
                found = checksum_of(file, sums[0].partition(":")[0])
                raise DownloadError(
                    f"{file}: is not {self.archive.name} of {self.wanted.name} as published: it has {found},"
                    f" not {' or '.join(sums)}; fetch it anew from {self.archive.address}"
                )
        return file


def _place(archive: Archive, source: str | None, base: Path, *, single: bool) -> str | Path:
    """Where an archive comes from: an address, or a file that is there."""
    if source is None:
        return archive.address
    if "://" in source:
        if source.endswith("/"):
            return source + archive.name
        if not single:
            raise UsageError(
                f"--from {source}: is one archive of several; choose its --part, or end it with /"
            )
        return source
    path = Path(source).expanduser()
    file = path / archive.name if path.is_dir() else path
    if not file.is_file():
        raise UsageError(
            f"--from {source}: there is no {file.name}; name an address, a file or a folder with it"
        )
    if not path.is_dir() and not single:
        raise UsageError(
            f"--from {source}: is one archive of several; choose its --part, or name their folder"
        )
    return file


def _check_room(
    base: Path,
    missing: list[Archive],
    places: dict[str, str | Path],
    marker: Marker,
    *,
    keep_archive: bool,
) -> None:
    """See that the disk holds archives and what becomes of them, as far as their sizes are known."""
    # What is here already is unpacked without a guess: `unpack` knows the sizes.
    loads = {
        archive: max(0, (archive.size or archive.unpacked or 0) - _size(base / f"{archive.name}.part"))
        for archive in missing
        if not isinstance(places[archive.part], Path) and not (base / archive.name).exists()
    }
    archives = sum(loads.values()) if keep_archive else max(loads.values(), default=0)
    unpacked = sum(archive.unpacked or 0 for archive in loads if not marker.started(archive.part))
    needed, free = archives + unpacked, shutil.disk_usage(base).free
    if needed > free:
        raise OutputError(
            f"{base}: needs about {in_words(needed)} (archive {in_words(archives)}, unpacked"
            f" {in_words(unpacked)}) and the disk has {in_words(free)} free; make room for"
            f" {in_words(needed - free)}"
        )


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


@contextmanager
def _own(base: Path) -> Iterator[None]:
    """The folder for this process alone."""
    try:
        made = not base.exists()
        if not made and not base.is_dir():
            raise OutputError(f"{base}: is a file; name a folder")
        base.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"{error.filename or base}: {(error.strerror or str(error)).lower()}") from error
    if not os.access(base, os.W_OK | os.X_OK):
        raise OutputError(f"{base}: cannot be written (permission denied, or a read-only disk)")
    handle = os.open(base, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise OutputError(f"{base}: another tonewright is fetching into it; wait for it to end") from error
    except OSError:  # file systems without locks
        _LOGGER.debug("%s cannot be locked", base)
    try:
        yield
    finally:
        os.close(handle)
        if made:
            with suppress(OSError):
                base.rmdir()  # where nothing came into it


def _no_stage(_title: str) -> AbstractContextManager[None]:
    return nullcontext()
