"""The variational autoencoder that hears a spectrum and answers with a bank of filters."""

from __future__ import annotations

from typing import NamedTuple

import jax
import jax.numpy as jnp
from flax import linen as nn

from tonewright.filters import layers
from tonewright.filters.config import LOG_VARIANCE_RANGE, TYPICAL_DB, Config
from tonewright.filters.squashing import BankArrays, spread, squashed


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

    def setup(self) -> None:
        """Build both networks, "encoder" and "decoder" in the tree of parameters."""
        config, outputs = self.config, 3 * self.config.filters
        begins = nn.initializers.zeros_init()
        if config.initialiser == "spread":
            begins = lambda key, shape, dtype=jnp.float32: jnp.asarray(spread(config), dtype)  # noqa: E731
        if config.encoder == "convolutional":
            kernels = layers.flax_kernels if config.initialiser == "flax" else layers.relu_kernels
            self.encoder = layers.ConvolutionalEncoder(config.latent, kernels)
            self.decoder = layers.ClassicDecoder(outputs, begins, kernels)
        else:
            self.encoder = layers.DenseEncoder(config.latent, config.width, config.blocks)
            self.decoder = layers.DenseDecoder(outputs, config.width, config.blocks, begins)

    def encode(self, spectrum: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and log-variance of the numbers, (batch, latent) each."""
        heard = spectrum / TYPICAL_DB if self.config.spectrum == "erb" else spectrum
        mean, log_variance = self.encoder(heard)
        return mean, jnp.clip(log_variance, *LOG_VARIANCE_RANGE)

    def decode(self, z: jax.Array) -> BankArrays:
        """Filters that the numbers `z`, (batch, latent), stand for."""
        return squashed(self.decoder(z).reshape(-1, 3, self.config.filters), self.config)

    def __call__(self, spectrum: jax.Array, key: jax.Array | None = None) -> Reconstruction:
        """Encode, draw z = μ + σ ε with `key`, decode; without a key z = μ."""
        mean, log_variance = self.encode(spectrum)
        z = mean
        if key is not None:
            z = mean + jnp.exp(0.5 * log_variance) * jax.random.normal(key, mean.shape, mean.dtype)
        return Reconstruction(self.decode(z), mean, log_variance)
