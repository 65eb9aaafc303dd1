"""The autoencoder: interchangeable with plain Flax, where it begins, and banks that are always stable."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache, partial
from typing import Any

import flax
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from flax import linen as nn
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp import biquads
from tonewright.errors import UsageError
from tonewright.filters.config import Config
from tonewright.filters.layers import StridedConvolution
from tonewright.filters.model import ParametricVAE, first_parameters
from tonewright.filters.spectra import grid_of
from tonewright.filters.spectra.grids import erb_rate
from tonewright.filters.squashing import BankArrays, frequency_range, squashed

CLASSIC = Config(
    spectrum="linear", n_fft=128, encoder="convolutional", signed=False, initialiser="flax", free_bits=0.0
)
STANDARD = Config(width=24, blocks=1)
BOTH = pytest.mark.parametrize("config", [CLASSIC, STANDARD], ids=["classic", "standard"])


@pytest.fixture(autouse=True, scope="module")
def _quick_compilation() -> Iterator[None]:
    """Compile without optimising: each program runs a few times."""
    before = jax.config.read("jax_disable_most_optimizations")
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", before)


class PlainEncoder(nn.Module):
    """The classic encoder as Flax's tutorials would write it."""

    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = x[..., None]
        for features in (16, 32, 64):
            x = nn.relu(nn.Conv(features, kernel_size=(3,), strides=(2,))(x))
        x = x.reshape(x.shape[0], -1)
        x = nn.relu(nn.Dense(128)(x))
        x = nn.relu(nn.Dense(64)(x))
        return nn.Dense(4, name="mean")(x), nn.Dense(4, name="log_variance")(x)


