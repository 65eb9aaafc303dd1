"""Formulas compiled for loops along rows of arrays.

Numba takes most of the time of a compilation for the indices and slices of a loop, and a loop over many rows
of one array is only made of vector instructions where it can tell that these do not overlap. Here the loop
is written as instructions at once: in vectors, which are loaded before any of their results is stored, and
then number by number.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils, errors
from numba.extending import intrinsic

from tonewright.reverb.engines.minor_lanes import Lanes

_VECTOR_BYTES = 64
_SUMMED = ("contract", "reassoc")


@dataclass(frozen=True)
class Rows:
    """Some rows of one of the arrays that a formula is given, a step apart.

    Attributes
    ----------
    array : its number
    count : of rows
    """

    array: int
    count: int = 1


class Same(Rows):
    """Single numbers of one of the arrays, a step apart, each for the whole loop."""


class Sums(Rows):
    """Single numbers of one of the arrays, a step apart, to which what the loop sums up is added."""


def row_formula(*, read: Sequence[Rows], written: Sequence[Rows] = (), sums: Sequence[Sums] = ()) -> Any:
    """Compile a formula as `name(arrays, places, length)`, a loop along rows for use in kernels.

    `arrays` is a tuple of contiguous arrays, and `places` one of two whole numbers for each of `read`,
    `written` and `sums` in turn: where in the flat array the first row or number begins, and how far apart
    they are. The formula takes one value for each row and number read, and returns one for each row written,
    then one for each number summed up. Rows written are rows read, or lie apart from them.
    """

    def decorated(formula: Callable[..., Any]) -> Any:
        @intrinsic
        def compiled(typingctx, arrays, places, length):  # type: ignore[no-untyped-def]
            if any(kind.layout != "C" for kind in arrays.types):
                raise errors.TypingError("formulas along rows take contiguous arrays")

            def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
                loop = _Loop(context, builder, signature, arguments, (*read, *written, *sums))
                loop.write(formula, len(read), len(written))
                return context.get_dummy_value()

            return types.void(arrays, places, length), generate

        return compiled

    return decorated


class _Loop:
    """Instructions of one loop."""

    def __init__(self, context: Any, builder: Any, signature: Any, arguments: Any, given: Any) -> None:
        kinds = signature.args[0].types
        self.builder, self.given = builder, given
        arrays = [
            context.make_array(kind)(context, builder, builder.extract_value(arguments[0], k)).data
            for k, kind in enumerate(kinds)
        ]
        place = [
            context.cast(builder, builder.extract_value(arguments[1], k), kind, types.intp)
            for k, kind in enumerate(signature.args[1].types)
        ]
        self.length = context.cast(builder, arguments[2], signature.args[2], types.intp)
        self.pointers = [
            [
                builder.gep(arrays[part.array], [builder.add(at, builder.mul(step, at.type(k)))])
                for k in range(part.count)
            ]
            for part, at, step in zip(given, place[::2], place[1::2], strict=True)
        ]
        self.bytes = [kinds[part.array].dtype.bitwidth // 8 for part in given]

    def write(self, formula: Callable[..., Any], read: int, written: int) -> None:
        """Instructions for whole vectors, and for what is left."""
        lanes = _VECTOR_BYTES // self.bytes[0]
        builder, count = self.builder, self.length.type(lanes)
        whole = builder.mul(builder.sdiv(self.length, count), count)
        for begin, end, width in ((count.type(0), whole, lanes), (whole, self.length, 1)):
            single = self._single(range(read), width)
            kept = self._rest(read, written, width)
            with cgutils.for_range_slice(builder, begin, end, end.type(width), end.type) as (at, _):
                values = [
                    value
                    for k in range(read)
                    for value in (single[k] if k in single else self._rows(k, at, width))
                ]
                found = formula(*values)
                found = list(found) if isinstance(found, tuple) else [found]
                for k in range(read, read + written):
                    for pointer in self.pointers[k]:
                        address = self._address(pointer, at, width)
                        builder.store(found.pop(0).value, address, align=self.bytes[k])
                for place, value in zip(kept, found, strict=True):
                    builder.store(builder.fadd(builder.load(place), value.value, flags=_SUMMED), place)
            self._add_sums(kept, read + written, width)

    def _address(self, pointer: Any, at: Any, width: int) -> Any:
        kind = ir.VectorType(pointer.type.pointee, width)
        return self.builder.bitcast(self.builder.gep(pointer, [at]), kind.as_pointer())

    def _rows(self, part: int, at: Any, width: int) -> list[Lanes]:
        return [
            Lanes(self.builder, self.builder.load(self._address(pointer, at, width), align=self.bytes[part]))
            for pointer in self.pointers[part]
        ]

    def _single(self, parts: Any, width: int) -> dict[int, list[Lanes]]:
        """What is the same for the whole loop, in all lanes, by part."""
        found = {}
        for k in parts:
            if isinstance(self.given[k], Same):
                found[k] = [self._in_all(self.builder.load(pointer), width) for pointer in self.pointers[k]]
        return found

    def _in_all(self, value: Any, width: int) -> Lanes:
        kind = ir.VectorType(value.type, 1)
        one = self.builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
        return Lanes(self.builder, one).picked([0] * width)

    def _rest(self, read: int, written: int, width: int) -> list[Any]:
        """Places of the sums, one for each lane, at 0."""
        kind = ir.VectorType(self.pointers[0][0].type.pointee, width)
        count = sum(part.count for part in self.given[read + written :])
        zero = ir.Constant(kind, [0.0] * width)
        return [cgutils.alloca_once_value(self.builder, zero) for _ in range(count)]

    def _add_sums(self, kept: list[Any], first: int, width: int) -> None:
        builder = self.builder
        targets = [pointer for pointers in self.pointers[first:] for pointer in pointers]
        for place, target in zip(kept, targets, strict=True):
            value, left = Lanes(builder, builder.load(place)), width
            while left > 1:
                left //= 2
                value += value.picked([(lane + left) % width for lane in range(width)])
            total = builder.extract_element(value.value, ir.IntType(32)(0))
            if total.type != target.type.pointee:
                total = builder.fpext(total, target.type.pointee)
            builder.store(builder.fadd(builder.load(target), total), target)
