"""Figures of one channel in one band, from its squared response."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.reverb.analysis.decay import decibels, fitted_decay_s
from tonewright.reverb.analysis.ending import Ending, find_ending, given_ending

# Fine enough for the first 10 dB of a decay of 50 ms.
BLOCK_S = 0.000125
# By how much a fitted line must end above the noise at least.
MARGIN_DB = 3.0
# Bandwidth times decay: below the first the filter's own ringing, which has 5, hides the decay; below the
# second it lengthens the decay by some percent (F. Jacobsen, J. Sound Vib. 115, 1987).
LEAST_PRODUCT = 7.0
SAFE_PRODUCT = 16.0


@dataclass(frozen=True)
class Split:
    """Energies of a band when the response is cut at 50 and at 80 ms before it is filtered.

    Attributes
    ----------
    early : until 50 and until 80 ms
    late : of what follows, to the end of the sound
    """

    early: tuple[float, float]
    late: tuple[float, float]


@dataclass(frozen=True)
class Band:
    """What is known of a band before its decay is looked at.

    Attributes
    ----------
    split : energies before and behind 50 and 80 ms
    width_hz : of the band; infinite for the whole
    sample_rate : of the response
    least_noise : mean square that noise has here at least, that of rounding
    """

    split: Split
    width_hz: float
    sample_rate: int
    least_noise: float = 0.0


@dataclass(frozen=True)
class Measured:
    """Figures of a channel in a band, by the names of `DecayFigures`, and the curve they come from.

    Attributes
    ----------
    figures : name -> value
    levels_db : (points,) energy decay curve from the onset to the end of the decay
    step_s : time from one point to the next
    ending : where the decay ends
    """

    figures: dict[str, float]
    levels_db: np.ndarray
    step_s: float
    ending: Ending


def measure(
    energy: np.ndarray,
    step_s: float,
    *,
    band: Band,
    before: np.ndarray | None = None,
    truncation_s: float = np.nan,
) -> Measured:
    """Decay times, clarity and the rest for one band of one channel.

    Noise is taken away from the squared response, the response is cut where its decay meets the noise, and
    what an unlimited decay would have held beyond is added: M. Guski and M. Vorländer, "Comparison of noise
    compensation methods for room acoustic impulse response evaluations", Acta Acustica 100, 2014.

    Parameters
    ----------
    energy : (blocks,) ∫ h² dt of consecutive blocks from the onset on
    step_s : length of a block
    band : what else is known of the band
    before : (blocks,) of the same length before the onset, where the filter has rung; the last one meets it
    truncation_s : where the decay ends, if that is known; NaN to find it
    """
    if np.isfinite(truncation_s):
        ending = given_ending(energy, round(truncation_s / step_s))
    else:
        ending = find_ending(energy, least_noise=band.least_noise * step_s)
    kept = energy[: ending.blocks] - ending.noise
    left = np.append(np.cumsum(kept[::-1])[::-1], 0.0) + ending.tail
    ahead = np.zeros(0) if before is None else before
    total = float(ahead.sum() + left[0])
    if not total > 0:
        return nothing(step_s)
    levels = decibels(left / total)
    followed = levels if not np.isfinite(truncation_s) else _continued(levels, ending.fall_db)
    followed = followed if np.isfinite(ending.fall_db) else np.zeros(1)
    margin = _margin_db(ending, band.width_hz, step_s) if ending.flat else 0.0
    figures = _decays(followed, step_s, band.width_hz, margin_db=margin)
    figures["dynamic_range_db"] = -float(levels[-1]) if np.isfinite(ending.fall_db) else 0.0
    figures |= _clarity(band.split, energy, ending, step_s)
    figures |= {
        "centre_time_s": max(0.0, _moment(kept, ahead, ending, step_s) / total),
        "level_db": 10 * float(np.log10(total * band.sample_rate)),
        "noise_floor_db": 10 * float(np.log10(ending.noise / step_s)) if ending.noise > 0 else -np.inf,
        "truncation_s": len(kept) * step_s,
    }
    return Measured(figures, levels, step_s, ending)


def _margin_db(ending: Ending, width_hz: float, step_s: float) -> float:
    """By how much a fitted line must end above the noise.

    The energy within 10 dB of decay varies by 4.3 / √(B t) dB, t being their time; twice that is added.
    """
    products = width_hz * 10.0 * step_s / ending.fall_db if np.isfinite(ending.fall_db) else np.inf
    return MARGIN_DB + 2 * 4.34 / float(np.sqrt(products))


def _moment(kept: np.ndarray, ahead: np.ndarray, ending: Ending, step_s: float) -> float:
    """∫ t h² dt over what was kept, the ringing before the onset and the tail, which fades exponentially."""
    late_s = 10 / np.log(10) / ending.fall_db * step_s if np.isfinite(ending.fall_db) else 0.0
    near = (np.arange(len(kept)) + 0.5) @ kept - (np.arange(len(ahead)) + 0.5) @ ahead[::-1]
    return float(near) * step_s + ending.tail * (len(kept) * step_s + late_s)


def nothing(step_s: float) -> Measured:
    """What a band without any energy gives."""
    names = ("t20_s", "t30_s", "edt_s", "decay_s", "c50_db", "c80_db", "d50", "centre_time_s", "truncation_s")
    figures = dict.fromkeys(names, np.nan)
    figures |= {"level_db": -np.inf, "dynamic_range_db": 0.0, "noise_floor_db": -np.inf}
    return Measured(figures, np.zeros(0), step_s, Ending(0))


def _continued(levels_db: np.ndarray, fall_db: float) -> np.ndarray:
    """A curve that goes on at its late rate, far enough for a T30."""
    if not fall_db > 0 or levels_db[-1] < -36.0:
        return levels_db
    count = int(np.ceil((levels_db[-1] + 36.0) / fall_db))
    return np.concatenate([levels_db, levels_db[-1] - fall_db * np.arange(1, min(count, 1 << 22) + 1)])


def _decays(levels_db: np.ndarray, step_s: float, width_hz: float, *, margin_db: float) -> dict[str, float]:
    """Decay times as far as the curve can be followed, which ends with its last point."""
    depth = -float(levels_db[-1])
    found: dict[str, float] = {}
    for name, low in (("t10_s", -15.0), ("t20_s", -25.0), ("t30_s", -35.0)):
        reached = depth >= margin_db - low
        found[name] = fitted_decay_s(levels_db, step_s, from_db=-5.0, to_db=low) if reached else np.nan
    found["edt_s"] = early_decay_s(levels_db, step_s) if depth >= 10.0 + margin_db else np.nan
    found = {name: value if value * width_hz >= LEAST_PRODUCT else np.nan for name, value in found.items()}
    best = [found[name] for name in ("t30_s", "t20_s", "t10_s") if np.isfinite(found[name])]
    found["decay_s"] = best[0] if best else np.nan
    del found["t10_s"]
    return found


def early_decay_s(levels_db: np.ndarray, step_s: float) -> float:
    """Early decay time, from the first 10 dB; six times the time they take where they are a single step."""
    fitted = fitted_decay_s(levels_db, step_s, from_db=0.0, to_db=-10.0)
    below = np.flatnonzero(levels_db <= -10.0)
    return fitted if np.isfinite(fitted) or not len(below) else 6.0 * max(1, int(below[0])) * step_s


def _clarity(split: Split, energy: np.ndarray, ending: Ending, step_s: float) -> dict[str, float]:
    behind = float(energy[ending.blocks :].sum())
    found = {}
    for name, border_s, early, late in zip(
        ("c50_db", "c80_db"), (0.05, 0.08), split.early, split.late, strict=True
    ):
        inside = max(0, ending.blocks - round(border_s / step_s))
        early -= ending.noise * min(ending.blocks, border_s / step_s)
        late += ending.tail - behind - ending.noise * inside
        ratio = early / late if late > 0 and early > 0 else np.nan
        found[name] = float(10 * np.log10(ratio))
        if name == "c50_db":
            # Where more noise is taken away than there is, no part is known.
            known = early >= 0 and late >= 0 and early + late > 0
            found["d50"] = early / (early + late) if known else np.nan
    return found
