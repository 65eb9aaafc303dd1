"""Which spectra a step learns from: decided by the seed, the epoch and the index alone."""

from __future__ import annotations

import numpy as np

from tonewright.filters.config import Config
from tonewright.filters.spectra import SpectraSet, heard
from tonewright.learning.config import DataConfig


def batches_per_epoch(data: DataConfig) -> int:
    """Steps in an epoch."""
    return max(1, data.windows_per_epoch // data.batch_size)


def epoch_rows(
    count: int, wanted: int, *, seed: int, epoch: int, shares: np.ndarray | None = None
) -> np.ndarray:
    """Numbers of the spectra of an epoch, (wanted,): each comes once before any comes again.

    Parameters
    ----------
    shares : (count,) how often each comes, as ratios: so often, up to one more or less
    """
    generator = np.random.default_rng((seed, epoch))
    if shares is not None:
        order = generator.permutation(count)
        return generator.permutation(order[_at_marks(shares[order], wanted, float(generator.random()))])
    rounds = [generator.permutation(count) for _ in range(-(-wanted // count))]
    return np.concatenate(rounds)[:wanted]


def epoch_batches(
    spectra: SpectraSet, config: Config, data: DataConfig, *, seed: int, epoch: int
) -> np.ndarray:
    """What the model hears in an epoch, (batches, batch, points) float32."""
    batches = batches_per_epoch(data)
    wanted = batches * data.batch_size
    rows = epoch_rows(len(spectra), wanted, seed=seed, epoch=epoch, shares=spectra.shares)
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
    if spectra.shares is None:
        rows = spread_rows(len(spectra), batches * size)
    else:
        rows = _at_marks(spectra.shares, batches * size, 0.5)
    return heard(np.asarray(spectra.values[rows]), config).reshape(batches, size, -1)


def spread_rows(count: int, most: int) -> np.ndarray:
    """At most so many numbers below `count`, spread evenly, (rows,)."""
    kept = min(count, most)
    return np.arange(kept) * count // max(1, kept)


def _at_marks(shares: np.ndarray, wanted: int, offset: float) -> np.ndarray:
    """Which shares, laid end to end, lie under marks at equal distances, (wanted,)."""
    ends = np.cumsum(shares)
    marks = (np.arange(wanted) + offset) * (ends[-1] / wanted)
    return np.minimum(np.searchsorted(ends, marks, side="right"), np.flatnonzero(shares)[-1])
