"""Archives of sound, unpacked without trusting them.

Read as Python's `zipfile` and `tarfile` read them; what is refused follows the filter "data" of
`tarfile` (PEP 706), for ZIP files as well.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import os
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from tonewright.errors import OutputError, TonewrightError

Progress = Callable[[int, int], None]

STAGING = ".tonewright-unpacking"
_BLOCK_BYTES = 1 << 20
# Headers of a tar are read whole: one that claims to be larger than this is not a header.
_MOST_READ_BYTES = 16 << 20
_MOST_MEMBERS = 1_000_000
_MOST_RATIO = 100
_SMALL_BYTES = 64 << 20
_MOST_LINKS = 8
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_BROKEN = (zipfile.BadZipFile, tarfile.TarError, EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile)


class ArchiveError(TonewrightError):
    """An archive that is broken, or that holds what must not be unpacked."""


@dataclass(frozen=True)
class Member:
    """A file in an archive.

    Parameters
    ----------
    path : where it goes, relative, with "/"
    size : in bytes, unpacked
    open : gives its bytes as a stream
    crc : CRC-32 of its bytes, where the archive knows it
    link : path in the archive that it stands for, for links
    """

    path: str
    size: int
    open: Callable[[], BinaryIO]
    crc: int | None = None
    link: str | None = None


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
    become copies of the files they stand for; links to folders or to nothing are left out. Owners,
    rights and times are not taken over.

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


@contextmanager
def open_members(archive: Path) -> Iterator[tuple[Member, ...]]:
    """The files of an archive in its order, after everything in it was checked; open inside the block."""
    with ExitStack() as stack:
        file = stack.enter_context(archive.open("rb"))
        start = file.read(6)
        file.seek(0)
        found = _zip_members(file, stack) if start.startswith(b"PK") else _tar_members(file, start, stack)
        limit = max(_SMALL_BYTES, _MOST_RATIO * archive.stat().st_size)
        yield _checked(found, limit)


def _zip_members(file: BinaryIO, stack: ExitStack) -> Iterator[Member]:
    """Files and links of a ZIP."""
    opened = stack.enter_context(zipfile.ZipFile(file))
    for entry in opened.infolist():
        path, kind = safe_path(entry.filename.replace("\\", "/")), stat.S_IFMT(entry.external_attr >> 16)
        if entry.is_dir() or entry.filename.endswith("\\") or not path:
            continue
        if entry.flag_bits & 1:
            raise ArchiveError(f"{path} in it is encrypted; unpack it yourself with its password")
        opener = _zip_opener(opened, entry)
        if kind == stat.S_IFLNK:
            with opener() as link:
                target = link.read(4096).decode("utf-8", "replace")
            yield Member(path, 0, opener, link=_link_target(path, target))
        elif kind in (0, stat.S_IFREG):
            yield Member(path, entry.file_size, opener, entry.CRC)
        else:
            raise ArchiveError(f"{path} in it is a device or pipe, no file; refused")


def _zip_opener(opened: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Callable[[], BinaryIO]:
    return lambda: cast(BinaryIO, opened.open(entry))


def _tar_members(file: BinaryIO, start: bytes, stack: ExitStack) -> Iterator[Member]:
    """Files and links of a tar, whichever way it is compressed."""
    if start.startswith(b"\x1f\x8b"):
        raw = stack.enter_context(gzip.GzipFile(fileobj=file))
    elif start.startswith(b"BZh"):
        raw = stack.enter_context(bz2.BZ2File(file))
    elif start.startswith(b"\xfd7zXZ\x00"):
        raw = stack.enter_context(lzma.LZMAFile(file))
    else:
        raw = file
    stream = cast(BinaryIO, _Careful(cast(BinaryIO, raw)))
    opened = stack.enter_context(tarfile.open(fileobj=stream, mode="r:"))
    for entry in opened:
        path = safe_path(entry.name)
        if entry.issym():
            yield Member(path, 0, _tar_opener(opened, entry), link=_link_target(path, entry.linkname))
        elif entry.islnk():
            yield Member(path, 0, _tar_opener(opened, entry), link=safe_path(entry.linkname))
        elif entry.isreg() and path:
            yield Member(path, entry.size, _tar_opener(opened, entry))
        elif not entry.isdir():
            raise ArchiveError(f"{path or entry.name} in it is a device or pipe, no file; refused")
    # A damaged header looks to tarfile like the end.
    stream.seek(opened.offset)
    if any(stream.read(tarfile.BLOCKSIZE)):
        raise ArchiveError("is broken in the middle")


def _tar_opener(opened: tarfile.TarFile, entry: tarfile.TarInfo) -> Callable[[], BinaryIO]:
    def opener() -> BinaryIO:
        stream = opened.extractfile(entry)
        if stream is None:
            raise ArchiveError(f"{entry.name} in it cannot be read")
        return cast(BinaryIO, stream)

    return opener


class _Careful:
    """A stream that refuses to be read into memory in one piece."""

    def __init__(self, stream: BinaryIO) -> None:
        self.stream = stream
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        """Some bytes, never many."""
        if not 0 <= size <= _MOST_READ_BYTES:
            raise ArchiveError("holds a header of absurd size; refused")
        return self.stream.read(size)


def safe_path(name: str) -> str:
    """A path of an archive as one inside a folder: relative, without empty parts, "." and "..".

    Raises
    ------
    ArchiveError
        If it would leave the folder, or holds characters that no path holds.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    drive = len(name) > 1 and name[1] == ":" and name[0].isascii() and name[0].isalpha()
    if name.startswith("/") or drive or ".." in parts:
        raise ArchiveError(f"{name!r} in it would be written outside the folder; refused")
    if any(ord(letter) < 32 for letter in name) or any(len(os.fsencode(part)) > 255 for part in parts):
        raise ArchiveError(f"{name[:80]!r} in it is no name for a file; refused")
    if parts and parts[0] == STAGING:
        raise ArchiveError(f"{name!r} in it is a name kept for unpacking; refused")
    return "/".join(parts)


