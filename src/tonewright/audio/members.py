"""Sound inside tar archives: a path may name a member, such as ``shards/train-00000.tar!000017.mixture.wav``.

What stands before the mark is a file; what stands after it is a name in that archive, which is looked up
there and never followed on disk. Where the member lies is told by the index of the shards beside the archive,
if there is one that describes it, else by the archive's own headers, which are read once and remembered until
the archive changes.
"""

from __future__ import annotations

import io
import os
import stat
import tarfile
import threading
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from tonewright.errors import AudioError

MARK = ".tar!"
_MOST_PLACES = 200_000  # remembered, in all archives together
_BLOCK = tarfile.BLOCKSIZE
_AGAIN = "copy or make it again"


class Place(NamedTuple):
    """Where the bytes of a member lie in its archive."""

    offset: int
    size: int


class Table(NamedTuple):
    """The members of an archive.

    Parameters
    ----------
    places : regular files by name; of two with one name, the last
    indexed : whether that was read from an index beside the archive
    flaw : why the archive could not be read to its end; empty where it could
    """

    places: Mapping[str, Place]
    indexed: bool = False
    flaw: str = ""


class MemberFile(io.RawIOBase):
    """The bytes of a member as a file of their own, read from their place in the archive.

    A read that fails gives no bytes, as at the end of a file: decoders call it where an exception would be
    lost. `error` then says why.
    """

    def __init__(self, descriptor: int, place: Place) -> None:
        super().__init__()
        self.descriptor, self.place = descriptor, place
        self.error = ""
        self._position = 0

    def readable(self) -> bool:
        """Yes."""
        return True

    def seekable(self) -> bool:
        """Yes."""
        return True

    def tell(self) -> int:
        """Position in the member."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move within the member, or past its end."""
        origin = (0, self._position, self.place.size)[whence]
        self._position = max(0, origin + offset)
        return self._position

    def readinto(self, buffer: Any, /) -> int:
        """Fill a buffer as far as the member goes; the number of bytes."""
        left = self.place.size - self._position
        view = buffer if len(buffer) <= left else memoryview(buffer)[: max(0, left)]
        done = 0
        while done < len(view):
            try:
                rest = memoryview(view)[done:] if done else view
                count = os.preadv(self.descriptor, [rest], self.place.offset + self._position)
            except OSError as error:
                self.error, count = f"cannot be read: {error.strerror}", 0
            if not count:
                break
            done, self._position = done + count, self._position + count
        return done

    def release(self) -> int:
        """Give the open descriptor of the archive away and close the rest."""
        descriptor, self.descriptor = self.descriptor, -1
        self.close()
        return descriptor

    def close(self) -> None:
        """Close the archive."""
        if not self.closed and self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1
        super().close()


def split_member(path: str | os.PathLike[str]) -> tuple[str, str] | None:
    """The archive and the name in it, if the path names a member of an archive that is there."""
    found = _split(path)
    return None if found is None else found[:2]


def status_of(path: str | os.PathLike[str]) -> os.stat_result:
    """What the system says of a file; of the archive where the path names a member.

    Raises
    ------
    OSError
        As `os.stat`.
    """
    found = _split(path)
    return os.stat(path) if found is None else found[2]  # noqa: PTH116, a path object costs as much again


def find_member(path: str | os.PathLike[str]) -> Place | None:
    """Where the member lies that a path names; None for an ordinary path.

    Raises
    ------
    AudioError
        If the archive has no such member, or is cut short before the member's end.
    """
    found = _split(path)
    return None if found is None else _place(os.fspath(path), *found)[0]


def open_member(path: str | os.PathLike[str]) -> MemberFile | None:
    """Open the member that a path names; None for an ordinary path.

    Raises
    ------
    AudioError
        If the archive cannot be read, has no such member, is cut short before the member's end, or is not
        the one that its index describes.
    """
    found = _split(path)
    if found is None:
        return None
    tar, name, _ = found
    place, indexed = _place(os.fspath(path), *found)
    try:
        file = MemberFile(os.open(tar, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), place)
    except OSError as error:
        raise AudioError(os.fspath(path), f"its archive cannot be opened ({error.strerror})") from error
    if indexed and not _is_header(os.pread(file.descriptor, _BLOCK, place.offset - _BLOCK), name, place.size):
        file.close()
        raise AudioError(
            os.fspath(path), "its archive is not the one that index.json beside it describes; make both anew"
        )
    return file


def open_bytes(path: str | os.PathLike[str]) -> BinaryIO | MemberFile:
    """Open a file, or the member of an archive, for its bytes."""
    return open_member(path) or Path(path).open("rb")


