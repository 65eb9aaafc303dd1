"""Where notes begin, decided by the onsets of the models in NumPy."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from tonewright.timbre.envelope import envelope
from tonewright.timbre.onsets import find_onsets
from tonewright.timbre.sound import Hearing


class Stretch(NamedTuple):
    """From one onset to the next.

    row : which sound of the batch
    start, end : in samples, or in blocks
    """

    row: int
    start: int
    end: int


def deep_onsets(hearing: Hearing) -> np.ndarray:
    """Onsets that depth is measured from: of the sound above 20 Hz, its envelope falling in 0.2 s."""
    sound, rate = hearing.branches.above_20, hearing.sample_rate
    course = envelope(sound, sample_rate=rate, decay_s=0.2)
    return find_onsets(sound, course, 512, sample_rate=rate)


def warm_onsets(hearing: Hearing) -> np.ndarray:
    """Onsets that warmth is measured from; a single one counts as the beginning."""
    samples, rate = hearing.samples, hearing.sample_rate
    onsets = find_onsets(samples, hearing.envelope, 4096, sample_rate=rate, strength=hearing.strength)
    return np.zeros(1, np.int64) if onsets.size == 1 else onsets


def stretches(starts: np.ndarray, *, row: int, end: int) -> Iterator[Stretch]:
    """From each start to the next, the last one to the end."""
    for start, stop in zip(starts, [*starts[1:], end], strict=True):
        yield Stretch(row, int(start), int(stop))
