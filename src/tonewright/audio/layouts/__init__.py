"""How corpora lie on disk: from the names of files to tracks. No sound file is opened here.

A further layout is one more class with `name`, `detect` and `find`, put into `LAYOUTS` before
`FolderLayout`, which takes everything. One of a particular set may say in `missing` what its copy lacks.
"""

from __future__ import annotations

from collections.abc import Mapping

from tonewright.audio.layouts.base import (
    FOREIGN_SUFFIXES,
    STEM_SUFFIX,
    SUFFIXES,
    CountedLayout,
    Layout,
    Listing,
    TrackFiles,
    list_files,
    split_suffix,
)
from tonewright.audio.layouts.folder import FolderLayout
from tonewright.audio.layouts.gtzan import GtzanLayout
from tonewright.audio.layouts.irmas import IrmasLayout
from tonewright.audio.layouts.musdb import Musdb18HqLayout, Musdb18Layout
from tonewright.audio.layouts.pool import PoolLayout
from tonewright.audio.layouts.shards import ShardsLayout
from tonewright.audio.layouts.stems import StemsLayout

__all__ = [
    "FOREIGN_SUFFIXES",
    "LAYOUTS",
    "STEM_SUFFIX",
    "SUFFIXES",
    "CountedLayout",
    "Layout",
    "Listing",
    "TrackFiles",
    "list_files",
    "split_suffix",
]

_ALL: tuple[Layout, ...] = (
    PoolLayout(),
    ShardsLayout(),
    Musdb18HqLayout(),
    Musdb18Layout(),
    IrmasLayout(),
    GtzanLayout(),
    StemsLayout(),
    FolderLayout(),
)
LAYOUTS: Mapping[str, Layout] = {layout.name: layout for layout in _ALL}
