"""The terms of the loss against closed forms, SciPy and differences, and that all parameters learn."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax.test_util import check_grads
from scipy.integrate import quad
from scipy.optimize import minimize_scalar
from scipy.stats import norm

from tonewright.dsp import biquads
from tonewright.filters.config import Config
from tonewright.filters.model import ParametricVAE, first_parameters
from tonewright.filters.objective import (
    divergence,
    divergence_paid,
    kl_weight,
    level_weights,
    linear_error,
    log_error,
    losses_of,
)
from tonewright.filters.spectra import FLOOR_DB, grid_of, log_spectral_distance
from tonewright.filters.squashing import BankArrays

CLASSIC = Config(
    spectrum="linear", n_fft=128, encoder="convolutional", signed=False, initialiser="flax", free_bits=0.0
)
STANDARD = Config(width=24, blocks=1, filters=8, points=32)
BOTH = pytest.mark.parametrize("config", [CLASSIC, STANDARD], ids=["classic", "standard"])


@pytest.fixture(autouse=True, scope="module")
def _quick_compilation() -> Iterator[None]:
    """Compile without optimising: each program runs a few times."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


def some_spectra(config: Config, count: int = 8, *, seed: int = 0) -> np.ndarray:
    """Walks by chance, in dB without level, or as magnitudes whose highest is 1."""
    generator = np.random.default_rng(seed)
    values = np.cumsum(generator.normal(scale=4.0, size=(count, config.size)), axis=1)
    if config.spectrum == "linear":
        return (10 ** ((values - values.max(1, keepdims=True)) / 20)).astype(np.float32)
    return (values - values.mean(1, keepdims=True)).astype(np.float32)


@cache
def learning(config: Config) -> Callable[..., tuple[dict[str, jax.Array], Any]]:
    """(parameters, spectra, key, kl_weight) -> terms, gradients; compiled once for all tests."""
    losses = losses_of(config, *grid_of(config))

    def loss(*arguments: Any) -> tuple[jax.Array, dict[str, jax.Array]]:
        terms = losses(*arguments)
        return terms["loss"], terms

    def both(*arguments: Any) -> Any:
        (_, terms), gradients = jax.value_and_grad(loss, has_aux=True)(*arguments)
        return terms, gradients

    return jax.jit(both)


@cache
def parameters_of(config: Config) -> Any:
    return first_parameters(config, jax.random.key(0))


def some_bank(*shape: int, seed: int = 0) -> BankArrays:
    generator = np.random.default_rng(seed)
    return BankArrays(
        np.exp(generator.uniform(np.log(50.0), np.log(15000.0), shape)),
        np.exp(generator.uniform(np.log(0.3), np.log(8.0), shape)),
        generator.standard_normal(shape),
    )


def magnitude(bank: BankArrays, grid: np.ndarray) -> np.ndarray:
    b, a = biquads.bandpass(bank.frequency_hz, bank.q, sample_rate=44100)
    return np.abs(biquads.parallel_response(b, a, bank.gain, grid, sample_rate=44100))


def test_divergence_is_the_integral() -> None:
    mean, log_variance = np.array([[0.3], [-1.2]]), np.array([[-1.0], [0.4]])

    def integral(mean: float, deviation: float) -> float:
        q, p = norm(mean, deviation), norm(0, 1)
        return quad(lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), mean - 9, mean + 9)[0]

    expected = np.mean(
        [integral(m, np.exp(v / 2)) for m, v in zip(mean[:, 0], log_variance[:, 0], strict=True)]
    )
    np.testing.assert_allclose(
        divergence(jnp.asarray(mean), jnp.asarray(log_variance)), [expected], rtol=1e-6
    )


@BOTH
def test_loss_is_the_sum_of_its_terms(config: Config) -> None:
    heard, beta = some_spectra(config), np.float32(0.25)
    terms, _ = learning(config)(parameters_of(config), heard, jax.random.key(1), beta)
    each = np.array([terms[f"kl_{number}"] for number in range(4)])
    mean, log_variance = ParametricVAE(config).apply(parameters_of(config), heard, method="encode")
    np.testing.assert_allclose(each, divergence(mean, log_variance), rtol=1e-5)
    np.testing.assert_allclose(terms["kl"], each.sum(), rtol=1e-6)
    free = np.maximum(each, config.free_bits).sum()
    np.testing.assert_allclose(terms["loss"], terms["reconstruction"] + beta * free, rtol=1e-6)
    assert terms["kl_weight"] == beta
    assert all(np.isfinite(value) and np.ndim(value) == 0 for value in terms.values())


def test_free_bits_press_no_number_below_them() -> None:
    means, log_variances = jnp.array([[0.1, 2.0, -0.2, 0.7], [0.3, 1.0, 0.1, -1.5]]), jnp.full((2, 4), -0.5)
    each = np.asarray(divergence(means, log_variances))
    for free_bits in (0.0, float(np.sort(each)[1:3].mean()), 100.0):
        found = jax.grad(lambda at, free=free_bits: divergence_paid(at, log_variances, free))(means)
        assert np.array_equal(np.abs(found).max(0) > 0, each > free_bits)


def test_the_weight_of_the_divergence_rises_or_is_fixed() -> None:
    rising = Config(kl_weight=0.001, kl_annealing_epochs=100)
    assert [kl_weight(rising, epoch) for epoch in (0, 25, 50, 100, 400)] == pytest.approx(
        [0.0, 0.00025, 0.0005, 0.001, 0.001]
    )
    fixed = Config(kl_weight=0.002, kl_annealing_epochs=0)
    assert [kl_weight(fixed, epoch) for epoch in (0, 1, 1000)] == [0.002] * 3


