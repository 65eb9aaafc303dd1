"""Which presets a soundfont has."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tonewright.audio.sources.soundfont_tables import PHDR, chunks_of
from tonewright.errors import AudioError


def presets(path: Path) -> dict[tuple[int, int], str]:
    """(bank, program) of every preset of a soundfont (.sf2, .sf3), and its name; the samples are not read.

    Raises
    ------
    AudioError
        If the file cannot be read as a soundfont.
    """
    try:
        with path.open("rb") as file:
            place, size = chunks_of(file, path).get(b"phdr", (0, 0))
            file.seek(place)
            table = np.frombuffer(file.read(size - size % PHDR.itemsize), PHDR)
    except OSError as error:
        raise AudioError(path, f"cannot be read: {error.strerror}") from error
    return {
        (int(row["bank"]), int(row["preset"])): bytes(row["name"]).decode("latin-1").strip()
        for row in table[:-1]  # the last one ends the list
    }
