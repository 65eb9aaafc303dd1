"""Brightness: how much of the sound lies high, and where its middle is."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch

from tonewright.timbre.differentiable.arithmetic import log10, quotient
from tonewright.timbre.differentiable.filtering import SAMPLE_RATE, like
from tonewright.timbre.differentiable.framing import hamming_frames, one_sided_power
from tonewright.timbre.differentiable.sounds import Sounds
from tonewright.timbre.models import brightness as model

_FRAME, _HOP = 2048, 512


def brightness(sounds: Sounds) -> tuple[torch.Tensor, torch.Tensor]:
    """Values, and which sounds have one; each (batch,)."""
    parts = sounds.branches
    above_20, above_2000, above_100 = (
        hamming_frames(part, sounds.lengths, frame_length=_FRAME, hop=_HOP).values
        for part in (parts.above_20, parts.above_2000, parts.above_100)
    )
    # Parseval: the power of all bins is that of the frame.
    ratio = quotient((above_2000**2).sum((1, 2)), (above_20**2).sum((1, 2)))
    power = one_sided_power(above_100).sum(1)
    frequencies_hz = like(np.arange(power.shape[-1]) * (SAMPLE_RATE / _FRAME), power)
    centroid_hz = quotient((power * frequencies_hz).sum(-1), power.sum(-1))
    features: Any = (log10(ratio), log10(centroid_hz))
    return model.value(model.BrightnessFeatures(*features)), (ratio > 0) & (centroid_hz > 0)  # type: ignore
