"""Matrices whose lines are of very different loudness, brought to one that keeps its digits."""

from __future__ import annotations

import numpy as np

# Powers of 2 by which rows and columns may differ, and how often all are looked at.
FAR, SWEEPS = 40, 100


def balanced(matrix: np.ndarray) -> np.ndarray:
    """A matrix with the same poles, D^-1 A D, whose lines are not astronomically louder than each other.

    Rows are brought to the size of their columns by powers of 2 (E. E. Osborne, J. ACM 7, 1960), only where
    they are so far apart that the product of both would lose digits or leave the range.

    Parameters
    ----------
    matrix : (lines, lines), each line heard by all others over some way
    """
    with np.errstate(divide="ignore"):
        sizes = np.log2(np.abs(matrix))
    np.fill_diagonal(sizes, -np.inf)
    powers = np.zeros(len(sizes))
    for _ in range(SWEEPS if len(sizes) > 1 else 0):
        moved = False
        for line, power in enumerate(powers):
            row, column = (sizes[line] + powers).max() - power, (sizes[:, line] - powers).max() + power
            if abs(row - column) > FAR:
                powers[line] += np.round((row - column) / 2)
                moved = True
        if not moved:
            break
    apart = powers - powers[:, None]
    half = np.trunc(apart / 2).astype(int)
    return np.ldexp(np.ldexp(matrix, half), apart.astype(int) - half)
