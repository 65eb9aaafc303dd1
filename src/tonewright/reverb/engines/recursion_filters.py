"""Chains of second-order sections on eight rows at once, in double precision.

A recursive filter depends on its last output, so that vectors must run across rows rather than along time.
The loop over time is therefore written for vectors of eight numbers.
"""

from __future__ import annotations

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

LANES = 8
COUNT = 128
OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "no_cfunc_wrapper": True}
# Of what only kernels call.
CALLED: dict[str, Any] = {**OPTIONS, "no_cpython_wrapper": True}
_FUSED = ("contract",)


@numba.njit(**CALLED)
def filter_rows(
    state: np.ndarray,
    rows: int,
    coefficients: np.ndarray,
    memory: np.ndarray,
    lanes: np.ndarray,
    at: int,
    length: int,
    direction: int,
) -> None:
    """Filter the first rows of a block in place, upwards or downwards in time.

    Parameters
    ----------
    state : (at least rows, columns)
    rows : how many are filtered
    coefficients : (groups of eight rows, sections, 5, 8) as b0 b1 b2 a1 a2
    memory : (groups, sections, 4, 8) last two inputs and outputs, changed in place
    lanes : (columns at a time, 8) room to work
    at, length : columns
    direction : 1, or -1 for reversed time
    """
    size = lanes.shape[0]
    for done in range(0, length, size):
        count = min(size, length - done)
        begin = at + done if direction > 0 else at + length - done - 1
        for group in range(coefficients.shape[0]):
            row = LANES * group
            held = min(LANES, rows - row)
            for lane in range(held):
                for n in range(count):
                    lanes[n, lane] = state[row + lane, begin + direction * n]
            for section in range(coefficients.shape[1]):
                _run_section(lanes, coefficients[group, section], memory[group, section], count)  # pyright: ignore[reportCallIssue]
            for lane in range(held):
                for n in range(count):
                    state[row + lane, begin + direction * n] = lanes[n, lane]


@intrinsic
def _run_section(typing_context: Any, lanes: Any, coefficients: Any, memory: Any, count: Any) -> Any:
    """One section on `count` rows of `lanes` (rows, 8), in place: direct form I.

    The last output enters last, so that a step waits for one multiplication and addition alone.
    """
    signature = types.void(lanes, coefficients, memory, count)
    vector = ir.VectorType(ir.DoubleType(), LANES)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        def rows_of(k: int) -> Any:
            array = context.make_array(signature.args[k])(context, builder, arguments[k])
            return builder.bitcast(array.data, vector.as_pointer())

        def load(rows: Any, k: Any) -> Any:
            return builder.load(builder.gep(rows, [k]), align=8)

        def store(value: Any, rows: Any, k: Any) -> None:
            builder.store(value, builder.gep(rows, [k]), align=8)

        def product(one: Any, two: Any) -> Any:
            return builder.fmul(one, two, flags=_FUSED)

        numbers = [ir.Constant(ir.IntType(64), k) for k in range(5)]
        sound, held = rows_of(0), rows_of(2)
        b0, b1, b2, a1, a2 = (load(rows_of(1), k) for k in numbers)
        past = [cgutils.alloca_once_value(builder, load(held, k)) for k in numbers[:4]]
        with cgutils.for_range(builder, arguments[3]) as loop:
            x1, x2, y1, y2 = (builder.load(value) for value in past)
            x = load(sound, loop.index)
            heard = builder.fadd(product(b0, x), product(b1, x1), flags=_FUSED)
            older = builder.fsub(product(b2, x2), product(a2, y2), flags=_FUSED)
            heard = builder.fadd(heard, older, flags=_FUSED)
            y = builder.fsub(heard, product(a1, y1), flags=_FUSED)
            store(y, sound, loop.index)
            for place, value in zip(past, (x, x1, y, y1), strict=True):
                builder.store(value, place)
        for k, place in zip(numbers, past, strict=False):
            store(builder.load(place), held, k)
        return context.get_dummy_value()

    return signature, generate
