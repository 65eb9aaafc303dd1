"""Variation of spectra in training: repeatable, within bounds, and each change what it says."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from tonewright.filters.spectra import FLOOR_DB
from tonewright.filters.spectra import variation as v

POINTS = 96


@pytest.fixture
def spectra() -> jax.Array:
    """Spectra of 500 sounds that never were: smooth, floored, without level."""
    rng = np.random.default_rng(0)
    steps = rng.normal(0, 4, (500, POINTS)).cumsum(axis=1)
    return v.levelled(jnp.asarray(steps, dtype=jnp.float32))


@pytest.fixture
def chances() -> v.Chances:
    """Chances for them."""
    return v.drawn(jax.random.key(3), 500)


def test_one_key_gives_one_variation(spectra: jax.Array) -> None:
    """And another key another; compiled or not."""
    compiled = jax.jit(v.varied)
    first = compiled(jax.random.key(1), spectra)
    np.testing.assert_allclose(v.varied(jax.random.key(1), spectra), first, atol=1e-3)
    np.testing.assert_array_equal(compiled(jax.random.key(1), spectra), first)
    assert (np.abs(first - compiled(jax.random.key(2), spectra)).max(axis=1) > 0.1).mean() > 0.9


def test_what_is_varied_is_a_spectrum_still(spectra: jax.Array) -> None:
    """Finite, its mean power 0 dB, floored; as many changed as the share says."""
    found = np.asarray(v.varied(jax.random.key(1), spectra, share=0.6), dtype=np.float64)
    assert np.isfinite(found).all()
    assert (found.min(axis=1) >= found.max(axis=1) - FLOOR_DB - 1e-3).all()
    np.testing.assert_allclose((10 ** (found / 10)).mean(axis=1), 1.0, atol=2e-3)
    assert (np.abs(found - spectra) > 1e-3).any(axis=1).mean() == pytest.approx(0.6, abs=0.08)
    np.testing.assert_array_equal(v.varied(jax.random.key(1), spectra, share=0.0), spectra)


def test_a_mixture_is_a_sum_of_powers(spectra: jax.Array, chances: v.Chances) -> None:
    """About half are as before, and half as much stronger as the other adds."""
    found = np.asarray(v.mixed(spectra, chances), dtype=np.float64)
    assert (found >= spectra - 1e-3).all()
    mixed = (found > spectra + 1e-3).any(axis=1)
    assert mixed.mean() == pytest.approx(0.5, abs=0.1)
    one = int(np.flatnonzero(mixed)[0])
    added = 10 * np.log10(10 ** (found[one] / 10) - 10 ** (np.asarray(spectra[one], dtype=np.float64) / 10))
    loud = added > added.max() - 20
    difference = (added - np.asarray(spectra[one - 1]))[loud]
    np.testing.assert_allclose(difference, difference.mean(), atol=0.05)


def test_a_shift_moves_a_bell(chances: v.Chances) -> None:
    """By some points, without another shape; a third stay where they are."""
    place = np.arange(POINTS)
    bell = jnp.tile(jnp.asarray(-0.05 * (place - 48.0) ** 2, dtype=jnp.float32), (500, 1))
    found = np.asarray(v.shifted(bell, chances))
    highest = found.argmax(axis=1)
    assert np.std(highest[highest != 48]) == pytest.approx(4.0, abs=1.5)
    assert (found == bell).all(axis=1).mean() == pytest.approx(0.3, abs=0.1)
    for row in range(10):
        inside = slice(30, 66)
        curve = np.polyfit(place[inside], found[row, inside], 2)
        assert curve[0] == pytest.approx(-0.05, abs=1e-3)


def test_limits_and_noise_go_one_way(spectra: jax.Array, chances: v.Chances) -> None:
    """A band that is limited loses, noise adds, in about as many as the docstrings say."""
    limited = np.asarray(v.limited(spectra, chances))
    assert (limited <= spectra + 1e-4).all()
    assert 0.15 < (limited < spectra - 0.1).any(axis=1).mean() < 0.4
    noisy = np.asarray(v.with_noise(spectra, chances))
    assert (noisy >= spectra - 1e-3).all()
    assert 0.3 < (noisy > spectra + 0.1).any(axis=1).mean() < 0.6


@pytest.mark.parametrize("change", [v.mixed, v.shifted, v.bent, v.limited, v.with_noise])
def test_level_makes_no_difference(change: Callable, spectra: jax.Array, chances: v.Chances) -> None:
    """A louder batch is changed alike."""
    louder = change(spectra + 12.0, chances)
    np.testing.assert_allclose(louder - 12.0, change(spectra, chances), atol=2e-3)
