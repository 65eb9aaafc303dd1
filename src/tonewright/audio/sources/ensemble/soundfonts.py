"""Which presets a soundfont has: the `phdr` chunk of SoundFont 2 (E-mu Systems, specification 2.04, 7.2)."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import BinaryIO

from tonewright.errors import AudioError

_PRESET = struct.Struct("<20sHH14x")


def presets(path: Path) -> dict[tuple[int, int], str]:
    """(bank, program) of every preset of a soundfont (.sf2, .sf3), and its name; the samples are not read.

    Raises
    ------
    AudioError
        If the file cannot be read as a soundfont.
    """
    try:
        with path.open("rb") as file:
            table = _preset_table(file)
    except OSError as error:
        raise AudioError(path, f"cannot be read: {error.strerror}") from error
    if table is None or len(table) % _PRESET.size or len(table) < 2 * _PRESET.size:
        raise AudioError(path, "is not a soundfont, or is damaged")
    return {
        (bank, program): name.split(b"\0")[0].decode("latin-1").strip()
        for name, program, bank in list(_PRESET.iter_unpack(table))[:-1]  # the last one ends the list
    }


def _preset_table(file: BinaryIO) -> bytes | None:
    """The contents of RIFF sfbk / LIST pdta / phdr."""
    if file.read(4) != b"RIFF":
        return None
    file.seek(4, 1)
    if file.read(4) != b"sfbk":
        return None
    while len(header := file.read(8)) == 8:
        name, size = struct.unpack("<4sI", header)
        if name == b"LIST" and file.read(4) == b"pdta":
            continue  # its chunks follow
        if name == b"phdr":
            return file.read(size)
        file.seek(size + size % 2 - (4 if name == b"LIST" else 0), 1)
    return None
