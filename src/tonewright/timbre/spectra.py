"""Frames of a sound side by side, 32 in each transform: 16 in its real part, 16 in the imaginary."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from tonewright.timbre.lanes import LANES, OPTIONS, load, spread, store
from tonewright.timbre.turning import turn_all

FRAME, HOP = 2048, 512
BINS = FRAME // 2 + 1
# Frames of a transform, and hops of a frame.
PAIR, OVERLAP = 2 * LANES, FRAME // HOP


def hops(samples: np.ndarray, count: int, *, lead: int, hop: int = HOP) -> np.ndarray:
    """A sound by hops, side by side, as far as it fits.

    Parameters
    ----------
    samples : (time,)
    count : hops
    lead : samples of silence before the sound
    hop : samples, a multiple of 16

    Returns
    -------
    (hop, `count` or more) float32
    """
    padded = np.zeros((-(-count // LANES) * LANES, hop), dtype=np.float32)
    rest = padded.reshape(-1)[lead:][: samples.size]
    rest[:] = samples[: rest.size]
    turned = np.empty(padded.shape[::-1], dtype=np.float32)
    turn_all(padded, turned)
    return turned


@lru_cache(maxsize=1)
def hann_window() -> np.ndarray:
    """Periodic Hann window of a frame: (2048,) float32, not to be written to."""
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FRAME) / FRAME)).astype(np.float32)
    window.setflags(write=False)
    return window


@njit(**OPTIONS)
def lay_frames(sound: np.ndarray, window: np.ndarray, first: int, work: np.ndarray) -> None:
    """Windowed frames as `transform` takes them: sixteen in the real part, the next in the imaginary.

    Parameters
    ----------
    sound : (hop, count) from `hops`
    window : (length,)
    first : number of the first frame, and of the hop that it begins with
    work : (length, 2, LANES) float32, filled
    """
    hop, count = sound.shape
    for late in range(window.size // hop):
        for j in range(hop):
            n, at = late * hop + j, j * count + first + late
            weight = spread(window[n])
            store(work, n * PAIR, load(sound, at) * weight)
            store(work, n * PAIR + LANES, load(sound, at + LANES) * weight)
