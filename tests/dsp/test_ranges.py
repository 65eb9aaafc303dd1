from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.ranges import FREQUENCY, GAIN_DB, SECONDS, Q, Range
from tonewright.errors import UsageError

READY = [FREQUENCY, Q, GAIN_DB, SECONDS]


@pytest.mark.parametrize("knob", READY)
def test_ends_and_middle(knob: Range) -> None:
    assert knob.from_unit(0.0) == pytest.approx(knob.low)
    assert knob.from_unit(1.0) == pytest.approx(knob.high)
    middle = np.sqrt(knob.low * knob.high) if knob.scale == "log" else (knob.low + knob.high) / 2
    assert knob.from_unit(0.5) == pytest.approx(middle, abs=1e-12)
    assert knob.to_unit(knob.low) == pytest.approx(0)
    assert knob.to_unit(knob.high) == pytest.approx(1)


@settings(deadline=None)
@given(st.floats(-0.5, 1.5), st.sampled_from(READY))
def test_there_and_back(position: float, knob: Range) -> None:
    assert knob.to_unit(knob.from_unit(position)) == pytest.approx(position, abs=1e-12)


def test_arrays_keep_their_framework(framework: Any, precision: Any) -> None:
    dtype, tolerance = precision
    positions = np.linspace(0, 1, 5)
    values = FREQUENCY.from_unit(framework.array(positions.astype(dtype)))
    assert framework.numpy(values).dtype == dtype
    np.testing.assert_allclose(framework.numpy(values), np.geomspace(20, 20_000, 5), rtol=tolerance)
    np.testing.assert_allclose(framework.numpy(FREQUENCY.to_unit(values)), positions, atol=tolerance)


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ((1.0, 1.0), "the first below the second"),
        ((2.0, 1.0), "the first below the second"),
        ((0.0, float("inf")), "finite"),
        ((float("nan"), 1.0), "finite"),
        ((0.0, 10.0, "log", "Hz"), "0.0 to 10.0 Hz: a log scale starts above 0"),
        ((1.0, 10.0, "cubic"), "'cubic' is not known"),
    ],
)
def test_ranges_that_cannot_be_turned(arguments: tuple[Any, ...], problem: str) -> None:
    with pytest.raises(UsageError, match=problem):
        Range(*arguments)
