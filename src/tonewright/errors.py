"""The few exceptions that people see.

Each message is one line that names the file or option, says what is wrong and what to do.
The command line prints it after ``error:`` and exits with `exit_code`.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Iterable
from pathlib import Path


class TonewrightError(Exception):
    """Something failed that the person at the keyboard can mend."""

    exit_code = 1


class UsageError(TonewrightError):
    """The command or the configuration was used wrongly."""

    exit_code = 2


class FileError(TonewrightError):
    """A file that cannot be used; the base of those that say which and why.

    Parameters
    ----------
    path : the file in question
    reason : what is wrong with it, in words, without the path
    """

    def __init__(self, path: str | os.PathLike[str], reason: str) -> None:
        super().__init__(f"{os.fspath(path)}: {reason}")
        self.path, self.reason = Path(path), reason

    def __reduce__(self) -> tuple:
        """Keep both arguments when the error crosses a process border."""
        return type(self), (self.path, self.reason)


class AudioError(FileError):
    """A sound file that cannot be read or written."""


class CorpusError(TonewrightError):
    """A folder of sound that cannot be used: missing, empty, or silent throughout."""


class OutputError(TonewrightError):
    """An output that cannot be written: it exists already, the disk is full, the folder is read-only."""


class RunError(TonewrightError):
    """A run folder or checkpoint that cannot be loaded."""


class NetworkError(UsageError, ValueError):
    """A feedback delay network, or an argument of its training, that cannot be used."""


class MissingExtraError(TonewrightError):
    """An optional dependency that is not installed.

    Parameters
    ----------
    module : the module that could not be imported
    extra : the extra of this package that brings it
    """

    def __init__(self, module: str, extra: str) -> None:
        super().__init__(f"{module} is not installed; it comes with: pip install 'tonewright[{extra}]'")
        self.module, self.extra = module, extra


def nearest(name: str, known: Iterable[str]) -> str:
    """Words to add to an error: the known name nearest to `name`, or all of them when none is near."""
    known = sorted(known)
    near = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {near[0]}?" if near else f"choose from: {', '.join(known)}"
