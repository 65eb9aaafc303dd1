"""Quotients and logarithms that stay finite, with finite gradients, where a sound has nothing to measure."""

from __future__ import annotations

import torch


def quotient(dividend: torch.Tensor, divisor: torch.Tensor) -> torch.Tensor:
    """Quotient, and 0 with gradient 0 where the divisor is not above 0."""
    valid = divisor > 0
    # Both branches of `where` are differentiated, so the division itself must never see the zero.
    return torch.where(valid, dividend / torch.where(valid, divisor, torch.ones_like(divisor)), 0)


def log10(values: torch.Tensor) -> torch.Tensor:
    """Common logarithm, and 0 with gradient 0 of what is not above 0."""
    return torch.where(values > 0, torch.log10(torch.where(values > 0, values, torch.ones_like(values))), 0)


def weighted_mean(values: torch.Tensor, weights: torch.Tensor) -> torch.Tensor:
    """Σ w v / Σ w over the last axis; 0 where no weight is above 0."""
    return quotient((values * weights).sum(-1), weights.sum(-1))


def with_slope_of(value: torch.Tensor, smooth: torch.Tensor) -> torch.Tensor:
    """The value of the one, the gradient of the other."""
    return value.detach() + (smooth - smooth.detach())
