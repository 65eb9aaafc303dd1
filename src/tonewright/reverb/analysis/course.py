"""The course of a sound's level, and whether it is that of a room response at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.signal import butter, sosfilt

BLOCK_S = 0.05
_RANGE_DB = 35.0
_HYSTERESIS_DB = 3.0
_FEWEST = 5
_LATE = 0.3
_HARDLY = 0.2
_RUMBLE_HZ = 120.0


@dataclass(frozen=True)
class Course:
    """How a sound's level goes after its onset, in blocks of 50 ms.

    Attributes
    ----------
    early : share of the time in which 68 % of the energy above the quietest fifth have passed
    fall_db : by how much the last fifth is quieter than the first
    rises_db : sizes of the rises by more than 3 dB after the first fall, within 35 dB of the loudest block
    returns : whether a later rise reaches about the height of an earlier one
    """

    early: float
    fall_db: float
    rises_db: tuple[float, ...]
    returns: bool

    @property
    def verdict(self) -> str:
        """What the sound looks like where that is no room response; empty otherwise."""
        many = sum(rise > 6.0 for rise in self.rises_db) >= 3
        if (self.early > _LATE and sum(self.rises_db) > 25.0) or (many and self.returns):
            return (
                "looks like speech or music, not a room response: its level rises again, by up to "
                f"{max(self.rises_db):.0f} dB and {len(self.rises_db)} times; the figures describe no room"
            )
        if self.early > _LATE and self.fall_db < 3.0:
            return "does not decay: it looks like steady noise, a drone or dense music, not a room response"
        if self.early > _HARDLY and self.fall_db < 10.0:
            return (
                f"hardly decays: its last fifth is only {self.fall_db:.0f} dB below its first; it is cut "
                "short, buried in noise, or no room response"
            )
        return ""


def level_course(samples: np.ndarray, sample_rate: int, *, start: int) -> Course | None:
    """The course of a response, or None where it is too short to have one.

    Parameters
    ----------
    samples : (channels, time); what lies below 120 Hz is left out
    sample_rate : in Hz
    start : sample of the onset
    """
    heard = samples[:, start:]
    if heard.size and sample_rate > 4 * _RUMBLE_HZ:
        heard = sosfilt(butter(2, _RUMBLE_HZ, "highpass", fs=sample_rate, output="sos"), heard)
    energy = np.square(np.asarray(heard)).sum(axis=0)
    size = round(BLOCK_S * sample_rate)
    count = len(energy) // max(1, size)
    if count < _FEWEST or not energy.any():
        return None
    blocks = energy[: count * size].reshape(count, size).mean(axis=1)
    level = 10 * np.log10(blocks + 1e-30)
    above = np.cumsum(np.maximum(blocks - np.percentile(blocks, 20), 0.0))
    early = float(np.searchsorted(above, above[-1] * (1 - 10**-0.5)) / count)
    fifth = max(1, count // 5)
    first, last = energy[: fifth * size].mean(), energy[len(energy) - fifth * size :].mean()
    # Where most energy comes early, what lies within a few dB of the quietest blocks is noise.
    quiet = -np.inf if early > _LATE else float(np.percentile(level, 20)) + 6.0
    floor = max(level.max() - _RANGE_DB, quiet)
    rises, tops = _rises(np.maximum(level, min(floor, level.max())))
    returns = any(later > top - 3.0 for at, top in enumerate(tops) for later in tops[at + 1 :])
    return Course(early, float(10 * np.log10((first + 1e-30) / (last + 1e-30))), rises, returns)


def _rises(level_db: np.ndarray) -> tuple[tuple[float, ...], list[float]]:
    """Heights of the rises after the first fall, and the levels they reach, with hysteresis."""
    rises, tops = [], [float(level_db[0])]
    low, high, rising = float(level_db[0]), float(level_db[0]), True
    for value in map(float, level_db[1:]):
        if rising:
            high = max(high, value)
            if value < high - _HYSTERESIS_DB:
                rises.append(high - low)
                tops.append(high)
                low, rising = value, False
        else:
            low = min(low, value)
            if value > low + _HYSTERESIS_DB:
                high, rising = value, True
    if rising:
        rises.append(high - low)
        tops.append(high)
    return tuple(rise for rise in rises[1:] if rise > _HYSTERESIS_DB), tops[2:] if len(tops) > 1 else tops
