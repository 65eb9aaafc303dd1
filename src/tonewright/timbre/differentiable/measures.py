"""The six descriptors of batches, as functions to learn by."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch

from tonewright.errors import UsageError, nearest
from tonewright.timbre.differentiable import models
from tonewright.timbre.differentiable.sounds import Sounds

DESCRIPTORS = ("depth", "brightness", "roughness", "warmth", "sharpness", "boominess")
"""The columns of `describe`, in their order."""

_MODELS: dict[str, Callable[[Sounds], tuple[torch.Tensor, torch.Tensor]]] = {
    "depth": models.depth,
    "brightness": models.brightness,
    "roughness": models.roughness,
    "warmth": models.warmth,
    "sharpness": models.sharpness,
    "boominess": models.boominess,
}


def measured(
    samples: torch.Tensor,
    sample_rate: int,
    *,
    descriptors: Sequence[str] = DESCRIPTORS,
    exact: bool = True,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Descriptors of a batch, and which of them its sounds have.

    Parameters
    ----------
    samples : (batch, time) or (batch, channels, time), float32 or float64, on any device
    sample_rate : in Hz; other rates than 44.1 kHz are converted
    descriptors : names, of `DESCRIPTORS`
    exact : see `describe`

    Returns
    -------
    values : (batch, descriptors), not clipped; 0 with gradient 0 where a sound has none, NaN where its
        samples are NaN or infinite
    measurable : (batch, descriptors) of booleans
    """
    sounds = Sounds(samples, sample_rate, exact=exact)
    columns = []
    for name in descriptors:
        if name not in _MODELS:
            raise UsageError(f"there is no differentiable descriptor '{name}'; {nearest(name, _MODELS)}")
        value, measurable = _MODELS[name](sounds)
        measurable = measurable & sounds.audible
        value = torch.where(measurable, value, torch.where(sounds.broken, torch.nan, 0.0).to(value.dtype))
        columns.append((value, measurable))
    values, measurable = zip(*columns, strict=True)
    return torch.stack(values, dim=-1), torch.stack(measurable, dim=-1)


def describe(
    samples: torch.Tensor, sample_rate: int, *, raw: bool = True, exact: bool = True
) -> torch.Tensor:
    """Depth, brightness, roughness, warmth, sharpness and boominess of each sound, in this order.

    They are those of `timbre.describe` in its corrected mode, within 0.1 points (a thousandth of the scale).
    What they share is computed once.

    Parameters
    ----------
    samples : (batch, time) or (batch, channels, time), float32 or float64, on any device
    sample_rate : in Hz; other rates than 44.1 kHz are converted
    raw : leave values that the regressions put outside 0 to 100, where clipped ones have no gradient
    exact : the values of `timbre.describe`, which move in small steps where places are counted in whole
        samples or tenths of a Bark. Otherwise values without these steps, of which the gradient is exactly
        the derivative; line searches want them.

    Returns
    -------
    (batch, 6); 0 with gradient 0 where a sound has no value, as silence has none, and NaN where samples are
    NaN or infinite
    """
    values, _ = measured(samples, sample_rate, exact=exact)
    return values if raw else values.clamp(0, 100)


def depth(samples: torch.Tensor, sample_rate: int, *, raw: bool = True, exact: bool = True) -> torch.Tensor:
    """Depth of each sound: (batch,). Parameters and missing values are those of `describe`."""
    return _one("depth", samples, sample_rate, raw=raw, exact=exact)


def brightness(
    samples: torch.Tensor, sample_rate: int, *, raw: bool = True, exact: bool = True
) -> torch.Tensor:
    """Brightness of each sound: (batch,). Parameters and missing values are those of `describe`."""
    return _one("brightness", samples, sample_rate, raw=raw, exact=exact)


def roughness(
    samples: torch.Tensor, sample_rate: int, *, raw: bool = True, exact: bool = True
) -> torch.Tensor:
    """Roughness of each sound: (batch,). Parameters and missing values are those of `describe`.

    A sound whose mean roughness is below 0.01 has the value 0, and no gradient.
    """
    return _one("roughness", samples, sample_rate, raw=raw, exact=exact)


def warmth(samples: torch.Tensor, sample_rate: int, *, raw: bool = True, exact: bool = True) -> torch.Tensor:
    """Warmth of each sound: (batch,). Parameters and missing values are those of `describe`."""
    return _one("warmth", samples, sample_rate, raw=raw, exact=exact)


def sharpness(
    samples: torch.Tensor, sample_rate: int, *, raw: bool = True, exact: bool = True
) -> torch.Tensor:
    """Sharpness of each sound: (batch,). Parameters and missing values are those of `describe`."""
    return _one("sharpness", samples, sample_rate, raw=raw, exact=exact)


def boominess(
    samples: torch.Tensor, sample_rate: int, *, raw: bool = True, exact: bool = True
) -> torch.Tensor:
    """Boominess of each sound: (batch,). Parameters and missing values are those of `describe`."""
    return _one("boominess", samples, sample_rate, raw=raw, exact=exact)


def _one(name: str, samples: torch.Tensor, sample_rate: int, *, raw: bool, exact: bool) -> torch.Tensor:
    values, _ = measured(samples, sample_rate, descriptors=(name,), exact=exact)
    return values[:, 0] if raw else values[:, 0].clamp(0, 100)
