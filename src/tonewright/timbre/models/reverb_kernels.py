"""Compiled passes of the reverb model: where a sound falls, and how fast."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

OPTIONS = {
    "cache": True,
    "nogil": True,
    "no_cfunc_wrapper": True,
    "fastmath": {"reassoc", "contract", "nnan", "nsz"},
}
_WITHIN = {**OPTIONS, "no_cpython_wrapper": True}
_LEAST_FALLS, _LAST_SUB_FRAME = 3, 5


@njit(**OPTIONS)
def falling_decays(
    kept: np.ndarray, sub_frame: int, hop: int, growth: np.ndarray, log_growth: np.ndarray, found: np.ndarray
) -> None:
    """Fill in the index of the likeliest decay of each frame that holds one.

    A fall that lasts through all sub-frames counts as none.

    Parameters
    ----------
    kept : (phases, time) every sample of one phase; frames begin at any phase
    sub_frame : length in kept samples; all but a frame's first are longer by one
    hop : between frames, in samples before any were left out
    growth : (decays, 4 sub-frames) a^{−n}
    log_growth : (decays,) −log a
    found : (frames,) int64
    """
    likeliest = np.int64(0)
    for frame in range(found.size):
        start = frame * hop
        sound = kept[start % kept.shape[0], start // kept.shape[0] :]
        falls = _falls(sound, sub_frame)
        if _LEAST_FALLS <= falls < _LAST_SUB_FRAME:
            likeliest = _likeliest(sound[: falls * sub_frame], growth, log_growth, likeliest)  # type: ignore[arg-type]
            found[frame] = likeliest


@njit(**_WITHIN)
def _falls(sound: np.ndarray, sub_frame: int) -> int:
    """Sub-frames after the first until variance, maximum and −minimum no longer all fall."""
    variance = _variance(sound[:sub_frame])
    below = above = 0.0
    for k in range(1, _LAST_SUB_FRAME + 1):
        part = sound[k * sub_frame : (k + 1) * sub_frame + 1]
        following = _variance(part)
        if not variance > following:
            return k - 1
        if k == 1:
            below, above = _extent(sound[:sub_frame])
        if _reaches(part, below, above):
            return k - 1
        below, above = _extent(part)
        variance = following
    return _LAST_SUB_FRAME


@njit(**_WITHIN)
def _extent(sound: np.ndarray) -> tuple[float, float]:
    lowest = highest = sound[0]
    for n in range(sound.size):
        x = sound[n]
        lowest = x if x < lowest else lowest
        highest = x if x > highest else highest
    return lowest, highest


@njit(**_WITHIN)
def _reaches(sound: np.ndarray, below: float, above: float) -> bool:
    """Whether any sample is as low or as high; quicker than to look for the extent."""
    count = 0
    for n in range(sound.size):
        count += (sound[n] >= above) | (sound[n] <= below)
    return count > 0


@njit(**_WITHIN)
def _variance(sound: np.ndarray) -> float:
    mean = total = 0.0
    for n in range(sound.size):
        mean += sound[n]
    mean /= sound.size
    for n in range(sound.size):
        total += (sound[n] - mean) * (sound[n] - mean)
    return total / sound.size


@njit(**_WITHIN)
def _likeliest(sound: np.ndarray, growth: np.ndarray, log_growth: np.ndarray, first: int) -> int:
    """Index of the likeliest decay, searched from `first`.

    log Σ e^{ρn} |x_n| is convex in ρ = −log a, so the likelihood has one maximum: it is climbed.
    """
    here, best = first, _likelihood(sound, growth[first], log_growth[first])
    for way in (-1, 1):
        while 0 <= here + way < growth.shape[0]:
            other = _likelihood(sound, growth[here + way], log_growth[here + way])
            if other < best or (other == best and way > 0):
                break
            here, best = here + way, other
        if here != first:
            break
    return here


@njit(**_WITHIN)
def _likelihood(sound: np.ndarray, growth: np.ndarray, log_growth: float) -> float:
    total = 0.0
    for n in range(sound.size):
        total += growth[n] * abs(sound[n])
    count = sound.size
    return -count * math.log(total / count) + log_growth * (0.5 * count * (count - 1))
