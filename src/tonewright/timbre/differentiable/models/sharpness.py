"""Sharpness: where along the Bark scale a sound is loud."""

from __future__ import annotations

from typing import Any

import torch

from tonewright.timbre.differentiable.arithmetic import log10, quotient
from tonewright.timbre.differentiable.filtering import like
from tonewright.timbre.differentiable.sounds import Sounds
from tonewright.timbre.models import sharpness as model


def sharpness(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor]:
    """Values, and which sounds have one; each (batch,)."""
    specific = sounds.specific
    weighted = specific.pattern @ like(model.weighted_bark(), specific.pattern)
    of_frames = 0.11 * specific.heard * quotient(weighted, specific.pattern.sum(-1))
    mean: Any = specific.power_weighted_mean(of_frames)
    return model.value(model.SharpnessFeatures(log10(mean))), mean > 0  # type: ignore[arg-type]
