"""What the descriptors are called, and how one says that a sound has no value."""

from __future__ import annotations

from typing import Literal

from tonewright.errors import UsageError, nearest

Mode = Literal["corrected", "classic"]
MODES: tuple[Mode, ...] = ("corrected", "classic")

DESCRIPTORS = (
    "hardness",
    "depth",
    "brightness",
    "roughness",
    "warmth",
    "sharpness",
    "boominess",
    "reverb",
)
# What comes with them from the same pass, and its unit.
EXTRAS = {
    "reverb_probability": "0 to 1",
    "reverb_time_s": "s",
    "loudness_lufs": "LUFS",
    "crest_db": "dB",
    "centroid_hz": "Hz",
    "flatness": "0 to 1",
    "onsets_per_s": "1/s",
}


class UnmeasurableError(ValueError):
    """A sound that has no value of a descriptor; the message says why, in words for a table."""


def checked_mode(mode: Mode) -> Mode:
    """The mode, or a `UsageError`."""
    if mode not in MODES:
        raise UsageError(f"mode '{mode}': {nearest(str(mode), MODES)}")
    return mode
