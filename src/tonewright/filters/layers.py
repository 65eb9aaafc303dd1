"""Layers of the filters' networks, with their initialisers stated."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
from flax import linen as nn

Initialiser = Callable[..., Any]

KERNEL = 3
STRIDE = 2
FIRST_LOG_VARIANCE = -4.0
"""Little noise, so that the first thing that is learned is what the numbers can say."""
_CUT_OFF = 0.87962566103423978  # standard deviation of a normal number cut off at ±2

Drawing = Callable[[float], Initialiser]
"""From a scale to the initialiser of kernels of that standard deviation times 1/√fan-in."""


def truncated(scale: float) -> Initialiser:
    """Normal numbers, cut off at two deviations; with a scale of 1 what Flax gives kernels by itself."""
    return nn.initializers.variance_scaling(scale**2, "fan_in", "truncated_normal")


def deviations(scale: float) -> Initialiser:
    """What `truncated` multiplies numbers with that were cut off at ±2, instead of the product."""

    def init(key: Any, shape: tuple[int, ...], dtype: Any = jnp.float32) -> jax.Array:
        return jnp.full(shape, scale / (_CUT_OFF * math.sqrt(math.prod(shape[:-1]))), dtype)

    return init


class StridedConvolution(nn.Module):
    """``nn.Conv(features, (3,), strides=2)`` as a product of matrices, with the same parameters.

    The samples that each output sees lie side by side after two reshapes, and the rest is one product, in
    both directions. XLA's own convolutions have no fast path inside loops on CPUs.

    Parameters
    ----------
    features : channels that come out
    kernel_init : of "kernel", (3, channels, features); "bias" begins at 0
    """

    features: int
    kernel_init: Initialiser = truncated(1.0)

    @nn.compact
    def __call__(self, x: jax.Array) -> jax.Array:
        """Convolve; zeros stand around the ends as "SAME" asks for.

        Parameters
        ----------
        x : (batch, length, channels)

        Returns
        -------
        (batch, ⌈length/2⌉, features)
        """
        channels = x.shape[-1]
        kernel = self.param("kernel", self.kernel_init, (KERNEL, channels, self.features))
        bias = self.param("bias", nn.initializers.zeros_init(), (self.features,))
        return strided_convolution(x, kernel) + bias


def strided_convolution(x: jax.Array, kernel: jax.Array) -> jax.Array:
    """Correlation with a kernel of three at every other sample.

    Parameters
    ----------
    x : (batch, length, channels)
    kernel : (3, channels, features)

    Returns
    -------
    (batch, ⌈length/2⌉, features)
    """
    seen = patches(x)
    # Two axes, not three: XLA would turn around what comes back for the kernel's gradient.
    rows = seen.reshape(-1, seen.shape[-1]) @ kernel.reshape(-1, kernel.shape[-1])
    return rows.reshape(*seen.shape[:2], -1)


def patches(x: jax.Array) -> jax.Array:
    """The three samples under each position of the kernel, side by side.

    Parameters
    ----------
    x : (batch, length, channels)

    Returns
    -------
    (batch, ⌈length/2⌉, 3·channels)
    """
    batch, length, channels = x.shape
    count = -(-length // STRIDE)
    before = max((count - 1) * STRIDE + KERNEL - length, 0) // 2
    after = STRIDE * (count + 1) - length - before
    pairs = jnp.pad(x, ((0, 0), (before, after), (0, 0))).reshape(batch, count + 1, STRIDE * channels)
    return jnp.concatenate((pairs[:, :-1], pairs[:, 1:, :channels]), axis=-1)


class ConvolutionalEncoder(nn.Module):
    """Three strided convolutions of 16, 32 and 64 channels, then dense layers of 128 and 64.

    Parameters
    ----------
    latent : numbers
    scale : of every kernel but the last two
    drawing : how kernels begin
    """

    latent: int
    scale: float = 1.0
    drawing: Drawing = truncated

    @nn.compact
    def __call__(self, spectrum: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and log-variance, (batch, latent) each, of spectra, (batch, points)."""
        kernels = self.drawing(self.scale)
        x = spectrum[..., None]
        for number, features in enumerate((16, 32, 64)):
            x = nn.relu(StridedConvolution(features, kernels, name=f"Conv_{number}")(x))
        x = x.reshape(x.shape[0], -1)
        for features in (128, 64):
            x = nn.relu(nn.Dense(features, kernel_init=kernels)(x))
        return _posterior(x, self.latent, self.drawing)


