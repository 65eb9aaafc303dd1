"""What a fit gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.filters.bank import Bank


@dataclass(frozen=True, eq=False)
class Fit:
    """A bank that stands for a spectrum, and how near it comes.

    Attributes
    ----------
    bank : the filters
    frequencies_hz : (points,) where bank and target were compared
    target_db : (points,) what was wanted
    achieved_db : (points,) the bank's magnitude; of a sound nowhere below its floor, as the target
    weights : (points,) how much each point counts; their sum is 1
    error_db : √Σ w (achieved − target)²
    sample_rate : at which the bank was designed for the comparison
    target_response, achieved_response : (points,) complex, where magnitude and phase were fitted
    phase_error_degrees : √Σ w φ² of the angle φ between the two responses, where the phase was fitted
    assumptions : in words, what was compared and what was left out
    """

    bank: Bank
    frequencies_hz: np.ndarray
    target_db: np.ndarray
    achieved_db: np.ndarray
    weights: np.ndarray
    error_db: float
    sample_rate: int
    target_response: np.ndarray | None = None
    achieved_response: np.ndarray | None = None
    phase_error_degrees: float | None = None
    assumptions: tuple[str, ...] = ()

    def table(self) -> list[dict[str, Any]]:
        """A row for each filter: number, shape, frequency_hz, q, and gain (parallel) or gain_db (series)."""
        rows = self.bank.as_dict()["filters"]
        return [
            {"filter": number, "shape": row.get("shape", "bandpass")}
            | {key: value for key, value in row.items() if key != "shape"}
            for number, row in enumerate(rows, start=1)
        ]