@BOTH
def test_the_weight_of_the_divergence_is_used(config: Config) -> None:
    heard = some_spectra(config)

    def gradient(beta: float) -> np.ndarray:
        _, found = learning(config)(parameters_of(config), heard, jax.random.key(1), np.float32(beta))
        return np.asarray(found["params"]["encoder"]["mean"]["kernel"])

    none, some, twice = gradient(0.0), gradient(1.0), gradient(2.0)
    assert np.abs(some - none).max() > 1e-3
    np.testing.assert_allclose(twice - none, 2 * (some - none), rtol=1e-3, atol=1e-4)


def test_linear_error_is_the_mean_square() -> None:
    grid, bank = grid_of(CLASSIC), some_bank(3, 5)
    target = some_spectra(CLASSIC, 3)
    expected = np.mean((magnitude(bank, grid.frequencies_hz) - target) ** 2)
    single = BankArrays(*(jnp.asarray(values, jnp.float32) for values in bank))
    found = linear_error(single, jnp.asarray(target), grid.frequencies_hz, CLASSIC)
    np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("weighting", [0.0, 0.4])
def test_log_error_is_the_least_over_all_levels(weighting: float) -> None:
    config = Config(points=32, level_weighting=weighting)
    grid, bank = grid_of(config), some_bank(1, 6)
    response = 20 * np.log10(magnitude(bank, grid.frequencies_hz))
    target = 0.3 * some_spectra(config, 1)
    with jax.enable_x64(True):
        exact = BankArrays(*(jnp.asarray(values, float) for values in bank))
        wanted = jnp.asarray(target, float)
        counts = np.asarray(level_weights(wanted, grid.weights, config))
        found = float(log_error(exact, wanted, *grid, config))
    np.testing.assert_allclose(counts.sum(), 1.0)

    def at(offset: float) -> float:
        return float((counts * (response + offset - target) ** 2).sum())

    best = minimize_scalar(at)
    np.testing.assert_allclose(found, 0.1 * (best.fun + 0.05 * best.x**2), rtol=1e-6)
    if not weighting:
        distance = log_spectral_distance(response, target, weights=grid.weights, level_free=True)
        np.testing.assert_allclose(best.fun, distance[0] ** 2, rtol=1e-6)


def test_log_error_vanishes_on_the_bank_itself_and_level_costs_little() -> None:
    grid, bank = grid_of(STANDARD), some_bank(2, 8)
    target = jnp.asarray(20 * np.log10(magnitude(bank, grid.frequencies_hz)), jnp.float32)
    single = BankArrays(*(jnp.asarray(values, jnp.float32) for values in bank))
    assert float(log_error(single, target, *grid, STANDARD)) < 1e-6
    louder = single._replace(gain=10 ** (6 / 20) * single.gain)
    np.testing.assert_allclose(log_error(louder, target, *grid, STANDARD), 0.1 * 0.05 * 36, rtol=1e-3)


def test_below_a_target_at_its_floor_nothing_is_paid() -> None:
    grid = grid_of(STANDARD)
    values = BankArrays(grid.frequencies_hz[None, 14:15], np.array([[30.0]]), np.array([[1.0]]))
    response = 20 * np.log10(magnitude(values, grid.frequencies_hz))
    narrow = BankArrays(*(jnp.asarray(v, jnp.float32) for v in values))
    floor = response.max() - FLOOR_DB
    assert response.min() < floor - 3
    target = jnp.asarray(np.maximum(response, floor), jnp.float32)
    assert float(log_error(narrow, target, *grid, STANDARD)) < 1e-6
    # Above the floor it is paid as everywhere.
    assert float(log_error(narrow._replace(q=narrow.q / 4), target, *grid, STANDARD)) > 1.0


@BOTH
def test_gradients_are_those_of_differences(config: Config) -> None:
    losses = losses_of(config, *grid_of(config))
    heard, key = some_spectra(config, 3), jax.random.key(2)
    with jax.enable_x64(True):
        parameters = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), parameters_of(config))
        compiled = jax.jit(lambda at: losses(at, np.asarray(heard, np.float64), key, 0.3)["loss"])
        check_grads(compiled, (parameters,), order=1, modes=["rev"], rtol=1e-5, eps=1e-6)


@BOTH
def test_all_parameters_learn_from_the_first_two_steps(config: Config) -> None:
    parameters = parameters_of(config)
    for step in range(2):
        _, found = learning(config)(
            parameters,
            some_spectra(config, seed=step),
            jax.random.key(step),
            np.float32(kl_weight(config, step)),
        )
        for path, leaf in jax.tree_util.tree_flatten_with_path(found)[0]:
            assert np.isfinite(leaf).all(), path
            assert np.abs(leaf).max() > 0, path
        parameters = moved(parameters, found)


@BOTH
def test_what_is_minimised_falls(config: Config) -> None:
    heard, parameters, memory = some_spectra(config), parameters_of(config), None
    before = learning(config)(parameters, heard, jax.random.key(0), np.float32(0))[0]["reconstruction"]
    for step in range(200):
        terms, found = learning(config)(parameters, heard, jax.random.key(step), np.float32(1e-3))
        memory = found if memory is None else jax.tree.map(lambda a, b: 0.8 * a + b, memory, found)
        parameters = moved(parameters, memory)
    assert float(terms["reconstruction"]) < 0.5 * float(before)


def moved(parameters: Any, gradients: Any, rate: float = 3e-3) -> Any:
    """A step against the gradient, as large for each tensor."""

    def nearer(old: jax.Array, way: jax.Array) -> np.ndarray:
        way = np.asarray(way)
        return np.asarray(old) - np.float32(rate) * way / np.sqrt(np.mean(way**2) + 1e-12)

    return jax.tree.map(nearer, parameters, gradients)
