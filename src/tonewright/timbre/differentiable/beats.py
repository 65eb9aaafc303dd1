"""How peaks of a spectrum beat in pairs, with derivatives by their frequencies and magnitudes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from numba import njit

from tonewright.timbre.differentiable.filtering import like

_OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": {"contract"}}
# Beats of partials farther apart have faded to 1e-7.
_REACH = 4.5


def beats(
    frequencies_hz: torch.Tensor,
    magnitudes: torch.Tensor,
    weights: torch.Tensor,
    *,
    raw: np.ndarray,
    bounds: np.ndarray,
) -> torch.Tensor:
    """Roughness of frames, Σ w₁ w₂ r over the pairs of their peaks, r being that of `models.roughness`.

    Parameters
    ----------
    frequencies_hz, magnitudes, weights : (peaks,) of one frame after the other, by rising frequency
    raw : (peaks,), which of a pair is the higher is decided by these
    bounds : (frames + 1,), where the peaks of each frame begin, and the last one's end

    Returns
    -------
    (frames,)
    """
    return _Beats.apply(frequencies_hz, magnitudes, weights, raw, bounds)  # type: ignore[no-any-return]


class _Beats(torch.autograd.Function):
    """Sums and their derivatives from one pass over the pairs, so that no pair needs to be kept."""

    @staticmethod
    def forward(ctx: Any, *given: Any) -> torch.Tensor:
        """Roughness of the frames."""
        *tensors, raw, bounds = given
        numbers = [each.detach().to("cpu", torch.float64).numpy() for each in tensors]
        total, slopes = _pairs(numbers[0], numbers[1], numbers[2], raw, bounds)
        frames = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
        ctx.save_for_backward(like(slopes, tensors[0]), torch.tensor(frames, device=tensors[0].device))
        return like(total, tensors[0])

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, slope: torch.Tensor) -> tuple[Any, ...]:  # type: ignore[override]
        """Derivatives by frequencies, magnitudes and weights."""
        slopes, frames = ctx.saved_tensors
        return *(slopes * slope[frames]), None, None


@njit(**_OPTIONS)
def _pairs(places, levels, weights, raw, bounds):  # type: ignore[no-untyped-def]
    """Roughness of each frame, and its derivatives by the places, levels and weights of the peaks."""
    slopes = np.zeros((3, places.size))
    total = np.zeros(bounds.size - 1)
    logarithms = np.log(levels)
    for frame in range(total.size):
        for i in range(bounds[frame], bounds[frame + 1]):
            width = 0.0207 * places[i] + 18.96
            s = 0.24 / width
            for j in range(i + 1, bounds[frame + 1]):
                x = s * (places[j] - places[i])
                if x > _REACH:
                    break
                both, weight = levels[i] + levels[j], weights[i] * weights[j]
                top = j if raw[j] > raw[i] else i
                # ln ((v₁ v₂)^0.1 (2 v / (v₁ + v₂))^3.11)
                exponent = 0.1 * (logarithms[i] + logarithms[j]) + 3.11 * (
                    logarithms[top] - math.log(0.5 * both)
                )
                slow = 0.5 * math.exp(exponent - 3.51 * x)
                fast = slow * math.exp((3.51 - 5.75) * x)
                r = slow - fast
                slopes[2, i] += r * weights[j]
                slopes[2, j] += r * weights[i]
                r *= weight
                total[frame] += r
                by_x = weight * (5.75 * fast - 3.51 * slow)
                slopes[0, j] += by_x * s
                slopes[0, i] -= by_x * (s + x * 0.0207 / width)
                slopes[1, i] += r * (0.1 / levels[i] - 3.11 / both)
                slopes[1, j] += r * (0.1 / levels[j] - 3.11 / both)
                slopes[1, top] += r * 3.11 / levels[top]
    return total, slopes
