"""Compiled passes of the reverb model: where a sound falls, and how fast."""

from __future__ import annotations

import math

import numpy as np
from numba import njit

OPTIONS = {"cache": True, "nogil": True, "fastmath": {"reassoc", "contract", "nnan", "nsz"}}
_INITIAL_S, _KEPT_SHARE = 0.3, 0.995
_LEAST_FALLS, _LAST_SUB_FRAME = 3, 5


@njit(**OPTIONS)
def falling_decays(
    kept: np.ndarray, sub_frame: int, hop: int, frames: int, growth: np.ndarray, log_growth: np.ndarray
) -> np.ndarray:
    """Index of the likeliest decay of each frame, −1 where it holds none.

    A fall that lasts through all sub-frames counts as none.

    Parameters
    ----------
    kept : (phases, time) every sample of one phase; frames begin at any phase
    sub_frame : length in kept samples; all but a frame's first are longer by one
    hop : between frames, in samples before any were left out
    growth : (decays, 4 sub-frames) a^{−n}
    log_growth : (decays,) −log a
    """
    found = np.full(frames, -1)
    likeliest = 0
    for frame in range(frames):
        start = frame * hop
        sound = kept[start % kept.shape[0], start // kept.shape[0] :]
        falls = _falls(sound, sub_frame)
        if _LEAST_FALLS <= falls < _LAST_SUB_FRAME:
            likeliest = _likeliest(sound[: falls * sub_frame], growth, log_growth, likeliest)
            found[frame] = likeliest
    return found


@njit(**OPTIONS)
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
        lowest, highest = _extent(part)
        if not (above > highest and below < lowest):
            return k - 1
        below, above, variance = lowest, highest, following
    return _LAST_SUB_FRAME


@njit(**OPTIONS)
def _extent(sound: np.ndarray) -> tuple[float, float]:
    lowest = highest = sound[0]
    for n in range(sound.size):
        lowest = min(lowest, sound[n])
        highest = max(highest, sound[n])
    return lowest, highest


@njit(**OPTIONS)
def _variance(sound: np.ndarray) -> float:
    mean = total = 0.0
    for n in range(sound.size):
        mean += sound[n]
    mean /= sound.size
    for n in range(sound.size):
        total += (sound[n] - mean) * (sound[n] - mean)
    return total / sound.size


@njit(**OPTIONS)
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


@njit(**OPTIONS)
def _likelihood(sound: np.ndarray, growth: np.ndarray, log_growth: float) -> float:
    total = 0.0
    for n in range(sound.size):
        total += growth[n] * abs(sound[n])
    count = sound.size
    return -count * math.log(total / count) + log_growth * (0.5 * count * (count - 1))


@njit(**OPTIONS)
def mean_smoothed(found: np.ndarray, decays_s: np.ndarray, remembered: int) -> float:
    """Mean of the smoothed estimate over the frames that gave one; NaN where none did.

    Of the last estimates the most frequent is smoothed. The very first is never forgotten.

    Parameters
    ----------
    found : (frames,) index of a decay, or −1
    decays_s : (decays,)
    remembered : how many estimates are counted
    """
    counts = np.zeros(decays_s.size, np.int64)
    estimates = found[found >= 0]
    frequent = smoothed = _INITIAL_S
    total = 0.0
    seen = 0
    for index in found:
        if index >= 0:
            counts[index] += 1
            seen += 1
            if seen > remembered + 1:
                counts[estimates[seen - 1 - remembered]] -= 1
            frequent = decays_s[np.argmax(counts)]
        smoothed = _KEPT_SHARE * smoothed + (1.0 - _KEPT_SHARE) * frequent
        if index >= 0:
            total += smoothed
    return total / seen if seen else math.nan
