"""Impulse responses as the commands read them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tonewright.audio.files import Clip

# No room rings longer; a song of an hour is not read whole to be told that it is no room.
MOST_SECONDS = 120.0


def read_response(path: Path) -> tuple[Clip, list[str]]:
    """A response, and words on what of it was left out."""
    from tonewright.audio.files import probe, read

    info = probe(path)
    if info.seconds <= MOST_SECONDS:
        return read(path), []
    clip = read(path, frames=int(MOST_SECONDS * info.sample_rate))
    return clip, [f"of {info.seconds:.3g} s the first {MOST_SECONDS:g} s were taken"]
