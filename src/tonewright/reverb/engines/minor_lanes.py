"""Formulas compiled for several numbers side by side, which loops over arrays that may overlap are not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

LANES = 16
_CONTRACTED = ("contract",)


class Lanes:
    """Values of all lanes in a function being compiled; arithmetic on it writes instructions."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _with(self, name: str, other: Lanes) -> Lanes:
        return Lanes(self.builder, getattr(self.builder, name)(self.value, other.value, flags=_CONTRACTED))

    def __add__(self, other: Lanes) -> Lanes:
        """Sum in each lane."""
        return self._with("fadd", other)

    def __sub__(self, other: Lanes) -> Lanes:
        """Difference in each lane."""
        return self._with("fsub", other)

    def __mul__(self, other: Lanes) -> Lanes:
        """Product in each lane."""
        return self._with("fmul", other)

    def __neg__(self) -> Lanes:
        """Negative in each lane."""
        return Lanes(self.builder, self.builder.fneg(self.value))

    def __truediv__(self, other: Lanes) -> Lanes:
        """Ratio in each lane."""
        return self._with("fdiv", other)

    def root(self) -> Lanes:
        """Square root."""
        kind = self.value.type
        name = f"llvm.sqrt.v{kind.count}{'f32' if isinstance(kind.element, ir.FloatType) else 'f64'}"
        function = self.builder.module.declare_intrinsic(name, (), ir.FunctionType(kind, [kind]))
        return Lanes(self.builder, self.builder.call(function, [self.value]))

    def larger(self, other: Lanes) -> Lanes:
        """The larger value in each lane."""
        condition = self.builder.fcmp_ordered(">", self.value, other.value)
        return Lanes(self.builder, self.builder.select(condition, self.value, other.value))

    def where_positive(self, other: Lanes) -> Lanes:
        """The value in lanes where that of `other` is above 0, and 0 in the others."""
        zero = self.value.type(None)
        condition = self.builder.fcmp_ordered(">", other.value, zero)
        return Lanes(self.builder, self.builder.select(condition, self.value, zero))

    def picked(self, lanes: Sequence[int], other: Lanes | None = None) -> Lanes:
        """The values of `lanes`, counted on into `other`."""
        kind = ir.VectorType(ir.IntType(32), len(lanes))
        second = (self if other is None else other).value
        chosen = self.builder.shuffle_vector(self.value, second, ir.Constant(kind, list(lanes)))
        return Lanes(self.builder, chosen)


class Vectors(NamedTuple):
    """Some vectors of lanes that follow each other in one of the arrays given to a formula.

    Attributes
    ----------
    array : its number
    count : of vectors; of numbers where each is the same in all lanes
    mark : as for `lane_formula`
    """

    array: int
    count: int = 1
    mark: str = "plain"


def lane_formula(
    formula: Callable[..., Any] | None = None,
    *,
    written: Sequence[str | Vectors] | None = None,
    read: Sequence[str | Vectors] | None = None,
    lanes: int = LANES,
) -> Any:
    """Compile a formula for use in kernels as `name(written, places, read, read_places)`.

    `written` and `read` are tuples of vectors of one type, `places` the positions in them at which the
    numbers of the lanes begin. The formula takes one value for each vector read and returns one for each of
    those written. A vector marked "pairs" holds numbers in pairs, and gives or takes two values; one marked
    "mirrored" does so with its pairs in reverse order; one marked "same" gives one number to all lanes.
    Unmarked ones are "plain". With `Vectors` in place of marks there is one place for each of these, and
    several may be of one array.
    """
    if formula is None:
        return lambda given: lane_formula(given, written=written, read=read, lanes=lanes)

    @intrinsic
    def compiled(typingctx, outputs, places, inputs, input_places):  # type: ignore[no-untyped-def]
        def generate(context, builder, signature, arguments):  # type: ignore[no-untyped-def]
            def pointers(at, marks):  # type: ignore[no-untyped-def]
                kinds = signature.args[at].types
                marks = marks or ["plain"] * len(kinds)
                parts = [
                    Vectors(k, mark=mark) if isinstance(mark, str) else mark for k, mark in enumerate(marks)
                ]
                for k, (own, several, mark) in enumerate(parts):
                    data = context.make_array(kinds[own])(
                        context, builder, builder.extract_value(arguments[at], own)
                    ).data
                    place = builder.gep(data, [builder.extract_value(arguments[at + 1], k)])
                    count = {"plain": lanes, "same": 1}.get(mark, 2 * lanes)
                    vector = ir.VectorType(data.type.pointee, count)
                    for number in range(several):
                        one = builder.gep(place, [ir.IntType(64)(number * count)])
                        yield mark, builder.bitcast(one, vector.as_pointer()), kinds[own].dtype.bitwidth // 8

            given = []
            for mark, pointer, size in pointers(2, read):
                value = Lanes(builder, builder.load(pointer, align=size))
                given += _split(value, mark, lanes)
            found = formula(*given)
            found = list(found) if isinstance(found, tuple) else [found]
            for mark, pointer, size in pointers(0, written):
                builder.store(_joined(found, mark, lanes).value, pointer, align=size)
            return context.get_dummy_value()

        return types.void(outputs, places, inputs, input_places), generate

    return compiled


def _split(value: Lanes, mark: str, lanes: int) -> list[Lanes]:
    if mark == "plain":
        return [value]
    if mark == "same":
        return [value.picked([0] * lanes)]
    order = range(lanes) if mark == "pairs" else range(lanes - 1, -1, -1)
    return [value.picked([2 * k + part for k in order]) for part in range(2)]


def _joined(values: list[Lanes], mark: str, lanes: int) -> Lanes:
    first = values.pop(0)
    if mark == "plain":
        return first
    order = range(lanes) if mark == "pairs" else range(lanes - 1, -1, -1)
    return first.picked([k + part * lanes for k in order for part in range(2)], values.pop(0))
