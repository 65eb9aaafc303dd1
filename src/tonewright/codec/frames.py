"""The lapped transform between samples and frames."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn


class LappedTransform(nn.Module):
    r"""Modified discrete cosine transform (MDCT) with a sine window; its own inverse by overlap and add.

    With hop N, frame n of 2N samples and
    phase :math:`\phi_{tk} = \frac{\pi}{N}(t + \frac{1 + N}{2})(k + \frac12)`,

    .. math:: X_{kn} = \sqrt{2/N} \sum_t \sin\left(\pi\frac{t + 1/2}{2N}\right) x_{nN + t} \cos\phi_{tk}

    is orthonormal (Princen and Bradley 1986): the transform loses nothing and keeps energy.
    A sound of T samples has ⌈T/N⌉ + 1 frames, after N zeros before and enough behind.

    Parameters
    ----------
    hop_samples : N, also the number of coefficients a frame
    """

    basis: Tensor

    def __init__(self, hop_samples: int) -> None:
        super().__init__()
        self.hop_samples = hop_samples
        time = torch.arange(2 * hop_samples, dtype=torch.float64)
        band = torch.arange(hop_samples, dtype=torch.float64)
        phase = math.pi / hop_samples * torch.outer(time + 0.5 + hop_samples / 2, band + 0.5)
        window = torch.sin(math.pi * (time + 0.5) / (2 * hop_samples))
        basis = math.sqrt(2 / hop_samples) * window[:, None] * torch.cos(phase)
        self.register_buffer("basis", basis.float(), persistent=False)

    def frames_of(self, samples: int) -> int:
        """Number of frames of a sound of so many samples."""
        return -(-samples // self.hop_samples) + 1

    def forward(self, samples: Tensor) -> Tensor:
        """Samples (…, time) to coefficients (…, hop, frames)."""
        hop = self.hop_samples
        behind = self.frames_of(samples.shape[-1]) * hop - samples.shape[-1]
        padded = nn.functional.pad(samples, (hop, behind))
        return self.inner(padded)

    def inner(self, padded: Tensor) -> Tensor:
        """As `forward`, of samples that carry their context already: (…, (frames + 1) hop)."""
        frames = padded.unfold(-1, 2 * self.hop_samples, self.hop_samples)
        with full_precision(frames):
            return (frames.to(self.basis.dtype) @ self.basis).transpose(-1, -2)

    def inverse(self, coefficients: Tensor, length: int) -> Tensor:
        """Coefficients (…, hop, frames) to samples (…, length)."""
        hop = self.hop_samples
        with full_precision(coefficients):
            frames = coefficients.transpose(-1, -2).to(self.basis.dtype) @ self.basis.T
        first, second = frames[..., :hop], frames[..., hop:]
        joined = first[..., 1:, :] + second[..., :-1, :]
        return joined.flatten(-2)[..., :length]


def full_precision(x: Tensor) -> torch.autocast:
    """No autocast for linear maps: bfloat16 would lose what lies 48 dB under the loudest."""
    return torch.autocast(x.device.type, enabled=False)
