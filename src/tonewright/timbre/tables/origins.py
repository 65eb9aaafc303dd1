"""What tells whether a file is the one that was described: by its place and time, or by its bytes."""

from __future__ import annotations

import hashlib
import os

from tonewright.audio.members import open_bytes, status_of
from tonewright.errors import AudioError

_BLOCK_BYTES = 1 << 20


def stamp_of(path: str) -> str:
    """Hash of the absolute path, size and time of change of a file; empty where it cannot be looked at.

    Parameters
    ----------
    path : a file, or the member of an archive
    """
    try:
        status = status_of(path)
    except (OSError, ValueError):
        return ""
    place = os.fsencode(os.path.abspath(path))  # noqa: PTH100, a path object costs more
    facts = f"\0{status.st_size} {status.st_mtime_ns}".encode()
    return hashlib.blake2b(place + facts, digest_size=8).hexdigest()


def digest_of(path: str) -> str:
    """BLAKE2b of the bytes of a file; empty where they cannot be read.

    Parameters
    ----------
    path : a file, or the member of an archive
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with open_bytes(path) as file:
            while block := file.read(_BLOCK_BYTES):
                digest.update(block)
            # The member of an archive says at its end what kept it from being read.
            failed = getattr(file, "error", "")
    except (OSError, ValueError, AudioError):
        return ""
    return "" if failed else digest.hexdigest()
