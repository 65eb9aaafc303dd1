r"""All principal minors of two matrices at once, and the adjoint.

A minor is the product of the pivots met on the way through Schur complements: a line is either left out,
which drops its row and column, or eliminated (Griffin and Tsatsomeros, "Principal minors, Part I", 2006). The
two matrices and the subsets of the first three lines make 16 lanes, which are worked on side by side. The
lines after them are walked through in binary order of their subsets, with one Schur complement in each step;
of the last three the minors are written out, so that their pivots may vanish.

The minors stand in the order (subsets of the middle lines, of the last three, lanes); see
`minor_tables.line_bits`. The Schur complement that has eliminated line o - 1 stands in slot o of a stack,
as (lines - o, lines - o, lanes).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.engines.minor_lanes import LANES, Vectors, lane_formula

FIRST = LAST = 3
LEAF = LANES << LAST
_options = {
    "cache": True,
    "nogil": True,
    "no_cfunc_wrapper": True,
    "error_model": "numpy",
    "fastmath": {"contract", "nsz"},
}
_called = {**_options, "no_cpython_wrapper": True}


@lane_formula(read=("plain", "plain", "plain", "same"))
def _pivot(entry, products, taken, one):
    """Product of the pivots so far, reciprocal of this one where it is taken, the largest size of these."""
    pivot = one - taken + taken * entry
    inverse = taken / pivot
    size = inverse.larger(-inverse)
    for step in (8, 4, 2, 1):
        size = size.larger(size.picked([s ^ step for s in range(LANES)]))
    return products * pivot, inverse, size


@lane_formula(read=(*("plain",) * 7, "same"))
def _pivot_adjoint(d_entry, d_products, entry, products, taken, d_inverse, d_below, one):
    pivot = one - taken + taken * entry
    return d_entry + taken * (d_below * products + d_inverse / pivot), d_products + d_below * pivot


@lane_formula(read=(Vectors(0), Vectors(1)))
def _product(x, y):
    return x * y


@lane_formula
def _less_product(a, x, y):
    return a - x * y


@lane_formula
def _complement_term(d_inner, d_column, d_row, gradient, row, column):
    return d_inner + gradient, d_column + gradient * row, d_row + gradient * column


@lane_formula
def _column_end(d_column, collected, inverse):
    return d_column - collected * inverse, inverse - inverse


@lane_formula
def _row_end(d_row, d_inverse, collected, inverse, row):
    taken = collected * inverse
    return d_row - taken, d_inverse + taken * row


@lane_formula(written=(Vectors(0, 8),), read=(Vectors(0), *(Vectors(1, LAST),) * LAST))
def _last_minors(v, a, b, c, d, e, f, g, h, i):
    upper, outer, lower = a * e - b * d, a * i - c * g, e * i - f * h
    whole = a * lower - b * (d * i - f * g) + c * (d * h - e * g)
    return v, v * a, v * e, v * upper, v * i, v * outer, v * lower, v * whole


@lane_formula(
    written=(Vectors(0), *(Vectors(1, LAST),) * LAST),
    read=(
        *(Vectors(0), *(Vectors(1, LAST),) * LAST),
        *(Vectors(2), *(Vectors(3, LAST),) * LAST),
        Vectors(4, 8),
    ),
)
def _last_adjoint(dv, da, db, dc, dd, de, df, dg, dh, di, v, a, b, c, d, e, f, g, h, i, *gradients):
    g0, g1, g2, g12, g3, g13, g23, g123 = gradients
    upper, outer, lower = a * e - b * d, a * i - c * g, e * i - f * h
    left, right = f * g - d * i, d * h - e * g
    whole = a * lower + b * left + c * right
    dv += g0 + g1 * a + g2 * e + g12 * upper + g3 * i + g13 * outer + g23 * lower + g123 * whole
    p12, p13, p23, p = v * g12, v * g13, v * g23, v * g123
    da += v * g1 + p12 * e + p13 * i + p * lower
    de += v * g2 + p12 * a + p23 * i + p * outer
    di += v * g3 + p13 * a + p23 * e + p * upper
    db += p * left - p12 * d
    dd += p * (c * h - b * i) - p12 * b
    dc += p * right - p13 * g
    dg += p * (b * f - c * e) - p13 * c
    df += p * (b * g - a * h) - p23 * h
    dh += p * (c * d - a * f) - p23 * f
    return dv, da, db, dc, dd, de, df, dg, dh, di


def slot_places(lines: int) -> np.ndarray:
    """Where each slot of the stack begins, and last where it ends."""
    return np.cumsum([0] + [(lines - slot) ** 2 for slot in range(lines - LAST + 1)]) * LANES


def subset_slots(lines: int) -> np.ndarray:
    """Slot of the matrix of each subset of the lines in the middle."""
    count = np.arange(1 << (lines - FIRST - LAST))
    lowest = np.bitwise_count((count & -count) - 1)
    return np.where(count > 0, lines - LAST - lowest, FIRST).astype(np.int64)


def lanes_taken() -> np.ndarray:
    """Lanes in which each of the first lines is eliminated, and all, in which the others are."""
    lanes = np.arange(LANES)
    taken = [lanes >> (line + 1) & 1 for line in range(FIRST)]
    return np.concatenate([*taken, np.ones(LANES)])


@njit(**_called)
def _corner(lines, places, owner, line):
    """Place of the pivot of `line` in slot `owner`."""
    return places[owner] + (line - owner) * (lines - owner + 1) * LANES


@njit(**_called)
def _eliminate(lines, places, owner, line, stack, products, row, taken):
    """Schur complement by one line of the matrix in slot `owner`, into slot line + 1; the largest 1 / pivot.

    A lane whose `taken` is 0 leaves the line out instead.
    """
    width, size, mask = lines - owner, lines - line - 1, min(line, FIRST) * LANES
    corner, place = _corner(lines, places, owner, line), places[line + 1]
    inverse, largest, below = size * LANES, (size + 1) * LANES, (line + 1) * LANES
    read = (stack, products, taken, taken)
    at = (corner, owner * LANES, mask, FIRST * LANES)
    _pivot((products, row, row), (below, inverse, largest), read, at)
    for j in range(size):
        _product((row,), (j * LANES,), (stack, row), (corner + (j + 1) * LANES, inverse))
    for i in range(size):
        start, target = corner + (i + 1) * width * LANES, place + i * size * LANES
        for j in range(size):
            across = start + (j + 1) * LANES
            _less_product((stack,), (target + j * LANES,), (stack, stack, row), (across, start, j * LANES))
    return row[largest]


@njit(**_called)
def _eliminate_adjoint(lines, places, owner, line, stack, products, gradient, d_products, row, taken):
    """Adds the adjoint of `_eliminate` in slot line + 1 of `gradient` to slot `owner`."""
    width, size, mask = lines - owner, lines - line - 1, min(line, FIRST) * LANES
    corner, place = _corner(lines, places, owner, line), places[line + 1]
    inverse, column, held, one = size * LANES, (size + 1) * LANES, owner * LANES, FIRST * LANES
    read = (stack, products, taken, taken)
    _pivot((row, row, row), (0, inverse, column), read, (corner, held, mask, one))
    for s in range(inverse):
        row[s] = 0.0
    for s in range(LANES):
        row[column + s] = 0.0
    for i in range(size):
        start, source = corner + (i + 1) * width * LANES, place + i * size * LANES
        for j in range(size):
            inner = (start + (j + 1) * LANES, column, j * LANES)
            given = (source + j * LANES, corner + (j + 1) * LANES, start)
            read = (gradient, row, row, gradient, stack, stack)
            _complement_term((gradient, row, row), inner, read, inner + given)
        _column_end((gradient, row), (start, column), (gradient, row, row), (start, column, inverse))
    for j in range(size):
        across, own = corner + (j + 1) * LANES, j * LANES
        read = (gradient, row, row, row, stack)
        _row_end((gradient, row), (across, column), read, (across, column, own, inverse, across))
    read = (gradient, d_products, stack, products, taken, row, d_products, taken)
    at = (corner, held, corner, held, mask, column, (line + 1) * LANES, one)
    _pivot_adjoint((gradient, d_products), (corner, held), read, at)


@njit(**_called)
def _last_places(lines, places, slot):
    """Where the product of the pivots stands, and the three rows of the last matrix."""
    p, step = _corner(lines, places, slot, lines - LAST), (lines - slot) * LANES
    return slot * LANES, p, p + step, p + 2 * step


@njit(**_options)
def minors(places, slots, stack, products, row, taken, limits, found):
    """Principal minors of a pair of matrices; False where a pivot is small.

    Parameters
    ----------
    places : (slots + 1,) from `slot_places`
    slots : (subsets of the middle,) from `subset_slots`
    stack : where the first slot holds both matrices in each pair of lanes
    products, row : scratch
    taken : (first lines + 1, lanes) from `lanes_taken`, flat
    limits : (lines,) largest allowed 1 / pivot
    found : (subsets * 2,) where the minors are written, in the order of the module
    """
    lines = places.size - 2 + LAST
    for s in range(LANES):
        products[s] = 1.0
    for step in range(FIRST + slots.size):
        t = step - FIRST
        slot = slots[t] if t >= 0 else step + 1
        if t:
            owner = slots[t & (t - 1)] if t > 0 else step
            largest = _eliminate(lines, places, owner, slot - 1, stack, products, row, taken)
            if not largest <= limits[slot - 1]:
                return False
        if t >= 0:
            own = _last_places(lines, places, slot)
            _last_minors((found,), (t * LEAF,), (products, stack), own)
    return True


@njit(**_options)
def minors_adjoint(places, slots, stack, products, row, taken, given, gradient, d_products):
    """Derivatives by the pair, into the first slot of `gradient`, from those by its minors, `given`.

    The stack and the products are as `minors` left them, and `gradient` and `d_products` like them.
    """
    lines = places.size - 2 + LAST
    for k in range(places[FIRST + 1]):
        gradient[k] = 0.0
    for k in range((FIRST + 1) * LANES):
        d_products[k] = 0.0
    last = slots.size - 1
    for t in range(slots.size):
        slot = slots[t]
        if t:
            owner = slots[t & (t - 1)]
            _eliminate(lines, places, owner, slot - 1, stack, products, row, taken)
            for k in range(places[slot], places[slot + 1]):
                gradient[k] = 0.0
            for s in range(LANES):
                d_products[slot * LANES + s] = 0.0
        own, (v, p, q, r) = t * LEAF, _last_places(lines, places, slot)
        read = (d_products, gradient, products, stack, given)
        at = (v, p, q, r, v, p, q, r, own)
        _last_adjoint((d_products, gradient), (v, p, q, r), read, at)
        # Matrices of which this was the last subset; after the last of all, those of the first lines too.
        ended = lines - LAST - (slots[t + 1] if t < last else 0)
        for level in range(ended):
            line, whole = lines - LAST - 1 - level, t >> level << level
            owner = slots[whole & (whole - 1)] if line >= FIRST else line
            _eliminate_adjoint(lines, places, owner, line, stack, products, gradient, d_products, row, taken)
