"""Distances between sounds, one value per item of the batch.

Every function takes (batch, channels, time) or (channels, time) and gives (batch,) or a scalar; channels
are taken together as one signal, so that a silent channel does not decide the outcome. All are
differentiable, and finite at silence.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

ENERGY_FLOOR = 1e-8
"""Added to the energies of SDR and SI-SDR (sums of squares), so that silence gives a finite value."""


def sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """Signal-to-distortion ratio in dB, 10 log₁₀ (‖s‖² + ε)/(‖ŝ − s‖² + ε) with ε = `ENERGY_FLOOR`.

    Parameters
    ----------
    estimate : (..., channels, time)
        ŝ.
    target : (..., channels, time)
        s.
    """
    return _ratio_db(_energy(target), _energy(estimate - target))


def si_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB, of signals with each channel's mean taken off.

    10 log₁₀ (‖αs‖² + ε)/(‖ŝ − αs‖² + ε) with α = ⟨ŝ, s⟩/(‖s‖² + ε): one scale for all channels
    (Le Roux et al., 2019, "SDR – Half-baked or Well Done?").

    Parameters
    ----------
    estimate : (..., channels, time)
        ŝ.
    target : (..., channels, time)
        s.
    """
    estimate = estimate - estimate.mean(dim=-1, keepdim=True)
    target = target - target.mean(dim=-1, keepdim=True)
    scale = (estimate * target).sum(dim=(-2, -1)) / (_energy(target) + ENERGY_FLOOR)
    projection = scale[..., None, None] * target
    return _ratio_db(_energy(projection), _energy(estimate - projection))


def _energy(samples: Tensor) -> Tensor:
    return samples.square().sum(dim=(-2, -1))


def _ratio_db(signal: Tensor, noise: Tensor) -> Tensor:
    return (10.0 / math.log(10.0)) * (torch.log(signal + ENERGY_FLOOR) - torch.log(noise + ENERGY_FLOOR))
