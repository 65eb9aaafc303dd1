"""Archives of sound, unpacked without trusting them."""

from __future__ import annotations

import errno
import gzip
import lzma
import os
import shutil
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tonewright.audio.sources.archive_members import STAGING, ArchiveError, Member, open_members
from tonewright.errors import OutputError

Progress = Callable[[int, int], None]

_BLOCK_BYTES = 1 << 20
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
# What zipfile and tarfile raise on damage, by intention or not.
_BROKEN = (
    *(zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile),
    *(ValueError, IndexError, KeyError, struct.error, OverflowError, RuntimeError),
)


def unpack(
    archive: str | os.PathLike[str],
    folder: str | os.PathLike[str],
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> list[Path]:
    """Unpack an archive into a folder: .zip (also named .pk3), .tar, and .tar by gzip, bzip2 or xz.

    Everything is looked at before anything is written. Each file is written beside its place and then
    takes its name, so that a file is there whole or not at all; files that are there with the same
    content are kept, so that a second call goes on where the first stopped. Links inside the archive
    become copies of the files they stand for; links to folders or to nothing, and what macOS adds
    (``__MACOSX``, ``._*``), are left out. Owners, rights and times are not taken over.

    Parameters
    ----------
    archive : its kind is seen from its first bytes, not its name
    folder : made where it is missing
    overwrite : replace files that are there with other content
    progress : called with (done, total) in bytes

    Returns
    -------
    Every file of the archive, in its order.

    Raises
    ------
    ArchiveError
        If the archive is broken, holds a path or link out of the folder, a device, or grows beyond
        100 times its size.
    OutputError
        If another file is in the way, the folder cannot be written or the disk has no room.
    """
    source, base = Path(archive), Path(folder)
    with _words(source), open_members(source) as members:
        places = {member.path: base / member.path for member in members}
        if not overwrite:
            _refuse_in_the_way(members, base)
        _check_room(members, base)
        with _written(base) as staging:
            done, total = 0, sum(member.size for member in members)
            for member in members:
                _place(member, places[member.path], base, staging, overwrite=overwrite)
                done += member.size
                if progress is not None:
                    progress(done, total)
    return list(places.values())


def _refuse_in_the_way(members: tuple[Member, ...], base: Path) -> None:
    """Say what is in the way before anything is written."""
    for member in members:
        place = base / member.path
        if os.path.lexists(place) and (place.is_symlink() or not place.is_file()):
            raise OutputError(f"{place}: is in the way (no plain file); move it away")
        if place.exists() and place.stat().st_size != member.size:
            raise OutputError(
                f"{place}: is there with other content; move it away, or replace it with --force"
            )


def _check_room(members: tuple[Member, ...], base: Path) -> None:
    """See that the disk holds what is not there yet."""
    needed = sum(member.size for member in members if not (base / member.path).exists())
    there = next(folder for folder in (base, *base.absolute().parents) if folder.is_dir())
    free = shutil.disk_usage(there).free
    if needed > free:
        raise OutputError(
            f"{base}: unpacking needs {in_words(needed)} and the disk has {in_words(free)} left"
        )


@contextmanager
def _written(base: Path) -> Iterator[Path]:
    """A folder for files on their way, removed at the end with what is left in it."""
    staging = base / STAGING
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(parents=True)
    try:
        yield staging
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _place(member: Member, place: Path, base: Path, staging: Path, *, overwrite: bool) -> None:
    """Write one file whole, unless it is there already."""
    if place.is_file() and not place.is_symlink() and _same(member, place):
        return
    if os.path.lexists(place) and (not overwrite or place.is_dir()):
        raise OutputError(f"{place}: is there with other content; move it away, or replace it with --force")
    there = next(folder for folder in place.parents if os.path.lexists(folder))
    if not there.resolve().is_relative_to(base.resolve()):
        raise OutputError(f"{there}: is a link out of {base}; replace it by a folder")
    place.parent.mkdir(parents=True, exist_ok=True)
    temporary = staging / "file"
    with member.open() as stream, temporary.open("wb") as file:
        shutil.copyfileobj(stream, file, _BLOCK_BYTES)
        size = file.tell()
    if size != member.size:
        raise ArchiveError(f"{member.path} in it is cut off")
    temporary.replace(place)


def _same(member: Member, place: Path) -> bool:
    """Whether a file holds the bytes of a member."""
    if place.stat().st_size != member.size:
        return False
    with place.open("rb") as file:
        if member.crc is not None:
            crc = 0
            while block := file.read(_BLOCK_BYTES):
                crc = zlib.crc32(block, crc)
            return crc == member.crc
        with member.open() as stream:
            while block := stream.read(_BLOCK_BYTES):
                if file.read(len(block)) != block:
                    return False
    return True


@contextmanager
def _words(archive: Path) -> Iterator[None]:
    """Turn what the libraries raise into one line that names the archive."""
    try:
        yield
    except ArchiveError as error:
        raise ArchiveError(f"{archive}: {error}") from error
    except _BROKEN as error:
        raise ArchiveError(f"{archive}: is no archive, or a broken one ({error}); get it anew") from error
    except OSError as error:
        if error.errno in _NO_ROOM:
            raise OutputError(
                f"{archive}: the disk is full; make room and run it again, it goes on"
            ) from error
        if error.errno is None:  # bzip2 reports damage so
            raise ArchiveError(f"{archive}: is a broken archive ({error}); get it anew") from error
        place = error.filename or archive
        raise OutputError(f"{place}: {(error.strerror or str(error)).lower()}") from error


def in_words(size: int) -> str:
    """A number of bytes as people read it.

    >>> in_words(4_684_228_845)
    '4.68 GB'
    """
    for unit, name in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if size >= 0.9995 * unit:  # from there on it is rounded to one of the unit
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
