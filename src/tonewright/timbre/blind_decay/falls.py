"""How fast the level of a sound falls, in figures from which the room's decay can be told.

A room keeps its sound: in no band can the level fall faster, for long, than the room lets it. The steepest
falls that last for some time hence come near the room's own decay, whatever sounds in it; short ones show the
sound, or the direct sound alone, and long ones the late tail. So slopes are looked at over four spans, from
70 ms to 0.56 s, where the sound is loud and where it has already fallen.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

WINDOWS_S = (0.07, 0.14, 0.28, 0.56)
STEEPEST = (0.02, 0.1, 0.25)
LATE = (0.05, 0.25, 0.5)
LEVELS = (0.05, 0.5, 0.9)
# The bands up to 1.4 kHz, and those above.
POOLS = (slice(0, 4), slice(4, 9))
COUNT = len(POOLS) * (len(WINDOWS_S) * (len(STEEPEST) + len(LATE)) + len(LEVELS))
# Which of the figures are times, that is all but the levels.
RISING = ([True] * (COUNT // len(POOLS) - len(LEVELS)) + [False] * len(LEVELS)) * len(POOLS)
LEAST_FRAMES = 48

_LONGEST_S = 20.0
_ACTIVE_DB, _LATE_DB, _SILENT_DB, _QUIET_BAND_DB = -45.0, (-30.0, -15.0), -80.0, -60.0
_LEAST_STEEP, _LEAST_LATE = 8, 6
_BEYOND = 1e9
_DECAY_DB = 5.0
_DECAY_WINDOWS = (1, 3)


class Falls(NamedTuple):
    """Figures of a sound's falls.

    Attributes
    ----------
    figures : (COUNT,) ln of times by 60 dB, and levels in 10 dB
    decays : stretches in which the level falls by 5 dB within 0.14 or 0.56 s
    """

    figures: np.ndarray
    decays: int


def falls(levels_db: np.ndarray, frame_s: float) -> Falls:
    r"""Slopes of the levels of a sound.

    For each band and span W the slope of the line of least squares through the levels of W frames,
    :math:`s = 12 \sum_k (k - (W-1)/2) L_k / (W (W^2 - 1))`, is taken at every frame. Of the slopes that begin
    within 45 dB of the band's loudest frames the 2nd, 10th and 25th percentile are kept, and of the falling
    ones whose level lies 15 to 30 dB below them the 5th, 25th and 50th, each as ln of 60 dB over the slope,
    and the mean over the bands of a pool. Beside them stand quantiles of the levels themselves.

    Parameters
    ----------
    levels_db : (bands, frames), at least `LEAST_FRAMES`
    frame_s : from frame to frame
    """
    frames = levels_db.shape[1]
    sounding = levels_db > levels_db.max(axis=1, keepdims=True) + _SILENT_DB
    ordered = np.sort(np.where(sounding, levels_db, -_BEYOND), axis=1)
    counts = sounding.sum(axis=1)
    loudest = ordered[np.arange(len(ordered)), -np.minimum(np.maximum(3, counts // 100), counts)]
    used = loudest > loudest.max() + _QUIET_BAND_DB
    below = levels_db - loudest[:, None]
    whole = np.maximum(below[used], _QUIET_BAND_DB).mean(axis=0)
    steep = np.full((len(levels_db), len(WINDOWS_S), len(STEEPEST)), np.nan)
    late = np.full((len(levels_db), len(WINDOWS_S), len(LATE)), np.nan)
    falling = np.zeros(frames, bool)
    for number, window_s in enumerate(WINDOWS_S):
        span = min(round(window_s / frame_s), frames // 2)
        slopes = _slopes(np.vstack([below, whole]), span) / frame_s
        if number in _DECAY_WINDOWS:
            falling[: slopes.shape[1]] |= slopes[-1] * window_s < -_DECAY_DB
        steep[:, number], late[:, number] = _quantiles_of(slopes[:-1], below, sounding, span)
    quantiles = _quantiles(below, sounding, LEVELS, 1)
    decays = int(falling[0]) + int(np.count_nonzero(falling[1:] & ~falling[:-1]))
    return Falls(_pooled(steep, late, -quantiles / 10, used), decays)


def _slopes(levels: np.ndarray, span: int) -> np.ndarray:
    """Slopes of the lines through every `span` columns, per column."""
    count = levels.shape[1]
    places = np.arange(count)
    sums, moments = np.zeros((2, len(levels), count + 1))
    np.cumsum(levels, axis=1, out=sums[:, 1:])
    np.cumsum(levels * places, axis=1, out=moments[:, 1:])
    total = sums[:, span:] - sums[:, :-span]
    moment = moments[:, span:] - moments[:, :-span] - places[: count - span + 1] * total
    return (moment - (span - 1) / 2 * total) * (12 / (span * (span * span - 1)))


def _quantiles_of(
    slopes: np.ndarray, below: np.ndarray, sounding: np.ndarray, span: int
) -> tuple[np.ndarray, np.ndarray]:
    """Steepest slopes, and those of what has fallen, as ln of a time, (bands, STEEPEST), (bands, LATE)."""
    count = slopes.shape[1]
    heard = np.ones(slopes.shape, bool)
    if not sounding.all():
        silent = np.cumsum(np.pad(~sounding, ((0, 0), (1, 0))), axis=1)
        heard = silent[:, span:] == silent[:, :-span]
    active = heard & (below[:, :count] > _ACTIVE_DB)
    within = below[:, span // 4 : span // 4 + count]
    fallen = heard & (slopes < 0) & (within > _LATE_DB[0]) & (within <= _LATE_DB[1])
    return (
        _log_times(_quantiles(slopes, active, STEEPEST, _LEAST_STEEP)),
        _log_times(_quantiles(slopes, fallen, LATE, _LEAST_LATE)),
    )


def _log_times(slopes: np.ndarray) -> np.ndarray:
    return np.log(60.0 / np.maximum(-slopes, 60.0 / _LONGEST_S))


def _quantiles(values: np.ndarray, chosen: np.ndarray, shares: tuple[float, ...], least: int) -> np.ndarray:
    """Quantiles of the chosen values of each row, (rows, shares); NaN where there are fewer than `least`."""
    ordered = np.sort(np.where(chosen, values, _BEYOND).astype(np.float32), axis=1)
    counts = chosen.sum(axis=1)
    places = np.maximum(counts - 1, 0)[:, None] * np.array(shares)
    lower = places.astype(int)
    rows = np.arange(len(values))[:, None]
    first = ordered[rows, lower]
    second = ordered[rows, np.minimum(lower + 1, np.maximum(counts - 1, 0)[:, None])]
    enough = counts >= least
    found = np.full(places.shape, np.nan)
    found[enough] = (first + (second - first) * (places - lower))[enough]
    return found


def _pooled(steep: np.ndarray, late: np.ndarray, levels: np.ndarray, used: np.ndarray) -> np.ndarray:
    """Means over the used bands of each pool, in a row.

    What is missing is taken from a shorter window, or from the other pool. Where no stretch lasts 70 ms above
    silence, that is its time; where nothing is left 15 dB down, the late slopes count as the others do.
    """
    pools = []
    for pool in POOLS:
        times = [_mean(part[pool][used[pool]]) for part in (steep, late)]
        for part in times:
            for number in range(1, len(WINDOWS_S)):
                part[number] = np.where(np.isnan(part[number]), part[number - 1], part[number])
        pools.append(np.concatenate([*(part.ravel() for part in times), _mean(levels[pool][used[pool]])]))
    here, other = np.array(pools), np.array(pools[::-1])
    found = np.where(np.isnan(here), other, here)
    steepest, latest = (found[:, k * steep[0].size : (k + 1) * steep[0].size] for k in range(2))
    steepest[np.isnan(steepest)] = np.log(WINDOWS_S[0])
    latest[:] = np.where(np.isnan(latest), np.repeat(steepest[:, 2::3], 3, axis=1), latest)
    return found.ravel()


def _mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN."""
    known = ~np.isnan(values)
    counts = known.sum(axis=0)
    return np.where(counts > 0, np.where(known, values, 0.0).sum(axis=0) / np.maximum(counts, 1), np.nan)
