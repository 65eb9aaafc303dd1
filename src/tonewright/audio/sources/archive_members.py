"""What an archive holds, looked at before anything of it is written.

Read as Python's `zipfile` and `tarfile` read them; what is refused follows the filter "data" of
`tarfile` (PEP 706), for ZIP files as well.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, cast

from tonewright.errors import TonewrightError

STAGING = ".tonewright-unpacking"
# Headers of a tar are read whole: one that claims to be larger than this is not a header.
_MOST_READ_BYTES = 16 << 20
_MOST_MEMBERS = 1_000_000
_MOST_RATIO = 100
_SMALL_BYTES = 64 << 20
_MOST_LINKS = 8
# What may follow the end of a tar: zeros that fill a record, seldom more.
_MOST_AFTER_END_BYTES = 64 << 20
_END_BLOCK_BYTES = 1 << 20


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
        name = entry.filename.replace("\\", "/")
        path, kind = safe_path(name), stat.S_IFMT(entry.external_attr >> 16)
        if name.endswith("/") or not path:
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
        raw = stack.enter_context(lzma.LZMAFile(file))  # noqa: SIM115
    else:
        raw = file
    stream = _Careful(cast(BinaryIO, raw))
    opened = stack.enter_context(tarfile.open(fileobj=cast(BinaryIO, stream), mode="r:"))  # noqa: SIM115
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
    # The last header read is the end, which is zeros; a damaged one looks to tarfile like the end.
    if any(stream.last):
        raise ArchiveError("is broken in the middle")
    _check_end(stream)


def _check_end(stream: _Careful) -> None:
    """Read what follows the end of a tar: the checksum of what was compressed is looked at with its end."""
    for _ in range(_MOST_AFTER_END_BYTES // _END_BLOCK_BYTES):
        if not stream.read(_END_BLOCK_BYTES):
            return
    raise ArchiveError("goes on long after its end; refused")


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
        self.stream, self.last = stream, b""
        self.seek, self.tell = stream.seek, stream.tell

    def read(self, size: int = -1) -> bytes:
        """Some bytes, never many."""
        if not 0 <= size <= _MOST_READ_BYTES:
            raise ArchiveError("holds a header of absurd size; refused")
        self.last = self.stream.read(size)
        return self.last


def safe_path(name: str) -> str:
    """A path of an archive as one inside a folder: relative, without empty parts, "." and "..".

    Raises
    ------
    ArchiveError
        If it would leave the folder, or holds characters that no path holds.
    """
    parts = [part for part in name.split("/") if part not in ("", ".")]
    if name.startswith("/") or ".." in parts:
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
        if member.size < 0:
            raise ArchiveError(f"{member.path} in it has less than no bytes; refused")
        if total > limit or count >= _MOST_MEMBERS:
            raise ArchiveError(f"would grow to more than {limit >> 20} MiB from far less; refused")
        if not _is_litter(member.path):
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


def _is_litter(path: str) -> bool:
    """Whether a file is only what macOS adds to archives: icons, window positions."""
    parts = path.split("/")
    return parts[0] == "__MACOSX" or parts[-1].startswith("._") or parts[-1] == ".DS_Store"


def _resolved(member: Member, known: Mapping[str, Member]) -> Member | None:
    """The file that a member stands for under the member's name; None for a link to no file."""
    target: Member | None = member
    for _ in range(_MOST_LINKS):
        if target is None or target.link is None:
            break
        target = known.get(target.link)
    return None if target is None or target.link is not None else replace(target, path=member.path)
