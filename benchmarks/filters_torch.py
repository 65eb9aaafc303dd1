"""The classic recipe in torch, its responses complex by the z-transform, or real by our closed form."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

RATE, BINS, FILTERS, LATENT = 44100, 513, 32, 4


class TorchVAE(nn.Module):
    """As the Flax model, with its parameters.

    Parameters
    ----------
    tree : Flax's parameters
    closed : the real closed form of the response instead of complex numbers
    """

    delay: Tensor
    rising: Tensor
    falling: Tensor
    sine: Tensor

    def __init__(self, tree: Any, *, closed: bool) -> None:
        super().__init__()
        self.closed = closed
        encoder, decoder = tree["params"]["encoder"], tree["params"]["decoder"]
        self.convolutions = nn.ModuleList(_convolution(encoder[f"Conv_{i}"]) for i in range(3))
        # Torch's channels come before the samples, so the first dense layer's rows change places.
        first = np.asarray(encoder["Dense_0"]["kernel"])
        rows = first.reshape(-1, 64, first.shape[1]).transpose(1, 0, 2).reshape(first.shape)
        self.dense = nn.ModuleList(
            (_dense({**encoder["Dense_0"], "kernel": rows}), _dense(encoder["Dense_1"]))
        )
        self.mean, self.log_variance = _dense(encoder["mean"]), _dense(encoder["log_variance"])
        self.decoder = nn.ModuleList(_dense(decoder[f"Dense_{i}"]) for i in range(3))
        omega = torch.linspace(0, math.pi, BINS, dtype=torch.float64)
        self.register_buffer("delay", torch.exp(-1j * omega).to(torch.complex64))
        self.register_buffer("rising", (2 * torch.sin(omega / 2) ** 2).float())
        self.register_buffer("falling", (2 * torch.cos(omega / 2) ** 2).float())
        self.register_buffer("sine", torch.sin(omega).float())

    def forward(self, x: Tensor, noise: Tensor, kl_weight: Tensor) -> Tensor:
        """Loss of a batch, a scalar."""
        hidden = x[:, None]
        for convolution in self.convolutions:
            hidden = torch.relu(convolution(hidden))
        hidden = hidden.flatten(1)
        for layer in self.dense:
            hidden = torch.relu(layer(hidden))
        mean, log_variance = self.mean(hidden), self.log_variance(hidden)
        z = mean + torch.exp(0.5 * log_variance) * noise
        for layer in self.decoder[:2]:
            z = torch.relu(layer(z))
        unit = torch.sigmoid(self.decoder[2](z)).view(-1, 3, FILTERS)
        bank = 20 * 1000 ** unit[:, 0], 0.1 * 300 ** unit[:, 1], 0.001 * 10 ** (4 * unit[:, 2])
        magnitude = self.closed_form(*bank) if self.closed else self.complex_form(*bank)
        divergence = 0.5 * (mean**2 + log_variance.exp() - log_variance - 1).mean(0).sum()
        return ((magnitude - x) ** 2).mean() + kl_weight * divergence

    def complex_form(self, frequency_hz: Tensor, q: Tensor, gain: Tensor) -> Tensor:
        omega = 2 * math.pi * frequency_hz / RATE
        alpha, cosine = torch.sin(omega) / (2 * q), torch.cos(omega)
        b0, a1, a2 = (
            values[..., None]
            for values in (alpha / (1 + alpha), -2 * cosine / (1 + alpha), (1 - alpha) / (1 + alpha))
        )
        twice = self.delay * self.delay
        response = (b0 - b0 * twice) / (1 + a1 * self.delay + a2 * twice)
        return (gain[..., None] * response).sum(1).abs()

    def closed_form(self, frequency_hz: Tensor, q: Tensor, gain: Tensor) -> Tensor:
        tangent = torch.tan(frequency_hz * (math.pi / RATE))
        y = (q / tangent)[..., None] * self.rising - (q * tangent)[..., None] * self.falling
        share = gain[..., None] / (self.sine**2 + y * y)
        real, imaginary = self.sine * share.sum(1), (y * share).sum(1)
        # At 0 Hz and half the rate both are 0 times 0, where a root has no gradient.
        return self.sine * torch.sqrt(real**2 + imaginary**2 + 1e-30)


def gradients(model: TorchVAE) -> dict[tuple[str, str], np.ndarray]:
    """What came back to some of the kernels, in Flax's shapes and under its names."""
    chosen = {
        ("encoder", "Conv_1"): model.convolutions[1],
        ("encoder", "Dense_1"): model.dense[1],
        ("decoder", "Dense_2"): model.decoder[2],
    }
    found = {}
    for name, layer in chosen.items():
        assert isinstance(layer.weight, Tensor)
        assert layer.weight.grad is not None
        found[name] = layer.weight.grad.permute(*reversed(range(layer.weight.ndim))).numpy()
    return found


def _convolution(layer: Any) -> nn.Conv1d:
    kernel = torch.tensor(np.asarray(layer["kernel"]))
    made = nn.Conv1d(kernel.shape[1], kernel.shape[2], 3, stride=2, padding=1)
    made.weight = nn.Parameter(kernel.permute(2, 1, 0).contiguous())
    made.bias = nn.Parameter(torch.tensor(np.asarray(layer["bias"])))
    return made


def _dense(layer: Any) -> nn.Linear:
    kernel = torch.tensor(np.asarray(layer["kernel"]))
    made = nn.Linear(kernel.shape[0], kernel.shape[1])
    made.weight = nn.Parameter(kernel.T.contiguous())
    made.bias = nn.Parameter(torch.tensor(np.asarray(layer["bias"])))
    return made
