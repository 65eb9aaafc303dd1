"""What is known of files while their table is in the making: a line a file, kept whatever happens.

The journal lies beside the table under its name with ``.journal`` added, and goes when the table is written.
A line that was cut short, by a kill or a full disk, counts as not written.
"""

from __future__ import annotations

import fcntl
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from tonewright.errors import OutputError

FORMAT = 1


@dataclass(frozen=True)
class Entry:
    """What was found out about one file.

    Parameters
    ----------
    stamp : `origins.stamp_of` before it was read
    digest : `origins.digest_of`; empty where that does not settle the rows, such as after a failure that
        another attempt may not meet
    rows : of the table, without the columns that say of which file they are
    """

    stamp: str
    digest: str
    rows: Sequence[Mapping[str, Any]]


class Journal:
    """Entries on disk, found by stamp or digest; a context manager that one process has at a time.

    Parameters
    ----------
    table : the table in the making; None for one that nobody keeps
    settings : `Settings.words`; a journal of other settings is not gone on with
    anew : forget what an earlier attempt has left

    Raises
    ------
    OutputError
        If the journal is that of other settings, is none, is in use, or cannot be written.
    """

    def __init__(self, table: Path | None, settings: str, *, anew: bool = False) -> None:
        self.path = None if table is None else table.with_name(f"{table.name}.journal")
        self._header = {"journal of a table of timbre": FORMAT, "settings": settings}
        self._anew = anew
        self._stamps: dict[str, int] = {}
        self._digests: dict[str, int] = {}

    def __enter__(self) -> Self:
        """Take it, and read what is there."""
        self._file = tempfile.TemporaryFile() if self.path is None else _claimed(self.path)
        try:
            self._load()
        except BaseException:
            self._file.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: object, trace: TracebackType | None) -> None:
        """Let it go; one that holds nothing goes altogether."""
        if self.path is not None and not self._stamps:
            self.path.unlink(missing_ok=True)
        self._file.close()

    def __len__(self) -> int:
        """Number of entries."""
        return len(self._stamps)

    @property
    def knows_digests(self) -> bool:
        """Whether files may be found by their bytes."""
        return bool(self._digests)

    def by_stamp(self, stamp: str) -> int | None:
        """The place of the entry of a file that has not changed."""
        return self._stamps.get(stamp)

    def by_digest(self, digest: str) -> int | None:
        """The place of the entry of a file with the same bytes."""
        return self._digests.get(digest)

    def add(self, entry: Entry) -> int:
        """Keep an entry, at once; gives its place."""
        place = self._end
        line = json.dumps([entry.stamp, entry.digest, entry.rows], separators=(",", ":")).encode() + b"\n"
        try:
            self._file.seek(place)
            self._file.write(line)
            self._file.flush()
        except OSError as error:
            words = "what is done is kept: the same command goes on when there is room"
            raise OutputError(f"{self.path}: cannot be written ({error.strerror}); {words}") from error
        self._end += len(line)
        self._remember(place, entry.stamp, entry.digest)
        return place

    def entry(self, place: int) -> Entry:
        """The entry at a place."""
        self._file.seek(place)
        return Entry(*json.loads(self._file.readline()))

    def discard(self) -> None:
        """Keep nothing: the table is written."""
        self._stamps, self._digests = {}, {}

    def _remember(self, place: int, stamp: str, digest: str) -> None:
        if digest:
            self._stamps[stamp] = self._digests[digest] = place

    def _load(self) -> None:
        """Read the entries, and cut off what is no whole line."""
        first = self._file.readline()
        header = json.dumps(self._header).encode() + b"\n"
        self._end = len(header)
        if self._anew or (first != header and header.startswith(first)):
            self._file.seek(0)
            self._file.truncate()
            self._file.write(header)
            self._file.flush()
            return
        self._check(first, header)
        for line in self._file:
            try:
                stamp, digest, _ = json.loads(line)
            except (ValueError, TypeError):
                break
            if not line.endswith(b"\n"):
                break
            self._remember(self._end, stamp, digest)
            self._end += len(line)
        self._file.truncate(self._end)

    def _check(self, first: bytes, header: bytes) -> None:
        """Refuse what is no journal, or one of other settings, by its first line."""
        if first == header:
            return
        try:
            found = json.loads(first)
        except ValueError:
            found = None
        if isinstance(found, dict) and found.keys() == self._header.keys():
            raise OutputError(
                f"{self.path}: was begun with other settings ({found['settings']}; now"
                f" {self._header['settings']}); choose another name, or begin anew with --force"
            )
        raise OutputError(f"{self.path}: is there and no journal of this table; remove it, or use --force")


def _claimed(path: Path) -> IO[bytes]:
    """Open a journal, new or old, that no other process has open."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        while True:
            file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                file.close()
                raise OutputError(f"{path}: another process is making this table") from error
            except OSError:  # a file system without locks
                return file
            if _same(file, path):
                return file
            file.close()  # removed by the process that had it
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror})") from error


def _same(file: IO[bytes], path: Path) -> bool:
    """Whether an open file is still the one of that name."""
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False
