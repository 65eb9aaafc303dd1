"""The latent of a variational autoencoder: a diagonal Gaussian per dimension and time step."""

from __future__ import annotations

import torch
from torch import Tensor

LOG_VARIANCE_RANGE = (-30.0, 20.0)
"""Bounds of the log-variance: beyond them it is clamped, and its gradient is zero."""


class Posterior:
    """Diagonal Gaussian q(z | x) = N(μ, σ²), held in float32 or better.

    Half-precision inputs are cast up, since σ² would overflow in them.

    Parameters
    ----------
    mean : (batch, dims, time, ...)
        μ.
    log_variance : (batch, dims, time, ...)
        log σ², clamped to `LOG_VARIANCE_RANGE`.
    """

    def __init__(self, mean: Tensor, log_variance: Tensor) -> None:
        if mean.shape != log_variance.shape:
            raise ValueError(f"mean {tuple(mean.shape)} and log_variance {tuple(log_variance.shape)} differ")
        self.mean = at_least_single(mean)
        self.log_variance = at_least_single(log_variance).clamp(*LOG_VARIANCE_RANGE)

    @property
    def variance(self) -> Tensor:
        """σ², (batch, dims, time, ...)."""
        return self.log_variance.exp()

    @property
    def std(self) -> Tensor:
        """σ, (batch, dims, time, ...)."""
        return (0.5 * self.log_variance).exp()

    def sample(self, generator: torch.Generator | None = None) -> Tensor:
        """Draw μ + σ·ε with ε ~ N(0, 1), (batch, dims, time, ...).

        A generator draws on its own device, so one on the CPU gives the same ε wherever the model runs.
        """
        device = self.mean.device if generator is None else generator.device
        noise = torch.randn(self.mean.shape, generator=generator, dtype=self.mean.dtype, device=device)
        return self.mean + self.std * noise.to(self.mean.device)

    def mode(self) -> Tensor:
        """μ, the most likely latent, (batch, dims, time, ...)."""
        return self.mean

    def kl_per_dimension(self) -> Tensor:
        """Divergence from N(0, 1) in nats, (dims,): KL_d = ½ ⟨μ² + σ² − log σ² − 1⟩.

        ⟨·⟩ is the mean over batch and time, so that a weight on it does not depend on the clip's length.
        """
        divergence = 0.5 * (self.mean.square() + self.variance - self.log_variance - 1.0)
        return divergence.transpose(0, 1).flatten(1).mean(dim=1)

    def kl(self, *, free_bits: float = 0.0) -> Tensor:
        """Divergence summed over dimensions, a scalar: Σ_d max(KL_d, λ).

        Parameters
        ----------
        free_bits : λ in nats per dimension, under which a dimension is not pressed further (Kingma et al.,
            2016, "Improved Variational Inference with Inverse Autoregressive Flow").
        """
        return self.kl_per_dimension().clamp(min=free_bits).sum()


def at_least_single(values: Tensor) -> Tensor:
    """Cast half precision up to float32; leave the rest."""
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
