"""Compiled loops of the recursion: products of matrix and block, and the run over time.

A run has one array of rows over time. A block is read at its own columns and written where it will be
read again, a delay later, so that there are neither ring buffers nor copies. Products take eight rows at a
time into two rows, which keeps all factors in registers.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from tonewright.reverb.engines.recursion_filters import CALLED, OPTIONS, filter_rows
from tonewright.reverb.engines.row_formulas import Rows, Same, Sums, row_formula

WIDTH = 8
# Rows of each side whose products `correlate` finds at once.
LEFT, RIGHT = 2, 4
# Numbers below it are -600 dB; on some processors arithmetic on denormal ones is a hundred times slower.
_SILENCE = 1e-30
_SUMMED = 2048


def _summed(weights: Any, rows: Any) -> Any:
    total = weights[0] * rows[0]
    for weight, row in zip(weights[1:], rows[1:], strict=True):
        total = total + weight * row
    return total


@row_formula(read=(Rows(0), Rows(0, WIDTH), *(Same(1, WIDTH + 1),) * 2), written=(Rows(0), Rows(0)))
def _first_products(*values):
    """Two rows from the row that comes first and eight others, with the weights of each."""
    rows, up, down = values[: WIDTH + 1], values[WIDTH + 1 : 2 * WIDTH + 2], values[2 * WIDTH + 2 :]
    return _summed(up, rows), _summed(down, rows)


@row_formula(read=(Rows(0), Rows(0), Rows(0, WIDTH), *(Same(1, WIDTH),) * 2), written=(Rows(0), Rows(0)))
def _next_products(up, down, *values):
    """What is added to two rows from the next eight."""
    rows, first, second = values[:WIDTH], values[WIDTH : 2 * WIDTH], values[2 * WIDTH :]
    return up + _summed(first, rows), down + _summed(second, rows)


@row_formula(read=(*(Rows(0),) * LEFT, *(Rows(1),) * RIGHT), sums=(Sums(2, RIGHT),) * LEFT)
def _row_products(*rows):
    return tuple(left * right for left in rows[:LEFT] for right in rows[LEFT:])


@numba.njit(**OPTIONS)
def advance(
    state: np.ndarray,
    weights: np.ndarray,
    targets: np.ndarray,
    shifts: np.ndarray,
    lines: int,
    base: int,
    coefficients: np.ndarray | None,
    memory: np.ndarray | None,
    lanes: np.ndarray | None,
    start: int,
    stop: int,
    block: int,
    direction: int,
) -> None:
    r"""Run over the columns `start` to `stop`, upwards or downwards in time, in place.

    In every block, the first rows are filtered; then each target row, shifted in time, becomes the product
    of its weights and the rows.

    Parameters
    ----------
    state : (rows, columns)
    weights : (targets, 1 + 8 groups) of the row `base`, then of the rows from 0 on
    targets : (targets,) rows to write, an even number
    shifts : (targets,) columns from where a block is read to where it is written
    lines : rows that are filtered
    base : row whose weight comes first
    coefficients : (groups of eight rows, sections, 5, 8) as b0 b1 b2 a1 a2, or None
    memory : (groups, sections, 4, 8) last two inputs and outputs, changed in place, or None
    lanes : (columns at a time, 8) room for the filters to work, or None
    start, stop : range of columns
    block : columns at a time, no more than the smallest shift other than 0
    direction : 1, or -1 for reversed time
    """
    columns, width = state.shape[1], weights.shape[1]
    arrays, done = (state, weights), 0
    while done < stop - start:
        length = min(block, stop - start - done)
        at = start + done if direction > 0 else stop - done - length
        if coefficients is not None and memory is not None and lanes is not None:
            filter_rows(state, lines, coefficients, memory, lanes, at, length, direction)
        _silence(state, base + 1, at, length)
        for k in range(0, targets.size, 2):
            up, down = targets[k] * columns + shifts[k], targets[k + 1] * columns + shifts[k + 1]
            up, down, own, other = up + at, down + at, k * width, (k + 1) * width
            places = (base * columns + at, 0, at, columns, own, 1, other, 1, up, 0, down, 0)
            _first_products(arrays, places, length)
            for j in range(1 + WIDTH, width, WIDTH):
                rows = (j - 1) * columns + at
                places = (up, 0, down, 0, rows, columns, own + j, 1, other + j, 1, up, 0, down, 0)
                _next_products(arrays, places, length)
        done += length


@numba.njit(**CALLED)
def _silence(state: np.ndarray, rows: int, at: int, length: int) -> None:
    """Make a block exactly zero where all of it has faded; the first number tells nearly always that not."""
    for row in range(rows):
        for n in range(at, at + length):
            if abs(state[row, n]) > _SILENCE:
                return
    for row in range(rows):
        for n in range(at, at + length):
            state[row, n] = 0


@numba.njit(**OPTIONS)
def correlate(left: np.ndarray, right: np.ndarray, products: np.ndarray, shift: int, length: int) -> None:
    r"""Inner products of rows, :math:`p_{ij} = \sum_n l_i(n + s) r_j(n)`.

    Sums are kept in double precision from block to block.

    Parameters
    ----------
    left, right : (rows, columns)
    products : (rows of the left, rows of the right), added to in place; `LEFT` and `RIGHT` divide them. The
        last row stands in for those that are missing
    shift, length : columns
    """
    rows, others = products.shape
    across, arrays = right.shape[1], (left, right, products)
    for at in range(0, length, _SUMMED):
        for i in range(0, rows, LEFT):
            x, end = at + shift + i * left.shape[1], at + shift + (left.shape[0] - 1) * left.shape[1]
            y = min(x + left.shape[1], end)
            for j in range(0, others, RIGHT):
                a, last = at + j * across, at + (right.shape[0] - 1) * across
                b, c, d = min(a + across, last), min(a + 2 * across, last), min(a + 3 * across, last)
                p = i * others + j
                places = (x, 0, y, 0, a, 0, b, 0, c, 0, d, 0, p, 1, p + others, 1)
                _row_products(arrays, places, min(_SUMMED, length - at))
