"""The unit interval and the units that people turn: Hz, Q, dB, seconds."""

from __future__ import annotations

import math
from dataclasses import dataclass

from tonewright.dsp.array import Array, namespace
from tonewright.errors import UsageError


@dataclass(frozen=True)
class Range:
    """Values that a knob runs through.

    A linear range maps u ∈ [0, 1] to low + u (high − low); a logarithmic one to low (high/low)^u, so that
    equal turns are equal ratios. Nothing is clipped: the maps are smooth and invertible beyond both ends.

    Parameters
    ----------
    low, high : values at 0 and at 1
    scale : "linear" or "log"
    unit : what is written behind a value; empty for a plain number
    """

    low: float
    high: float
    scale: str = "linear"
    unit: str = ""

    def __post_init__(self) -> None:
        """Refuse a range that cannot be turned."""
        text = f"range {self.low} to {self.high} {self.unit}".rstrip()
        if self.scale not in ("linear", "log"):
            raise UsageError(f"{text}: scale {self.scale!r} is not known; choose linear or log")
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise UsageError(f"{text}: both ends must be finite, the first below the second")
        if self.scale == "log" and self.low <= 0:
            raise UsageError(f"{text}: a log scale starts above 0; raise the low end or choose linear")

    @property
    def _span(self) -> float:
        return math.log(self.high / self.low) if self.scale == "log" else self.high - self.low

    def from_unit(self, unit_value: Array | float) -> Array:
        """Value at a position of the knob.

        Parameters
        ----------
        unit_value : (…), 0 at `low` and 1 at `high`

        Returns
        -------
        (…) in the unit of this range
        """
        if self.scale == "linear":
            return self.low + unit_value * self._span
        return self.low * namespace(unit_value).exp(unit_value * self._span)

    def to_unit(self, value: Array | float) -> Array:
        """Position of the knob at a value; the inverse of `from_unit`.

        Parameters
        ----------
        value : (…) in the unit of this range

        Returns
        -------
        (…)
        """
        if self.scale == "linear":
            return (value - self.low) / self._span
        return namespace(value).log(value / self.low) / self._span


FREQUENCY = Range(20.0, 20_000.0, "log", "Hz")
Q = Range(0.1, 10.0, "log")
GAIN_DB = Range(-24.0, 24.0, "linear", "dB")
SECONDS = Range(0.001, 10.0, "log", "s")
