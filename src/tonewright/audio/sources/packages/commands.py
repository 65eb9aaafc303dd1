"""Programs of the system, run with their words in English, watched, and stopped when they hang."""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tonewright.errors import OutputError, TonewrightError

_POLL_SECONDS = 0.05
_STALL_SECONDS = 300.0
_NO_ROOM = re.compile(r"No space left on device|Disk quota exceeded|ENOSPC|EDQUOT")
_MOST_OUTPUT = 1 << 22


class SourceError(TonewrightError):
    """A package that cannot be had: missing, renamed, damaged, or its manager is not on the machine."""


@dataclass(frozen=True)
class Outcome:
    """How a program ended: its exit status and what it printed."""

    status: int
    output: str
    errors: str

    def reason(self) -> str:
        """The line that says why it failed, as well as can be told."""
        lines = [line.strip() for line in (self.errors + "\n" + self.output).splitlines() if line.strip()]
        told = [line for line in lines if re.match(r"(E:|dpkg-deb: error|npm (error|ERR!) [^ ]*\d{3})", line)]
        line = (told or lines or [f"exit status {self.status}"])[0]
        return re.sub(r"^(E:|npm (error|ERR!)|dpkg-deb: error:)\s*", "", line)[:300]

    @property
    def disk_is_full(self) -> bool:
        """Whether it failed for want of room."""
        return self.status != 0 and _NO_ROOM.search(self.errors + self.output) is not None


def run(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    settings: Mapping[str, str] | None = None,
    watch: Callable[[], int] | None = None,
    stall_seconds: float = _STALL_SECONDS,
) -> Outcome:
    """Run a program to its end.

    Parameters
    ----------
    command : the program and its arguments
    folder : to run it in
    settings : variables added to the environment
    watch : called now and then; gives how far the program is, in bytes
    stall_seconds : the program is stopped when it gets no further for so long

    Raises
    ------
    SourceError
        If there is no such program, or it hangs.
    """
    environment = {**os.environ, "LC_ALL": "C", **(settings or {})}
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                command, cwd=folder, env=environment, stdin=subprocess.DEVNULL, stdout=output, stderr=errors
            )
        except FileNotFoundError:
            raise SourceError(f"{command[0]} is not on this machine") from None
        with process:
            try:
                _wait(process, watch, stall_seconds)
            except SourceError as error:
                process.kill()
                raise SourceError(f"{' '.join(command[:2])}: {error}") from None
            except BaseException:
                process.kill()
                raise
        return Outcome(process.returncode, _text(output), _text(errors))


def _wait(process: subprocess.Popen[bytes], watch: Callable[[], int] | None, stall_seconds: float) -> None:
    """Wait for the end; an error when nothing moves any more."""
    reached, moved = -1, time.monotonic()
    while True:
        try:
            process.wait(_POLL_SECONDS)
            return
        except subprocess.TimeoutExpired:
            position = watch() if watch is not None else 0
        if position != reached:
            reached, moved = position, time.monotonic()
        if time.monotonic() - moved > stall_seconds:
            raise SourceError(f"it got no further for {stall_seconds:.0f} s and was stopped; try again")


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(_MOST_OUTPUT).decode("utf-8", "replace")


@contextmanager
def room_or_words(folder: Path) -> Iterator[None]:
    """Turn a full disk into an error that says so."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise full(folder) from error
        if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR):
            raise OutputError(f"{folder}: cannot be written ({error.strerror})") from error
        raise


def check_room(folder: Path, needed_bytes: int, what: str) -> None:
    """Refuse to begin what the disk cannot hold.

    Raises
    ------
    OutputError
        If fewer bytes are free than are needed.
    """
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise OutputError(
            f"{folder}: the disk is full: {what} takes {needed_bytes / 1e6:.0f} MB, and"
            f" {free / 1e6:.0f} MB are free; make room and run it again"
        )


def full(folder: Path) -> OutputError:
    """The error for a disk that is full."""
    return OutputError(f"{folder}: the disk is full; make room and run it again")
