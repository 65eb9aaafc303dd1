"""Vectors for compiled loops: some numbers side by side, as processors have them.

A loop is only made of vector instructions where the compiler can tell that its arrays do not overlap, and it
rarely can. In kernels, the values of this module are vectors already, whatever the arrays:

    total = spread(np.float32(0))
    for at in range(0, sound.size, LANES):
        part = load(sound, at)
        total = total + part * part
    power = summed(total)

They add, subtract, multiply and divide, and compare to masks for `where` and `bits`. A place is that in the
flat array, which must be contiguous. Products and sums may be contracted.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

from tonewright.timbre.memory import keep_freed_memory

keep_freed_memory()

# Single precision numbers in a vector; `load_few` and `spread_few` make vectors of FEW.
LANES, FEW = 16, 4
# How kernels are compiled; and those that only kernels call.
# They allocate nothing, so no references are counted.
OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "no_cfunc_wrapper": True,
    "error_model": "numpy",
    "_nrt": False,
}
CALLED: dict[str, Any] = {**OPTIONS, "no_cpython_wrapper": True}

CONTRACTED = ("contract", "nsz")
_SUMMED = ("contract", "nsz", "reassoc")


class LanesType(types.Type):
    """`count` numbers of type `dtype`, or truth values where `dtype` is boolean."""

    def __init__(self, dtype: types.Type, count: int) -> None:
        self.dtype, self.count = dtype, count
        super().__init__(name=f"lanes({dtype} x {count})")

    def ir_type(self) -> ir.VectorType:
        """The type in compiled code."""
        elements = {
            types.float32: ir.FloatType(),
            types.float64: ir.DoubleType(),
            types.boolean: ir.IntType(1),
        }
        return ir.VectorType(elements[self.dtype], self.count)


@register_model(LanesType)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, data_model_manager: Any, kind: LanesType) -> None:
        super().__init__(data_model_manager, kind, kind.ir_type())


def instructions(function: Callable[..., Any]) -> Any:
    """Decorator of what writes the instructions of a function for kernels; `numba.extending.intrinsic`."""
    return intrinsic(function)


def _define(function: Callable[..., Any], boolean: bool, write: Callable[..., Any]) -> None:
    """Let `function` work on two vectors by the instruction that `write` makes."""

    class Template(AbstractTemplate):
        def generic(self, args: Any, kws: Any) -> Any:
            if len(args) == 2 and isinstance(args[0], LanesType) and args[0] == args[1]:
                result = LanesType(types.boolean, args[0].count) if boolean else args[0]
                return signature(result, *args)
            return None

    infer_global(function)(Template)  # pyright: ignore[reportOptionalCall]

    @lower_builtin(function, LanesType, LanesType)
    def _lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return write(builder, *args)


for _name in ("add", "sub", "mul", "truediv"):
    for _function in (getattr(operator, _name), getattr(operator, f"i{_name}")):
        _write = getattr(ir.IRBuilder, f"f{_name.removeprefix('true')}")
        _define(_function, False, lambda b, x, y, write=_write: write(b, x, y, flags=CONTRACTED))
for _function, _name in ((operator.gt, ">"), (operator.ge, ">="), (operator.lt, "<"), (operator.le, "<=")):
    _define(_function, True, lambda b, x, y, name=_name: b.fcmp_ordered(name, x, y))
_define(operator.and_, False, lambda b, x, y: b.and_(x, y))


def first_number(context: Any, builder: Any, sig: Any, args: Any, which: int) -> Any:
    """Where the numbers of an array begin, which is the argument so numbered."""
    return context.data_model_manager[sig.args[which]].get(builder, args[which], "data")


def _pointer(context: Any, builder: Any, sig: Any, args: Any, kind: LanesType) -> Any:
    """Where a vector stands, of the arguments array and place."""
    data = first_number(context, builder, sig, args, 0)
    place = context.cast(builder, args[1], sig.args[1], types.intp)
    return builder.bitcast(builder.gep(data, [place]), kind.ir_type().as_pointer())


def _loader(count: int) -> Any:
    @instructions
    def load(typingctx, array, place):  # type: ignore[no-untyped-def]
        kind = LanesType(array.dtype, count)

        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            pointer = _pointer(context, builder, sig, args, kind)
            return builder.load(pointer, align=array.dtype.bitwidth // 8)

        return kind(array, place), generate

    return load


def in_all(builder: Any, value: Any, count: int) -> Any:
    """Instructions for a vector with one number in all lanes."""
    kind = ir.VectorType(value.type, count)
    nothing = ir.Constant(kind, ir.Undefined)
    first = builder.insert_element(nothing, value, ir.IntType(32)(0))
    return builder.shuffle_vector(
        first, nothing, ir.Constant(ir.VectorType(ir.IntType(32), count), [0] * count)
    )


def _spreader(count: int) -> Any:
    @instructions
    def spread(typingctx, number):  # type: ignore[no-untyped-def]
        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            return in_all(builder, args[0], count)

        return LanesType(number, count)(number), generate

    return spread


# load(array, place): the vector that begins there. spread(number): the number in all lanes.
load, load_few = _loader(LANES), _loader(FEW)
spread, spread_few = _spreader(LANES), _spreader(FEW)


@instructions
def store(typingctx, array, place, value):  # type: ignore[no-untyped-def]
    """Write a vector, rounded to the numbers of the array."""

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        vector = args[2]
        if array.dtype != value.dtype:
            vector = builder.fptrunc(vector, LanesType(array.dtype, value.count).ir_type())
        pointer = _pointer(context, builder, sig, args, LanesType(array.dtype, value.count))
        builder.store(vector, pointer, align=array.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(array, place, value), generate


@instructions
def deal(typingctx, source, place, target, to, step):  # type: ignore[no-untyped-def]
    """Deal LANES · FEW numbers of one array out to FEW rows of another, number n to row n mod FEW.

    Parameters
    ----------
    source, place : where the numbers begin
    target, to, step : where the first row begins, and how far apart rows are
    """
    kind = LanesType(source.dtype, LANES).ir_type()

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        def pointer(array: int, at: Any) -> Any:
            data = first_number(context, builder, sig, args, array)
            return builder.bitcast(builder.gep(data, [at]), kind.as_pointer())

        def picked(one: Any, other: Any, lanes: range) -> Any:
            chosen = ir.Constant(ir.VectorType(ir.IntType(32), len(lanes)), list(lanes))
            return builder.shuffle_vector(one, other, chosen)

        size, whole = source.dtype.bitwidth // 8, ir.IntType(64)
        places = [builder.add(args[1], whole(part * LANES)) for part in range(FEW)]
        parts = [builder.load(pointer(0, at), align=size) for at in places]
        for row in range(FEW):
            halves = [picked(parts[k], parts[k + 1], range(row, 2 * LANES, FEW)) for k in (0, 2)]
            at = builder.add(args[3], builder.mul(args[4], whole(row)))
            builder.store(picked(halves[0], halves[1], range(LANES)), pointer(2, at), align=size)
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp, types.intp), generate


@instructions
def where(typingctx, mask, value, other):  # type: ignore[no-untyped-def]
    """`value` in the lanes of the mask, `other` in the rest."""

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.select(*args)

    return value(mask, value, other), generate


@instructions
def smaller(typingctx, value, other):  # type: ignore[no-untyped-def]
    """The smaller number in each lane, or of two."""

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.select(builder.fcmp_ordered("<", *args), *args)

    return value(value, other), generate


@instructions
def larger(typingctx, value, other):  # type: ignore[no-untyped-def]
    """The larger number in each lane, or of two."""

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.select(builder.fcmp_ordered(">", *args), *args)

    return value(value, other), generate


@instructions
def bits(typingctx, mask):  # type: ignore[no-untyped-def]
    """The mask as a whole number, the first lane as its lowest bit."""

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        packed = builder.bitcast(args[0], ir.IntType(mask.count))
        return builder.zext(packed, ir.IntType(64))

    return types.int64(mask), generate


@instructions
def first_lane(typingctx, packed):  # type: ignore[no-untyped-def]
    """Number of the first lane of what `bits` packed; some lane is set."""

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        return builder.cttz(args[0], ir.IntType(1)(1))

    return types.int64(types.int64), generate


def call_named(builder: Any, name: str, value: Any, *, reduced: bool = False, summing: bool = False) -> Any:
    """What a function of one vector gives that the compiler knows by name."""
    kind = value.type
    start = [kind.element(0.0)] if summing else []
    shape = ir.FunctionType(kind.element if reduced else kind, [kind.element] * len(start) + [kind])
    suffix = f"v{kind.count}f{64 if isinstance(kind.element, ir.DoubleType) else 32}"
    found = builder.module.declare_intrinsic(f"{name}.{suffix}", (), shape)
    return builder.call(found, [*start, value], fastmath=_SUMMED)


def _named(name: str, *, reduced: bool = False, summing: bool = False) -> Any:
    """A function for kernels of one vector, which gives one as well, or is reduced to a number."""

    @instructions
    def function(typingctx, value):  # type: ignore[no-untyped-def]
        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            return call_named(builder, name, args[0], reduced=reduced, summing=summing)

        return (value.dtype if reduced else value)(value), generate

    return function


# Of one vector: root, nearest whole number and magnitude in each lane; its sum, lowest and highest number.
root = _named("llvm.sqrt")
nearest = _named("llvm.rint")
magnitude = _named("llvm.fabs")
summed = _named("llvm.vector.reduce.fadd", reduced=True, summing=True)
lowest = _named("llvm.vector.reduce.fmin", reduced=True)
highest = _named("llvm.vector.reduce.fmax", reduced=True)
