"""Energies of short blocks, the energy decay curve, and the decay times fitted to it."""

from __future__ import annotations

import numpy as np

SILENT_DB = -300.0


def block_energies(samples: np.ndarray, rate: float, *, block_s: float) -> tuple[np.ndarray, float]:
    """Energy Σ x² / rate of consecutive blocks, and the length of one in seconds.

    Parameters
    ----------
    samples : (time,)
    rate : in Hz
    block_s : length wanted; at least one sample is taken
    """
    size = max(1, round(block_s * rate))
    count = max(1, -(-len(samples) // size))
    padded = np.zeros(count * size)
    padded[: len(samples)] = samples
    return np.square(padded).reshape(count, size).sum(axis=1) / rate, size / rate


def energy_decay_curve(samples: np.ndarray, *, noise: float = 0.0, frames: int | None = None) -> np.ndarray:
    """Schroeder's backward integral in dB, L(t) = 10 lg (∫ₜ h² dτ / ∫₀ h² dτ).

    M. Schroeder, "New method of measuring reverberation time", J. Acoust. Soc. Am. 37, 1965.

    Parameters
    ----------
    samples : (…, time), from the onset on
    noise : mean square of the noise, taken away from h² before integration
    frames : where the decay ends; the rest is left out. All of it unless given.

    Returns
    -------
    (…, time) of at most `frames`, 0 at first, and not below −300
    """
    energy = np.square(np.asarray(samples, dtype=np.float64))[..., :frames] - noise
    left = np.cumsum(energy[..., ::-1], axis=-1)[..., ::-1]
    return decibels(left / np.maximum(left[..., :1], np.finfo(float).tiny))


def decibels(ratio: np.ndarray | float) -> np.ndarray:
    """10 lg of an energy ratio, not below −300 dB."""
    return 10.0 * np.log10(np.maximum(ratio, 10.0 ** (SILENT_DB / 10)))


def fitted_decay_s(levels_db: np.ndarray, step_s: float, *, from_db: float, to_db: float) -> float:
    """Decay by 60 dB after the least-squares line through a part of a decay curve (ISO 3382-1).

    Parameters
    ----------
    levels_db : (points,) falling curve
    step_s : time from one point to the next
    from_db, to_db : the part, such as −5 and −35

    Returns
    -------
    seconds, or NaN where the curve does not reach `to_db` or has fewer than three points in the part
    """
    below = np.flatnonzero(levels_db < to_db)
    if not len(below):
        return np.nan
    first, last = int(np.argmax(levels_db <= from_db)), int(below[0])
    if last - first < 3:
        return np.nan
    level = levels_db[first:last]
    time = (np.arange(last - first) - 0.5 * (last - first - 1)) * step_s
    slope = float(time @ (level - level.mean()) / (time @ time))
    return -60.0 / slope if slope < 0 else np.nan
