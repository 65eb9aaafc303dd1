"""Ranks with ties, and normal scores."""

from __future__ import annotations

import numpy as np


def sorted_rows(column: np.ndarray) -> np.ndarray:
    """Rows of the finite values of a column (n,), by value; where equal, by place."""
    rows = np.flatnonzero(np.isfinite(column))
    return rows[np.argsort(column[rows], kind="stable")]


def ranks_within(column: np.ndarray, order: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """Ranks of some rows of a column among themselves, equal values sharing their mean rank.

    Sorting is done once a column; the order within any part of it follows without sorting again.

    Parameters
    ----------
    column : (n,)
    order : its `sorted_rows`
    kept : (n,) bool, the rows that count, all of them finite

    Returns
    -------
    (number of kept rows,), from 1, in the order of the rows
    """
    order = order[kept[order]]
    values = column[order]
    first = np.empty(len(values), bool)
    first[:1] = True
    np.not_equal(values[1:], values[:-1], out=first[1:])
    starts = np.flatnonzero(first)
    ends = np.append(starts[1:], len(values))
    spread = np.empty(len(column))
    spread[order] = np.repeat((starts + ends + 1) / 2, ends - starts)
    return spread[kept]


def ranks(column: np.ndarray) -> np.ndarray:
    """Ranks of a column (n,) from 1, equal values sharing their mean rank; NaN stays NaN and has none."""
    column = np.asarray(column, np.float64)
    finite = np.isfinite(column)
    found = np.full(len(column), np.nan)
    found[finite] = ranks_within(column, sorted_rows(column), finite)
    return found


def normal_scores(column: np.ndarray) -> np.ndarray:
    """The standard normal's quantiles at (rank − 1/2) / n of a column (n,); NaN stays NaN."""
    from scipy.special import ndtri

    found = ranks(column)
    return ndtri((found - 0.5) / max(1, int(np.isfinite(found).sum())))
