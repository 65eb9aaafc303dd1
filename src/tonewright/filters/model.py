"""The variational autoencoder that hears a spectrum and answers with a bank of filters."""

from __future__ import annotations

from typing import NamedTuple

import jax
from flax import linen as nn

from tonewright.filters.config import Config
from tonewright.filters.squashing import BankArrays


class Reconstruction(NamedTuple):
    """What the autoencoder says of a batch of spectra.

    Attributes
    ----------
    bank : frequency_hz, q, gain, (batch, filters) each
    mean : (batch, latent)
    log_variance : (batch, latent)
    """

    bank: BankArrays
    mean: jax.Array
    log_variance: jax.Array


class ParametricVAE(nn.Module):
    """Spectrum → four numbers → filters.

    A spectrum is (batch, points): dB with the level taken out where ``config.spectrum`` is "erb", linear
    magnitudes where it is "linear".

    Parameters
    ----------
    config : sizes, kinds of layers, how they begin
    """

    config: Config

    def encode(self, spectrum: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and log-variance of the numbers, (batch, latent) each."""
        raise NotImplementedError

    def decode(self, z: jax.Array) -> BankArrays:
        """Filters that the numbers `z`, (batch, latent), stand for."""
        raise NotImplementedError

    def __call__(self, spectrum: jax.Array, key: jax.Array | None = None) -> Reconstruction:
        """Encode, draw z = μ + σ ε with `key`, decode; without a key z = μ."""
        raise NotImplementedError
