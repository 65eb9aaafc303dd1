"""Columns that carry the same information, joined by average linkage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Merge(NamedTuple):
    """Two groups of columns become one.

    Parameters
    ----------
    left, right : indices of the columns of each
    height : mean distance between a column of one and a column of the other
    """

    left: tuple[int, ...]
    right: tuple[int, ...]
    height: float


def distances(rho: np.ndarray) -> np.ndarray:
    """How little two columns tell of each other, 1 − |ρ|, (d, d); 1 where nothing is known."""
    apart = 1.0 - np.abs(np.nan_to_num(rho, nan=0.0))
    np.fill_diagonal(apart, 0.0)
    return apart


def merges(apart: np.ndarray) -> tuple[Merge, ...]:
    """Join the two nearest groups until one is left (Sokal and Michener 1958; "UPGMA").

    Parameters
    ----------
    apart : (d, d) distances of the columns

    Returns
    -------
    d − 1 merges of growing height
    """
    groups: list[tuple[int, ...]] = [(index,) for index in range(len(apart))]
    found = []
    while len(groups) > 1:
        height, a, b = min(
            (float(apart[np.ix_(groups[a], groups[b])].mean()), a, b)
            for a in range(len(groups))
            for b in range(a + 1, len(groups))
        )
        found.append(Merge(groups[a], groups[b], height))
        groups[a] += groups.pop(b)
    return tuple(found)


def groups_below(steps: Sequence[Merge], count: int, height: float) -> list[tuple[int, ...]]:
    """The groups that have come about at a height, each in the order of its columns, largest first.

    Parameters
    ----------
    steps : from `merges`
    count : number of columns
    height : merges up to it are done
    """
    group_of = {index: (index,) for index in range(count)}
    for step in steps:
        if step.height <= height:
            joined = tuple(sorted(step.left + step.right))
            group_of |= dict.fromkeys(joined, joined)
    return sorted(set(group_of.values()), key=lambda group: (-len(group), group))


def leaf_order(steps: Sequence[Merge], count: int) -> tuple[int, ...]:
    """An order of the columns in which every merge joins neighbours."""
    return steps[-1].left + steps[-1].right if steps else tuple(range(count))
