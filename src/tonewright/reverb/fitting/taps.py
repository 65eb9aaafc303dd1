"""Where early reflections lie: few samples that stand for the first part of a response."""

from __future__ import annotations

import numpy as np
from scipy.linalg import cho_factor, cho_solve
from scipy.signal import oaconvolve

from tonewright.reverb.analysis.bands import fast_length

# By how much less a sample counts where the sound is loud, as a power of its envelope.
_LEVELLING = 0.5
_ENVELOPE_S = 0.002
_LOWEST_HZ, _RANGE_DB = 80.0, 50.0
_BATCHES = 32
_RIDGE = 1e-6


def chosen_taps(missing: np.ndarray, room: np.ndarray, sample_rate: int, *, count: int) -> np.ndarray:
    """Positions (taps,) whose impulses come nearest to a sound, all channels together.

    Orthogonal matching pursuit (Y. C. Pati, R. Rezaiifar and P. S. Krishnaprasad, 1993), several positions at
    a time, on an error in which every third of the room's spectrum counts alike and loud moments count less.

    Parameters
    ----------
    missing : (channels, time) what the taps shall stand for
    room : (channels, time) the measured sound, whose envelope and spectrum weigh the error
    sample_rate : in Hz
    count : number of positions
    """
    length = missing.shape[1]
    if count >= length:
        return np.arange(length)
    levels = _levelling(room, sample_rate)
    points = fast_length(2 * length + 4096)
    weights = _spectral_weights(room * levels, sample_rate, points)
    likeness = np.fft.irfft(weights, points)[:length]
    aims = np.fft.irfft(np.fft.rfft(missing * levels, points) * weights, points)[:, :length]
    kernel = np.concatenate([likeness[:0:-1], likeness])[None]
    free = np.ones(length, dtype=bool)
    found = np.zeros(0, dtype=np.int64)
    lacking = aims
    while len(found) < count:
        worth = np.where(free, np.square(lacking).sum(axis=0), -1.0)
        batch = min(max(1, count // _BATCHES), count - len(found))
        found = np.concatenate([found, np.argpartition(worth, -batch)[-batch:]])
        free[found] = False
        gram = likeness[np.abs(found[:, None] - found)] + _RIDGE * likeness[0] * np.eye(len(found))
        impulses = np.zeros_like(aims)
        impulses[:, found] = cho_solve(cho_factor(gram), aims[:, found].T).T
        lacking = aims - oaconvolve(impulses, kernel, axes=1)[:, length - 1 : 2 * length - 1]
    return np.sort(found)


def _levelling(room: np.ndarray, sample_rate: int) -> np.ndarray:
    """(time,) factor that brings the envelope towards a constant."""
    energy = np.square(room).sum(axis=0)
    half = max(1, round(_ENVELOPE_S * sample_rate))
    smooth = oaconvolve(energy, np.hanning(2 * half + 1) / half, mode="same")[: len(energy)]
    factor = np.maximum(smooth, 0.0) + 1e-3 * energy.mean() + 1e-30
    return factor ** (-0.5 * _LEVELLING)


def _spectral_weights(room: np.ndarray, sample_rate: int, points: int) -> np.ndarray:
    """(bins,) of 1/(f S(f)), S being the room's power spectrum, smooth over thirds."""
    frequencies = np.fft.rfftfreq(points, 1 / sample_rate)
    power = np.square(np.abs(np.fft.rfft(room, points))).mean(axis=0)
    sums = np.concatenate([[0.0], np.cumsum(power)])
    edges = np.maximum(frequencies, _LOWEST_HZ)
    low = np.searchsorted(frequencies, edges * 2 ** (-1 / 6))
    high = np.maximum(np.searchsorted(frequencies, edges * 2 ** (1 / 6)), low + 1)
    high = np.minimum(high, len(power))
    smooth = (sums[high] - sums[np.minimum(low, high - 1)]) / np.maximum(high - low, 1)
    smooth = np.maximum(smooth, smooth.max() * 10 ** (-_RANGE_DB / 10) + 1e-30)
    weights = 1 / (smooth * edges)
    return weights / weights.mean()
