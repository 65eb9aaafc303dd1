"""Compiled loops of the recursion: products of matrix and block, and the run over time.

A run has one array of rows over time. A block is read at its own columns and written where it will be
read again, a delay later, so that there are neither ring buffers nor copies. Products take eight rows at a
time into two rows, which keeps all factors in registers; the loops over time become vector instructions.
"""

from __future__ import annotations

import numba
import numpy as np

from tonewright.reverb.engines.recursion_filters import filter_rows

WIDTH = 8
# Numbers below it are -600 dB; on some processors arithmetic on denormal ones is a hundred times slower.
_SILENCE = 1e-30
_SUMMED = 2048
_LOOSE = {"contract", "reassoc", "nsz"}


@numba.njit(cache=True, nogil=True)
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
    groups = (weights.shape[1] - 1) // WIDTH
    done = 0
    while done < stop - start:
        length = min(block, stop - start - done)
        at = start + done if direction > 0 else stop - done - length
        if coefficients is not None and memory is not None and lanes is not None:
            filter_rows(state, lines, coefficients, memory, lanes, at, length, direction)
        _silence(state, base + 1, at, length)
        _first_products(state, targets, shifts, base, at, length, weights)
        for group in range(1, groups):
            _next_products(state, targets, shifts, group, at, length, weights)
        done += length


@numba.njit(cache=True, nogil=True)
def _silence(state: np.ndarray, rows: int, at: int, length: int) -> None:
    """Make a block exactly zero where all of it has faded; the first number tells nearly always that not."""
    for row in range(rows):
        for n in range(at, at + length):
            if abs(state[row, n]) > _SILENCE:
                return
    for row in range(rows):
        for n in range(at, at + length):
            state[row, n] = 0


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
def _first_products(
    state: np.ndarray,
    targets: np.ndarray,
    shifts: np.ndarray,
    base: int,
    at: int,
    length: int,
    weights: np.ndarray,
) -> None:
    """Target rows, two at a time, become the product of their weights with rows `base` and 0 to 7."""
    end = at + length
    r, r0, r1, r2 = state[base, at:end], state[0, at:end], state[1, at:end], state[2, at:end]
    r3, r4, r5 = state[3, at:end], state[4, at:end], state[5, at:end]
    r6, r7 = state[6, at:end], state[7, at:end]
    for k in range(0, targets.size, 2):
        up = state[targets[k], at + shifts[k] : end + shifts[k]]
        down = state[targets[k + 1], at + shifts[k + 1] : end + shifts[k + 1]]
        a, b = weights[k], weights[k + 1]
        p, p0, p1, p2, p3, p4, p5, p6, p7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7], a[8]
        q, q0, q1, q2, q3, q4, q5, q6, q7 = b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7], b[8]
        for n in range(length):
            x, x0, x1, x2, x3, x4, x5, x6, x7 = r[n], r0[n], r1[n], r2[n], r3[n], r4[n], r5[n], r6[n], r7[n]
            up[n] = p * x + p0 * x0 + p1 * x1 + p2 * x2 + p3 * x3 + p4 * x4 + p5 * x5 + p6 * x6 + p7 * x7
            down[n] = q * x + q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3 + q4 * x4 + q5 * x5 + q6 * x6 + q7 * x7


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
def _next_products(
    state: np.ndarray,
    targets: np.ndarray,
    shifts: np.ndarray,
    group: int,
    at: int,
    length: int,
    weights: np.ndarray,
) -> None:
    """Add to the target rows, two at a time, the product of their weights with the next eight rows."""
    end, j = at + length, WIDTH * group
    r0, r1, r2, r3 = state[j, at:end], state[j + 1, at:end], state[j + 2, at:end], state[j + 3, at:end]
    r4, r5, r6, r7 = state[j + 4, at:end], state[j + 5, at:end], state[j + 6, at:end], state[j + 7, at:end]
    for k in range(0, targets.size, 2):
        up = state[targets[k], at + shifts[k] : end + shifts[k]]
        down = state[targets[k + 1], at + shifts[k + 1] : end + shifts[k + 1]]
        a, b = weights[k, j + 1 :], weights[k + 1, j + 1 :]
        p0, p1, p2, p3, p4, p5, p6, p7 = a[0], a[1], a[2], a[3], a[4], a[5], a[6], a[7]
        q0, q1, q2, q3, q4, q5, q6, q7 = b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]
        for n in range(length):
            x0, x1, x2, x3, x4, x5, x6, x7 = r0[n], r1[n], r2[n], r3[n], r4[n], r5[n], r6[n], r7[n]
            up[n] += p0 * x0 + p1 * x1 + p2 * x2 + p3 * x3 + p4 * x4 + p5 * x5 + p6 * x6 + p7 * x7
            down[n] += q0 * x0 + q1 * x1 + q2 * x2 + q3 * x3 + q4 * x4 + q5 * x5 + q6 * x6 + q7 * x7


@numba.njit(cache=True, nogil=True)
def correlate(left: np.ndarray, right: np.ndarray, products: np.ndarray, shift: int, length: int) -> None:
    r"""Inner products of rows, :math:`p_{ij} = \sum_n l_i(n + s) r_j(n)`.

    Sums are kept in double precision from block to block.

    Parameters
    ----------
    left, right : (rows, columns)
    products : (rows of the left, rows of the right) or fewer, added to in place
    shift, length : columns
    """
    rows, others = products.shape
    for at in range(0, length, _SUMMED):
        count = min(_SUMMED, length - at)
        for i in range(0, rows, 2):
            for j in range(0, others, 4):
                _add_products(left, right, products, i, j, at + shift, at, count)


@numba.njit(cache=True, nogil=True, fastmath=_LOOSE)
def _add_products(
    left: np.ndarray,
    right: np.ndarray,
    products: np.ndarray,
    i: int,
    j: int,
    at: int,
    other_at: int,
    count: int,
) -> None:
    """Products of two rows with four; the last row stands in for missing ones, whose sums are dropped."""
    rows, others = products.shape
    i1, j1, j2, j3 = (
        min(i + 1, rows - 1),
        min(j + 1, others - 1),
        min(j + 2, others - 1),
        min(j + 3, others - 1),
    )
    end, other_end = at + count, other_at + count
    x, y = left[i, at:end], left[i1, at:end]
    a, b = right[j, other_at:other_end], right[j1, other_at:other_end]
    c, d = right[j2, other_at:other_end], right[j3, other_at:other_end]
    xa = xb = xc = xd = ya = yb = yc = yd = left.dtype.type(0)
    for n in range(count):
        p, q, e, f, g, h = x[n], y[n], a[n], b[n], c[n], d[n]
        xa += p * e
        xb += p * f
        xc += p * g
        xd += p * h
        ya += q * e
        yb += q * f
        yc += q * g
        yd += q * h
    sums = ((xa, xb, xc, xd), (ya, yb, yc, yd))
    for row in range(min(2, rows - i)):
        for column in range(min(4, others - j)):
            products[i + row, j + column] += sums[row][column]
