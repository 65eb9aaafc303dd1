"""What the filters are trained on: how far the bank's response is from the spectrum, and the divergence."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from tonewright.filters.bank_response import bank_magnitude, bank_power
from tonewright.filters.config import Config
from tonewright.filters.model import ParametricVAE
from tonewright.filters.spectra.sounds import FLOOR_DB
from tonewright.filters.squashing import BankArrays

Losses = Callable[..., dict[str, jax.Array]]
"""``losses(parameters, spectra, key, kl_weight) -> terms``: "loss", "reconstruction", "kl", "kl_0", …"""

LEAST_POWER = 1e-12
DECIBELS_PER_LOG = 10 / np.log(10)
_LEVEL_SHARE = 0.05
_FLOOR_TOLERANCE_DB = 0.01


def kl_weight(config: Config, epoch: float) -> float:
    """β at an epoch, 0 being the first: rising in a line from 0, or fixed."""
    if not config.kl_annealing_epochs:
        return config.kl_weight
    return config.kl_weight * min(1.0, epoch / config.kl_annealing_epochs)


def losses_of(config: Config, frequencies_hz: np.ndarray, weights: np.ndarray) -> Losses:
    """The terms of the loss as a function that JAX can compile and differentiate.

    Parameters
    ----------
    frequencies_hz : (points,)
    weights : (points,), summing to 1

    Returns
    -------
    losses(parameters, spectra, key, kl_weight), where parameters is Flax's tree (``{"params": …}``), spectra
    is (batch, points) and key may be None for z = μ. The terms are "loss" = "reconstruction" + β Σ max(KL_d,
    λ), the whole divergence "kl" and that of each number, "kl_0" and so on, and "kl_weight" = β.
    """
    model = ParametricVAE(config)

    def losses(
        parameters: Any, spectra: jax.Array, key: jax.Array | None, kl_weight: jax.Array | float
    ) -> dict[str, jax.Array]:
        answer: Any = model.apply(parameters, spectra, key)
        if config.spectrum == "linear":
            error = linear_error(answer.bank, spectra, frequencies_hz, config)
        else:
            error = log_error(answer.bank, spectra, frequencies_hz, weights, config)
        divergences = divergence(answer.mean, answer.log_variance)
        paid = divergence_paid(answer.mean, answer.log_variance, config.free_bits)
        each = {f"kl_{number}": divergences[number] for number in range(config.latent)}
        beta = jnp.asarray(kl_weight, error.dtype)
        return {
            "loss": error + beta * paid,
            "reconstruction": error,
            "kl": divergences.sum(),
            **each,
            "kl_weight": beta,
        }

    return losses


def divergence(mean: jax.Array, log_variance: jax.Array) -> jax.Array:
    """Divergence of each number from N(0, 1) in nats: ½ ⟨μ² + σ² − log σ² − 1⟩, the mean over the batch.

    Parameters
    ----------
    mean, log_variance : (batch, latent)

    Returns
    -------
    (latent,)
    """
    return 0.5 * (mean**2 + jnp.exp(log_variance) - log_variance - 1).mean(0)


def divergence_paid(mean: jax.Array, log_variance: jax.Array, free_bits: float) -> jax.Array:
    """Σ max(KL_d, λ), a scalar: a number that says less than λ is not pressed further.

    D. P. Kingma et al., "Improved variational inference with inverse autoregressive flow", NeurIPS 2016.
    """
    return jnp.maximum(divergence(mean, log_variance), free_bits).sum()


def linear_error(
    bank: BankArrays, target: jax.Array, frequencies_hz: np.ndarray, config: Config
) -> jax.Array:
    """Mean squared difference of magnitudes, a scalar.

    Parameters
    ----------
    bank : (batch, filters) each
    target : (batch, points), linear magnitudes
    """
    magnitude = bank_magnitude(bank, frequencies_hz, sample_rate=config.sample_rate, order=config.order)
    return ((magnitude - target) ** 2).mean()


def log_error(
    bank: BankArrays,
    target_db: jax.Array,
    frequencies_hz: np.ndarray,
    weights: np.ndarray,
    config: Config,
) -> jax.Array:
    """Weighted mean squared difference in dB at the level that makes it least, over 10; a scalar.

    With e = 20 log₁₀|H| − T and weights w, which sum to 1, the best level is −Σ w e, and the error is
    Σ w (e − Σ w e)². A twentieth of (Σ w e)² is added, so that the level of the banks stays about that of the
    targets. Where a target lies on its floor and the response below it, e is 0: what was there is not known.

    Parameters
    ----------
    bank : (batch, filters) each
    target_db : (batch, points), `Spectrum.magnitude_db`
    """
    power = bank_power(bank, frequencies_hz, sample_rate=config.sample_rate, order=config.order)
    response_db = DECIBELS_PER_LOG * jnp.log(power + LEAST_POWER)
    floor = target_db.max(-1, keepdims=True) - FLOOR_DB
    unknown = (target_db <= floor + _FLOOR_TOLERANCE_DB) & (response_db < floor)
    error = jnp.where(unknown, 0, response_db - target_db)
    counts = level_weights(target_db, weights, config)
    level = (counts * error).sum(-1, keepdims=True)
    shape = (counts * (error - level) ** 2).sum(-1)
    return 0.1 * (shape + _LEVEL_SHARE * level[..., 0] ** 2).mean()


def level_weights(target_db: jax.Array, weights: np.ndarray, config: Config) -> jax.Array:
    """How much each point counts: w 10^(λ T/20), normalised to a sum of 1; λ is ``config.level_weighting``.

    Parameters
    ----------
    target_db : (batch, points)
    weights : (points,)

    Returns
    -------
    (batch, points)
    """
    louder = jnp.asarray(weights, target_db.dtype)
    if config.level_weighting:
        louder = louder * jnp.exp(config.level_weighting * np.log(10) / 20 * target_db)
    else:
        louder = jnp.broadcast_to(louder, target_db.shape)
    return louder / louder.sum(-1, keepdims=True)
