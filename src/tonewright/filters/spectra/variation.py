"""Spectra that were never heard, made from those that were: what training varies.

Each of a batch is, by chance, mixed with another, shifted along the ear's scale, bent, limited to a band,
laid on noise. Chances are drawn first, from one key, then applied: the same key, the same spectra.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import jax
import jax.numpy as jnp

from tonewright.filters.spectra.sounds import FLOOR_DB

_LEAST_POWER = 1e-12
_BELLS = 4
_PER_DECIBEL = math.log(10.0) / 10


class Chances(NamedTuple):
    """What is changed in each spectrum of a batch, and how much; an effect that is not drawn is 0.

    Attributes
    ----------
    changed : (batch, 1) whether anything is
    mixed : (batch, 1) whether the spectrum before it is added
    gain_db : (batch, 1) of that one
    shift : (batch, 1) along the grid, as a share of it
    tilt_db : (batch, 1) at the upper end, and its negative at the lower
    bells : (3, batch, 4) centre (the grid is −1 to 1), width and height in dB of bells
    upper, lower : (2, batch, 1) from where the band is limited, and by how many dB in half the grid
    noise : (3, batch, 1) whether there is noise, its dB below the highest point, and its tilt in dB
    """

    changed: jax.Array
    mixed: jax.Array
    gain_db: jax.Array
    shift: jax.Array
    tilt_db: jax.Array
    bells: jax.Array
    upper: jax.Array
    lower: jax.Array
    noise: jax.Array


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
    chances = drawn(key, spectra.shape[0], share=share)
    changed = spectra
    for change in (mixed, shifted, bent, limited, with_noise):
        changed = change(changed, chances)
    return jnp.where(chances.changed, levelled(changed), spectra)


def drawn(key: jax.Array, batch: int, *, share: float = 0.85) -> Chances:
    """Chances for a batch.

    Half are mixed with another, 4 dB weaker ±10 dB; seven of ten are shifted by ±4 % of the grid; half are
    tilted by ±6 dB; seven of ten are bent by four bells of ±5 dB, 8 % to 80 % of half the grid wide; one of
    five is limited from above and one of five from below, by 60 dB in half the grid times e^±0.8; half are
    laid on noise, 20 to 65 dB below the highest point, tilted by ±8 dB.
    """
    # One draw for all: each further one costs a second of compilation.
    unit = jax.random.uniform(key, (18 + 3 * _BELLS, batch, 1), minval=1e-6, maxval=1 - 1e-6)
    normal = math.sqrt(2.0) * jax.scipy.special.erfinv(2 * unit - 1)
    bells = jnp.moveaxis(unit[18:].reshape(3, _BELLS, batch), 1, 2)
    heights = jnp.moveaxis(normal[18:].reshape(3, _BELLS, batch), 1, 2)[2] * (unit[0] < 0.7)
    return Chances(
        changed=unit[1] < share,
        mixed=unit[2] < 0.5,
        gain_db=10.0 * normal[3] - 4.0,
        shift=0.042 * normal[4] * (unit[5] < 0.7),
        tilt_db=6.0 * normal[6] * (unit[7] < 0.5),
        bells=jnp.stack((2.2 * bells[0] - 1.1, jnp.exp(2.3 * bells[1] - 2.5), 5.0 * heights)),
        upper=jnp.stack((2.4 * unit[8] - 0.5, 60.0 * jnp.exp(0.8 * normal[9]) * (unit[10] < 0.2))),
        lower=jnp.stack((1.2 * unit[11] - 1.1, 60.0 * jnp.exp(0.8 * normal[12]) * (unit[13] < 0.2))),
        noise=jnp.stack((1.0 * (unit[14] < 0.5), 20.0 + 45.0 * unit[15], 8.0 * normal[16])),
    )


def levelled(spectra: jax.Array) -> jax.Array:
    """The mean power taken out, and nothing more than `FLOOR_DB` below the highest point.

    Parameters
    ----------
    spectra : (batch, points) dB
    """
    level_db = _decibels(_power(spectra).mean(-1, keepdims=True))
    return jnp.maximum(spectra, spectra.max(-1, keepdims=True) - FLOOR_DB) - level_db


def mixed(spectra: jax.Array, chances: Chances) -> jax.Array:
    """Power added to that of the spectrum before it in the batch."""
    other = _power(jnp.roll(spectra, 1, axis=0) + chances.gain_db)
    return _decibels(_power(spectra) + other * chances.mixed)


def shifted(spectra: jax.Array, chances: Chances) -> jax.Array:
    """Moved along the grid; what comes in from beyond an end is as the end."""
    points = spectra.shape[-1]
    places = jnp.clip(jnp.arange(points) - chances.shift * points, 0, points - 1)
    before = jnp.clip(places.astype(jnp.int32), 0, points - 2)
    first = jnp.take_along_axis(spectra, before, axis=-1)
    return first + (places - before) * (jnp.take_along_axis(spectra, before + 1, axis=-1) - first)


def bent(spectra: jax.Array, chances: Chances) -> jax.Array:
    """Tilted, raised and lowered by bells."""
    place = jnp.linspace(-1.0, 1.0, spectra.shape[-1])
    centre, width, height_db = chances.bells[..., None]
    bells = height_db * jnp.exp(-0.5 * ((place - centre) / width) ** 2)
    return spectra + chances.tilt_db * place + bells.sum(1)


def limited(spectra: jax.Array, chances: Chances) -> jax.Array:
    """Falling from some point upwards, and from some point downwards."""
    place = jnp.linspace(-1.0, 1.0, spectra.shape[-1])
    above = jnp.maximum(place - chances.upper[0], 0) * chances.upper[1]
    below = jnp.maximum(chances.lower[0] - place, 0) * chances.lower[1]
    return spectra - above - below


def with_noise(spectra: jax.Array, chances: Chances) -> jax.Array:
    """Power of a straight line added."""
    place = jnp.linspace(-1.0, 1.0, spectra.shape[-1])
    there, depth_db, tilt_db = chances.noise
    noise = _power(spectra.max(-1, keepdims=True) - depth_db + tilt_db * place)
    return _decibels(_power(spectra) + noise * there)


def _power(decibels: jax.Array) -> jax.Array:
    return jnp.exp(_PER_DECIBEL * decibels)


def _decibels(power: jax.Array) -> jax.Array:
    return jnp.log(power + _LEAST_POWER) / _PER_DECIBEL
