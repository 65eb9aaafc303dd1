"""Responses of parallel banks in JAX: closed form, real arithmetic, an analytic gradient.

A band-pass of R. Bristow-Johnson's cookbook with a peak of 1 has the numerator α(1 − z⁻²), whatever its
frequency. Multiplied by z, numerator and denominator are 2jα sin ω and 2(cos ω − cos ω₀) + 2jα sin ω, so
that with t₀ = tan(ω₀/2)

    H(ω) = s E(ω),    E = 1/(s + j y),    s = sin ω,    y = (Q/t₀)(1 − cos ω) − Q t₀ (1 + cos ω).

The numerator s is shared by all filters; 1 ∓ cos ω are constants of the grid, computed in float64 as
2 sin²(ω/2) and 2 cos²(ω/2), so that nothing cancels at low frequencies. The one division a filter and
frequency is d = 1/(s² + y²):

    E = (s − j y) d,    Σ g Hⁿ = sⁿ Σ g Eⁿ.

The gradient follows from dEⁿ/dy = −j n Eⁿ⁺¹: no array of complex numbers of (batch, filters, points) is ever
made, in neither direction.
"""

from __future__ import annotations

import math
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tonewright.filters.squashing import BankArrays

# Some accelerators would multiply float32 with ten bits of mantissa.
_EXACT = jax.lax.Precision.HIGHEST


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
    sums: Any = _summed(q / tangent, q * tangent, gain, grid, order)
    shared = grid.sine**order
    return shared * sums[0], shared * sums[1]


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


def _powers(
    rising: jax.Array, falling: jax.Array, grid: _Grid, orders: int
) -> list[tuple[jax.Array, jax.Array]]:
    """E, E² and so on, the real and the imaginary part of each, (…, filters, points)."""
    y = rising[..., None] * grid.rising - falling[..., None] * grid.falling
    d = 1 / (grid.sine**2 + y * y)
    first = grid.sine * d, -y * d
    powers = [first]
    for _ in range(orders - 1):
        real, imaginary = powers[-1]
        powers.append((real * first[0] - imaginary * first[1], real * first[1] + imaginary * first[0]))
    return powers


@partial(jax.custom_vjp, nondiff_argnums=(4,))
def _summed(
    rising: jax.Array, falling: jax.Array, gain: jax.Array, grid: _Grid, order: int
) -> tuple[jax.Array, jax.Array]:
    """Σ g Eⁿ over filters, its real and its imaginary part, (…, points) each.

    Parameters
    ----------
    rising, falling, gain : (…, filters): Q/t₀, Q t₀ and g
    """
    real, imaginary = _powers(rising, falling, grid, order)[-1]
    return _over_filters(gain, real), _over_filters(gain, imaginary)


def _forward(rising: jax.Array, falling: jax.Array, gain: jax.Array, grid: _Grid, order: int) -> Any:
    return _summed(rising, falling, gain, grid, order), (rising, falling, gain, grid)


def _backward(order: int, saved: Any, cotangents: tuple[jax.Array, jax.Array]) -> tuple:
    """The chain rule: ḡ = ⟨ō, Eⁿ⟩ and ȳ = g ⟨ō, −j n Eⁿ⁺¹⟩, summed over points against dy."""
    rising, falling, gain, grid = saved
    above, beside = cotangents
    *_, (real, imaginary), (next_real, next_imaginary) = _powers(rising, falling, grid, order + 1)
    gain_bar = _over_points(real, above) + _over_points(imaginary, beside)
    y_bar = above[..., None, :] * next_imaginary - beside[..., None, :] * next_real
    slopes = order * jnp.stack((grid.rising, -grid.falling), axis=-1)
    sums = gain[..., None] * jnp.matmul(y_bar, slopes, precision=_EXACT)
    return sums[..., 0], sums[..., 1], gain_bar, None


_summed.defvjp(_forward, _backward)


def _over_filters(gain: jax.Array, parts: jax.Array) -> jax.Array:
    """Σ g E as products of matrices, (…, points); XLA's sums over an inner axis are slower on CPUs."""
    return jnp.einsum("...f,...fp->...p", gain, parts, precision=_EXACT)


def _over_points(parts: jax.Array, cotangent: jax.Array) -> jax.Array:
    """⟨ō, E⟩, (…, filters)."""
    return jnp.einsum("...fp,...p->...f", parts, cotangent, precision=_EXACT)
