"""The formats that a network can be exported to, and the endings of their files."""

from __future__ import annotations

# The first ending is the custom.
SUFFIXES = {
    "faust": (".dsp",),
    "cpp": (".hpp", ".h", ".hh", ".hxx"),
    "json": (".json",),
    "wav": (".wav",),
    "matlab": (".m",),
}
FORMATS = tuple(SUFFIXES)
