"""Distances between two sounds at one STFT resolution, with gradients worked out by hand.

Autograd through complex spectra keeps a dozen arrays and passes over each of them in both directions. Here
each item of a batch is transformed and reduced while it is in the cache, and the backward pass is

    gradient = Wᴴ (X/|X| · Σ ∂L/∂|X|)

with W the transform of `Resolution`. Both passes do the same sums in the same order every time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from tonewright.learning.resolution import Resolution

LOG, LINEAR, CONVERGENCE, MEL = "stft_log", "stft_linear", "stft_convergence", "mel"
SMALLEST = 1e-15
"""Magnitudes up to this have no direction, and no gradient."""


def spectral_terms(
    estimate: Tensor, target: Tensor, *, resolution: Resolution, names: tuple[str, ...]
) -> dict[str, Tensor]:
    """Compute the named terms, scalars; the target gets no gradient.

    With magnitudes x = max(a·|X|, ε) of the estimate and y of the target, a the weighting:

    - stft_log: ⟨|log x/y|⟩, natural logarithm
    - stft_linear: ⟨|x − y|⟩
    - stft_convergence: ‖x − y‖/‖y‖ per item, over all its channels, averaged
    - mel: ⟨|log₁₀ m/n|⟩ with m = max(M|X|, ε) of the estimate and n of the target

    Parameters
    ----------
    estimate, target : (batch, channels, time)
    resolution : the transform and its constants
    names : of the above
    """
    missing = resolution.least_samples - estimate.shape[-1]
    if missing > 0:
        estimate, target = (torch.nn.functional.pad(samples, (0, missing)) for samples in (estimate, target))
    keep = torch.is_grad_enabled() and estimate.requires_grad
    terms: Any = _Terms.apply(estimate, target, resolution, names, keep)
    return dict(zip(names, terms, strict=True))


class _Terms(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, estimate: Tensor, target: Tensor, resolution: Resolution, names: tuple[str, ...], keep: bool
    ) -> tuple[Tensor, ...]:
        ctx.set_materialize_grads(False)
        ctx.resolution, ctx.names, ctx.shape = resolution, names, estimate.shape
        saved: list[Tensor] = []
        sums: dict[tuple[bool, str], list[Tensor]] = {}
        for items in _chunks(estimate):
            spectra = resolution.spectrum(estimate[items]), resolution.spectrum(target[items])
            saved += spectra[:1] if keep else ()
            for side, _ in _views(resolution, estimate.shape[1]):
                views = _seen(spectra[0], side), _seen(spectra[1], side)
                measured, kept = _measured(resolution, *views, names)
                saved += kept if keep else ()
                for name, values in measured.items():
                    sums.setdefault((side, name), []).append(values)
        ctx.save_for_backward(*saved)
        totals = {key: torch.cat(values, dim=-1) for key, values in sums.items()}
        terms, ctx.scales = _normalised(resolution, totals, estimate.shape, frames=spectra[0].shape[-2])
        return tuple(terms[name] for name in names)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, ...]:
        given = [(name, grad) for name, grad in zip(ctx.names, grads, strict=True) if grad is not None]
        saved = iter(ctx.saved_tensors)
        gradient = ctx.saved_tensors[0].real.new_empty(ctx.shape)
        for items in _chunks(gradient):
            spectrum = next(saved)
            total = None
            for side, _ in _views(ctx.resolution, ctx.shape[1]):
                scales = {name: ctx.scales[side, name][items] * grad for name, grad in given}
                part = _seen(spectrum, side) * _factor(ctx.resolution, ctx.names, saved, scales)
                part = _seen(part, side)
                total = part if total is None else total.add_(part)
            assert total is not None
            gradient[items] = ctx.resolution.adjoint(total, ctx.shape[-1])
        return gradient, None, None, None, None


def _chunks(samples: Tensor) -> Iterator[slice]:
    """Slices of the batch: item by item on the CPU, for its cache; whole elsewhere, for few launches."""
    size = 1 if samples.device.type == "cpu" else len(samples)
    return (slice(first, first + size) for first in range(0, len(samples), size))


def _views(resolution: Resolution, channels: int) -> list[tuple[bool, float]]:
    """Views that count, as (whether it is mid/side, weight)."""
    return [(bool(i), weight) for i, weight in enumerate(resolution.views_of(channels)) if weight != 0.0]


def _seen(spectrum: Tensor, side: bool) -> Tensor:
    """Left and right as they are, or as mid and side, (L ± R)/√2, which is its own adjoint."""
    if not side:
        return spectrum
    left, right = spectrum.unbind(-3)
    both = torch.empty_like(spectrum)
    torch.add(left, right, out=both.select(-3, 0))
    torch.sub(left, right, out=both.select(-3, 1))
    return both.mul_(math.sqrt(0.5))


def _magnitude(spectrum: Tensor) -> Tensor:
    real, imag = spectrum.real, spectrum.imag
    return torch.square(real).addcmul_(imag, imag).sqrt_()  # several times faster than abs() on the CPU


def _inverse_above(values: Tensor, floor: float) -> Tensor:
    """1/x, and zero where x is not above the floor."""
    return torch.nn.functional.threshold(values, floor, math.inf).reciprocal_()


def _sums(values: Tensor) -> Tensor:
    return values.sum(dim=(1, 2, 3))


def _measured(
    resolution: Resolution, estimate: Tensor, target: Tensor, names: tuple[str, ...]
) -> tuple[dict[str, Tensor], list[Tensor]]:
    """Sums per item, by term, and what `_factor` needs of one view of some items."""
    x, y = _magnitude(estimate), _magnitude(target)
    sums: dict[str, Tensor] = {}
    kept: list[Tensor] = []
    if MEL in names:
        assert resolution.mel is not None
        floor = resolution.mel_epsilon
        bands, wanted = (resolution.mel(values).clamp_(min=floor) for values in (x, y))
        kept += [x, (bands - wanted).sign_().mul_(_inverse_above(bands, floor)).mul_(1.0 / math.log(10.0))]
        sums[MEL] = _sums(bands.div_(wanted).log10_().abs_())
    if names == (MEL,):
        return sums, kept
    if resolution.weighting is not None:
        x, y = (values * resolution.weighting.like(values) for values in (x, y))
    x, y = (values.clamp(min=resolution.epsilon) for values in (x, y))
    difference = x - y
    if LINEAR in names:
        sums[LINEAR] = _sums(difference.abs())
    if CONVERGENCE in names:
        norms = [torch.linalg.vector_norm(values, dim=(1, 2, 3)) for values in (difference, y)]
        sums[CONVERGENCE] = torch.stack(norms)
    if LOG in names:
        sums[LOG] = _sums(torch.div(x, y, out=y).log_().abs_())
    return sums, [*kept, x, difference]


def _normalised(
    resolution: Resolution, totals: dict[tuple[bool, str], Tensor], shape: torch.Size, *, frames: int
) -> tuple[dict[str, Tensor], dict[tuple[bool, str], Tensor]]:
    """Terms from sums per item, and the scale of each item's gradient by view and term, (batch, 1, 1, 1)."""
    terms: dict[str, Tensor] = {}
    scales: dict[tuple[bool, str], Tensor] = {}
    weights = dict(_views(resolution, shape[1]))
    for (side, name), sums in totals.items():
        count = shape[1] * frames * resolution.columns(mel=name == MEL)
        if name == CONVERGENCE:
            value, scale = _convergence(resolution, sums, count)
        else:
            value, scale = sums.mean() / count, torch.full_like(sums, 1.0 / (count * len(sums)))
        terms[name] = terms.get(name, 0.0) + weights[side] * value
        scales[side, name] = (weights[side] * scale)[:, None, None, None]
    return terms, scales


