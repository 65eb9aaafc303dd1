"""Formulas of vectors and of numbers, against NumPy."""

from __future__ import annotations

from typing import Any

import numba
import numpy as np

from tonewright.timbre.lane_formulas import Lane, even_power, formula, odd_power
from tonewright.timbre.lanes import LANES, load, store


@formula
def _mixture(one: Lane, other: Lane) -> Lane:
    return (one > other).chosen(one / other - 1.5, one.smaller(0.25) * other) + 2.0


@numba.njit
def _of_vectors(numbers, out):  # type: ignore[no-untyped-def]
    a, b, c, d = load(numbers, 0), load(numbers, LANES), load(numbers, 2 * LANES), load(numbers, 3 * LANES)
    store(out, 0, _mixture(a, b))
    store(out, LANES, even_power(a, b, c, d))
    store(out, 2 * LANES, odd_power(a, b, c, d))


@numba.njit
def _of_numbers(one, other):  # type: ignore[no-untyped-def]
    return _mixture(one, other)


def _expected(one: Any, other: Any) -> Any:
    return np.where(one > other, one / other - 1.5, np.minimum(one, 0.25) * other) + 2


def test_formulas_are_those_of_numpy() -> None:
    numbers = np.random.default_rng(1).uniform(0.1, 1, (4, LANES))
    out = np.empty((3, LANES))
    _of_vectors(numbers, out)
    a, b, c, d = numbers
    spectrum, mirrored = a + 1j * b, (c + 1j * d).conj()
    np.testing.assert_allclose(out[0], _expected(a, b), rtol=1e-14)
    np.testing.assert_allclose(out[1], abs(spectrum + mirrored) ** 2, rtol=1e-14)
    np.testing.assert_allclose(out[2], abs(spectrum - mirrored) ** 2, rtol=1e-13)


def test_formula_of_plain_numbers() -> None:
    for one, other in ((0.3, 0.7), (0.7, 0.3), (0.2, 0.2)):
        assert np.isclose(_of_numbers(one, other), _expected(np.float64(one), np.float64(other)), rtol=1e-14)
