"""Powers and other smooth functions of vectors, from polynomials; about seven digits.

Functions of `Lane`, for `formula`; `exp2` and `log2` of vectors of float32.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numpy.polynomial import Chebyshev, Polynomial

from tonewright.timbre.lane_formulas import Lane, formula
from tonewright.timbre.lanes import LANES

_WHOLE = ir.VectorType(ir.IntType(32), LANES)
_SINGLE = ir.VectorType(ir.FloatType(), LANES)
_MANTISSA_BITS = 23
# √½ as the bits of a number: mantissas are taken from there on.
_LEAST = int(np.float32(np.sqrt(0.5)).view(np.int32))


def polynomial(
    function: Callable[[np.ndarray], np.ndarray], low: float, high: float, degree: int
) -> Callable[[Lane], Lane]:
    """The polynomial near a smooth function, of `Lane`.

    Parameters
    ----------
    function : of an array
    low, high : where it is near
    degree : of the polynomial
    """
    fitted = Chebyshev.interpolate(function, degree, domain=[low, high])
    first, *others = (float(c) for c in fitted.convert(kind=Polynomial).coef[::-1])

    def value(at: Lane) -> Lane:
        total = at * first + others[0]
        for coefficient in others[1:]:
            total = total * at + coefficient
        return total

    return value


def _whole(number: int) -> ir.Constant:
    return ir.Constant(_WHOLE, [number] * LANES)


def _times_power_of_two(value: Lane, whole: Lane) -> Lane:
    """value · 2^whole."""
    write: Any = value.builder
    exponent = write.shl(write.fptosi(whole.value, _WHOLE), _whole(_MANTISSA_BITS))
    return Lane(write, write.bitcast(write.add(write.bitcast(value.value, _WHOLE), exponent), _SINGLE))


def _parts(value: Lane) -> tuple[Lane, Lane]:
    """The m and e 2²³ of positive numbers m 2^e, √½ ≤ m < √2, from their bits."""
    write: Any = value.builder
    packed = write.bitcast(value.value, _WHOLE)
    exponent = write.and_(write.sub(packed, _whole(_LEAST)), _whole(-(1 << _MANTISSA_BITS)))
    mantissa = write.bitcast(write.sub(packed, exponent), _SINGLE)
    return Lane(write, mantissa), Lane(write, write.sitofp(exponent, _SINGLE))


_exp2_near = polynomial(np.exp2, -0.5, 0.5, 5)
_log2_near = polynomial(lambda x: np.log2(1 + x), np.sqrt(0.5) - 1, np.sqrt(2) - 1, 8)


def power_of_two(exponent: Lane) -> Lane:
    """2 to a number that lies between −126 and 126."""
    whole = exponent.nearest()
    return _times_power_of_two(_exp2_near(exponent - whole), whole)


def logarithm(value: Lane) -> Lane:
    """To the base 2, of a positive number."""
    mantissa, exponent = _parts(value)
    return exponent * 2.0**-_MANTISSA_BITS + _log2_near(mantissa - 1.0)


exp2, log2 = formula(power_of_two), formula(logarithm)
