"""Specific loudness after DIN 45631, differentiable."""

from __future__ import annotations

import math
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import torch

from tonewright.timbre.differentiable.arithmetic import weighted_mean
from tonewright.timbre.differentiable.bands import band_powers
from tonewright.timbre.differentiable.filtering import like
from tonewright.timbre.differentiable.walk import loudness_pattern
from tonewright.timbre.specific_loudness import FRAME, QUIET_POWER, tables

_FULL_SCALE_DB = 100.0
_LEAST_POWER = 1e-20
# A total that is rounded to 0.000 sone cannot be heard.
_LEAST_TOTAL = 0.0005


class SpecificLoudness(NamedTuple):
    """Specific loudness of frames of 4096 samples, one after the other.

    pattern : (batch, frames, 240) sone/Bark at 0.1, 0.2, … 24 Bark
    power : (batch, frames) mean square
    heard : (batch, frames), 1 for frames that can be heard, else 0
    counted : (batch, frames), 1 for frames that enter means which nothing weights, else 0
    """

    pattern: torch.Tensor
    power: torch.Tensor
    heard: torch.Tensor
    counted: torch.Tensor

    def unweighted_mean(self, values: torch.Tensor) -> torch.Tensor:
        """Mean of values (batch, frames) over the frames that count: (batch,)."""
        return weighted_mean(values, self.counted)

    def power_weighted_mean(self, values: torch.Tensor) -> torch.Tensor:
        """Mean of values (batch, frames), the frames weighted by their power: (batch,)."""
        return weighted_mean(values, self.power)


def specific_loudness(samples: torch.Tensor, lengths: np.ndarray, *, exact: bool) -> SpecificLoudness:
    """Specific loudness of sounds, full scale being 100 dB.

    Parameters
    ----------
    samples : (batch, time) at 44.1 kHz, zero beyond each length
    lengths : (batch,)
    exact : as in `walk.loudness_pattern`
    """
    batch = samples.shape[0]
    framed = torch.nn.functional.pad(samples, (0, -samples.shape[-1] % FRAME)).reshape(batch, -1, FRAME)
    power = (framed**2).mean(-1)
    main = main_loudness(band_powers(framed.reshape(-1, FRAME)))
    pattern, total = loudness_pattern(main, exact=exact)
    present = np.arange(framed.shape[1]) < -(-lengths // FRAME)[:, None]
    present = torch.tensor(present, device=samples.device)
    loud = present & (power > QUIET_POWER)
    counted = torch.where(loud.any(-1, keepdim=True), loud, present)
    heard = total.reshape(batch, -1) >= _LEAST_TOTAL
    return SpecificLoudness(
        pattern.reshape(batch, framed.shape[1], -1), power, heard.to(power.dtype), counted.to(power.dtype)
    )


def main_loudness(bands: torch.Tensor) -> torch.Tensor:
    """Loudness of the critical bands, as `timbre.specific_loudness.pattern` has it.

    N' = .0635 · 10^(.025 LTQ) · ((¾ + ¼ 10^((L − LTQ)/10))^¼ − 1) above the threshold in quiet, else 0. The
    row of the correction of low bands is decided by their levels.

    Parameters
    ----------
    bands : (frames, 28) mean squares

    Returns
    -------
    (frames, 21), the last 0
    """
    levels_db = 10 * torch.log10(bands.clamp(min=_LEAST_POWER)) + _FULL_SCALE_DB
    low = tables.LOW_BAND_DB.shape[1]
    levels_db = torch.cat([_joined_db(levels_db[:, :low]), levels_db[:, low:]], dim=-1)
    threshold_db = like(tables.THRESHOLD_DB, bands)
    over_db = levels_db - like(tables.EAR_DB + tables.BAND_DB, bands) - threshold_db
    scale = 0.0635 * 10 ** (0.025 * threshold_db)
    main = scale * ((0.75 + 0.25 * _power(over_db)) ** 0.25 - 1)
    main = torch.where(levels_db > threshold_db, main, 0).clamp(min=0)
    first = main[:, :1]
    heard = torch.where(first > 0, first, 1)
    first = torch.where(first > 0, first * (0.4 + 0.32 * heard**0.2).clamp(max=1), 0)
    return torch.nn.functional.pad(torch.cat([first, main[:, 1:]], dim=-1), (0, 1))


def _joined_db(levels_db: torch.Tensor) -> torch.Tensor:
    """Levels of the three lowest critical bands from those of eleven third octaves: (frames, 3)."""
    limits_db = tables.LOW_BAND_LIMITS_DB[:-1, None] - tables.LOW_BAND_DB[:-1]
    rows = (levels_db[:, None] > like(limits_db, levels_db)).sum(1)
    correction_db = like(tables.LOW_BAND_DB, levels_db).gather(0, rows)
    powers = _power(levels_db + correction_db)
    bounds = tables.LOW_BAND_BOUNDS
    joined = [powers[:, first:end].sum(-1) for first, end in pairwise(bounds)]
    return 10 * torch.log10(torch.stack(joined, dim=-1))


def _power(level_db: torch.Tensor) -> torch.Tensor:
    return torch.exp(level_db * (math.log(10) / 10))
