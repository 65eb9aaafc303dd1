"""What every sample rate leaves of a sound: the band up to 18 kHz."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numba import njit

from tonewright.timbre.lanes import LANES, OPTIONS, load, spread, store

RATE_HZ = 44100
# All passes up to here, nothing (−80 dB) from 19.8 kHz on.
AUDIBLE_HZ = 18_000.0
_HALF_TAPS, _CUTOFF_HZ, _BETA = 64, 18_900.0, 7.857


@lru_cache(maxsize=1)
def taps() -> np.ndarray:
    """The middle tap of a symmetrical low-pass and those on one side of it.

    h(k) = 2f sinc(2fk) w(k), with f the cutoff over the rate and w the window of Kaiser; Σ h = 1.

    Returns
    -------
    (65,) float64
    """
    place = np.arange(_HALF_TAPS + 1)
    share = 2 * _CUTOFF_HZ / RATE_HZ
    half = share * np.sinc(share * place) * np.kaiser(2 * _HALF_TAPS + 1, _BETA)[_HALF_TAPS:]
    return half / (half[0] + 2 * half[1:].sum())


def audible_band(samples: np.ndarray) -> np.ndarray:
    """A sound without what lies above 19 kHz or so; without delay, silence staying silence.

    A converter of sample rates takes the octave's end away, how much of it depends on the converter. What
    all of them leave is what the descriptors hear, so that a sound has one timbre at every rate.

    Parameters
    ----------
    samples : (time,) float64, at 44.1 kHz
    """
    whole = -(-samples.size // LANES) * LANES
    found = np.empty(whole)
    _filter(np.pad(samples, (_HALF_TAPS, _HALF_TAPS + whole - samples.size)), taps(), found)
    return found[: samples.size]


@njit(**OPTIONS)
def _filter(padded, half, found):
    """Of each sample, the sum of its neighbours' on both sides, weighted; sixteen samples at a time.

    Parameters
    ----------
    padded : (time + 2 (taps − 1),)
    half : (taps,)
    found : (time,), a multiple of sixteen, receives the sound
    """
    middle = half.size - 1
    for i in range(0, found.size, LANES):
        total = spread(half[0]) * load(padded, i + middle)
        for k in range(1, half.size):
            both = load(padded, i + middle - k) + load(padded, i + middle + k)
            total = total + spread(half[k]) * both
        store(found, i, total)
