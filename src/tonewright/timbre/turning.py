"""Rows made columns in compiled loops, sixteen by sixteen numbers at a time.

Along a row stand the bins of one frame; in the lanes of a vector, one bin of frames that follow each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types

from tonewright.timbre.lanes import LANES, OPTIONS, first_number, instructions


@instructions
def turn(typingctx, source, place, step, target, to, target_step):  # type: ignore[no-untyped-def]
    """Write the columns of sixteen rows of sixteen numbers as rows.

    Parameters
    ----------
    source : contiguous; rows are `step` apart, the first begins at `place`
    target : contiguous, of the same type; rows are `target_step` apart, the first begins at `to`
    """

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        size = source.dtype.bitwidth // 8

        def pointers(at: int) -> list[Any]:
            data = first_number(context, builder, sig, args, at)
            kind = ir.VectorType(data.type.pointee, LANES).as_pointer()
            first, apart = args[at + 1], args[at + 2]
            places = [builder.add(first, builder.mul(apart, apart.type(k))) for k in range(LANES)]
            return [builder.bitcast(builder.gep(data, [place]), kind) for place in places]

        rows = [builder.load(pointer, align=size) for pointer in pointers(0)]
        for pointer, column in zip(pointers(3), _columns(builder, rows), strict=True):
            builder.store(column, pointer, align=size)
        return context.get_dummy_value()

    whole = types.intp
    return types.void(source, whole, whole, target, whole, whole), generate


def _columns(builder: Any, rows: list[Any]) -> list[Any]:
    """Exchange blocks of 8, 4, 2 and 1 numbers between rows as far apart."""
    block = len(rows) // 2
    while block:
        low = [lane if not lane & block else lane - block + LANES for lane in range(LANES)]
        high = [lane + block if not lane & block else lane + LANES for lane in range(LANES)]
        for row in range(len(rows)):
            if not row & block:
                pair = rows[row], rows[row + block]
                rows[row], rows[row + block] = (_picked(builder, pair, order) for order in (low, high))
        block //= 2
    return rows


def _picked(builder: Any, pair: tuple[Any, Any], order: list[int]) -> Any:
    chosen = ir.Constant(ir.VectorType(ir.IntType(32), LANES), order)
    return builder.shuffle_vector(*pair, chosen)


@njit(**OPTIONS)
def turn_all(rows: np.ndarray, turned: np.ndarray) -> None:
    """Fill `turned` with the transpose of `rows`; both sizes are multiples of 16."""
    for row in range(0, rows.shape[0], LANES):
        for column in range(0, rows.shape[1], LANES):
            turn(
                rows,
                row * rows.shape[1] + column,
                rows.shape[1],
                turned,
                column * rows.shape[0] + row,
                rows.shape[0],
            )
