"""Sound as data: files, corpora, windows, augmentation, the demo band."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

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

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "corpus": ["Corpus", "Track", "Unreadable", "load_corpus", "split_of"],
        "files": [
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
        ],
        "inspection": ["Inspection", "inspect"],
    },
)
