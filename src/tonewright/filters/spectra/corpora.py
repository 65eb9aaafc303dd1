"""Spectra of a corpus, computed once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tonewright.filters.spectra.grids import Grid
from tonewright.learning.config import TrainConfig


@dataclass(frozen=True, eq=False)
class SpectraSet:
    """Spectra of many sounds.

    Attributes
    ----------
    values : (count, points) float32, mapped from a file: `Spectrum.magnitude_db` of each
    levels_db : (count,) float32
    names : of each; pieces of one long sound have its name and "@" with the second at which they begin
    grid : where they were taken
    """

    values: np.ndarray
    levels_db: np.ndarray
    names: tuple[str, ...]
    grid: Grid

    def __len__(self) -> int:
        """Number of spectra."""
        return len(self.names)


def load_spectra(
    config: TrainConfig, split: str = "train", *, progress: Callable[[int, int], None] | None = None
) -> SpectraSet:
    """Spectra of the sounds of one split, "train" or "validation"."""
    raise NotImplementedError
