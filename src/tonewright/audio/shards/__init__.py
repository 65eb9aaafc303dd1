"""Shards: a corpus packed into tar archives that are read from beginning to end.

`plan_shards` decides what goes where, `write_shards` writes it. `ShardStream` gives whole samples in the
order of the archives, `ShardWindows` windows for training; by their paths, members of the archives are sound
files like any other (`tonewright.audio.members`).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.audio.shards.entries import load_entries
    from tonewright.audio.shards.index import Entry
    from tonewright.audio.shards.job import ShardSummary, write_shards
    from tonewright.audio.shards.pieces import ShardSettings
    from tonewright.audio.shards.planning import ShardPlan, plan_shards
    from tonewright.audio.shards.stream import Sample, ShardStream
    from tonewright.audio.shards.windows import ShardWindows

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "entries": ["load_entries"],
        "index": ["Entry"],
        "job": ["ShardSummary", "write_shards"],
        "pieces": ["ShardSettings"],
        "planning": ["ShardPlan", "plan_shards"],
        "stream": ["Sample", "ShardStream"],
        "windows": ["ShardWindows"],
    },
)
