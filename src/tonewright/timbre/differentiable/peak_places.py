"""Peaks: which bins they are is decided in NumPy, where and how high their tops lie is differentiated."""

from __future__ import annotations

import numpy as np
import torch


def refined(levels: torch.Tensor, rows: np.ndarray, bins: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Tops of the parabolas through peaks and their neighbours, as `timbre.peaks.refined_peak` has them.

    Parameters
    ----------
    levels : (rows, bins)
    rows, bins : (peaks,) each, where the peaks are; the first and the last bin stay where they are

    Returns
    -------
    positions : (peaks,), in bins
    heights : (peaks,)
    """
    count = levels.shape[-1]
    inner = (bins > 0) & (bins < count - 1)
    centre = torch.tensor(rows * count + bins, device=levels.device)
    step = torch.tensor(inner.astype(np.int64), device=levels.device)
    flat = levels.reshape(-1)
    before, top, after = flat[centre - step], flat[centre], flat[centre + step]
    curvature = 2 * (2 * top - after - before)
    shift = torch.where(curvature > 0, (after - before) / torch.where(curvature > 0, curvature, 1), 0)
    places = torch.tensor(bins, dtype=levels.dtype, device=levels.device)
    return places + shift, top - 0.25 * (before - after) * shift
