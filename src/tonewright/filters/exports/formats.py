"""The formats that a bank can be exported to, and the endings of their files."""

from __future__ import annotations

# The first ending is the custom.
SUFFIXES = {
    "faust": (".dsp",),
    "json": (".json",),
    "csv": (".csv",),
    "sos": (".sos", ".sos.csv", ".sos.txt"),
    "cpp": (".hpp", ".h", ".hh", ".hxx"),
    "apo": (".txt",),
}
FORMATS = tuple(SUFFIXES)
