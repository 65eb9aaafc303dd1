"""The walk along the critical bands that turns their loudness into a pattern, with its derivatives."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numba import njit

from tonewright.timbre.differentiable.filtering import like
from tonewright.timbre.specific_loudness.tables import SLOPE_LIMITS, SLOPES, UPPER_BARK

POINTS = 240
OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "no_cfunc_wrapper": True, "error_model": "numpy"}
CALLED: dict[str, Any] = {**OPTIONS, "no_cpython_wrapper": True}


def loudness_pattern(core: torch.Tensor, *, exact: bool = True) -> tuple[torch.Tensor, torch.Tensor]:
    """Specific loudness N'(z) of frames, at z = 0.1, 0.2 … 24 Bark, from the loudness of the critical bands.

    Each point descends from one band: it lies on that band's flat part, or on the slope that falls from it,

        N'(z) = N'(band) − Σ slopes · widths.

    The loudness at which a slope becomes less steep is a constant, so a louder band moves the place of that
    bend, and what lies beyond moves by the ratio of the slopes, which multiply up along the way. These
    factors are the gradient. The standard walk rounds the places of bends to 0.1 Bark; that makes tiny steps,
    whose slope is none, and the gradient is that of the walk without them.

    Parameters
    ----------
    core : (frames, 21), loudness of the critical bands, the last 0
    exact : round the places of bends; else the value too is that of the walk without rounding

    Returns
    -------
    pattern : (frames, 240)
    total : (frames,), the area under it, without a gradient
    """
    numbers = core.detach().to("cpu", torch.float64).contiguous().numpy()
    points, sources, slopes, total = _walks(numbers, UPPER_BARK, SLOPE_LIMITS, SLOPES, exact)
    index = torch.tensor(sources, device=core.device)
    heard = core.gather(-1, index)
    pattern = like(points, core) + like(slopes, core) * (heard - heard.detach())
    return pattern, like(total, core)


@njit(**OPTIONS)
def _walks(core, upper, limits, falls, exact):  # type: ignore[no-untyped-def]
    """Points, the bands they descend from, their derivatives to these, and areas."""
    frames = core.shape[0]
    points, factors = np.zeros((frames, POINTS)), np.zeros((frames, POINTS))
    sources, areas = np.zeros((frames, POINTS), np.int64), np.zeros(frames)
    for t in range(frames):
        areas[t] = _walk(core[t], (upper, limits, falls), exact, points[t], sources[t], factors[t])
    return points, sources, factors, areas


@njit(**CALLED)
def _walk(core, slopes, exact, points, sources, factors):  # type: ignore[no-untyped-def]
    """As `timbre.specific_loudness.pattern` lays a pattern out; not exact, bends lie where they lie."""
    upper, limits, falls = slopes
    area, bark, level, row, first = 0.0, 0.0, 0.0, limits.size - 1, 1
    source, factor = 0, 1.0
    for band in range(core.size):
        column = min(max(band - 1, 0), falls.shape[1] - 1)
        while bark < upper[band] - 1e-9:
            if level < core[band]:
                row = 0
                while limits[row] > core[band]:
                    row += 1
            flat = level <= core[band]
            if flat:
                level, source, factor = core[band], band, 1.0
            slope = 0.0 if flat else falls[row, column]
            reached = max(limits[row], core[band])
            end = upper[band] if flat else bark + _width((level - reached) / slope, exact)
            if end > upper[band]:
                end = upper[band]
                reached = level - (end - bark) * slope
            area += (end - bark) * (level + reached) / 2
            last = round(end * 10) if exact or end > upper[-1] - 1e-9 else math.ceil(end * 10 - 1e-6)
            for k in range(first, last + 1):
                points[k - 1] = level - (0.1 * k - bark) * slope
                sources[k - 1], factors[k - 1] = source, factor
            first = max(first, last)
            if not flat and reached == core[band]:
                source, factor = band, 1.0
            if reached == limits[row]:
                row = min(row + 1, limits.size - 1)
                if slope > 0 and reached > core[band]:
                    factor *= falls[row, column] / slope
            level, bark = reached, round(end * 10) * 0.1 if exact else end
    return area


@njit(**CALLED)
def _width(bark, exact):  # type: ignore[no-untyped-def]
    """Width of a fall, rounded to 0.1 Bark, not to 0."""
    if not exact:
        return bark
    tenths = round(bark * 10)
    return (tenths if tenths != 0 else 1) * 0.1
