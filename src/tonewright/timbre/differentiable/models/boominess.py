"""Boominess: how loud the lowest bands of a sound are, and what part of its loudness they are."""

from __future__ import annotations

import math
from typing import Any

import torch

from tonewright.timbre.differentiable.arithmetic import log10, quotient
from tonewright.timbre.differentiable.filtering import like
from tonewright.timbre.differentiable.sounds import Sounds
from tonewright.timbre.models import boominess as model
from tonewright.timbre.specific_loudness import bump


def boominess(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor]:
    """Values, and which sounds have one; each (batch,)."""
    specific = sounds.specific
    pattern = specific.pattern
    weights, low_points = model.index_weights()
    share = quotient(pattern[..., :low_points].sum(-1), pattern.sum(-1))
    strength = torch.exp(pattern * like(weights * (math.log(10) / 10), pattern)).sum(-1)
    index = specific.power_weighted_mean(specific.heard * 10 * torch.log10(strength) * share)
    low_loudness = specific.unweighted_mean(pattern @ like(bump(*model.LOW_POINTS), pattern))
    features: Any = model.BoominessFeatures(log10(index), log10(low_loudness))  # type: ignore[arg-type]
    return model.value(features), (index > 0) & (low_loudness > 0)  # type: ignore[return-value]
