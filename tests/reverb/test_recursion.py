"""The recursion in time: exact responses, exact gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfilt

from tonewright.errors import NetworkError
from tonewright.reverb.engines.recursion import RecursionEngine

STEADY = settings(deadline=None, max_examples=25, derandomize=True)


def sections(rng: np.random.Generator, count: int, lines: int) -> np.ndarray:
    """Stable second-order sections with poles and zeros of any kind, a0 other than 1."""
    radius, angle = rng.uniform(0, 0.9, (count, lines)), rng.uniform(0, np.pi, (count, lines))
    filters = rng.normal(size=(count, 6, lines)) / 3
    filters[:, 3], filters[:, 4], filters[:, 5] = 1, -2 * radius * np.cos(angle), radius**2
    return filters * 2


def network(
    rng: np.random.Generator, lines: int, inputs: int = 1, outputs: int = 1
) -> tuple[np.ndarray, ...]:
    a = np.linalg.qr(rng.normal(size=(lines, lines)))[0] * 0.9
    return a, *(rng.normal(size=s) for s in ((lines, inputs), (outputs, lines), (outputs, inputs)))


def sample_by_sample(a, b, c, d, delays, filters, length):
    """The definition, one sample after the other."""
    lines, inputs, outputs = b.shape[0], b.shape[1], c.shape[0]
    filters = np.zeros((0, 6, lines)) if filters is None else filters
    count = filters.shape[0]
    response = np.zeros((length, outputs, inputs))
    for k in range(inputs):
        entered = np.zeros((length, lines))
        memory = np.zeros((count, 2, lines))
        for n in range(length):
            heard = np.array([entered[n - m, i] if n >= m else 0.0 for i, m in enumerate(delays)])
            for s in range(count):
                b0, b1, b2, a0, a1, a2 = filters[s] / filters[s, 3]
                out = b0 * heard + memory[s, 0]
                memory[s, 0] = b1 * heard - a1 * out + memory[s, 1]
                memory[s, 1] = b2 * heard - a2 * out
                heard = out / a0
            impulse = float(n == 0)
            entered[n] = a @ heard + b[:, k] * impulse
            response[n, :, k] = c @ heard + d[:, k] * impulse
    return response


@STEADY
@given(
    seed=st.integers(0, 999),
    delays=st.lists(st.integers(1, 40), min_size=1, max_size=19),
    count=st.integers(0, 2),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
    length=st.integers(1, 120),
)
def test_response_is_that_of_the_definition(seed, delays, count, inputs, outputs, length):
    rng = np.random.default_rng(seed)
    parts = network(rng, len(delays), inputs, outputs)
    filters = sections(rng, count, len(delays)) if count else None
    engine = RecursionEngine(np.array(delays), length=length, filters=filters)
    expected = sample_by_sample(*parts, delays=delays, filters=filters, length=length)
    np.testing.assert_allclose(engine.response(*parts), expected, atol=1e-11 * max(1, np.abs(expected).max()))


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-12), ("float32", 2e-5)])
def test_response_is_the_transform_of_the_solved_network(dtype, tolerance):
    rng = np.random.default_rng(1)
    delays, nfft = np.array([101, 143, 165, 177, 190]), 1 << 15
    a, b, c, d = network(rng, 5, 2, 3)
    filters = np.zeros((2, 6, 5))
    filters[0, 0], filters[0, 3], filters[0, 4] = 0.3, 1, -0.6
    filters[1, 0], filters[1, 3] = 0.9, 1
    z = np.exp(-2j * np.pi * np.arange(nfft // 2 + 1) / nfft)[:, None]
    loop = z**delays * 0.3 * 0.9 / (1 - 0.6 * z)
    late = np.linalg.solve(np.eye(5) - loop[:, :, None] * a, loop[:, :, None] * b)
    expected = np.fft.irfft(d + c @ late, nfft, axis=0)[:20000]
    found = RecursionEngine(delays, length=20000, filters=filters, dtype=dtype).response(a, b, c, d)
    assert found.dtype == dtype
    assert np.abs(found - expected).max() <= tolerance * np.abs(expected).max()


def test_a_single_line_is_a_comb_through_its_filter():
    filters = sections(np.random.default_rng(3), 1, 1)
    sos = (filters / filters[:, 3:4])[:, :, 0]
    engine = RecursionEngine(np.array([7]), length=30, filters=filters)
    found = engine.response(np.array([[0.8]]), np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 1)))[:, 0, 0]
    expected, echo = np.zeros(30), np.eye(30)[0]
    for _ in range(4):
        echo: Any = sosfilt(sos, np.concatenate([np.zeros(7), echo])[:30])
        expected += echo
        echo = echo * 0.8
    np.testing.assert_allclose(found, expected, atol=1e-12)


@STEADY
@given(
    seed=st.integers(0, 999),
    delays=st.lists(st.integers(1, 15), min_size=1, max_size=11),
    count=st.integers(0, 2),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 3),
)
def test_gradients_are_the_numerical_ones(seed, delays, count, inputs, outputs):
    rng = np.random.default_rng(seed)
    filters = sections(rng, count, len(delays)) if count else None
    engine = RecursionEngine(np.array(delays), length=50, filters=filters)
    parts = network(rng, len(delays), inputs, outputs)
    weights = rng.normal(size=(50, outputs, inputs))
    scale = max(1, np.abs(weights * engine.response(*parts)).sum())
    found = engine.pullback(weights)
    for place, name in enumerate("ABCD"):
        direction = rng.normal(size=parts[place].shape)
        values = []
        for step in (1e-6, -1e-6):
            moved = [part + step * direction if i == place else part for i, part in enumerate(parts)]
            values.append((engine.response(*moved) * weights).sum())
        numerical = (values[0] - values[1]) / 2e-6
        assert (getattr(found, name) * direction).sum() == pytest.approx(
            numerical, rel=1e-6, abs=1e-6 * scale
        )


def test_every_entry_of_the_gradient():
    rng = np.random.default_rng(5)
    delays, filters, parts = np.array([3, 4, 9]), sections(rng, 2, 3), network(rng, 3, 2, 2)
    weights = rng.normal(size=(40, 2, 2))
    engine = RecursionEngine(delays, length=40, filters=filters)
    engine.response(*parts)
    found = engine.pullback(weights)
    for place, name in enumerate("ABCD"):
        numerical = np.zeros_like(parts[place])
        for index in np.ndindex(numerical.shape):
            values = []
            for step in (1e-6, -1e-6):
                moved = [part.copy() for part in parts]
                moved[place][index] += step
                values.append((engine.response(*moved) * weights).sum())
            numerical[index] = (values[0] - values[1]) / 2e-6
        np.testing.assert_allclose(getattr(found, name), numerical, rtol=1e-6, atol=1e-7, err_msg=name)


def test_gradients_in_single_precision():
    rng = np.random.default_rng(6)
    delays, parts = rng.integers(50, 300, 17), network(rng, 17, 2, 2)
    weights, filters = rng.normal(size=(5000, 2, 2)), sections(rng, 1, 17) * 0.5
    filters[:, 3:] *= 2
    exact, single = (
        RecursionEngine(delays, length=5000, filters=filters, dtype=d) for d in ("float64", "float32")
    )
    for engine in (exact, single):
        engine.response(*parts)
    expected, found = exact.pullback(weights), single.pullback(weights)
    for name in "ABCD":
        wanted = getattr(expected, name)
        assert np.abs(getattr(found, name) - wanted).max() <= 1e-5 * np.abs(wanted).max()


def test_an_engine_is_used_again():
    rng = np.random.default_rng(7)
    delays, filters = np.array([1, 13, 64, 700]), sections(rng, 1, 4)
    used = RecursionEngine(delays, length=500, filters=filters)
    for inputs, outputs in ((1, 1), (1, 1), (2, 1), (2, 3)):
        parts, weights = network(rng, 4, inputs, outputs), rng.normal(size=(500, outputs, inputs))
        fresh = RecursionEngine(delays, length=500, filters=filters)
        np.testing.assert_array_equal(used.response(*parts), fresh.response(*parts))
        again, first = used.pullback(weights), fresh.pullback(weights)
        for name in "ABCD":
            np.testing.assert_array_equal(getattr(again, name), getattr(first, name))


def test_plain_gains_are_part_of_the_matrices():
    rng = np.random.default_rng(8)
    delays, (a, b, c, d) = np.array([5, 11, 17]), network(rng, 3)
    gains = np.array([0.9, -0.5, 0.7])
    filters = np.zeros((2, 6, 3))
    filters[:, 0], filters[:, 3] = [gains, gains], 1
    found = RecursionEngine(delays, length=90, filters=filters).response(a, b, c, d)
    expected = RecursionEngine(delays, length=90).response(a * gains**2, b, c * gains**2, d)
    np.testing.assert_allclose(found, expected, atol=1e-14)


def test_what_has_faded_becomes_zero():
    a, one = np.array([[1e-4]]), np.ones((1, 1))
    found = RecursionEngine(np.array([10]), length=500).response(a, one, one, 0 * one)[:, 0, 0]
    expected = 1e-4 ** np.arange(49.0)
    np.testing.assert_allclose(found[10::10][:7], expected[:7])
    assert not found[110:].any()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"delays": [3.5]}, "whole samples"),
        ({"delays": [0, 4]}, "at least 1"),
        ({"length": 0}, "at least 1 sample"),
        ({"dtype": "float16"}, "choose float32 or float64"),
        ({"dtype": "wide"}, "choose float32 or float64"),
    ],
)
def test_wrong_arguments(changes, word):
    arguments = {"delays": [3, 4], "length": 10, **changes}
    with pytest.raises(NetworkError, match=word):
        RecursionEngine(np.array(arguments.pop("delays")), **arguments)


def test_pullback_needs_a_response_and_its_shape():
    engine = RecursionEngine(np.array([3]), length=10)
    with pytest.raises(NetworkError, match="call response first"):
        engine.pullback(np.zeros((10, 1, 1)))
    engine.response(*(np.ones((1, 1)),) * 4)
    with pytest.raises(NetworkError, match=r"shape \(9, 1, 1\)"):
        engine.pullback(np.zeros((9, 1, 1)))
