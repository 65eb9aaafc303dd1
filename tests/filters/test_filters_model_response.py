"""The bank's response in closed form against SciPy's, and its gradient against differences."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jax.test_util import check_grads
from scipy.signal import freqz, lfilter

from tonewright.dsp import biquads
from tonewright.filters.bank_response import bank_magnitude, bank_power, bank_response
from tonewright.filters.squashing import BankArrays

RATE = 44100
GRID = np.concatenate(([0.0], np.geomspace(20.0, 22000.0, 80), [RATE / 2]))


def some_bank(seed: int, *shape: int, rate: int = RATE) -> BankArrays:
    generator = np.random.default_rng(seed)
    return BankArrays(
        np.exp(generator.uniform(np.log(20.0), np.log(0.45 * rate), shape)),
        np.exp(generator.uniform(np.log(0.1), np.log(30.0), shape)),
        generator.standard_normal(shape),
    )


def reference(
    bank: BankArrays, frequencies_hz: np.ndarray, *, rate: int = RATE, order: int = 1
) -> np.ndarray:
    """Σ g H^order by SciPy, (filters,) -> (points,) complex."""
    total = np.zeros(frequencies_hz.size, np.complex128)
    for frequency, q, gain in zip(*bank, strict=True):
        b, a = biquads.bandpass(float(frequency), float(q), sample_rate=rate)
        total += gain * freqz(b, a, worN=frequencies_hz, fs=rate)[1] ** order
    return total


def as_jax(bank: BankArrays, dtype: type) -> BankArrays:
    return BankArrays(*(jnp.asarray(values, dtype) for values in bank))


@settings(deadline=None, max_examples=15)
@given(
    seed=st.integers(0, 10**6),
    rate=st.sampled_from((8000, 44100, 192000)),
    order=st.integers(1, 3),
)
def test_response_is_that_of_scipy(seed: int, rate: int, order: int) -> None:
    bank = some_bank(seed, 5, rate=rate)
    grid = np.concatenate(([0.0], np.geomspace(20.0, 0.49 * rate, 40), [rate / 2]))
    expected = reference(bank, grid, rate=rate, order=order)
    scale = np.abs(bank.gain).sum()
    with jax.enable_x64(True):
        real, imaginary = bank_response(as_jax(bank, float), grid, sample_rate=rate, order=order)
    assert np.abs(np.asarray(real) + 1j * np.asarray(imaginary) - expected).max() < 1e-9 * scale
    single = as_jax(bank, np.float32)
    found = bank_magnitude(single, grid, sample_rate=rate, order=order)
    assert found.dtype == jnp.float32
    assert np.abs(np.asarray(found) - np.abs(expected)).max() < 1e-4 * scale


def test_float32_is_right_at_20_hz() -> None:
    grid = np.linspace(15.0, 30.0, 200)
    bank = BankArrays(np.array([20.0]), np.array([30.0]), np.array([1.0]))
    found = bank_magnitude(as_jax(bank, np.float32), grid, sample_rate=192000)
    np.testing.assert_allclose(found, np.abs(reference(bank, grid, rate=192000)), atol=1e-4)


def test_peak_is_the_gain_and_the_ends_are_silent() -> None:
    bank = BankArrays(np.array([1000.0]), np.array([3.0]), np.array([-0.7]))
    real, imaginary = bank_response(
        as_jax(bank, np.float32), np.array([0.0, 1000.0, RATE / 2]), sample_rate=RATE
    )
    np.testing.assert_allclose(real, [0.0, -0.7, 0.0], atol=1e-5)
    np.testing.assert_allclose(imaginary, [0.0, 0.0, 0.0], atol=1e-5)
    assert real[0] == imaginary[0] == real[2] == imaginary[2] == 0.0


@pytest.mark.parametrize("order", [1, 2])
def test_sum_of_responses_is_the_spectrum_of_the_summed_impulse_responses(order: int) -> None:
    bank = some_bank(3, 8)
    bank = bank._replace(frequency_hz=np.maximum(bank.frequency_hz, 200.0), q=np.minimum(bank.q, 8.0))
    length = 1 << 15
    impulse = np.zeros(length)
    impulse[0] = 1.0
    total = np.zeros(length)
    for frequency, q, gain in zip(*bank, strict=True):
        b, a = biquads.bandpass(float(frequency), float(q), sample_rate=RATE)
        out = impulse
        for _ in range(order):
            out = lfilter(b, a, out)
        total += gain * out
    expected = np.fft.rfft(total)
    with jax.enable_x64(True):
        real, imaginary = bank_response(
            as_jax(bank, float), np.fft.rfftfreq(length, 1 / RATE), sample_rate=RATE, order=order
        )
    np.testing.assert_allclose(np.asarray(real) + 1j * np.asarray(imaginary), expected, atol=1e-6)


def test_scaling_gains_and_frequencies() -> None:
    bank = some_bank(5, 2, 6)
    with jax.enable_x64(True):
        given_bank = as_jax(bank, float)
        magnitude = bank_magnitude(given_bank, GRID, sample_rate=RATE)
        louder = bank_magnitude(given_bank._replace(gain=-3 * given_bank.gain), GRID, sample_rate=RATE)
        np.testing.assert_allclose(louder, 3 * magnitude, rtol=1e-12)
        octave = given_bank._replace(frequency_hz=2 * given_bank.frequency_hz)
        shifted = bank_magnitude(octave, 2 * GRID, sample_rate=2 * RATE)
        np.testing.assert_allclose(shifted, magnitude, rtol=1e-9, atol=1e-12)
        turned = bank_magnitude(BankArrays(*(v[:, ::-1] for v in given_bank)), GRID, sample_rate=RATE)
        np.testing.assert_allclose(turned, magnitude, rtol=1e-12, atol=1e-14)
        halves = [BankArrays(*(v[:, part] for v in given_bank)) for part in (slice(0, 3), slice(3, 6))]
        parts = [np.array(bank_response(half, GRID, sample_rate=RATE)) for half in halves]
        whole = np.array(bank_response(given_bank, GRID, sample_rate=RATE))
        np.testing.assert_allclose(parts[0] + parts[1], whole, atol=1e-13)


@pytest.mark.parametrize("order", [1, 3])
def test_gradient_is_that_of_differences(order: int) -> None:
    target = np.linspace(0.0, 1.0, GRID[::4].size)
    with jax.enable_x64(True):
        bank = as_jax(some_bank(order, 2, 3), float)

        @jax.jit
        def all_three(pitch: jax.Array, sharpness: jax.Array, gain: jax.Array) -> Any:
            filters = BankArrays(jnp.exp(pitch), jnp.exp(sharpness), gain)
            real, imaginary = bank_response(filters, GRID[::4], sample_rate=RATE, order=order)
            magnitude = bank_magnitude(filters, GRID[::4], sample_rate=RATE, order=order)
            return real, imaginary, ((magnitude - target) ** 2).sum()

        logarithms = jnp.log(bank.frequency_hz), jnp.log(bank.q), bank.gain
        check_grads(all_three, logarithms, order=1, modes=["rev"], rtol=1e-6, eps=1e-6)


def test_gradient_is_that_of_the_complex_response() -> None:
    """JAX's own derivative of the responses by SciPy's formula, without custom rules."""
    with jax.enable_x64(True):
        bank, target = as_jax(some_bank(2, 3, 5), float), jnp.linspace(0.0, 1.0, GRID.size)

        def plainly(bank: BankArrays) -> jax.Array:
            b, a = biquads.bandpass(bank.frequency_hz, bank.q, sample_rate=RATE)
            total = biquads.parallel_response(b, a, bank.gain, jnp.asarray(GRID), sample_rate=RATE)
            return ((jnp.real(total) ** 2 + jnp.imag(total) ** 2 - target) ** 2).sum()

        def ours(bank: BankArrays) -> jax.Array:
            return ((bank_power(bank, GRID, sample_rate=RATE) - target) ** 2).sum()

        gradients = jax.jit(lambda bank: (jax.grad(ours)(bank), jax.grad(plainly)(bank)))(bank)
        for found, expected in zip(*gradients, strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-9)


def test_gradient_is_zero_where_the_magnitude_is() -> None:
    bank = BankArrays(jnp.array([500.0, 500.0]), jnp.array([2.0, 2.0]), jnp.array([1.0, -1.0]))
    found = jax.jit(jax.grad(lambda bank: bank_magnitude(bank, GRID, sample_rate=RATE).sum()))(bank)
    for values in found:
        assert np.array_equal(values, np.zeros(2))
