"""Where the attack of a note begins, how long it lasts, and how bright it is."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import scipy.fft
from numba import njit

from tonewright.timbre.lanes import OPTIONS

# Of the way from the lowest value before the peak up to it.
_LEVELS = np.linspace(0.1, 0.9, 9)
_LONGEST_S = 0.1
_EFFORT = 3.0
_BRIGHT_S, _LEAST_SAMPLES = 0.125, 512
_LEAST_HZ = 20.0


class Attack(NamedTuple):
    """The attack of a note.

    Attributes
    ----------
    start : its first sample, counted from the onset
    seconds : how long it lasts, at most 100 ms and a sample; 0 where the note begins at its peak
    """

    start: int
    seconds: float


def attack(envelope: np.ndarray, *, sample_rate: float) -> Attack:
    """Attack of a note by the method of least effort.

    Nine levels divide the way from the last of the lowest values before the peak up to it. It takes the
    envelope an effort, which is a time, to come from each to the next. The attack starts with the first
    effort of at most three times their mean, and ends where the first later one of at least as much begins,
    or else the last of all. (G. Peeters, "A large set of audio features for sound description (similarity
    and classification) in the CUIDADO project", IRCAM 2004.)

    Parameters
    ----------
    envelope : (time,) float64, from the onset to the next
    sample_rate : in Hz
    """
    peak = int(envelope.argmax())
    if peak == 0:
        return Attack(0, 0.0)
    lowest = envelope[:peak].min() / envelope[peak]
    crossings = np.empty(_LEVELS.size, dtype=np.int64)
    first = _fill_crossings(envelope[: peak + 1], lowest, _LEVELS, crossings)
    efforts = crossings[1:] - crossings[:-1]
    limit = efforts.mean() * _EFFORT
    begin = int((efforts <= limit).argmax())
    end = int((efforts[begin:] >= limit).argmax()) or efforts.size - begin - 1
    start, stop = int(crossings[begin]), int(crossings[begin + end])
    if start == stop:
        start, stop = int(crossings[0]), int(crossings[-1])
    samples = stop - start + 1.0 if stop > start else 1.0
    if samples / sample_rate > _LONGEST_S:
        samples = int(sample_rate * _LONGEST_S) + 1.0
    return Attack(first + start, samples / sample_rate)


@njit(**OPTIONS)
def _fill_crossings(rise: np.ndarray, lowest: float, levels: np.ndarray, crossings: np.ndarray) -> int:
    """Where the lowest value was last; in `crossings`, how long after it each level is reached.

    Parameters
    ----------
    rise : (time,) float64, its last value the highest
    lowest : of the values, over the highest
    levels : (levels,) of the way up, 0 to 1, ascending
    crossings : (levels,) int64
    """
    peak = rise.size - 1
    top, first = rise[peak], peak - 1
    while rise[first] / top > lowest:
        first -= 1
    at = first
    for j in range(levels.size):
        level = levels[j] * (1.0 - lowest) + lowest
        while at < peak and rise[at] / top < level:
            at += 1
        crossings[j] = at - first
    return first


def attack_centroids(
    samples: np.ndarray,
    begins: list[int],
    ends: list[int],
    *,
    sample_rate: float,
    end_hz: float = math.inf,
) -> list[float]:
    """Centroid of the magnitudes from 20 Hz on of the 125 ms that follow each attack's start, in Hz.

    Those are left out that have no more than 512 samples, or are silent.

    Parameters
    ----------
    samples : (time,)
    begins, ends : where each attack starts, and where its note ends
    sample_rate : in Hz
    end_hz : bins above this frequency count as empty
    """
    longest = int(_BRIGHT_S * sample_rate)
    found = []
    for begin, end in zip(begins, ends, strict=True):
        part = samples[begin : min(end, begin + longest)]
        if part.size > _LEAST_SAMPLES:
            size = 1 << math.ceil(math.log2(part.size))
            spectrum = np.asarray(scipy.fft.rfft(part.astype(np.float32), size))
            levels = np.abs(spectrum)
            first = math.ceil(_LEAST_HZ * size / sample_rate)
            levels = levels[first : int(min(levels.size, end_hz * size / sample_rate + 1))]
            total = levels.sum(dtype=np.float64)
            if total > 0:
                mean = float(np.arange(first, first + levels.size, dtype=np.float64) @ levels / total)
                found.append(mean * sample_rate / size)
    return found
