"""Songs into a pool, shelf by shelf."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

Progress = Callable[[int, int], None]


def add_songs(
    pool: Path, *, hours: float, seed: int = 0, jobs: int | None = None, progress: Progress | None = None
) -> int:
    """Write songs for the sampled instruments of a pool, with stems, until there are so many hours of them.

    Shelves that are there already are kept; the same pool and seed give the same bytes for any number of
    jobs. The manifest is not touched: `shelves.publish` writes it.

    Parameters
    ----------
    pool : its folder, with soundfonts in it
    hours : of song, at least; whole shelves are written
    seed : of everything, 0 or more
    jobs : processes; None for one a core
    progress : called with (done, total) in songs

    Returns
    -------
    songs of this seed and length that are in the pool now

    Raises
    ------
    UsageError
        If hours or seed make no sense.
    SourceError
        If the pool has no soundfont, or fluidsynth is not on the machine.
    """
    raise NotImplementedError
