"""Vectors in compiled loops, against NumPy."""

from __future__ import annotations

import numba
import numpy as np
import pytest

from tonewright.timbre import lanes
from tonewright.timbre.lanes import LANES, load, spread, store


@numba.njit
def _combined(x, y, out):  # type: ignore[no-untyped-def]
    """Every operation once; each row of `out` is one result."""
    a, b = load(x, 0), load(y, 0)
    c = a + b
    c -= spread(np.float32(2)) * a
    store(out, 0, c)
    store(out, LANES, a / b)
    store(out, 2 * LANES, lanes.where((a > b) & (a >= spread(np.float32(0))), a, b))
    store(out, 3 * LANES, lanes.smaller(a, b))
    store(out, 4 * LANES, lanes.larger(a, b))
    store(out, 5 * LANES, lanes.root(lanes.magnitude(a)))
    return lanes.summed(a), lanes.lowest(a), lanes.highest(a), lanes.bits(a < b), lanes.bits(a <= a)


def test_every_operation_is_that_of_numpy() -> None:
    x, y = np.random.default_rng(0).standard_normal((2, LANES)).astype(np.float32)
    out = np.empty((6, LANES), np.float32)
    total, lowest, highest, less, all_of_them = _combined(x, y, out)
    expected = [-x + y - 0 * x, x / y, np.where((x > y) & (x >= 0), x, y)]
    expected += [np.minimum(x, y), np.maximum(x, y), np.sqrt(np.abs(x))]
    np.testing.assert_allclose(out, expected, rtol=1e-6, atol=1e-6)
    assert total == pytest.approx(x.sum(), abs=1e-5)
    assert (lowest, highest) == (x.min(), x.max())
    assert less == sum(1 << k for k in range(LANES) if x[k] < y[k])
    assert all_of_them == 2**LANES - 1
