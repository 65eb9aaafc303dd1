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
_CHUNK = 4096


@lane_formula(read=("plain", "same", "plain"))
def _shifted(value, amount, other):
    return value - amount * other


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


@njit(**_options)
def _middle(values, begin, end, strides, amounts, lines, adjoint):
    for line in range(*lines):
        stride = strides[line]
        source, target = (stride, 0) if adjoint else (0, stride)
        for start in range(begin, end, 2 * stride):
            for k in range(start, start + stride, LANES):
                _shifted((values,), (k + target,), (values, amounts, values), (k + target, line, k + source))


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
    for begin in range(0, values.size, _CHUNK):
        end = min(begin + _CHUNK, values.size)
        for k in range(begin, end, LANES):
            read, places = (values, amounts, amounts, amounts), (k, 0, 1, 2)
            if adjoint:
                _lanes_shifted_adjoint((values,), (k,), read, places)
            else:
                _lanes_shifted((values,), (k,), read, places)
        _middle(values, begin, end, strides, amounts, (near, lines - LAST), adjoint)
    _middle(values, 0, values.size, strides, amounts, (FIRST, near), adjoint)
