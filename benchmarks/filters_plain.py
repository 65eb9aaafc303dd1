"""The classic recipe as plain Flax would have it: nn.Conv, complex responses by the z-transform, optax."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax
from flax import linen as nn

RATE, BINS, FILTERS, LATENT = 44100, 513, 32, 4


class Encoder(nn.Module):
    @nn.compact
    def __call__(self, x: jax.Array) -> tuple[jax.Array, jax.Array]:
        x = x[..., None]
        for features in (16, 32, 64):
            x = nn.relu(nn.Conv(features, kernel_size=(3,), strides=(2,))(x))
        x = x.reshape(x.shape[0], -1)
        for features in (128, 64):
            x = nn.relu(nn.Dense(features)(x))
        return nn.Dense(LATENT, name="mean")(x), nn.Dense(LATENT, name="log_variance")(x)


class Decoder(nn.Module):
    @nn.compact
    def __call__(self, z: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        for features in (64, 128):
            z = nn.relu(nn.Dense(features)(z))
        unit = nn.sigmoid(nn.Dense(3 * FILTERS)(z)).reshape(-1, 3, FILTERS)
        return 20 * 1000 ** unit[:, 0], 0.1 * 300 ** unit[:, 1], 0.001 * 10 ** (4 * unit[:, 2])


class VAE(nn.Module):
    def setup(self) -> None:
        self.encoder, self.decoder = Encoder(), Decoder()

    def __call__(self, x: jax.Array, noise: jax.Array) -> tuple[Any, jax.Array, jax.Array]:
        mean, log_variance = self.encoder(x)
        return self.decoder(mean + jnp.exp(0.5 * log_variance) * noise), mean, log_variance


def magnitude(frequency_hz: jax.Array, q: jax.Array, gain: jax.Array) -> jax.Array:
    """|Σ g H|, (batch, bins), each H a fraction of polynomials in z⁻¹."""
    omega = 2 * jnp.pi * frequency_hz / RATE
    alpha, cosine = jnp.sin(omega) / (2 * q), jnp.cos(omega)
    b0, a1, a2 = (
        values[..., None]
        for values in (alpha / (1 + alpha), -2 * cosine / (1 + alpha), (1 - alpha) / (1 + alpha))
    )
    delay = jnp.exp(-1j * jnp.linspace(0, jnp.pi, BINS))
    response = (b0 - b0 * delay**2) / (1 + a1 * delay + a2 * delay**2)
    return jnp.abs((gain[..., None] * response).sum(1))


def loss(parameters: Any, x: jax.Array, noise: jax.Array, kl_weight: jax.Array) -> jax.Array:
    answer: Any = VAE().apply(parameters, x, noise)
    bank, mean, log_variance = answer
    divergence = 0.5 * (mean**2 + jnp.exp(log_variance) - log_variance - 1).mean(0).sum()
    return ((magnitude(*bank) - x) ** 2).mean() + kl_weight * divergence


def stepping(optimiser: optax.GradientTransformation) -> Callable[..., Any]:
    """(parameters, memory, x, key, kl_weight) -> parameters, memory, loss."""

    def step(parameters: Any, memory: Any, x: jax.Array, key: jax.Array, kl_weight: jax.Array) -> Any:
        noise = jax.random.normal(key, (x.shape[0], LATENT))
        value, gradients = jax.value_and_grad(loss)(parameters, x, noise, kl_weight)
        moved, memory = optimiser.update(gradients, memory, parameters)
        return optax.apply_updates(parameters, moved), memory, value

    return step
