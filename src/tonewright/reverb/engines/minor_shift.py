r"""Minors of a matrix from those of the same with a diagonal added, and the adjoint.

.. math:: \det X_{S + i} = \det (X + e_i)_{S + i} - e_i \det X_S

for one line i after the other. Only lines whose pivots are used are shifted: the first three, which are
lanes, and those in the middle.
"""

from __future__ import annotations

from numba import njit

from tonewright.reverb.engines.minor_kernels import FIRST, LAST
from tonewright.reverb.engines.minor_lanes import LANES, lane_formula

_options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract", "nsz"}}
_inlined = {**_options, "cache": False, "inline": "always"}
_CHUNK = 4096


@lane_formula(read=("plain", "plain", "plain", "plain", "same", "same"))
def _shifted(none, first, second, both, first_amount, second_amount):
    """Two lines at once: minors with none of them, with either, and with both."""
    both -= first_amount * second
    first -= first_amount * none
    return first, second - second_amount * none, both - second_amount * first


def _between_lanes(value, amounts, *, to_taken):
    """Takes from the lanes with each of the first lines, or without it, what the others hold."""
    for line, amount in enumerate(amounts):
        bit = 2 << line
        order = [s ^ bit if bool(s & bit) is to_taken else LANES + s for s in range(LANES)]
        value = value - amount * value.picked(order, amount - amount)
    return value


@lane_formula(read=("plain", "same", "same", "same"))
def _lanes_shifted(value, *amounts):
    return _between_lanes(value, amounts, to_taken=True)


@lane_formula(read=("plain", "same", "same", "same"))
def _lanes_shifted_adjoint(value, *amounts):
    return _between_lanes(value, amounts, to_taken=False)


@njit(**_inlined)
def _first(values, begin, end, amounts, adjoint):
    for k in range(begin, end, LANES):
        read, places = (values, amounts, amounts, amounts), (k, 0, 1, 2)
        if adjoint:
            _lanes_shifted_adjoint((values,), (k,), read, places)
        else:
            _lanes_shifted((values,), (k,), read, places)


@njit(**_inlined)
def _middle(values, begin, end, strides, amounts, line, last, adjoint):
    """Lines of the middle, two at a time; where one is left, its minors are taken in two halves."""
    v = values
    while line < last:
        one, two, first, second = strides[line] // 2, strides[line], amounts.size - 1, line
        if (last - line) % 2 == 0:
            one, two, first, second = two, one, line, line + 1
        for start in range(begin, end, 2 * max(one, two)):
            for k in range(start, start + min(one, two), LANES):
                o = (k, k + one, k + two, k + one + two)
                if adjoint:
                    o = (o[3], o[2], o[1], o[0])
                read = (v, v, v, v, amounts, amounts)
                _shifted((v, v, v), (o[1], o[2], o[3]), read, (o[0], o[1], o[2], o[3], first, second))
        line += 2 - (last - line) % 2


@njit(**_options)
def shift_minors(values, strides, amounts, adjoint):
    """Takes shifts off the minors, or with `adjoint` the adjoint of that, in place.

    Parameters
    ----------
    values : (subsets * 2,) minors of both matrices or derivatives by them, in the order of `minor_kernels`
    strides : (lines,) distance of those that differ by one line
    amounts : (lines,) what was added to the diagonal; nothing for the last three
    adjoint : whether the adjoint is asked for
    """
    lines = strides.size
    # Strides fall from line to line: those within a chunk are done while it is at hand.
    near = FIRST
    while near < lines - LAST and 2 * strides[near] > _CHUNK:
        near += 1
    for stage in range(2):
        first, last, chunk = (FIRST, near, values.size) if stage else (near, lines - LAST, _CHUNK)
        for begin in range(0, values.size, chunk):
            end = min(begin + chunk, values.size)
            if stage == 0:
                _first(values, begin, end, amounts, adjoint)
            _middle(values, begin, end, strides, amounts, first, last, adjoint)
