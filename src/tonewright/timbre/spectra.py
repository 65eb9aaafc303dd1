"""Centred short-time spectra, which onsets and the percussive share are made from, and the way back.

Frames stand in the lanes of vectors, 32 in each transform: those of the real part, then those of the
imaginary one.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from tonewright.timbre.lane_fourier import factors, places, transform
from tonewright.timbre.lanes import CALLED, LANES, OPTIONS, load, spread, store
from tonewright.timbre.turning import lanes_to_rows, turn_all

FRAME, HOP = 2048, 512
BINS = FRAME // 2 + 1
# Frames of a transform, and hops of a frame.
PAIR, OVERLAP = 2 * LANES, FRAME // HOP


def centred_spectrum(samples: np.ndarray) -> np.ndarray:
    """Short-time spectrum of Hann frames of 2048 samples every 512, each centred on its time.

    X[t, k] = Σ_n w[n] x[512 t − 1024 + n] e^{−j2πkn/2048}, x being 0 outside of the sound.

    Parameters
    ----------
    samples : (time,)

    Returns
    -------
    (1 + time // 512, 1025) complex64
    """
    frames = 1 + samples.size // HOP
    whole = -(-frames // PAIR) * PAIR
    sound = hops(samples, whole + OVERLAP - 1, lead=FRAME // 2)
    rows = np.empty((whole, 2 * BINS), dtype=np.float32)
    work = np.empty((FRAME, 2, LANES), dtype=np.float32)
    lanes = np.empty((2, 2 * BINS, LANES), dtype=np.float32)
    _spectra(sound, hann_window() / 2, factors(FRAME), places(FRAME), work, lanes, rows)
    return rows[:frames].view(np.complex64)


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
def _spectra(
    sound: np.ndarray,
    window: np.ndarray,
    rotations: np.ndarray,
    place: np.ndarray,
    work: np.ndarray,
    lanes: np.ndarray,
    rows: np.ndarray,
) -> None:
    """Fill `rows` (frames, 2 · bins), real and imaginary parts in turn, with the spectra of the frames."""
    for first in range(0, rows.shape[0], PAIR):
        for n in range(FRAME):
            at, weight = n % HOP * sound.shape[1] + first + n // HOP, spread(window[n])
            store(work, n * PAIR, load(sound, at) * weight)
            store(work, n * PAIR + LANES, load(sound, at + LANES) * weight)
        transform(work, rotations)
        _separate(work, place, lanes)
        lanes_to_rows(lanes[0], rows[first:])
        lanes_to_rows(lanes[1], rows[first + LANES :])


@njit(**CALLED)
def _separate(work: np.ndarray, place: np.ndarray, lanes: np.ndarray) -> None:
    """Spectra of the real and of the imaginary frames, each doubled: (2, 2 · bins, LANES)."""
    other = lanes.size // 2
    for k in range(BINS):
        one, mirror = place[k] * PAIR, place[(FRAME - k) % FRAME] * PAIR
        a, b, c, d = load(work, one), load(work, one + LANES), load(work, mirror), load(work, mirror + LANES)
        to = 2 * k * LANES
        store(lanes, to, a + c)
        store(lanes, to + LANES, b - d)
        store(lanes, other + to, b + d)
        store(lanes, other + to + LANES, c - a)


@njit(**CALLED)
def join(lanes: np.ndarray, work: np.ndarray) -> None:
    """Undo `_separate`, but for the factor 2 and the order: fill `work` with A + i B, bin k at k.

    Parameters
    ----------
    lanes : (2, 2 · bins, LANES) float32, real and imaginary parts in turn, of frames of either half
    work : (2048, 2, LANES)
    """
    other = lanes.size // 2
    for k in range(BINS):
        at = 2 * k * LANES
        a, b = load(lanes, at), load(lanes, at + LANES)
        c, d = load(lanes, other + at), load(lanes, other + at + LANES)
        if 0 < k < FRAME // 2:
            store(work, k * PAIR, a - d)
            store(work, k * PAIR + LANES, b + c)
            store(work, (FRAME - k) * PAIR, a + d)
            store(work, (FRAME - k) * PAIR + LANES, c - b)
        else:
            store(work, k * PAIR, a)
            store(work, k * PAIR + LANES, c)
