"""Sounds that are most alike."""

from __future__ import annotations

import numpy as np

_BLOCK = 4_000_000


def nearest(z: np.ndarray, wanted: np.ndarray, *, count: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """The nearest other rows of some rows, by Euclidean distance, nearest first.

    Parameters
    ----------
    z : (n, d) standardised; a row with NaN is nobody's neighbour
    wanted : (m,) indices of rows
    count : how many; fewer where there are fewer

    Returns
    -------
    rows : (m, count) indices; those at infinite distance mean nothing
    distances : (m, count), infinite where there is none
    """
    wanted = np.asarray(wanted, np.int64)
    count = min(count, max(0, len(z) - 1))
    rows = np.zeros((len(wanted), count), np.int64)
    apart = np.zeros((len(wanted), count))
    block = max(1, _BLOCK // max(1, z.size))
    for start in range(0, len(wanted) if count else 0, block):
        part = wanted[start : start + block]
        squared = np.square(z[part, None] - z[None]).sum(axis=2)
        squared[np.isnan(squared)] = np.inf
        squared[np.arange(len(part)), part] = np.inf
        near = np.argpartition(squared, count - 1, axis=1)[:, :count]
        order = np.argsort(np.take_along_axis(squared, near, axis=1), axis=1, kind="stable")
        rows[start : start + block] = np.take_along_axis(near, order, axis=1)
        apart[start : start + block] = np.sqrt(
            np.take_along_axis(squared, rows[start : start + block], axis=1)
        )
    return rows, apart
