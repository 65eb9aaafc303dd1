"""The variational autoencoder that hears a spectrum and answers with a bank of filters."""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import lru_cache
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
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
    drawing : how kernels begin; `first_parameters` draws all at once
    """

    config: Config
    drawing: layers.Drawing = layers.truncated

    def setup(self) -> None:
        """Build both networks, "encoder" and "decoder" in the tree of parameters."""
        config, drawing, outputs = self.config, self.drawing, 3 * self.config.filters
        first = spread(config) if config.initialiser == "spread" else np.zeros(outputs, np.float32)
        begins = lambda key, shape, dtype=jnp.float32: jnp.asarray(first, dtype)  # noqa: E731
        if config.encoder == "convolutional":
            # Rectifiers halve the power; Flax's own kernels do not make up for it.
            scale = 1.0 if config.initialiser == "flax" else math.sqrt(2.0)
            self.encoder = layers.ConvolutionalEncoder(config.latent, scale, drawing)
            self.decoder = layers.ClassicDecoder(outputs, begins, scale, drawing)
        else:
            self.encoder = layers.DenseEncoder(config.latent, config.width, config.blocks, drawing)
            self.decoder = layers.DenseDecoder(outputs, config.width, config.blocks, begins, drawing)

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


def first_parameters(config: Config, key: jax.Array) -> Any:
    """Parameters before the first step, distributed as those of ``ParametricVAE(config).init``.

    All random numbers are drawn at once, which compiles in a quarter of the time.

    Returns
    -------
    Flax's tree, ``{"params": …}``
    """
    return _drawing(config)(key)


@lru_cache(maxsize=8)
def _drawing(config: Config) -> Callable[[jax.Array], Any]:
    def drawn(key: jax.Array) -> Any:
        heard = jnp.zeros((1, config.size), jnp.float32)
        tree = ParametricVAE(config, layers.deviations).init(key, heard)
        paths, structure = jax.tree_util.tree_flatten_with_path(tree)
        sizes = [leaf.size if path[-1].key == "kernel" else 0 for path, leaf in paths]
        normal = jax.random.truncated_normal(key, -2.0, 2.0, (sum(sizes),))
        parts = jnp.split(normal, np.cumsum(sizes)[:-1])
        leaves = [
            part.reshape(leaf.shape) * leaf if part.size else leaf
            for part, (_, leaf) in zip(parts, paths, strict=True)
        ]
        return jax.tree_util.tree_unflatten(structure, leaves)

    return jax.jit(drawn)
