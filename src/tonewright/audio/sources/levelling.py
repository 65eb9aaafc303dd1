"""Silence cut away, and one level for everything.

The level of a sound is that of its active part: the root of the mean square of the frames of 10 ms that
lie within 30 dB of its loud ones (their 95th percentile).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.ndimage import median_filter

FRAME_S = 0.01
LEVEL_DB = -20.0
PEAK_DB = -1.0
ACTIVE_RANGE_DB = 30.0
_FLOOR_DB = -120.0
_LOUD_PERCENTILE, _FLOOR_PERCENTILE = 95, 5
_LEAST_RANGE_DB = 15.0
_FADE_S = 0.005


@dataclass(frozen=True)
class Trim:
    """How silence is cut from a kind of sound.

    Parameters
    ----------
    range_db : what lies farther below the loud frames is silence
    before_s, after_s : kept around what is none
    longest_pause_s : silence within is shortened to this; None leaves it
    hiss_db : so much above the floor of the recording, its 5th percentile, is silence too, as long as that
        is 15 dB below the loud frames, and so is what stands out for less than 30 ms; None does not ask
    """

    range_db: float
    before_s: float
    after_s: float
    longest_pause_s: float | None = None
    hiss_db: float | None = None


def frame_levels_db(samples: np.ndarray, *, sample_rate: int) -> np.ndarray:
    """Level of every frame of 10 ms, mean over channels, not under −120 dB; the last may be shorter.

    Parameters
    ----------
    samples : (channels, time)
    sample_rate : Hz

    Returns
    -------
    (frames,) dB, at least one
    """
    size = max(1, round(FRAME_S * sample_rate))
    starts = np.arange(0, max(1, samples.shape[1]), size)
    power = np.zeros(len(starts))
    whole = samples.shape[1] // size
    for channel in samples:
        blocks = channel[: whole * size].reshape(whole, size)
        power[:whole] += np.einsum("fs,fs->f", blocks, blocks) / size
        rest = channel[whole * size :]
        if rest.size:
            power[-1] += np.vdot(rest, rest) / rest.size
    return np.maximum(10 * np.log10(np.maximum(power / len(samples), 1e-30)), _FLOOR_DB)


def loud_db(levels_db: np.ndarray) -> float:
    """Level of the loud frames: the 95th percentile of those above the floor."""
    sounding = levels_db[levels_db > _FLOOR_DB]
    return float(np.percentile(sounding, _LOUD_PERCENTILE)) if sounding.size else _FLOOR_DB


def active_level_db(samples: np.ndarray, *, sample_rate: int) -> float:
    """RMS level of the active part of a sound, dB full scale; −120 for silence."""
    levels = frame_levels_db(samples, sample_rate=sample_rate)
    active = levels[levels >= max(loud_db(levels) - ACTIVE_RANGE_DB, _FLOOR_DB)]
    return float(10 * np.log10(np.mean(10 ** (active / 10))))


def levelling_gain_db(samples: np.ndarray, *, sample_rate: int, peak: float | None = None) -> float:
    """Gain that brings the active part to −20 dB full scale, or the peak to −1 dB where that is less.

    Parameters
    ----------
    samples : (channels, time), not silent
    sample_rate : Hz
    peak : to go by instead of that of `samples`, such as the highest among stems
    """
    highest = float(np.abs(samples).max()) if peak is None else peak
    to_level = LEVEL_DB - active_level_db(samples, sample_rate=sample_rate)
    return min(to_level, PEAK_DB - 20 * float(np.log10(highest)))


def kept_sections(samples: np.ndarray, trim: Trim, *, sample_rate: int) -> list[tuple[int, int]]:
    """What remains of a sound without its silence.

    Parameters
    ----------
    samples : (channels, time)
    trim : what counts as silence
    sample_rate : Hz

    Returns
    -------
    (start, end) of each section in samples, in order, apart from each other; none where all is silence
    """
    levels = frame_levels_db(samples, sample_rate=sample_rate)
    threshold = _threshold_db(levels, trim)
    if trim.hiss_db is not None:
        levels = median_filter(levels, 5, mode="nearest")
    active = np.flatnonzero(levels >= threshold)
    if active.size == 0:
        return []
    frame, length = max(1, round(FRAME_S * sample_rate)), samples.shape[1]
    before, after = round(trim.before_s * sample_rate), round(trim.after_s * sample_rate)
    pause = length if trim.longest_pause_s is None else round(trim.longest_pause_s * sample_rate)
    breaks = np.flatnonzero(np.diff(active) * frame - frame > pause)
    firsts = active[np.concatenate([[0], breaks + 1])] * frame
    ends = (active[np.concatenate([breaks, [-1]])] + 1) * frame
    sections = []
    for first, end in zip(firsts, ends, strict=True):
        start = first - (before if first == firsts[0] else pause // 2)
        stop = end + (after if end == ends[-1] else pause - pause // 2)
        sections.append((max(0, int(start)), min(length, int(stop))))
    return sections


def _threshold_db(levels_db: np.ndarray, trim: Trim) -> float:
    """Level below which a frame is silence."""
    loud = loud_db(levels_db)
    threshold = max(loud - trim.range_db, _FLOOR_DB + 1e-9)
    if trim.hiss_db is None:
        return threshold
    floor = float(np.percentile(levels_db, _FLOOR_PERCENTILE))
    return max(threshold, min(floor + trim.hiss_db, loud - _LEAST_RANGE_DB))


def joined(samples: np.ndarray, sections: list[tuple[int, int]], *, sample_rate: int) -> np.ndarray:
    """Sections of a sound one after another, faded over 5 ms wherever something was cut.

    Parameters
    ----------
    samples : (channels, time)
    sections : (start, end), as from `kept_sections`
    sample_rate : Hz

    Returns
    -------
    (channels, time), a new array
    """
    parts = []
    for start, end in sections:
        part = samples[:, start:end].copy()
        fade = min(round(_FADE_S * sample_rate), part.shape[1] // 2)
        ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 0.5) / max(1, fade))).astype(part.dtype)
        if start > 0 and fade:
            part[:, :fade] *= ramp
        if end < samples.shape[1] and fade:
            part[:, -fade:] *= ramp[::-1]
        parts.append(part)
    if len(parts) < 2:
        return parts[0] if parts else samples[:, :0].copy()
    return np.concatenate(parts, axis=1)
