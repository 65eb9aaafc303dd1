"""What the filters are trained on: how far the bank's response is from the spectrum, and the divergence."""

from __future__ import annotations

from collections.abc import Callable

import jax
import numpy as np

from tonewright.filters.config import Config

Losses = Callable[..., dict[str, jax.Array]]
"""``losses(parameters, spectra, key, kl_weight) -> terms``: "loss", "reconstruction", "kl", "kl_0", …"""


def kl_weight(config: Config, epoch: float) -> float:
    """β at an epoch (0 is the first): rising from 0, or fixed."""
    raise NotImplementedError


def losses_of(config: Config, frequencies_hz: np.ndarray, weights: np.ndarray) -> Losses:
    """The terms of the loss as a function that JAX can compile and differentiate.

    Parameters
    ----------
    frequencies_hz : (points,)
    weights : (points,), summing to 1

    Returns
    -------
    losses(parameters, spectra, key, kl_weight), where parameters is Flax's tree (``{"params": …}``), spectra
    is (batch, points) and key may be None for z = μ
    """
    raise NotImplementedError
