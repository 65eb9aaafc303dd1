"""Which spectra a step learns from: decided by the seed, the epoch and the index alone."""

from __future__ import annotations

import numpy as np

from tonewright.filters.config import Config
from tonewright.filters.spectra import SpectraSet, heard
from tonewright.learning.config import DataConfig


def batches_per_epoch(data: DataConfig) -> int:
    """Steps in an epoch."""
    return max(1, data.windows_per_epoch // data.batch_size)


def epoch_rows(count: int, wanted: int, *, seed: int, epoch: int) -> np.ndarray:
    """Numbers of the spectra of an epoch, (wanted,): each comes once before any comes again."""
    generator = np.random.default_rng((seed, epoch))
    rounds = [generator.permutation(count) for _ in range(-(-wanted // count))]
    return np.concatenate(rounds)[:wanted]


def epoch_batches(
    spectra: SpectraSet, config: Config, data: DataConfig, *, seed: int, epoch: int
) -> np.ndarray:
    """What the model hears in an epoch, (batches, batch, points) float32."""
    batches = batches_per_epoch(data)
    rows = epoch_rows(len(spectra), batches * data.batch_size, seed=seed, epoch=epoch)
    values = heard(np.asarray(spectra.values[rows]), config)
    return np.ascontiguousarray(values.reshape(batches, data.batch_size, -1))


def validation_batches(
    spectra: SpectraSet, config: Config, data: DataConfig, *, most: int | None = None
) -> np.ndarray:
    """Fixed spectra spread over a set, (batches, batch, points) float32.

    There are at most `data.validation_windows`, in whole batches; a set that does not fill one makes one that
    is as small as the set.

    Parameters
    ----------
    most : batches at most
    """
    wanted = min(len(spectra), max(1, data.validation_windows))
    size = min(data.batch_size, wanted)
    batches = wanted // size if most is None else min(most, wanted // size)
    rows = spread_rows(len(spectra), batches * size)
    return heard(np.asarray(spectra.values[rows]), config).reshape(batches, size, -1)


def spread_rows(count: int, most: int) -> np.ndarray:
    """At most so many numbers below `count`, spread evenly, (rows,)."""
    kept = min(count, most)
    return np.arange(kept) * count // max(1, kept)
