from __future__ import annotations

import dataclasses
import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.errors import UsageError
from tonewright.learning.schedules import KINDS, Ramp

VALUES = st.floats(-10, 10)
STEPS = st.integers(1, 1000)


def cyclical_annealing(step: int, *, total: int, cycles: int, rise: float) -> float:
    """β of Fu et al. 2019, equations 6 and 7, counted from step 0 and with whole cycles."""
    period = total / cycles
    position = math.fmod(step, period) / period
    return position / rise if position <= rise else 1.0


@given(kind=st.sampled_from(KINDS), start=VALUES, end=VALUES, steps=STEPS, delay=st.integers(0, 50))
@settings(deadline=None)
def test_every_ramp_starts_ends_and_stays_within(kind: str, start: float, end: float, steps: int, delay: int):
    ramp = Ramp(kind, start, end, steps, delay)
    if delay:
        assert ramp(0) == ramp(delay - 1) == start
    assert ramp(delay) == (end if kind == "constant" else pytest.approx(start))
    assert ramp(delay + steps) == ramp(delay + 10 * steps) == end
    low, high = min(start, end) - 1e-9, max(start, end) + 1e-9
    assert all(low <= ramp(delay + steps * share / 20) <= high for share in range(21))


@pytest.mark.parametrize("kind", ["linear", "cosine"])
def test_linear_and_cosine_never_turn_back(kind: str):
    ramp = Ramp(kind, 0.0, 2.0, 40)
    values = [ramp(step) for step in range(45)]
    assert all(a < b for a, b in itertools.pairwise(values[:41]))


def test_linear_is_a_straight_line():
    assert [Ramp("linear", 1.0, 2.0, 4)(step) for step in range(5)] == [1.0, 1.25, 1.5, 1.75, 2.0]


def test_cosine_passes_its_middle_and_is_flat_at_its_ends():
    ramp = Ramp("cosine", 0.0, 1.0, 100)
    assert ramp(50) == pytest.approx(0.5)
    assert ramp(25) == pytest.approx(0.5 - math.sqrt(0.125))
    assert ramp(1) < 0.001


@given(cycles=st.integers(1, 6), period=st.integers(2, 50), rise=st.sampled_from([0.25, 0.5, 1.0]))
@settings(deadline=None)
def test_cyclic_agrees_with_cyclical_annealing(cycles: int, period: int, rise: float):
    total = cycles * period
    ramp = Ramp("cyclic", 0.0, 1.0, total, cycles=cycles, rise=rise)
    for step in range(total):
        expected = cyclical_annealing(step, total=total, cycles=cycles, rise=rise)
        # At the seam of two cycles rounding decides which one a step belongs to.
        if step % period > 0:
            assert ramp(step) == pytest.approx(expected, abs=1e-9)


def test_cyclic_starts_anew_and_is_half_flat():
    ramp = Ramp("cyclic", 0.0, 1.0, 16, cycles=2)
    assert [ramp(step) for step in range(17)] == [0, 0.25, 0.5, 0.75, 1, 1, 1, 1] * 2 + [1]


def test_no_steps_is_a_jump_at_the_delay():
    for kind in KINDS:
        assert [Ramp(kind, 3.0, 5.0, 0, delay=2)(step) for step in range(4)] == [3.0, 3.0, 5.0, 5.0]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "liner"}, "linear"),
        ({"steps": -1}, "negative"),
        ({"delay": -1}, "negative"),
        ({"cycles": 0}, "cycles"),
        ({"rise": 0.0}, "rise"),
        ({"rise": 1.5}, "rise"),
    ],
)
def test_what_is_no_ramp_is_refused(changes: dict, message: str):
    with pytest.raises(UsageError, match=message):
        Ramp(**changes)


def test_a_ramp_is_a_value():
    ramp = Ramp("cosine", steps=5)
    assert ramp == dataclasses.replace(Ramp(), kind="cosine", steps=5)
    assert hash(ramp) == hash(Ramp("cosine", steps=5))
    with pytest.raises(dataclasses.FrozenInstanceError):
        ramp.steps = 3  # type: ignore[misc]


def test_a_ramp_is_a_structured_config():
    omegaconf = pytest.importorskip("omegaconf")
    config = omegaconf.OmegaConf.structured(Ramp(kind="cyclic", steps=7))
    assert omegaconf.OmegaConf.to_object(config) == Ramp(kind="cyclic", steps=7)