def _convergence(resolution: Resolution, norms: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean of the ratios ‖x − y‖/‖y‖, and the factor of (x − y) in its gradient.

    norms : (2, batch), ‖x − y‖ and ‖y‖
    """
    items = norms.shape[1]
    if resolution.over_batch:
        norms, count = torch.linalg.vector_norm(norms, dim=1, keepdim=True).expand_as(norms), count * items
    error, wanted = norms[0], norms[1].clamp(min=resolution.convergence_floor * math.sqrt(count))
    share = 1.0 if resolution.over_batch else 1.0 / items
    return (error / wanted).mean(), share / (wanted * error.clamp(min=SMALLEST))


def _factor(
    resolution: Resolution, names: tuple[str, ...], saved: Iterator[Tensor], scales: dict[str, Tensor]
) -> Tensor | float:
    """∂L/∂|X| · 1/|X| of one view: what its spectrum is multiplied by."""
    factor: Tensor | float = 0.0
    if MEL in names:
        assert resolution.mel is not None
        magnitude, slope = next(saved), next(saved)
        if MEL in scales:
            factor = resolution.mel.adjoint(slope * scales[MEL])
            factor *= _inverse_above(magnitude, SMALLEST)
    if names == (MEL,):
        return factor
    x, difference = next(saved), next(saved)
    if scales.keys() <= {MEL}:
        return factor
    inverse = _inverse_above(x, resolution.epsilon)
    slope = inverse * scales[LOG] if LOG in scales else torch.zeros_like(inverse)
    if LINEAR in scales:
        slope += scales[LINEAR]
    slope *= difference.sign()
    if CONVERGENCE in scales:
        slope.addcmul_(difference, scales[CONVERGENCE])
    slope *= inverse
    if resolution.weighting is not None:
        slope *= resolution.weighting.like(slope).square()
    return slope.add_(factor)
