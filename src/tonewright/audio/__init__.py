"""Sound as data: files, corpora, windows, augmentation, the demo band."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus, Track, Unreadable, load_corpus, split_of
    from tonewright.audio.files import (
        Clip,
        SoundInfo,
        SoundReader,
        SoundWriter,
        atomic_output,
        convert_channels,
        probe,
        read,
        resample,
        stream,
        write,
    )
    from tonewright.audio.inspection import Inspection, inspect

_HOMES = {
    "corpus": ("Corpus", "Track", "Unreadable", "load_corpus", "split_of"),
    "files": (
        "Clip",
        "SoundInfo",
        "SoundReader",
        "SoundWriter",
        "atomic_output",
        "convert_channels",
        "probe",
        "read",
        "resample",
        "stream",
        "write",
    ),
    "inspection": ("Inspection", "inspect"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Clip",
    "Corpus",
    "Inspection",
    "SoundInfo",
    "SoundReader",
    "SoundWriter",
    "Track",
    "Unreadable",
    "atomic_output",
    "convert_channels",
    "inspect",
    "load_corpus",
    "probe",
    "read",
    "resample",
    "split_of",
    "stream",
    "write",
]


def __getattr__(name: str) -> Any:
    """Load a public name from its module when it is first asked for."""
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
