"""Energy decay curves, where they end in noise, and the decay times fitted to them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SILENT_DB = -300.0


@dataclass(frozen=True)
class Ending:
    """Where a decay disappears in noise, and what is known of it there.

    Attributes
    ----------
    blocks : how many blocks of energy belong to the decay
    noise : mean energy of a block of noise
    late_db_s : rate of the last visible part of the decay in dB per second, positive; NaN if not found
    flat : whether a floor of noise was found; otherwise the decay goes on to the end of the sound
    tail : energy of what follows, if the decay went on at its late rate
    """

    blocks: int
    noise: float
    late_db_s: float
    flat: bool
    tail: float = 0.0


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


def energy_decay_curve(
    samples: np.ndarray, sample_rate: float, *, noise: float = 0.0, frames: int | None = None
) -> np.ndarray:
    """Schroeder's backward integral in dB, L(t) = 10 lg (∫ₜ h² dτ / ∫₀ h² dτ).

    M. Schroeder, "New method of measuring reverberation time", J. Acoust. Soc. Am. 37, 1965.

    Parameters
    ----------
    samples : (…, time), from the onset on
    sample_rate : in Hz
    noise : mean square of the noise, taken away from h² before integration
    frames : where the decay ends; the rest is left out. All of it unless given.

    Returns
    -------
    (…, time) of at most `frames`, 0 at first, and not below −300
    """
    del sample_rate
    energy = np.square(np.asarray(samples, dtype=np.float64))[..., :frames] - noise
    left = np.cumsum(energy[..., ::-1], axis=-1)[..., ::-1]
    return decibels(left / np.maximum(left[..., :1], np.finfo(float).tiny))


def decibels(ratio: np.ndarray) -> np.ndarray:
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


def find_ending(energy: np.ndarray, step_s: float) -> Ending:
    """Where a band's decay meets its noise, after the iteration of Lundeby et al.

    A. Lundeby, T. E. Vigran, H. Bietz and M. Vorländer, "Uncertainties of measurements in room acoustics",
    Acustica 81, 1995: levels of short blocks give a first line and a first crossing with the noise; then the
    blocks are fitted to the line, noise is taken from beyond the crossing, the line from the part just above
    the noise, until the crossing stays.

    Parameters
    ----------
    energy : (blocks,) from the onset on
    step_s : length of a block
    """
    total = len(energy)
    if total < 8 or not energy.any():
        return Ending(total, 0.0, np.nan, False)
    noise = _mean_behind(energy, int(0.9 * total))
    line = _line(energy, group=max(1, round(0.02 / step_s)), noise=noise, above_db=(10.0, 90.0))
    for _ in range(8):
        if line is None:
            return Ending(total, noise, np.nan, True)
        fall, _, cross = line
        group = int(np.clip(round(2.0 / fall), 1, max(1, total // 16)))
        noise = _mean_behind(energy, min(cross + int(7.0 / fall), int(0.9 * total)))
        line = _line(energy, group=group, noise=noise, above_db=(6.0, 26.0))
        if line is not None and abs(line[2] - cross) <= group:
            break
    if line is None:
        return Ending(total, noise, np.nan, True)
    fall, start, cross = line
    if _still_falls(energy[min(cross, int(0.9 * total)) :], fall):
        return _with_tail(total, 0.0, fall, start, step_s, flat=False)
    return _with_tail(int(np.clip(cross, 1, total)), noise, fall, start, step_s, flat=True)


def given_ending(energy: np.ndarray, step_s: float, *, truncation_s: float) -> Ending:
    """The ending of a decay without noise that is to be cut at a known time, its rate from the last 20 dB."""
    blocks = int(np.clip(round(truncation_s / step_s), 1, len(energy)))
    kept = energy[:blocks]
    if len(kept) < 8 or not kept.any():
        return Ending(blocks, 0.0, np.nan, False)
    last = float(kept[int(0.95 * blocks) :].mean())
    line = _line(kept, group=max(1, blocks // 50), noise=last, above_db=(0.0, 20.0))
    if line is None:
        return Ending(blocks, 0.0, np.nan, False)
    return _with_tail(blocks, 0.0, line[0], line[1], step_s, flat=False)


def _with_tail(
    blocks: int, noise: float, fall_db: float, start_db: float, step_s: float, *, flat: bool
) -> Ending:
    power = 10 ** ((start_db - fall_db * blocks) / 10)
    return Ending(blocks, noise, fall_db / step_s, flat, power * 10 / np.log(10) / fall_db)


def _mean_behind(energy: np.ndarray, start: int) -> float:
    return float(energy[max(0, min(start, len(energy) - 1)) :].mean())


def _still_falls(energy: np.ndarray, fall_db: float) -> bool:
    """Whether the end of a decay falls at least half as fast as the decay does, `fall_db` a block."""
    half = len(energy) // 2
    if half < 2:
        return True
    first, second = energy[:half].mean(), energy[half:].mean()
    if second <= 0:
        return True
    fallen = 10 * np.log10(max(first, 1e-300) / second)
    return bool(fallen > 0.5 * fall_db * half)


def _line(
    energy: np.ndarray, *, group: int, noise: float, above_db: tuple[float, float]
) -> tuple[float, float, int] | None:
    """Line through the levels above the noise: dB it falls a block, dB at the start, block where it ends."""
    count = len(energy) // group
    level = decibels(energy[: count * group].reshape(count, group).mean(axis=1))
    floor = float(decibels(np.array(noise)))
    low, high = floor + above_db[0], floor + above_db[1]
    peak = int(np.argmax(level))
    below = np.flatnonzero(level[peak:] < low)
    last = peak + int(below[0]) if len(below) else count
    above = np.flatnonzero(level[peak:last] > high)
    first = min(peak + int(above[-1]) if len(above) else peak, max(peak, last - 3))
    if last - first < 2:
        return None
    slope, start = np.polyfit((np.arange(first, last) + 0.5) * group, level[first:last], 1)
    if slope >= 0:
        return None
    return -float(slope), float(start), int(np.clip((floor - start) / slope, 0, len(energy)))
