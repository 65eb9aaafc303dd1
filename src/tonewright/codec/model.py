"""The codec from samples to latents and back, top to bottom.

samples → mid and side → lapped transform → weighed coefficients → encoder → posterior → latent
→ decoder → coefficients → inverse transform → left and right.

Encoder and decoder are each a linear map of single frames plus a residual network that hears their
neighbours. The linear maps start as the principal components of real frames, the networks near zero, so that
learning begins at the best linear codec and only adds to it.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from tonewright.codec.config import Config
from tonewright.codec.frames import LappedTransform, full_precision
from tonewright.dsp.levels import left_right, mid_side
from tonewright.learning.latent import Posterior

FIRST_LOG_VARIANCE = -5.0


@dataclass(frozen=True)
class Reconstruction:
    """What a pass through the codec gives: samples (batch, channels, time) and the posterior."""

    samples: Tensor
    posterior: Posterior


class ResidualBlock(nn.Module):
    """A depthwise convolution over frames, then a widened pointwise network, ConvNeXt (Liu et al. 2022)."""

    def __init__(self, width: int, *, expansion: int, kernel: int) -> None:
        super().__init__()
        self.mix = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.widen = nn.Linear(width, expansion * width)
        self.narrow = nn.Linear(expansion * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """(batch, width, frames) to the same."""
        y = self.norm(self.mix(x).transpose(1, 2))
        y = self.narrow(nn.functional.gelu(self.widen(y)))
        return x + (self.scale * y).transpose(1, 2)


class ResidualNetwork(nn.Module):
    """Residual blocks between two pointwise maps; its output starts near zero."""

    def __init__(self, inputs: int, outputs: int, config: Config) -> None:
        super().__init__()
        self.enter = nn.Conv1d(inputs, config.width, 1)
        self.blocks = nn.Sequential(
            *(
                ResidualBlock(config.width, expansion=config.expansion, kernel=config.kernel)
                for _ in range(config.depth)
            )
        )
        self.leave = nn.Conv1d(config.width, outputs, 1)
        nn.init.normal_(self.leave.weight, std=1e-3)
        nn.init.zeros_(self.leave.bias)  # pyright: ignore[reportArgumentType] - the layer has a bias

    def forward(self, x: Tensor) -> Tensor:
        """(batch, inputs, frames) to (batch, outputs, frames)."""
        return self.leave(self.blocks(self.enter(x)))


class Codec(nn.Module):
    """An audio VAE on frames of a lapped transform.

    Parameters
    ----------
    config : sizes
    sample_rate, channels : of the sound it is for
    """

    weighing: Tensor

    def __init__(self, config: Config, *, sample_rate: int, channels: int) -> None:
        super().__init__()
        self.config, self.sample_rate, self.channels = config, sample_rate, channels
        self.transform = LappedTransform(config.hop_samples)
        inputs, latents = channels * config.hop_samples, config.latent_dims
        self.register_buffer("weighing", torch.ones(inputs, 1))
        self.encode_linear = nn.Conv1d(inputs, latents, 1, bias=False)
        self.encode_residual = ResidualNetwork(inputs, 2 * latents, config)
        self.decode_linear = nn.Conv1d(latents, inputs, 1, bias=False)
        self.decode_residual = ResidualNetwork(latents, inputs, config)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.weighing.device

    @property
    def context_frames(self) -> int:
        """Frames on each side that one frame's latent, or one latent's frame, depends on."""
        return self.config.depth * (self.config.kernel // 2)

    def coefficients(self, samples: Tensor) -> Tensor:
        """Samples (batch, channels, time) to weighed coefficients (batch, channels hop, frames)."""
        views = mid_side(samples) if self.channels == 2 else samples
        return self.transform(views).flatten(1, 2) * self.weighing

    def inner_coefficients(self, padded: Tensor) -> Tensor:
        """As `coefficients`, of samples (batch, channels, (frames + 1) hop) that carry their context."""
        views = mid_side(padded) if self.channels == 2 else padded
        return self.transform.inner(views).flatten(1, 2) * self.weighing

    def samples(self, coefficients: Tensor, length: int) -> Tensor:
        """Weighed coefficients back to samples (batch, channels, length)."""
        views = (coefficients / self.weighing).unflatten(1, (self.channels, self.config.hop_samples))
        samples = self.transform.inverse(views, length)
        return left_right(samples) if self.channels == 2 else samples

    def posterior(self, coefficients: Tensor) -> Posterior:
        """Weighed coefficients to the posterior of their latents (batch, latent_dims, frames)."""
        mean, log_variance = self.encode_residual(squeeze(coefficients)).float().chunk(2, dim=1)
        with full_precision(coefficients):
            return Posterior(self.encode_linear(coefficients) + mean, FIRST_LOG_VARIANCE + log_variance)

    def encode(self, samples: Tensor) -> Posterior:
        """Samples (batch, channels, time) to the posterior of their latents."""
        return self.posterior(self.coefficients(samples))

    def decode(self, latents: Tensor, length: int) -> Tensor:
        """Latents (batch, latent_dims, frames) to samples (batch, channels, length)."""
        return self.samples(self.decode_frames(latents), length)

    def decode_frames(self, latents: Tensor) -> Tensor:
        """Latents (batch, latent_dims, frames) to weighed coefficients (batch, channels hop, frames)."""
        heard = self.decode_residual(latents).float()
        with full_precision(latents):
            return self.decode_linear(latents) + heard

    def forward(self, samples: Tensor, generator: torch.Generator | None = None) -> Reconstruction:
        """There and back; with a `generator` through a draw from the posterior, without through its mean."""
        posterior = self.encode(samples)
        latents = posterior.mode() if generator is None else posterior.sample(generator)
        return Reconstruction(self.decode(latents, samples.shape[-1]), posterior)

    @torch.no_grad()
    def start_from(self, samples: Tensor) -> None:
        r"""Set the linear path to the principal components of real frames (batch, channels, time).

        Coefficients are weighed by :math:`w_k = (E|X_k|^2)^{-1/4}`, halfway between plain energy, which would
        spend every latent on the bass, and whitening, which would spend them on noise. With eigenvectors U
        and variances Λ of the weighed frames, the encoder is :math:`Λ^{-1/2} U^T` and the decoder
        :math:`U Λ^{1/2}`: latents of unit variance.
        """
        self.weighing.fill_(1.0)
        frames = self.coefficients(samples).transpose(1, 2).flatten(0, 1).double()
        power = frames.square().mean(0)
        weighing = (power + 1e-4 * power.mean() + 1e-12).pow(-0.25)
        self.weighing.copy_(weighing[:, None])
        frames = frames * weighing
        variances, vectors = torch.linalg.eigh(frames.T @ frames / len(frames))
        count = self.config.latent_dims
        # A direction that these frames hardly use gets no more gain than one that they use a little: other
        # sound may use it much, and its latents would run away.
        scale = variances[-count:].clamp_min(1e-3 * float(variances.mean()) + 1e-12).sqrt().flip(0)
        vectors = vectors[:, -count:].flip(1)
        self.encode_linear.weight.copy_((vectors / scale).T[:, :, None])
        self.decode_linear.weight.copy_((vectors * scale)[:, :, None])


def squeeze(coefficients: Tensor) -> Tensor:
    """Coefficients brought nearer to each other in size, for networks: sign(x) log(1 + |x|/0.01) / 4."""
    return coefficients.sign() * torch.log1p(coefficients.abs() / 0.01) / 4