def _link_target(path: str, target: str) -> str:
    """Where a symbolic link leads, as a path of the archive."""
    if target.startswith("/"):
        raise ArchiveError(f"{path} in it is a link out of the folder; refused")
    parts = path.split("/")[:-1]
    for part in target.split("/"):
        if part == "..":
            if not parts:
                raise ArchiveError(f"{path} in it is a link out of the folder; refused")
            parts.pop()
        elif part not in ("", "."):
            parts.append(part)
    return "/".join(parts)


def _checked(found: Iterator[Member], limit: int) -> tuple[Member, ...]:
    """The files, the later of two of one name, with links replaced by what they stand for."""
    known: dict[str, Member] = {}
    total = 0
    for count, member in enumerate(found):
        total += member.size
        if total > limit or count >= _MOST_MEMBERS:
            raise ArchiveError(f"would grow to more than {limit >> 20} MiB from far less; refused")
        known.pop(member.path, None)
        known[member.path] = member
    for path in known:
        parts = path.split("/")
        if any("/".join(parts[:end]) in known for end in range(1, len(parts))):
            raise ArchiveError(f"{path} in it lies below a file; refused")
    resolved = (_resolved(member, known) for member in known.values())
    members = tuple(member for member in resolved if member is not None)
    if sum(member.size for member in members) > limit:
        raise ArchiveError(f"would grow to more than {limit >> 20} MiB from far less; refused")
    return members


def _resolved(member: Member, known: Mapping[str, Member]) -> Member | None:
    """The file that a member stands for under the member's name; None for a link to no file."""
    target: Member | None = member
    for _ in range(_MOST_LINKS):
        if target is None or target.link is None:
            break
        target = known.get(target.link)
    return None if target is None or target.link is not None else replace(target, path=member.path)


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
    place.parent.mkdir(parents=True, exist_ok=True)
    if not place.parent.resolve().is_relative_to(base.resolve()):
        raise OutputError(f"{place.parent}: is a link out of {base}; replace it by a folder")
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
    except (*_BROKEN, NotImplementedError) as error:
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
        if size >= unit:
            return f"{size / unit:.3g} {name}"
    return f"{size} bytes"
