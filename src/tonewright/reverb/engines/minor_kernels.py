r"""All principal minors of two matrices at once, and the adjoint.

A minor is the product of the pivots met on the way through Schur complements: a line is either left out, which
drops its row and column, or eliminated (Griffin and Tsatsomeros, "Principal minors, Part I", 2006). The two
matrices and the subsets of the first three lines make 16 lanes, which are worked on side by side. The lines
after them are walked through in binary order of their subsets, with one Schur complement in each step; of the
last three the minors are written out, so that their pivots may vanish.

The minors stand in the order (subsets of the middle lines, of the last three, lanes); see
`minor_tables.line_bits`. The Schur complement that has eliminated line o - 1 stands in slot o of a stack,
as (lines - o, lines - o, lanes).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.engines.minor_lanes import LANES, lane_formula

FIRST = LAST = 3
LEAF = LANES << LAST
_options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}


@lane_formula
def _product(x, y):
    return x * y


@lane_formula
def _less_product(a, x, y):
    return a - x * y


@lane_formula
def _more_product(a, x, y):
    return a + x * y


@lane_formula
def _complement_term(d_inner, d_column, d_row, gradient, row, column):
    return d_inner + gradient, d_column + gradient * row, d_row + gradient * column


@lane_formula
def _last_minors(v, a, b, c, d, e, f, g, h, i):
    va, ve = v * a, v * e
    upper, outer, lower = va * e - v * b * d, va * i - v * c * g, ve * i - v * f * h
    return v, va, ve, upper, v * i, outer, lower, a * lower - v * b * (d * i - f * g) + v * c * (d * h - e * g)


@lane_formula
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


@njit(**_options)
def slot_place(lines, slot):
    """Where a slot of the stack begins, and where the next one does."""
    count = 0
    for used in range(slot):
        count += (lines - used) ** 2
    return count * LANES


@njit(**_options)
def _trailing_zeros(number):
    count = 0
    while not number & 1:
        number >>= 1
        count += 1
    return count


@njit(**_options)
def _eliminate(lines, owner, line, stack, products, row, taken, scale):
    """Schur complement by one line of the matrix in slot `owner`, into slot line + 1; the smallest pivot.

    A lane whose `taken` is 0 leaves the line out instead.
    """
    width, size = lines - owner, lines - line - 1
    corner = slot_place(lines, owner) + (line - owner) * (width + 1) * LANES
    place, inverse, smallest = slot_place(lines, line + 1), size * LANES, np.inf
    for s in range(LANES):
        pivot = 1 + taken[s] * (stack[corner + s] - 1)
        smallest = min(smallest, abs(pivot))
        products[(line + 1) * LANES + s] = products[owner * LANES + s] * pivot
        row[inverse + s] = taken[s] / pivot
    for j in range(size):
        _product((row,), (j * LANES,), (stack, row), (corner + (j + 1) * LANES, inverse))
    for i in range(size):
        start, target = corner + (i + 1) * width * LANES, place + i * size * LANES
        for j in range(size):
            across = start + (j + 1) * LANES
            _less_product((stack,), (target + j * LANES,), (stack, stack, row), (across, start, j * LANES))
    return smallest * scale[line]


@njit(**_options)
def _eliminate_adjoint(lines, owner, line, stack, products, gradient, d_products, row, taken):
    """Adds the adjoint of `_eliminate` in slot line + 1 of `gradient` to slot `owner`."""
    width, size = lines - owner, lines - line - 1
    corner = slot_place(lines, owner) + (line - owner) * (width + 1) * LANES
    place, inverse, column = slot_place(lines, line + 1), size * LANES, (size + 1) * LANES
    for s in range(LANES):
        row[inverse + s] = -taken[s] / (1 + taken[s] * (stack[corner + s] - 1))
    row[:inverse] = 0.0
    for i in range(size):
        row[column : column + LANES] = 0.0
        start, source = corner + (i + 1) * width * LANES, place + i * size * LANES
        for j in range(size):
            inner = (start + (j + 1) * LANES, column, j * LANES)
            given = (source + j * LANES, corner + (j + 1) * LANES, start)
            _complement_term((gradient, row, row), inner, (gradient, row, row, gradient, stack, stack), inner + given)
        _more_product((gradient,), (start,), (gradient, row, row), (start, column, inverse))
    row[column : column + LANES] = 0.0
    for j in range(size):
        across, own = corner + (j + 1) * LANES, j * LANES
        _product((row,), (own,), (row, row), (own, inverse))
        _more_product((row,), (column,), (row, row, stack), (column, own, across))
        for s in range(LANES):
            gradient[across + s] += row[own + s]
    for s in range(LANES):
        held, below = owner * LANES + s, d_products[(line + 1) * LANES + s]
        pivot = 1 + taken[s] * (stack[corner + s] - 1)
        gradient[corner + s] += row[column + s] * row[inverse + s] + taken[s] * below * products[held]
        d_products[held] += below * pivot


@njit(**_options)
def _nodes(lines, t):
    """Slot of the matrix of subset `t`, slot of that it comes from, and the line eliminated last."""
    if t == 0:
        return FIRST, FIRST - 1, FIRST - 1
    slot = lines - LAST - _trailing_zeros(t)
    above = t & (t - 1)
    owner = FIRST if above == 0 else lines - LAST - _trailing_zeros(above)
    return slot, owner, slot - 1


@njit(**_options)
def _last_places(lines, slot):
    width = lines - slot
    p = slot_place(lines, slot) + (width - LAST) * (width + 1) * LANES
    q, r = p + width * LANES, p + 2 * width * LANES
    one, two = LANES, 2 * LANES
    return slot * LANES, p, p + one, p + two, q, q + one, q + two, r, r + one, r + two


@njit(**_options)
def _begin(pair, stack, products, row, taken, scale):
    lines = pair.shape[1]
    products[:LANES] = 1.0
    for i in range(lines):
        for j in range(lines):
            for s in range(LANES):
                stack[(i * lines + j) * LANES + s] = pair[s & 1, i, j]
    smallest = np.inf
    for line in range(FIRST):
        for s in range(LANES):
            taken[s] = s >> (line + 1) & 1
        smallest = min(smallest, _eliminate(lines, line, line, stack, products, row, taken, scale))
    taken[:] = 1.0
    return smallest


@njit(**_options)
def minors(pair, scale, threshold, stack, products, row, taken, found):
    """Principal minors (subsets, 2) of a pair of matrices, in the order of the module; False on a small pivot.

    Parameters
    ----------
    pair : (2, lines, lines) with at least 6 lines
    scale : (lines,) reciprocal sizes, with which pivots are compared with `threshold`
    stack, products, row, taken : scratch
    found : (subsets * 2,) where the minors are written
    """
    lines = pair.shape[1]
    if not _begin(pair, stack, products, row, taken, scale) >= threshold:
        return False
    for t in range(1 << (lines - FIRST - LAST)):
        slot, owner, line = _nodes(lines, t)
        if t and not _eliminate(lines, owner, line, stack, products, row, taken, scale) >= threshold:
            return False
        p = t * LEAF
        o = (p, p + 16, p + 32, p + 48, p + 64, p + 80, p + 96, p + 112)
        a, m = found, stack
        read = (products, m, m, m, m, m, m, m, m, m)
        _last_minors((a, a, a, a, a, a, a, a), o, read, _last_places(lines, slot))
    return True


@njit(**_options)
def minors_adjoint(lines, given, stack, products, gradient, d_products, row, taken, scale, d_pair):
    """Derivatives by the pair from those by its minors, after `minors` of the same pair.

    Parameters
    ----------
    lines : number of lines
    given : (subsets * 2,) derivatives by the minors
    stack, products, gradient, d_products, row, taken, scale : scratch; the first two as `minors` left the first slots
    d_pair : (2, lines, lines) where the derivatives are written
    """
    gradient[:] = 0.0
    d_products[:] = 0.0
    for t in range(1 << (lines - FIRST - LAST)):
        slot, owner, line = _nodes(lines, t)
        if t:
            _eliminate(lines, owner, line, stack, products, row, taken, scale)
            gradient[slot_place(lines, slot) : slot_place(lines, slot + 1)] = 0.0
            d_products[slot * LANES : (slot + 1) * LANES] = 0.0
        p, own = t * LEAF, _last_places(lines, slot)
        m, g, a = stack, gradient, given
        d = (d_products, g, g, g, g, g, g, g, g, g)
        o = (p, p + 16, p + 32, p + 48, p + 64, p + 80, p + 96, p + 112)
        read = d + (products, m, m, m, m, m, m, m, m, m) + (a, a, a, a, a, a, a, a)
        _last_adjoint(d, own, read, own + own + o)
        level = 0
        while t >> level & 1:
            _, above, line = _nodes(lines, t >> level << level)
            _eliminate_adjoint(lines, above, line, stack, products, gradient, d_products, row, taken)
            level += 1
    for line in range(FIRST - 1, -1, -1):
        for s in range(LANES):
            taken[s] = s >> (line + 1) & 1
        _eliminate_adjoint(lines, line, line, stack, products, gradient, d_products, row, taken)
    for i in range(lines):
        for j in range(lines):
            d_pair[0, i, j] = d_pair[1, i, j] = 0.0
            for s in range(LANES):
                d_pair[s & 1, i, j] += gradient[(i * lines + j) * LANES + s]
