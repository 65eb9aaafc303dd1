"""The elimination engine against direct solutions, closed forms and numerical gradients."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.errors import NetworkError
from tonewright.reverb.absorption import shelf_absorption
from tonewright.reverb.engines.base import loop_terms
from tonewright.reverb.engines.elimination import EliminationEngine

NFFT = 300


def network(rng: np.random.Generator, lines: int, inputs: int, outputs: int, loss: float = 0.95) -> list:
    a = np.linalg.qr(rng.standard_normal((lines, lines)))[0] * loss
    shapes = ((lines, inputs), (outputs, lines), (outputs, inputs))
    return [a, *(rng.standard_normal(shape) for shape in shapes)]


def direct(terms: np.ndarray, a: np.ndarray, b: np.ndarray, c: np.ndarray, d: np.ndarray) -> np.ndarray:
    loop = np.eye(len(a)) - terms[:, :, None] * a
    return c @ np.linalg.solve(loop, terms[:, :, None] * b) + d


def criterion(weights: np.ndarray, spectrum: np.ndarray) -> float:
    return float(np.sum(np.real(weights.conj() * spectrum) + 0.5 * np.abs(spectrum) ** 2))


def slope(function, value: np.ndarray, index: tuple, step: float = 1e-5) -> float:
    up, down = value.copy(), value.copy()
    up[index] += step
    down[index] -= step
    return (function(up) - function(down)) / (2 * step)


@settings(deadline=None, max_examples=15)
@given(
    st.integers(1, 9),
    st.integers(1, 3),
    st.integers(1, 3),
    st.integers(0, 99),
    st.sampled_from((64, 129, 300)),
)
def test_equals_the_direct_solution(lines: int, inputs: int, outputs: int, seed: int, nfft: int) -> None:
    rng = np.random.default_rng(seed)
    delays = rng.uniform(1, 40, lines)
    filters = shelf_absorption(0.02, 0.01, delays, 48000.0)
    parts = network(rng, lines, inputs, outputs)
    engine = EliminationEngine(delays, nfft=nfft, filters=filters)
    found = engine.spectrum(*parts)
    assert found.shape == (nfft // 2 + 1, outputs, inputs)
    np.testing.assert_allclose(found, direct(engine.terms, *parts), rtol=1e-10, atol=1e-10)


def test_one_line_is_a_comb() -> None:
    engine = EliminationEngine(np.array([7]), nfft=NFFT)
    found = engine.spectrum(np.array([[0.6]]), np.array([[2.0]]), np.array([[3.0]]), np.array([[0.5]]))
    z = np.exp(2j * np.pi * np.arange(NFFT // 2 + 1) / NFFT)
    np.testing.assert_allclose(found[:, 0, 0], 0.5 + 6 * z**-7 / (1 - 0.6 * z**-7), rtol=1e-12)


@pytest.mark.parametrize("sizes", [(5, 1, 1), (4, 2, 3)])
def test_gradients_of_the_parts(sizes: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(3)
    delays = rng.uniform(2, 50, sizes[0])
    parts = network(rng, *sizes)
    engine = EliminationEngine(delays, nfft=NFFT)
    weights = rng.standard_normal((2, *engine.spectrum(*parts).shape)) @ np.ones(sizes[1])
    weights = (weights[0] + 1j * weights[1])[..., None] * np.ones(sizes[1])

    found = engine.pullback(weights + engine.spectrum(*parts))
    for name, index in (("A", 0), ("B", 1), ("C", 2), ("D", 3)):
        gradient = getattr(found, name)

        def loss(value: np.ndarray, index: int = index) -> float:
            return criterion(
                weights,
                direct(engine.terms, *[value if k == index else part for k, part in enumerate(parts)]),
            )

        expected = [slope(loss, parts[index], where) for where in np.ndindex(gradient.shape)]
        np.testing.assert_allclose(gradient.ravel(), expected, rtol=1e-6, atol=1e-6 * np.abs(expected).max())


def test_gradients_of_delays_and_loop_terms() -> None:
    rng = np.random.default_rng(4)
    delays = rng.uniform(2, 50, 4)
    parts = network(rng, 4, 2, 2)
    engine = EliminationEngine(delays, nfft=NFFT)
    spectrum = engine.spectrum(*parts)
    weights = rng.standard_normal(spectrum.shape) + 1j * rng.standard_normal(spectrum.shape)
    found = engine.pullback(weights + spectrum)

    def of_delays(value: np.ndarray) -> float:
        return criterion(weights, direct(loop_terms(value, None, NFFT), *parts))

    expected = [slope(of_delays, delays, (k,)) for k in range(4)]
    np.testing.assert_allclose(np.asarray(found.delays), expected, rtol=1e-6)

    assert found.d is not None
    assert found.d.shape == engine.terms.shape
    for where in ((0, 0), (17, 1), (80, 2), (150, 3)):
        for unit, part in ((1, "real"), (1j, "imag")):

            def of_terms(step: np.ndarray, unit: complex = unit, where: tuple = where) -> float:
                terms = engine.terms.copy()
                terms[where] += unit * step[0]
                return criterion(weights, direct(terms, *parts))

            expected = slope(of_terms, np.zeros(1), (0,))
            assert getattr(found.d[where], part) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_single_precision_is_near_double() -> None:
    rng = np.random.default_rng(5)
    delays, parts = rng.integers(300, 2000, 8), network(rng, 8, 1, 1, 0.98)
    double, single = (EliminationEngine(delays, nfft=4096, dtype=dtype) for dtype in ("float64", "float32"))
    exact, found = double.spectrum(*parts), single.spectrum(*parts)
    assert found.dtype == np.complex64
    np.testing.assert_allclose(found, exact, atol=2e-5 * np.abs(exact).max())
    exact, found = double.pullback(exact), single.pullback(found)
    assert found.A.dtype == np.float64
    for name in "ABCD":
        reference = getattr(exact, name)
        np.testing.assert_allclose(getattr(found, name), reference, atol=1e-4 * np.abs(reference).max())


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_vanishing_pivots_are_solved_by_exchanging_rows(dtype: str) -> None:
    """With d = 1 at 0 Hz, I − A has zeros where the pivots are due, and yet it has an inverse."""
    a = np.array([[1.0, 0.5, 0.3], [0.7, 1.0, 0.2], [0.1, 0.9, 0.4]])
    rng = np.random.default_rng(6)
    parts = [a, *network(rng, 3, 2, 2)[1:]]
    engine = EliminationEngine(np.array([3, 5, 8]), nfft=64, dtype=dtype)
    found = engine.spectrum(*parts)
    assert engine.solved_again >= 1
    expected = direct(engine.terms, *parts)
    np.testing.assert_allclose(found, expected, rtol=1e-9 if dtype == "float64" else 1e-4)
    gradient = engine.pullback(found)
    numerical = [
        slope(lambda value: criterion(0 * expected, direct(engine.terms, value, *parts[1:])), a, where)
        for where in np.ndindex(3, 3)
    ]
    np.testing.assert_allclose(gradient.A.ravel(), numerical, rtol=1e-6 if dtype == "float64" else 1e-3)


@settings(deadline=None, max_examples=10)
@given(st.integers(0, 999), st.floats(0.5, 4.0))
def test_any_matrix_is_solved_accurately(seed: int, size: float) -> None:
    """Loops that gain energy have no safe order of pivots; bins that need it are found."""
    rng = np.random.default_rng(seed)
    parts = network(rng, 8, 1, 1)
    parts[0] = rng.standard_normal((8, 8)) * size / np.sqrt(8)
    engine = EliminationEngine(rng.integers(1, 60, 8), nfft=256)
    expected = direct(engine.terms, *parts)
    np.testing.assert_allclose(
        engine.spectrum(*parts), expected, rtol=1e-7, atol=1e-8 * np.abs(expected).max()
    )


def test_large_networks() -> None:
    rng = np.random.default_rng(7)
    parts = network(rng, 64, 8, 8)
    engine = EliminationEngine(rng.integers(100, 3000, 64), nfft=256, loop_gradients=False)
    found = engine.spectrum(*parts)
    np.testing.assert_allclose(found, direct(engine.terms, *parts), rtol=1e-9, atol=1e-9)
    gradient = engine.pullback(found)
    step = 1e-5 * rng.standard_normal((64, 64))
    energies = [np.sum(np.abs(direct(engine.terms, parts[0] + s * step, *parts[1:])) ** 2) for s in (1, -1)]
    assert (energies[0] - energies[1]) / 4 == pytest.approx(np.sum(gradient.A * step), rel=1e-5)
    assert gradient.d is None
    assert gradient.delays is None
    assert gradient.A.shape == (64, 64)


def test_a_changed_loop() -> None:
    rng = np.random.default_rng(8)
    parts = network(rng, 3, 1, 1)
    engine = EliminationEngine(np.array([3, 4, 5]), nfft=64)
    terms = loop_terms(np.array([3.5, 4.0, 9.0]), None, 64)
    engine.change_loop(terms, delays=np.array([3.5, 4.0, 9.0]))
    np.testing.assert_allclose(engine.spectrum(*parts), direct(terms, *parts), rtol=1e-10)
    given_terms = EliminationEngine(np.array([3.5, 4.0, 9.0]), nfft=64, terms=terms)
    np.testing.assert_array_equal(given_terms.spectrum(*parts), engine.spectrum(*parts))


def test_wrong_use() -> None:
    with pytest.raises(NetworkError, match="float16"):
        EliminationEngine(np.array([3]), nfft=64, dtype="float16")
    with pytest.raises(NetworkError, match="nfft is 1"):
        EliminationEngine(np.array([3]), nfft=1)
    engine = EliminationEngine(np.array([3]), nfft=64)
    with pytest.raises(NetworkError, match="call spectrum first"):
        engine.pullback(np.zeros((33, 1, 1)))
    with pytest.raises(NetworkError, match=r"\(33, 1\)"):
        engine.change_loop(np.ones((3, 1)))
    one = np.ones((1, 1))
    with pytest.raises(NetworkError, match="pole at bin 0"):
        engine.spectrum(one, one, one, one)
    engine.spectrum(one * 0.5, one, one, one)
    with pytest.raises(NetworkError, match=r"\(33, 1, 1\)"):
        engine.pullback(np.zeros((33, 2, 1)))
