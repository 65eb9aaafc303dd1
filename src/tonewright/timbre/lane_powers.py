"""Powers and other smooth functions of vectors, from polynomials; about seven digits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numpy.polynomial import Chebyshev, Polynomial

from tonewright.timbre.lanes import CALLED, CONTRACTED, LANES, instructions, nearest, spread

_WHOLE = ir.VectorType(ir.IntType(32), LANES)
_SINGLE = ir.VectorType(ir.FloatType(), LANES)
_MANTISSA_BITS = 23
# √½ as the bits of a number: mantissas are taken from there on.
_LEAST = int(np.float32(np.sqrt(0.5)).view(np.int32))


def polynomial(function: Callable[[np.ndarray], np.ndarray], low: float, high: float, degree: int) -> Any:
    """The polynomial near a smooth function, as a function of one vector for use in kernels.

    Parameters
    ----------
    function : of an array
    low, high : where it is near
    degree : of the polynomial
    """
    fitted = Chebyshev.interpolate(function, degree, domain=[low, high])
    coefficients = [float(c) for c in fitted.convert(kind=Polynomial).coef[::-1]]

    @instructions
    def value(typingctx, at):  # type: ignore[no-untyped-def]
        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            constants = [ir.Constant(_SINGLE, [c] * LANES) for c in coefficients]
            total = constants[0]
            for constant in constants[1:]:
                total = builder.fmul(total, args[0], flags=CONTRACTED)
                total = builder.fadd(total, constant, flags=CONTRACTED)
            return total

        return at(at), generate

    return value


@instructions
def _times_power_of_two(typingctx, value, whole):  # type: ignore[no-untyped-def]
    """value · 2^whole."""

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        shift = ir.Constant(_WHOLE, [_MANTISSA_BITS] * LANES)
        exponent = builder.shl(builder.fptosi(args[1], _WHOLE), shift)
        return builder.bitcast(builder.add(builder.bitcast(args[0], _WHOLE), exponent), _SINGLE)

    return value(value, whole), generate


def _part_of(write: Callable[..., Any]) -> Any:
    """A part of positive numbers v = m 2^e, √½ ≤ m < √2, written from the bits of v and e 2²³."""

    @instructions
    def part(typingctx, value):  # type: ignore[no-untyped-def]
        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            packed = builder.bitcast(args[0], _WHOLE)
            above = builder.sub(packed, ir.Constant(_WHOLE, [_LEAST] * LANES))
            exponent = builder.and_(above, ir.Constant(_WHOLE, [-(1 << _MANTISSA_BITS)] * LANES))
            return write(builder, packed, exponent)

        return value(value), generate

    return part


_mantissa = _part_of(lambda b, packed, exponent: b.bitcast(b.sub(packed, exponent), _SINGLE))
_shifted_exponent = _part_of(lambda b, packed, exponent: b.sitofp(exponent, _SINGLE))
_exp2_near = polynomial(np.exp2, -0.5, 0.5, 5)
_log2_near = polynomial(lambda x: np.log2(1 + x), np.sqrt(0.5) - 1, np.sqrt(2) - 1, 8)
_PER_EXPONENT = np.float32(2.0**-_MANTISSA_BITS)


@numba.njit(**CALLED)
def exp2(exponent: Any) -> Any:
    """2 to a vector of float32, which lies between −126 and 126."""
    whole = nearest(exponent)
    return _times_power_of_two(_exp2_near(exponent - whole), whole)


@numba.njit(**CALLED)
def log2(value: Any) -> Any:
    """Logarithm of a vector of positive float32."""
    return _shifted_exponent(value) * spread(_PER_EXPONENT) + _log2_near(
        _mantissa(value) - spread(np.float32(1))
    )
