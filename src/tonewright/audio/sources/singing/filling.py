"""The part of a pool that sings: its speech, sung."""

from __future__ import annotations

import os
from collections.abc import Callable

Progress = Callable[[int, int], None]


def add_singing(
    pool: str | os.PathLike[str],
    *,
    hours: float,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Sing the speech of a pool, as shelves of its part "singing".

    Parameters
    ----------
    pool : folder of a pool with shelves of voices
    hours : about how much song to make, in all
    seed : of everything drawn
    jobs : processes; all cores where not given. The bytes are the same for any number
    progress : called with (done, total) phrases

    Returns
    -------
    number of pieces that the part "singing" holds
    """
    raise NotImplementedError