def size_of(path: str | os.PathLike[str]) -> int:
    """Bytes of a file, or of the member of an archive."""
    place = find_member(path)
    return status_of(path).st_size if place is None else place.size


def table_of(tar: str | os.PathLike[str]) -> Table:
    """The members of an archive, from its index or its headers.

    Raises
    ------
    AudioError
        If it cannot be read at all.
    """
    name = os.fspath(tar)
    try:
        return _table(name, os.stat(name))  # noqa: PTH116
    except OSError as error:
        raise AudioError(name, f"cannot be opened ({error.strerror})") from error


def scan(tar: str | os.PathLike[str]) -> Iterator[tuple[str, Place]]:
    """Names and places of the regular files of an archive, from its headers.

    Raises
    ------
    AudioError
        Where the headers break off, or at the beginning of what is no tar archive.
    """
    name = os.fspath(tar)
    try:
        with Path(name).open("rb") as file, tarfile.open(fileobj=file, mode="r:") as archive:
            while (member := archive.next()) is not None:
                archive.members = []  # pyright: ignore[reportAttributeAccessIssue] - they would all be kept
                if member.isreg() and not member.issparse():
                    yield member.name, Place(member.offset_data, member.size)
            # tarfile takes anything but a header for the end.
            file.seek(archive.offset)
            if file.read(_BLOCK).strip(b"\0"):
                raise tarfile.ReadError(f"no header at byte {archive.offset}")
    except OSError as error:
        raise AudioError(name, f"cannot be read ({error.strerror})") from error
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise AudioError(name, f"is cut short, damaged or no tar archive ({error}); {_AGAIN}") from error


_tables: OrderedDict[str, tuple[tuple[int, ...], Table]] = OrderedDict()
_lock = threading.Lock()


def _renew_lock() -> None:
    """A forked child may have inherited the lock closed."""
    global _lock
    _lock = threading.Lock()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_renew_lock)


def _split(path: str | os.PathLike[str]) -> tuple[str, str, os.stat_result] | None:
    """Archive, member and the archive's status; the first mark counts that an archive stands before."""
    text = os.fspath(path)
    mark = text.find(MARK)
    while mark >= 0:
        tar = text[: mark + len(MARK) - 1]
        try:
            status = os.stat(tar)  # noqa: PTH116, asked at every read
        except (OSError, ValueError):
            status = None
        if status is not None and stat.S_ISREG(status.st_mode):
            return tar, text[mark + len(MARK) :], status
        mark = text.find(MARK, mark + 1)
    return None


def _place(path: str, tar: str, name: str, status: os.stat_result) -> tuple[Place, bool]:
    """Where a member lies, and whether an index says so."""
    try:
        table = _table(tar, status)
    except AudioError as error:
        raise AudioError(path, f"its archive {error.reason}") from error
    place = table.places.get(name)
    if place is None:
        flaw = f"; the archive {table.flaw}" if table.flaw else ""
        raise AudioError(path, f"the archive has no member of this name{flaw}")
    if place.offset + place.size > status.st_size:
        present = max(0, status.st_size - place.offset)
        raise AudioError(
            path,
            f"the archive is cut short: {present} of the member's {place.size} bytes are there; {_AGAIN}",
        )
    return place, table.indexed


def _table(tar: str, status: os.stat_result) -> Table:
    """The members of an archive, remembered while it stays as it is."""
    stamp = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
    with _lock:
        known = _tables.get(tar)
        if known is not None and known[0] == stamp:
            _tables.move_to_end(tar)
            return known[1]
    table = _indexed(tar, status.st_size) or _scanned(tar)
    with _lock:
        _tables[tar] = (stamp, table)
        _tables.move_to_end(tar)
        while len(_tables) > 1 and sum(len(held.places) for _, held in _tables.values()) > _MOST_PLACES:
            _tables.popitem(last=False)
    return table


def _indexed(tar: str, size: int) -> Table | None:
    """The members by the index beside the archive; None where it has none for an archive of this size."""
    from tonewright.audio.shards.index import places_in

    places = places_in(Path(tar), size)
    return None if places is None else Table(places, indexed=True)


def _scanned(tar: str) -> Table:
    """The members by the headers, as far as they go."""
    places: dict[str, Place] = {}
    try:
        places.update(scan(tar))
    except AudioError as error:
        return Table(places, flaw=error.reason)
    return Table(places)


def _is_header(block: bytes, name: str, size: int) -> bool:
    """Whether a block is the header of this member, as shards have it: a short name and an octal size."""
    return block[:100].rstrip(b"\0") == os.fsencode(name) and block[124:135] == b"%011o" % size
