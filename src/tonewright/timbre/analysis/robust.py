"""Centre and covariance of the majority of the sounds, whatever the rest is like."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from tonewright.timbre.analysis.ranks import normal_scores, ranks

MAJORITY = 0.75
RIDGE = 1e-3
_KEPT = 0.975
_MOST_STEPS = 50
_NORMAL_MAD = 0.6744897501960817


class Majority(NamedTuple):
    """Centre (d,) and covariance (d, d) of the majority."""

    centre: np.ndarray
    covariance: np.ndarray


def centre_and_scale(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Median and normalised median absolute deviation of each column, (d,) both; NaN does not count.

    Where more than half of a column is one value, the standard deviation stands in; of a constant, 1.

    Parameters
    ----------
    values : (n, d), a value in each column
    """
    centre = np.nanmedian(values, axis=0)
    scale = np.nanmedian(np.abs(values - centre), axis=0) / _NORMAL_MAD
    scale = np.where(scale > 0, scale, np.nanstd(values, axis=0))
    return centre, np.where(scale > 0, scale, 1.0)


def majority(values: np.ndarray) -> Majority:
    """Centre and covariance of those three quarters of the rows that lie closest together.

    The minimum covariance determinant by deterministic starts (Hubert, Rousseeuw and Verdonck, J. Comput.
    Graph. Stat. 21, 2012), reweighted. In units of the columns' scale, 0.001 is added to the covariance's
    diagonal, so that columns that nearly agree do not make their last digits count.

    Parameters
    ----------
    values : (n, d), finite, n well above d
    """
    centre, scale = centre_and_scale(values)
    z = (values - centre) / scale
    kept = round(MAJORITY * len(z))
    best = min((_concentrated(z, start, kept) for start in _starts(z)), key=lambda found: found[0])[1]
    best = Majority(best.centre, best.covariance * _consistency(z.shape[1], kept / len(z)))
    inside = squared_distances(z, best) <= _chi_squared(z.shape[1], _KEPT)
    final = _moments(z[inside])
    covariance = final.covariance * _consistency(z.shape[1], _KEPT)
    return Majority(final.centre * scale + centre, covariance * np.outer(scale, scale))


def squared_distances(values: np.ndarray, of: Majority) -> np.ndarray:
    """Squared Mahalanobis distances (x − μ)ᵀ Σ⁻¹ (x − μ) of the rows, (n,).

    Parameters
    ----------
    values : (n, d)
    of : centre and covariance
    """
    lower = np.linalg.inv(np.linalg.cholesky(of.covariance))
    return np.square((values - of.centre) @ lower.T).sum(axis=1)


def _starts(z: np.ndarray) -> Iterator[Majority]:
    """Covariances that a minority cannot pull far, each made to fit the data's scale along its axes."""
    for bounded in (np.tanh, lambda v: _columnwise(ranks, v), lambda v: _columnwise(normal_scores, v)):
        yield _rescaled(z, np.corrcoef(bounded(z), rowvar=False))
    length = np.linalg.norm(z, axis=1, keepdims=True)
    signs = z / np.maximum(length, 1e-12)
    yield _rescaled(z, signs.T @ signs / len(z))


def _columnwise(function: Callable[[np.ndarray], np.ndarray], values: np.ndarray) -> np.ndarray:
    return np.stack([function(column) for column in values.T], axis=1)


def _rescaled(z: np.ndarray, matrix: np.ndarray) -> Majority:
    _, axes = np.linalg.eigh(np.nan_to_num(np.atleast_2d(matrix)))
    along = z @ axes
    centre, scale = centre_and_scale(along)
    return Majority(axes @ centre, (axes * (scale**2 + RIDGE)) @ axes.T)


def _concentrated(z: np.ndarray, start: Majority, kept: int) -> tuple[float, Majority]:
    """Take the nearest rows and their moments again and again; log det Σ never grows."""
    found, before = start, np.inf
    for _ in range(_MOST_STEPS):
        nearest = np.argpartition(squared_distances(z, found), kept - 1)[:kept]
        found = _moments(z[nearest])
        size = float(np.linalg.slogdet(found.covariance)[1])
        if size >= before - 1e-9:
            break
        before = size
    return before, found


def _moments(z: np.ndarray) -> Majority:
    covariance = np.atleast_2d(np.cov(z, rowvar=False))
    return Majority(z.mean(axis=0), covariance + RIDGE * np.eye(z.shape[1]))


def _consistency(dimensions: int, share: float) -> float:
    """What the covariance of the innermost share of a normal is too small by."""
    from scipy.special import gammainc

    return share / float(gammainc(dimensions / 2 + 1, _chi_squared(dimensions, share) / 2))


def _chi_squared(dimensions: int, share: float) -> float:
    from scipy.special import gammaincinv

    return 2 * float(gammaincinv(dimensions / 2, share))
