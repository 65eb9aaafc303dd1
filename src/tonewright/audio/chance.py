"""Random numbers that belong to a window: by seed, epoch, index and stream alone.

Numbers come from Philox4x64-10 (Salmon et al., 2011, "Parallel random numbers: as easy as 1, 2, 3"), keyed by
(seed, epoch). Its counter holds the stream, the index of the window and the number of the block, so that no
window or stream reaches the numbers of another.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from itertools import count
from typing import Any

import numpy as np

_WORD = 2**64
_BLOCK = 4  # numbers that one value of the counter gives


class _Philox(threading.local):
    """One generator a thread, moved to where numbers are wanted: making one anew costs five times as much."""

    def __init__(self) -> None:
        self.bits = np.random.Philox(key=0)
        self.generator = np.random.Generator(self.bits)
        self.buffer = np.zeros(_BLOCK, np.uint64)

    def at(self, key: tuple[int, int], counter: tuple[int, int, int, int]) -> np.random.Generator:
        """The generator, at the beginning of a block; it serves until the next call in this thread."""
        words = {"counter": np.array(counter, np.uint64), "key": np.array(key, np.uint64)}
        state: Any = {
            "bit_generator": "Philox",
            "state": words,
            "buffer": self.buffer,
            "buffer_pos": _BLOCK,  # all used: the next number begins a block
            "has_uint32": 0,
            "uinteger": 0,
        }
        self.bits.state = state
        return self.generator


_PHILOX = _Philox()


def numbers(seed: int, epoch: int, index: int, stream: int) -> Iterator[float]:
    """Numbers in [0, 1), as many as are asked for.

    Parameters
    ----------
    seed, epoch : any integers, modulo 2⁶⁴
    index : of the window
    stream : what they are for; each has numbers of its own
    """
    key = (seed % _WORD, epoch % _WORD)
    for block in count():
        yield from _PHILOX.at(key, (block, 0, index, stream)).random(_BLOCK).tolist()


def integer(seed: int, epoch: int, index: int, stream: int) -> int:
    """A number in [0, 2⁶³), to seed something else with; see `numbers`."""
    generator = _PHILOX.at((seed % _WORD, epoch % _WORD), (0, 0, index, stream))
    return int(generator.integers(2**63))