class DenseEncoder(nn.Module):
    """A dense layer, then residual blocks.

    Parameters
    ----------
    latent : numbers
    width : features of every layer
    blocks : how many
    drawing : how kernels begin
    """

    latent: int
    width: int
    blocks: int
    drawing: Drawing = truncated

    @nn.compact
    def __call__(self, spectrum: jax.Array) -> tuple[jax.Array, jax.Array]:
        """Mean and log-variance, (batch, latent) each, of spectra, (batch, points)."""
        x = nn.Dense(self.width, kernel_init=self.drawing(1.0))(spectrum)
        x = residual_blocks(x, self.width, self.blocks, self.drawing)
        return _posterior(nn.silu(x), self.latent, self.drawing, FIRST_LOG_VARIANCE)


class ClassicDecoder(nn.Module):
    """Dense layers of 64 and 128, then the raw numbers of the filters.

    Parameters
    ----------
    outputs : numbers that come out
    bias_init : of the last layer: where the filters begin
    scale : of every kernel but the last
    drawing : how kernels begin
    """

    outputs: int
    bias_init: Initialiser
    scale: float = 1.0
    drawing: Drawing = truncated

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        """Raw numbers, (batch, outputs), of `z`, (batch, latent)."""
        for features in (64, 128):
            z = nn.relu(nn.Dense(features, kernel_init=self.drawing(self.scale))(z))
        return nn.Dense(self.outputs, kernel_init=self.drawing(1.0), bias_init=self.bias_init)(z)


class DenseDecoder(nn.Module):
    """A dense layer, residual blocks, then the raw numbers of the filters.

    Parameters
    ----------
    outputs : numbers that come out
    width : features of every layer
    blocks : how many
    bias_init : of the last layer: where the filters begin
    drawing : how kernels begin
    """

    outputs: int
    width: int
    blocks: int
    bias_init: Initialiser
    drawing: Drawing = truncated

    @nn.compact
    def __call__(self, z: jax.Array) -> jax.Array:
        """Raw numbers, (batch, outputs), of `z`, (batch, latent)."""
        x = nn.Dense(self.width, kernel_init=self.drawing(1.0))(z)
        x = residual_blocks(x, self.width, self.blocks, self.drawing)
        return nn.Dense(self.outputs, kernel_init=self.drawing(0.1), bias_init=self.bias_init)(nn.silu(x))


def residual_blocks(x: jax.Array, width: int, blocks: int, drawing: Drawing = truncated) -> jax.Array:
    """x + W₂ silu(W₁ silu(x)), so many times, in the module that calls; W₂ begins half as large.

    Parameters
    ----------
    x : (batch, width)
    """
    for _ in range(blocks):
        inner = nn.Dense(width, kernel_init=drawing(1.0))(nn.silu(x))
        x = x + nn.Dense(width, kernel_init=drawing(0.5))(nn.silu(inner))
    return x


def _posterior(
    x: jax.Array, latent: int, drawing: Drawing, first: float = 0.0
) -> tuple[jax.Array, jax.Array]:
    """Mean and log-variance, (batch, latent) each; the latter begins about `first`."""
    mean = nn.Dense(latent, kernel_init=drawing(1.0), name="mean")(x)
    about = nn.initializers.constant(first)
    return mean, nn.Dense(latent, kernel_init=drawing(1.0), bias_init=about, name="log_variance")(x)
