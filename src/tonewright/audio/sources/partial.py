"""The beginning of a file that is being fetched, kept between attempts and between runs."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tonewright.audio.files import atomic_output
from tonewright.audio.sources.archives import in_words
from tonewright.errors import OutputError


@dataclass(frozen=True)
class Version:
    """What tells whether a server's file is still the one that was begun.

    Parameters
    ----------
    address : where it lies
    etag, modified : the server's validators, empty where it gives none
    total : its size in bytes, where the server says it
    """

    address: str
    etag: str = ""
    modified: str = ""
    total: int | None = None

    @property
    def condition(self) -> str:
        """For the header `If-Range`: the strongest validator there is (RFC 9110, 13.1.5)."""
        return self.etag if self.etag and not self.etag.startswith("W/") else self.modified


class Part:
    """``<target>.part`` beside the file it will become, with a note about what it is the beginning of.

    Parameters
    ----------
    target : the file it will become

    Raises
    ------
    OutputError
        If a file of that name is there that has no note: another program's.
    """

    def __init__(self, target: Path) -> None:
        self.path = target.with_name(target.name + ".part")
        self.note = target.with_name(target.name + ".part.json")
        self.version: Version | None = None
        if self.path.exists() and not self.note.exists():
            raise OutputError(f"{self.path}: is there, and another program began it; move it away")
        with suppress(OSError, ValueError, TypeError):
            self.version = Version(**json.loads(self.note.read_text(encoding="utf-8")))
        if self.version is None or (self.version.total is not None and self.have > self.version.total):
            self.clear()

    @property
    def have(self) -> int:
        """Bytes that are here."""
        return self.path.stat().st_size if self.path.exists() else 0

    @property
    def total(self) -> int | None:
        """Bytes of the whole file, where known."""
        return self.version.total if self.version else None

    @property
    def complete(self) -> bool:
        """Whether all bytes are here."""
        return self.total is not None and self.have == self.total

    def begin(self, version: Version) -> None:
        """Start again from nothing."""
        self.clear()
        with atomic_output(self.note, overwrite=True) as temporary:
            temporary.write_text(json.dumps(asdict(version)), encoding="utf-8")
        self.version = version
        self.path.touch()

    def clear(self) -> None:
        """Keep nothing."""
        self.path.unlink(missing_ok=True)
        self.note.unlink(missing_ok=True)
        self.version = None

    def in_words(self) -> str:
        """What is here, and what becomes of it."""
        if not self.have:
            return "nothing was fetched yet"
        share = f" of {in_words(self.total)}" if self.total else ""
        return f"{in_words(self.have)}{share} are kept, and the same command goes on from there"
