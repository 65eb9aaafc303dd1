"""Arithmetic on vectors written as one instruction, which kernels compile sooner than one line at a time.

A formula is run once, when a kernel is compiled, on values that write what is done with them:

    power = formula(lambda real, imaginary: real * real + imaginary * imaginary)

is a function for kernels, of vectors or of plain numbers.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from llvmlite import ir

from tonewright.timbre.lanes import CONTRACTED, call_named, instructions


class Lane:
    """A vector or a number while instructions are written; a Python number counts as one in every lane."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def known(self, other: Lane | float) -> Any:
        """The value of another, or of a number in as many lanes."""
        if isinstance(other, Lane):
            return other.value
        kind = self.value.type
        return ir.Constant(kind, [other] * kind.count if isinstance(kind, ir.VectorType) else other)

    def _with(self, name: str, other: Lane | float) -> Lane:
        write = getattr(self.builder, name)
        return Lane(self.builder, write(self.value, self.known(other), flags=CONTRACTED))

    def __add__(self, other: Lane | float) -> Lane:
        """Sum."""
        return self._with("fadd", other)

    def __sub__(self, other: Lane | float) -> Lane:
        """Difference."""
        return self._with("fsub", other)

    def __mul__(self, other: Lane | float) -> Lane:
        """Product."""
        return self._with("fmul", other)

    def __truediv__(self, other: Lane | float) -> Lane:
        """Quotient."""
        return self._with("fdiv", other)

    def __gt__(self, other: Lane | float) -> Lane:
        """Where this is greater."""
        return Lane(self.builder, self.builder.fcmp_ordered(">", self.value, self.known(other)))

    def chosen(self, yes: Lane, no: Lane | float) -> Lane:
        """Of a comparison: `yes` where it holds, `no` elsewhere."""
        return Lane(self.builder, self.builder.select(self.value, yes.value, yes.known(no)))

    def smaller(self, other: Lane | float) -> Lane:
        """The smaller number in each lane."""
        known = self.known(other)
        return Lane(self.builder, self.builder.select((self > other).value, known, self.value))

    def nearest(self) -> Lane:
        """Nearest whole number."""
        return Lane(self.builder, call_named(self.builder, "llvm.rint", self.value))


def formula(function: Callable[..., Lane]) -> Any:
    """A function for kernels from one of `Lane`; its arguments are of one type, and so is the result."""

    def written(typingctx, *values):  # type: ignore[no-untyped-def]
        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            return function(*(Lane(builder, value) for value in args)).value

        return values[0](*values), generate

    # The compiler takes no function of any number of arguments.
    own = inspect.signature(function)
    first = inspect.Parameter("typingctx", inspect.Parameter.POSITIONAL_OR_KEYWORD)
    written.__signature__ = own.replace(parameters=[first, *own.parameters.values()])  # type: ignore[attr-defined]
    return instructions(written)


@formula
def even_power(a: Lane, b: Lane, c: Lane, d: Lane) -> Lane:
    """|a + ib + (c + id)*|²: of transforms at a bin and at its mirror, four powers of the real part."""
    return (a + c) * (a + c) + (b - d) * (b - d)


@formula
def odd_power(a: Lane, b: Lane, c: Lane, d: Lane) -> Lane:
    """|a + ib − (c + id)*|²: of transforms at a bin and at its mirror, four powers of the imaginary part."""
    return (b + d) * (b + d) + (c - a) * (c - a)
