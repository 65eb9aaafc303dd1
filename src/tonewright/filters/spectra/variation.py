"""Spectra that were never heard, made from those that were: what training varies.

Each of a batch is, by chance, mixed with another, shifted along the ear's scale, tilted, bent by smooth
curves, limited to a band, laid on noise. All is drawn from one key: the same key, the same spectra.
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp

from tonewright.filters.spectra.sounds import FLOOR_DB

_LEAST_POWER = 1e-12
_CURVES = 4


def varied(key: jax.Array, spectra: jax.Array, *, share: float = 0.85) -> jax.Array:
    """A batch of spectra on the ear's grid, most of them changed by chance.

    Parameters
    ----------
    key : decides everything
    spectra : (batch, points), `Spectrum.magnitude_db`
    share : of the spectra that are changed at all

    Returns
    -------
    (batch, points), again without level and floored
    """
    keys = iter(jax.random.split(key, 32))
    batch = spectra.shape[0]
    changed = spectra
    for change in (mixed, shifted, bent, limited, with_noise):
        changed = change(keys, changed)
    chosen = jax.random.uniform(next(keys), (batch, 1)) < share
    return jnp.where(chosen, levelled(changed), spectra)


def levelled(spectra: jax.Array) -> jax.Array:
    """The mean power taken out, and nothing more than `FLOOR_DB` below the highest point.

    Parameters
    ----------
    spectra : (batch, points) dB
    """
    power = jnp.exp(spectra * (jnp.log(10.0) / 10))
    level_db = _decibels(power.mean(-1, keepdims=True))
    return jnp.maximum(spectra, spectra.max(-1, keepdims=True) - FLOOR_DB) - level_db


def mixed(keys: Iterator[jax.Array], spectra: jax.Array) -> jax.Array:
    """Half of them: power added to that of the spectrum before it, which is 4 dB weaker, ±10 dB."""
    gain_db = 10.0 * _normal(keys, spectra) - 4.0
    both = _decibels(_power(spectra) + _power(jnp.roll(spectra, 1, axis=0) + gain_db))
    return jnp.where(_by_chance(keys, spectra, 0.5), both, spectra)


def shifted(keys: Iterator[jax.Array], spectra: jax.Array) -> jax.Array:
    """Seven of ten: moved along the grid by ±4 % of it; what comes in from beyond the end is as the end."""
    points = spectra.shape[-1]
    steps = 0.042 * points * _normal(keys, spectra) * _by_chance(keys, spectra, 0.7)
    places = jnp.clip(jnp.arange(points) - steps, 0, points - 1)
    before = jnp.clip(places.astype(jnp.int32), 0, points - 2)
    between = places - before
    first = jnp.take_along_axis(spectra, before, axis=-1)
    return first + between * (jnp.take_along_axis(spectra, before + 1, axis=-1) - first)


def bent(keys: Iterator[jax.Array], spectra: jax.Array) -> jax.Array:
    """Half of them: tilted, ±6 dB at both ends; seven of ten: raised and lowered by four bells, ±5 dB each.

    The bells are 8 % to 80 % of half the band wide.
    """
    position = jnp.linspace(-1.0, 1.0, spectra.shape[-1])
    tilted = spectra + 6.0 * _normal(keys, spectra) * position * _by_chance(keys, spectra, 0.5)
    shape = (spectra.shape[0], _CURVES, 1)
    centre = jax.random.uniform(next(keys), shape, minval=-1.1, maxval=1.1)
    width = jnp.exp(jax.random.uniform(next(keys), shape, minval=-2.5, maxval=-0.2))
    height_db = 5.0 * jax.random.normal(next(keys), shape)
    bells = (height_db * jnp.exp(-0.5 * ((position - centre) / width) ** 2)).sum(1)
    return tilted + bells * _by_chance(keys, spectra, 0.7)


def limited(keys: Iterator[jax.Array], spectra: jax.Array) -> jax.Array:
    """One of five: falling from some point upwards; one of five: from some point downwards.

    By 60 dB in half the band, more or less by a factor of e^±0.8.
    """
    position = jnp.linspace(-1.0, 1.0, spectra.shape[-1])
    upper = _uniform(keys, spectra, -0.5, 1.9)
    upper_slope = 60.0 * jnp.exp(0.8 * _normal(keys, spectra)) * _by_chance(keys, spectra, 0.2)
    lower = _uniform(keys, spectra, -1.1, 0.1)
    lower_slope = 60.0 * jnp.exp(0.8 * _normal(keys, spectra)) * _by_chance(keys, spectra, 0.2)
    above, below = jnp.maximum(position - upper, 0), jnp.maximum(lower - position, 0)
    return spectra - upper_slope * above - lower_slope * below


def with_noise(keys: Iterator[jax.Array], spectra: jax.Array) -> jax.Array:
    """Half of them: power of a tilted line added, 20 to 65 dB below the highest point, ±8 dB at its ends."""
    position = jnp.linspace(-1.0, 1.0, spectra.shape[-1])
    level_db = spectra.max(-1, keepdims=True) - _uniform(keys, spectra, 20.0, 65.0)
    noise = _power(level_db + 8.0 * _normal(keys, spectra) * position)
    return _decibels(_power(spectra) + noise * _by_chance(keys, spectra, 0.5))


def _power(decibels: jax.Array) -> jax.Array:
    return jnp.exp(decibels * (jnp.log(10.0) / 10))


def _decibels(power: jax.Array) -> jax.Array:
    return jnp.log(power + _LEAST_POWER) * (10 / jnp.log(10.0))


def _normal(keys: Iterator[jax.Array], spectra: jax.Array) -> jax.Array:
    return jax.random.normal(next(keys), (spectra.shape[0], 1))


def _uniform(keys: Iterator[jax.Array], spectra: jax.Array, low: float, high: float) -> jax.Array:
    return jax.random.uniform(next(keys), (spectra.shape[0], 1), minval=low, maxval=high)


def _by_chance(keys: Iterator[jax.Array], spectra: jax.Array, share: float) -> jax.Array:
    return jax.random.uniform(next(keys), (spectra.shape[0], 1)) < share
