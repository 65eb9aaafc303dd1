"""Spectra of a corpus kept in one file in the user's cache: written whole, mapped into memory.

A header of 256 bytes of JSON, the table of sounds as JSON, then from a multiple of 64 bytes on the values and
the levels, little-endian float32. The header states the sizes and a digest of all that follows; a file of
which they are not true, or of another format, counts as none. It can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import mmap
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from tonewright.audio.files import atomic_output
from tonewright.errors import TonewrightError
from tonewright.filters.spectra.measuring import Measured, Sound

FORMAT = 1
_HEADER_BYTES, _ALIGNMENT = 256, 64
_log = logging.getLogger("tonewright")


class Store(NamedTuple):
    """What a file holds.

    Attributes
    ----------
    sounds : name and stamp of each, as text, with what it gave: views of the two arrays
    values : (rows, points) float32, mapped
    levels_db : (rows,) float32, mapped
    """

    sounds: Mapping[str, Measured]
    values: np.ndarray
    levels_db: np.ndarray


def key_of(sound: Sound) -> str:
    """What a sound is known by: its name, and size and time of change of its files."""
    return json.dumps([sound.name, sound.stamp])


def read_store(path: Path, points: int) -> Store | None:
    """The file mapped into memory; None where there is none that can be used."""
    try:
        with path.open("rb") as file:
            content = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
        header = json.loads(bytes(content[:_HEADER_BYTES]))
        table_bytes, rows = header["table_bytes"], header["rows"]
        begin = _aligned(_HEADER_BYTES + table_bytes)
        right = (
            header["format"] == FORMAT
            and header["points"] == points
            and len(content) == begin + 4 * rows * (points + 1)
            and header["digest"] == hashlib.blake2b(content[_HEADER_BYTES:], digest_size=16).hexdigest()
        )
        if not right:
            return None
        numbers = np.frombuffer(content, dtype="<f4", offset=begin)
        values, levels = numbers[: rows * points].reshape(rows, points), numbers[rows * points :]
        table = json.loads(bytes(content[_HEADER_BYTES : _HEADER_BYTES + table_bytes]))
        return Store(_sounds(table, values, levels), values, levels)
    except (OSError, ValueError, TypeError, KeyError):
        return None


def write_store(path: Path, sounds: Mapping[str, Measured], points: int) -> bool:
    """Keep what is known and lasts, in this order; whether that was possible, which costs time, no more."""
    sounds = {key: item for key, item in sounds.items() if item.lasting}
    table = json.dumps([[key, item.starts_s, item.reason] for key, item in sounds.items()]).encode()
    table = table.ljust(_aligned(_HEADER_BYTES + len(table)) - _HEADER_BYTES)
    arrays = [item.values for item in sounds.values()] + [item.levels_db for item in sounds.values()]
    digest = hashlib.blake2b(table, digest_size=16)
    for array in arrays:
        digest.update(_bytes(array))
    rows = sum(map(len, sounds.values()))
    header = {"format": FORMAT, "points": points, "rows": rows, "table_bytes": len(table)}
    head = json.dumps({**header, "digest": digest.hexdigest()}).encode()
    try:
        with atomic_output(path, overwrite=True) as temporary, temporary.open("wb") as file:
            file.write(head.ljust(_HEADER_BYTES - 1) + b"\n" + table)
            for array in arrays:
                file.write(_bytes(array))
            file.flush()
            os.fsync(file.fileno())
    except (OSError, TonewrightError) as error:
        _log.warning("the spectra of the corpus could not be kept: %s", error)
        return False
    return True


def _sounds(table: Sequence[Any], values: np.ndarray, levels: np.ndarray) -> dict[str, Measured]:
    sounds, row = {}, 0
    for key, starts, reason in table:
        end = row + len(starts)
        sounds[key] = Measured(values[row:end], levels[row:end], tuple(starts), reason)
        row = end
    if row != len(values):
        raise ValueError("the table does not fit the rows")
    return sounds


def _bytes(array: np.ndarray) -> bytes:
    return np.ascontiguousarray(array, dtype="<f4").tobytes()


def _aligned(size: int) -> int:
    return -(-size // _ALIGNMENT) * _ALIGNMENT
