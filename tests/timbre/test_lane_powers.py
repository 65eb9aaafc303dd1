"""Powers of vectors, against NumPy."""

from __future__ import annotations

import numba
import numpy as np

from tonewright.timbre.lane_formulas import formula
from tonewright.timbre.lane_powers import exp2, log2, polynomial
from tonewright.timbre.lanes import LANES, load, store

_sine = formula(polynomial(np.sin, 0.0, 1.0, 7))


@numba.njit
def _powers(exponents, numbers, out):  # type: ignore[no-untyped-def]
    for at in range(0, exponents.size, LANES):
        store(out[0], at, exp2(load(exponents, at)))
        store(out[1], at, log2(load(numbers, at)))
        store(out[2], at, _sine(load(numbers, at)))


def test_functions_are_those_of_numpy() -> None:
    rng = np.random.default_rng(0)
    exponents = np.concatenate([rng.uniform(-125, 125, 1008), np.arange(-8, 8)]).astype(np.float32)
    numbers = np.concatenate([rng.uniform(0, 1, 512), 10.0 ** rng.uniform(-30, 30, 512)]).astype(np.float32)
    out = np.empty((3, 1024), np.float32)
    _powers(exponents, numbers, out)
    np.testing.assert_allclose(out[0], np.exp2(exponents.astype(float)), rtol=1e-6)
    np.testing.assert_allclose(out[1], np.log2(numbers.astype(float)), rtol=2e-7, atol=3e-7)
    np.testing.assert_allclose(out[2][:512], np.sin(numbers[:512]), atol=1e-6)
