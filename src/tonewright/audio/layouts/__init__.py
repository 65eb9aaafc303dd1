"""How corpora lie on disk: from the names of files to tracks. No sound file is opened here.

A further layout is one more class with `name`, `detect` and `find`, put into `LAYOUTS` before
`FolderLayout`, which takes everything.
"""

from __future__ import annotations

from collections.abc import Mapping

from tonewright.audio.layouts.base import (
    FOREIGN_SUFFIXES,
    SUFFIXES,
    Layout,
    Listing,
    TrackFiles,
    list_files,
    split_suffix,
)
from tonewright.audio.layouts.folder import FolderLayout
from tonewright.audio.layouts.musdb import Musdb18HqLayout
from tonewright.audio.layouts.pool import PoolLayout

__all__ = [
    "FOREIGN_SUFFIXES",
    "LAYOUTS",
    "SUFFIXES",
    "Layout",
    "Listing",
    "TrackFiles",
    "list_files",
    "split_suffix",
]

LAYOUTS: Mapping[str, Layout] = {
    layout.name: layout for layout in (PoolLayout(), Musdb18HqLayout(), FolderLayout())
}
