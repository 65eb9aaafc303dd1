"""How a descriptor is spread over many sounds, and whether it can be analysed at all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

FEWEST_MEASURED = 0.5
FEWEST_SOUNDS = 3
_QUANTILES = (0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0)


@dataclass(frozen=True)
class Spread:
    """A column in figures; all NaN where nothing is measured.

    Parameters
    ----------
    measured, missing : sounds with and without a value
    distinct : different values
    mean, variance : of the values; the variance divides by n − 1
    lowest, low, lower, median, upper, high, highest : quantiles 0, .05, .25, .5, .75, .95, 1
    commonest, commonest_share : the value met most often, and its share of the measured sounds
    """

    measured: int
    missing: int
    distinct: int
    mean: float
    variance: float
    lowest: float
    low: float
    lower: float
    median: float
    upper: float
    high: float
    highest: float
    commonest: float
    commonest_share: float

    @property
    def deviation(self) -> float:
        """Standard deviation."""
        return float(np.sqrt(self.variance))


def spread_of(column: np.ndarray) -> Spread:
    """The figures of a column (n,) with NaN."""
    values = column[np.isfinite(column)]
    missing = len(column) - len(values)
    if not len(values):
        return Spread(0, missing, 0, *[np.nan] * 11)
    distinct, counts = np.unique(values, return_counts=True)
    most = int(np.argmax(counts))
    return Spread(
        len(values),
        missing,
        len(distinct),
        float(values.mean()),
        float(values.var(ddof=1)) if len(values) > 1 else 0.0,
        *(float(quantile) for quantile in np.quantile(values, _QUANTILES)),
        commonest=float(distinct[most]),
        commonest_share=float(counts[most] / len(values)),
    )


def objection(spread: Spread) -> str:
    """Why a column says nothing of how sounds differ, in words; nothing where it does."""
    total = spread.measured + spread.missing
    if not spread.measured:
        return "measured for no sound"
    if spread.measured < max(FEWEST_SOUNDS, FEWEST_MEASURED * total):
        return f"measured for {spread.measured} of {total} sounds only"
    if spread.distinct == 1:
        return f"the same for every sound: {spread.commonest:.4g}"
    return ""