class PlainDecoder(nn.Module):
    """The classic decoder likewise."""

    @nn.compact
    def __call__(self, z: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        z = nn.relu(nn.Dense(64)(z))
        z = nn.relu(nn.Dense(128)(z))
        raw = jax.nn.sigmoid(nn.Dense(96)(z).reshape(-1, 3, 32))
        return 20 * 1000 ** raw[:, 0], 0.1 * 300 ** raw[:, 1], 0.001 * 10 ** (4 * raw[:, 2])


class PlainVAE(nn.Module):
    """Both, under the names that plain Flax gives."""

    def setup(self) -> None:
        self.encoder = PlainEncoder()
        self.decoder = PlainDecoder()

    def __call__(self, x: jax.Array) -> Any:
        mean, log_variance = self.encoder(x)
        return self.decoder(mean), mean, log_variance


@cache
def parameters_of(config: Config) -> Any:
    return first_parameters(config, jax.random.key(1))


def some_spectra(config: Config, count: int = 3) -> np.ndarray:
    generator = np.random.default_rng(0)
    values = np.cumsum(generator.standard_normal((count, config.size)), axis=1).astype(np.float32)
    return values if config.spectrum == "erb" else np.abs(values) / np.abs(values).max()


def test_plain_flax_reads_the_parameters_and_says_the_same() -> None:
    ours, heard = parameters_of(CLASSIC), some_spectra(CLASSIC)
    plain = PlainVAE()
    blank = jax.tree.map(jnp.zeros_like, jax.eval_shape(plain.init, jax.random.key(0), heard))
    read = flax.serialization.from_bytes(blank, flax.serialization.to_bytes(ours))
    bank, mean, log_variance = jax.jit(plain.apply)(read, heard)
    answer = jax.jit(ParametricVAE(CLASSIC).apply)(ours, heard)
    np.testing.assert_allclose(answer.mean, mean, atol=1e-6)
    np.testing.assert_allclose(answer.log_variance, log_variance, atol=1e-6)
    for found, expected in zip(answer.bank, bank, strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-5)


@pytest.mark.parametrize("length", [1, 8, 9])
def test_convolution_is_that_of_flax(length: int) -> None:
    generator = np.random.default_rng(length)
    x, kernel, bias = (generator.standard_normal(shape) for shape in ((2, length, 3), (3, 3, 5), (5,)))
    parameters = {"params": {"kernel": np.float32(kernel), "bias": np.float32(bias)}}

    @partial(jax.jit, static_argnums=0)
    def answer(layer: nn.Module, parameters: Any, x: jax.Array) -> Any:
        def power(parameters: Any, x: jax.Array) -> Any:
            y = layer.apply(parameters, x)
            return (y**2).sum(), y

        return jax.value_and_grad(power, (0, 1), has_aux=True)(parameters, x)

    found = answer(StridedConvolution(5), parameters, np.float32(x))
    wanted = answer(nn.Conv(5, kernel_size=(3,), strides=(2,)), parameters, np.float32(x))
    jax.tree.map(partial(np.testing.assert_allclose, rtol=1e-5, atol=1e-4), found, wanted)


@cache
def initialised(config: Config) -> tuple[Any, Any]:
    """What Flax draws for our model, and for the plain one where there is one."""
    heard = jnp.zeros((1, config.size))

    def both(key: jax.Array) -> tuple[Any, Any]:
        ours = ParametricVAE(config).init(key, heard)
        return ours, PlainVAE().init(key, heard) if config is CLASSIC else ours

    return jax.jit(both)(jax.random.key(1))


@BOTH
def test_first_parameters_are_distributed_as_the_initialisers_say(config: Config) -> None:
    drawn, expected = parameters_of(config), initialised(config)[0]
    assert jax.tree.structure(drawn) == jax.tree.structure(expected)
    paths = jax.tree_util.tree_flatten_with_path(drawn)[0]
    for (path, found), wanted in zip(paths, jax.tree.leaves(expected), strict=True):
        found, wanted = np.asarray(found), np.asarray(wanted)
        assert found.shape == wanted.shape
        assert found.dtype == wanted.dtype == np.float32
        if path[-1].key == "bias":
            assert np.array_equal(found, wanted)
            continue
        tolerance = 5 / np.sqrt(found.size)
        assert abs(found.std() / wanted.std() - 1) < tolerance
        assert abs(found.mean()) < tolerance * wanted.std()
        assert np.abs(found).max() < 2.3 * wanted.std() * (1 + tolerance)


def test_first_parameters_follow_the_key() -> None:
    first, same, other = (first_parameters(STANDARD, jax.random.key(key)) for key in (1, 1, 2))
    kernels = [tree["params"]["decoder"]["Dense_1"]["kernel"] for tree in (first, same, other)]
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.isclose(kernels[0], kernels[2]).any(axis=1).all()


def test_flax_draws_for_the_classic_what_it_draws_for_the_plain_model() -> None:
    ours, plain = initialised(CLASSIC)
    jax.tree.map(np.testing.assert_array_equal, ours, plain)


@BOTH
def test_numbers_are_drawn_by_the_key_alone(config: Config) -> None:
    model, parameters, heard = ParametricVAE(config), parameters_of(config), some_spectra(config)
    key = jax.random.key(7)
    drawn = jax.jit(model.apply)(parameters, heard, key)
    mean, log_variance = (np.asarray(values) for values in drawn[1:])
    z = mean + np.exp(0.5 * log_variance) * np.asarray(jax.random.normal(key, mean.shape))
    decode = _decoded(config)
    expected, certain = decode(parameters, z), decode(parameters, mean)
    for found, wanted, other in zip(drawn.bank, expected, certain, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-4)
        assert not np.allclose(found, other, rtol=1e-4)


def test_log_variances_are_bounded() -> None:
    parameters = jax.tree.map(lambda leaf: leaf, parameters_of(STANDARD))
    layer = parameters["params"]["encoder"]["log_variance"]
    layer["bias"] = jnp.array([1e4, -1e4, 1e4, -1e4])
    found = jax.jit(ParametricVAE(STANDARD).apply)(parameters, some_spectra(STANDARD)).log_variance
    assert np.array_equal(found, [[20.0, -30.0, 20.0, -30.0]] * 3)


@pytest.mark.parametrize("signed", [True, False])
def test_filters_begin_spread_over_the_band(signed: bool) -> None:
    config = replace(STANDARD, signed=signed)
    bank = BankArrays(
        *(np.asarray(v[0]) for v in _decoded(config)(parameters_of(config), np.zeros((1, 4), np.float32)))
    )
    steps = np.diff(erb_rate(bank.frequency_hz.astype(float)))
    np.testing.assert_allclose(steps, steps.mean(), rtol=1e-3)
    assert bank.frequency_hz[0] < 50
    assert bank.frequency_hz[-1] > 18000
    assert np.array_equal(np.sign(bank.gain), (-1.0) ** np.arange(32) if signed else np.ones(32))
    np.testing.assert_allclose(np.abs(bank.gain), np.abs(bank.gain[0]), rtol=1e-3)
    grid = grid_of(config).frequencies_hz
    b, a = biquads.bandpass(bank.frequency_hz.astype(float), bank.q.astype(float), sample_rate=44100)
    response = biquads.parallel_response(b, a, bank.gain.astype(float), grid, sample_rate=44100)
    inner = (grid > 50) & (grid < 15000)
    # Alternating signs take from one another, and more at the edges of the band, where one neighbour lacks.
    assert np.ptp(20 * np.log10(np.abs(response[inner]))) < (25.0 if signed else 5.0)


@BOTH
@settings(deadline=None, max_examples=20)
@given(
    z=st.lists(st.floats(-4, 4, width=32), min_size=4, max_size=4),
    factor=st.sampled_from((1.0, 250.0)),
    weight=st.sampled_from((1.0, 30.0)),
)
def test_poles_lie_inside_the_circle(config: Config, z: list[float], factor: float, weight: float) -> None:
    parameters = jax.tree.map(lambda leaf: np.float32(weight) * np.asarray(leaf), parameters_of(config))
    numbers = np.float32(factor) * np.array([z], np.float32)
    bank = BankArrays(*(np.asarray(values) for values in _decoded(config)(parameters, numbers)))
    band = frequency_range(config)
    assert np.isfinite(bank.gain).all()
    assert np.abs(bank.gain).max() <= 10.001
    assert bank.frequency_hz.min() > 0.999 * band.low
    assert bank.frequency_hz.max() < 1.001 * band.high
    for dtype in (np.float32, np.float64):
        _, a = biquads.bandpass(
            bank.frequency_hz.astype(dtype), bank.q.astype(dtype), sample_rate=config.sample_rate
        )
        assert biquads.is_stable(a).all()
        roots = np.array([np.roots(row) for row in a.reshape(-1, 3).astype(np.float64)])
        assert np.abs(roots).max() < 1


@cache
def _decoded(config: Config) -> Any:
    return jax.jit(lambda parameters, z: ParametricVAE(config).apply(parameters, z, method="decode"))


@pytest.mark.parametrize("signed", [True, False])
def test_numpy_and_jax_squash_alike(signed: bool) -> None:
    config = Config(signed=signed)
    raw = np.random.default_rng(0).normal(scale=4.0, size=(2, 3, 32))
    expected = squashed(raw, config)
    for found, wanted in zip(squashed(jnp.asarray(raw, jnp.float32), config), expected, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=2e-5, atol=1e-7)
    sigmoid = 1 / (1 + np.exp(-raw))
    np.testing.assert_allclose(expected.frequency_hz, 20 * 1000 ** sigmoid[:, 0], rtol=1e-12)
    np.testing.assert_allclose(expected.q, 0.1 * 300 ** sigmoid[:, 1], rtol=1e-12)
    if not signed:
        np.testing.assert_allclose(expected.gain, 10 ** (4 * sigmoid[:, 2] - 3), rtol=1e-12)


def test_a_low_rate_keeps_its_filters_below_half_of_it() -> None:
    config = Config(sample_rate=16000)
    raw = np.full((1, 3, 32), 50.0)
    assert squashed(raw, config).frequency_hz.max() < 0.49 * 16000


@pytest.mark.parametrize("change", [{"width": 0}, {"blocks": -1}, {"order": 9}, {"level_weighting": -1.0}])
def test_settings_that_describe_no_network_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match=next(iter(change))):
        Config(**change)
