"""Responses of parallel banks in JAX: closed form, real arithmetic, an analytic gradient.

A band-pass of R. Bristow-Johnson's cookbook with a peak of 1 has the numerator α(1 − z⁻²), whatever its
frequency. Multiplied by z, numerator and denominator are 2jα sin ω and 2(cos ω − cos ω₀) + 2jα sin ω, so
that with t₀ = tan(ω₀/2)

    H(ω) = s E(ω),    E = 1/(s + j y),    s = sin ω,    y = (Q/t₀)(1 − cos ω) − Q t₀ (1 + cos ω).

The numerator s is shared by all filters; 1 ∓ cos ω are constants of the grid, computed in float64 as
2 sin²(ω/2) and 2 cos²(ω/2), so that nothing cancels at low frequencies. The one division a filter and
frequency is d = 1/(s² + y²):

    E = (s − j y) d,    Σ g Hⁿ = sⁿ Σ g Eⁿ.

The gradient follows from dEⁿ/dy = −j n Eⁿ⁺¹. It is computed from the filters anew, since that is faster than
reading back arrays of (batch, filters, points).
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tonewright.filters.squashing import BankArrays


class _Grid(NamedTuple):
    """Constants of the grid, (points,) each."""

    rising: Any  # 1 − cos ω
    falling: Any  # 1 + cos ω
    sine: Any  # sin ω


def bank_response(
    bank: BankArrays, frequencies_hz: np.ndarray, *, sample_rate: float, order: int = 1
) -> tuple[jax.Array, jax.Array]:
    """Σ g H^order, its real and its imaginary part; the gradient reaches frequency, Q and gain.

    Parameters
    ----------
    bank : frequency_hz, q, gain, (…, filters) each
    frequencies_hz : (points,), from 0 to half the sample rate; a constant
    order : how many equal band-passes in a row each filter is, 1 to 8

    Returns
    -------
    real, imaginary : (…, points) each
    """
    frequency, q, gain = jnp.asarray(bank.frequency_hz), jnp.asarray(bank.q), jnp.asarray(bank.gain)
    tangent = jnp.tan(frequency * (math.pi / sample_rate))
    grid = _grid(frequencies_hz, sample_rate, gain.dtype)
    shared = grid.sine if order == 1 else grid.sine**order
    real, imaginary = _summed(q / tangent, q * tangent, gain, grid, order)
    return shared * real, shared * imaginary


def bank_power(
    bank: BankArrays, frequencies_hz: np.ndarray, *, sample_rate: float, order: int = 1
) -> jax.Array:
    """|Σ g H^order|², (…, points); parameters as `bank_response`."""
    real, imaginary = bank_response(bank, frequencies_hz, sample_rate=sample_rate, order=order)
    return real * real + imaginary * imaginary


def bank_magnitude(
    bank: BankArrays, frequencies_hz: np.ndarray, *, sample_rate: float, order: int = 1
) -> jax.Array:
    """|Σ g H^order|, (…, points), with gradient 0 where it is 0; parameters as `bank_response`."""
    power = bank_power(bank, frequencies_hz, sample_rate=sample_rate, order=order)
    silent = power == 0
    # Both branches of `where` are differentiated, so the root itself must never see the zero.
    return jnp.where(silent, 0, jnp.sqrt(jnp.where(silent, 1, power)))


def _grid(frequencies_hz: np.ndarray, sample_rate: float, dtype: Any) -> _Grid:
    half = np.asarray(frequencies_hz, dtype=np.float64) * (math.pi / sample_rate)
    # sin π comes out as 1e-16; at half the rate the numerator is exactly 0.
    sine = np.where(half == math.pi / 2, 0.0, np.sin(2 * half))
    return _Grid(*(jnp.asarray(x, dtype) for x in (2 * np.sin(half) ** 2, 2 * np.cos(half) ** 2, sine)))


def _crossings(rising: jax.Array, falling: jax.Array, grid: _Grid) -> tuple[jax.Array, jax.Array]:
    """y, which is 0 where a filter peaks, and d = 1/(s² + y²), (…, filters, points) each."""
    y = rising[..., None] * grid.rising - falling[..., None] * grid.falling
    return y, 1 / (grid.sine**2 + y * y)


def _power(y: jax.Array, d: jax.Array, sine: jax.Array, order: int) -> tuple[jax.Array, jax.Array]:
    """Eⁿ, its real and its imaginary part."""
    real, imaginary = first = sine * d, -y * d
    for _ in range(order - 1):
        real, imaginary = (
            real * first[0] - imaginary * first[1],
            real * first[1] + imaginary * first[0],
        )
    return real, imaginary


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def _summed(
    rising: jax.Array, falling: jax.Array, gain: jax.Array, grid: _Grid, order: int
) -> tuple[jax.Array, jax.Array]:
    """Σ g Eⁿ over filters, its real and its imaginary part, (…, points) each.

    Parameters
    ----------
    rising, falling, gain : (…, filters): Q/t₀, Q t₀ and g
    """
    y, d = _crossings(rising, falling, grid)
    real, imaginary = _power(y, d, grid.sine, order)
    return (gain[..., None] * real).sum(-2), (gain[..., None] * imaginary).sum(-2)


def _forward(rising: jax.Array, falling: jax.Array, gain: jax.Array, grid: _Grid, order: int) -> Any:
    return _summed(rising, falling, gain, grid, order), (rising, falling, gain, grid)


def _backward(order: int, saved: Any, cotangents: tuple[jax.Array, jax.Array]) -> tuple:
    """The chain rule: ḡ = ⟨ō, Eⁿ⟩ and ȳ = g ⟨ō, −j n Eⁿ⁺¹⟩, summed over points against dy."""
    rising, falling, gain, grid = saved
    above, beside = (cotangent[..., None, :] for cotangent in cotangents)
    y, d = _crossings(rising, falling, grid)
    real, imaginary = _power(y, d, grid.sine, order)
    gain_bar = (above * real + beside * imaginary).sum(-1)
    first = grid.sine * d, -y * d
    next_real = real * first[0] - imaginary * first[1]
    next_imaginary = real * first[1] + imaginary * first[0]
    # A product of matrices takes both sums in one pass, where two reductions would compute y_bar twice.
    y_bar = above * next_imaginary - beside * next_real
    sums = order * gain[..., None] * (y_bar @ jnp.stack((grid.rising, -grid.falling), axis=-1))
    return sums[..., 0], sums[..., 1], gain_bar, None


_summed.defvjp(_forward, _backward)
