"""Losses of reconstruction: named terms, one dict that weighs them, a balancer of their gradients."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import torch
from torch import Tensor, nn

from tonewright.errors import UsageError, nearest
from tonewright.learning import metrics
from tonewright.learning.latent import at_least_single
from tonewright.learning.settings import ReconstructionSettings
from tonewright.learning.spectral import (
    MEL_TERMS,
    STFT_TERMS,
    SpectralLoss,
    check_shapes,
)

WAVEFORM_TERMS = ("waveform_l1", "waveform_l2", "si_sdr", "sdr", "log_spectral_distance")
RECONSTRUCTION_TERMS = (*STFT_TERMS, *MEL_TERMS, *WAVEFORM_TERMS)
"""Every name that `ReconstructionLoss` computes."""
SMALLEST_NORM = 1e-12
"""Gradients' norms are taken to be at least this."""


class ReconstructionLoss(nn.Module):
    """Named terms between an estimate and its target, each to be minimised.

    - stft_log, stft_linear, stft_convergence, mel: as in `SpectralLoss`
    - waveform_l1: ⟨|ŝ − s|⟩, waveform_l2: ⟨(ŝ − s)²⟩
    - log_spectral_distance: the metric of that name, in dB
    - si_sdr, sdr: −SI-SDR and −SDR in dB, averaged over the batch

    Computed in float32 (float64 where the inputs are), outside autocast. The target gets no gradient.

    Parameters
    ----------
    settings : of the terms
    sample_rate : of the sounds
    names : terms to compute, of `RECONSTRUCTION_TERMS`; all by default, and what is not named costs nothing
    """

    def __init__(
        self, settings: ReconstructionSettings, *, sample_rate: int, names: Collection[str] | None = None
    ) -> None:
        super().__init__()
        self.names = RECONSTRUCTION_TERMS if names is None else tuple(names)
        for name in self.names:
            if name not in RECONSTRUCTION_TERMS:
                raise unknown_term(name, RECONSTRUCTION_TERMS)
        self.spectral = SpectralLoss(
            stft=settings.stft, mel=settings.mel, views=settings.views, sample_rate=sample_rate
        )

    def forward(self, estimate: Tensor, target: Tensor) -> dict[str, Tensor]:
        """Compute the terms, scalars by name.

        Parameters
        ----------
        estimate, target : (batch, channels, time)
        """
        check_shapes(estimate, target)
        spectral = [name for name in self.names if name not in WAVEFORM_TERMS]
        with torch.autocast(device_type=estimate.device.type, enabled=False):
            estimate, target = at_least_single(estimate), at_least_single(target.detach())
            terms = self.spectral(estimate, target, names=spectral)
            for name in WAVEFORM_TERMS:
                if name in self.names:
                    terms[name] = _waveform_term(name, estimate, target)
        return {name: terms[name] for name in self.names}


def _waveform_term(name: str, estimate: Tensor, target: Tensor) -> Tensor:
    if name == "waveform_l1":
        return nn.functional.l1_loss(estimate, target)
    if name == "waveform_l2":
        return nn.functional.mse_loss(estimate, target)
    if name == "log_spectral_distance":
        return log_spectral_distance(estimate, target)
    return -(metrics.si_sdr if name == "si_sdr" else metrics.sdr)(estimate, target).mean()


def log_spectral_distance(estimate: Tensor, target: Tensor, *, window_length: int = 2048) -> Tensor:
    """`metrics.log_spectral_distance` in dB, averaged over the batch, with a gradient.

    Root mean square over the bins of 20 log₁₀ x/y, averaged over frames and channels, of magnitudes x and y
    that are at least `metrics.EPSILON`.

    Parameters
    ----------
    estimate, target : (batch, channels, time)
    window_length : in samples
    """
    hann = torch.hann_window(window_length, dtype=estimate.dtype, device=estimate.device)
    missing = max(0, window_length // 2 + 1 - estimate.shape[-1])

    def level_db(samples: Tensor) -> Tensor:
        padded = nn.functional.pad(samples, (0, missing)).flatten(0, -2)
        spectrum = torch.stft(padded, window_length, window_length // 4, window=hann, return_complex=True)
        return 20.0 * spectrum.abs().clamp(min=metrics.EPSILON).log10()

    squares = (level_db(estimate) - level_db(target)).square().mean(dim=-2)
    # Where both are equal the root has no slope; there the distance is at its least anyway.
    return squares.clamp(min=SMALLEST_NORM).sqrt().mean()


def unknown_term(name: str, known: Iterable[str]) -> UsageError:
    """Say that there is no such term, and which name is nearest."""
    return UsageError(f"loss weight '{name}': no such term; {nearest(name, known)}")


def weigh(
    terms: Mapping[str, Tensor], weights: Mapping[str, float], *, known: Iterable[str] = RECONSTRUCTION_TERMS
) -> Tensor:
    """Sum the terms by their weights, Σ weight·term.

    Every term needs a weight and every weight a term, so that none is ignored; only a weight of zero may do
    without its term.

    Parameters
    ----------
    terms : scalars by name
    weights : by the same names
    known : names that may be in `weights` at zero without being in `terms`
    """
    _check_names(terms, weights, known)
    weighed = [weights[name] * term for name, term in terms.items() if weights[name] != 0.0]
    if not weighed:
        raise UsageError("loss weights: all are zero, so there is nothing to learn; set one of them")
    return torch.stack(weighed).sum()


def _check_names(terms: Mapping[str, Tensor], weights: Mapping[str, float], known: Iterable[str]) -> None:
    for name, weight in weights.items():
        if name in terms:
            continue
        if name not in known:
            raise unknown_term(name, {*terms, *known})
        if weight != 0.0:
            raise UsageError(f"loss weight '{name}' is {weight}, but the term was not computed")
    for name in terms:
        if name not in weights:
            raise UsageError(f"loss term '{name}' has no weight; set one, 0 to leave it out")


class LossBalancer(nn.Module):
    """Scale terms so that their weights are shares of the gradient at the output, whatever the terms' units.

    With gᵢ the gradient of term i at the output and Nᵢ a running mean of ‖gᵢ‖ (per item, averaged over the
    batch), the gradient that goes on is R Σᵢ wᵢ/Σw · gᵢ/Nᵢ. The idea is that of Défossez et al., 2022, "High
    Fidelity Neural Audio Compression", section 3.4. Each term costs a backward pass as far as the output.

    Parameters
    ----------
    weights : shares by name, not negative
    decay : of the running means, whose start is corrected for
    total_norm : R
    """

    norm_sums: Tensor
    norm_counts: Tensor

    def __init__(
        self, weights: Mapping[str, float], *, decay: float = 0.999, total_norm: float = 1.0
    ) -> None:
        super().__init__()
        if not weights or min(weights.values()) < 0.0 or sum(weights.values()) == 0.0:
            raise UsageError(f"loss weights {dict(weights)}: must not be negative, nor all zero")
        if not 0.0 <= decay < 1.0:
            raise UsageError(f"balancer decay {decay}: must be at least 0 and below 1")
        self.weights, self.decay, self.total_norm = dict(weights), decay, total_norm
        self.names = tuple(sorted(name for name, weight in weights.items() if weight != 0.0))
        self.register_buffer("norm_sums", torch.zeros(len(self.names)))
        self.register_buffer("norm_counts", torch.zeros(len(self.names)))

    def forward(self, terms: Mapping[str, Tensor], output: Tensor) -> Tensor:
        """Give one scalar Σ scale·term to call `backward` on; it goes back through `output` alone.

        In evaluation, and where no gradient is wanted, the running means stay as they are.

        Parameters
        ----------
        terms : scalars by name, functions of `output`
        output : (batch, ...), what the model gave
        """
        _check_names(terms, self.weights, ())
        if not (torch.is_grad_enabled() and output.requires_grad):
            return torch.stack([terms[name] for name in self.names]) @ self.scales().to(output)
        gradients = [self._gradient(name, terms[name], output) for name in self.names]
        if self.training:
            self._follow(torch.stack([gradient.flatten(1).norm(dim=1).mean() for gradient in gradients]))
        scales = self.scales()
        through = sum(scale * gradient for scale, gradient in zip(scales, gradients, strict=True))
        value = sum(scale * terms[name].detach() for scale, name in zip(scales, self.names, strict=True))
        surrogate = (output * through).sum()
        return value + surrogate - surrogate.detach()

    def scales(self) -> Tensor:
        """What each term is multiplied by, (names,); before any step, the shares themselves."""
        shares = self.norm_sums.new_tensor([self.weights[name] for name in self.names])
        seen = self.norm_counts > 0.0
        norms = torch.where(seen, self.norm_sums / self.norm_counts.clamp(min=SMALLEST_NORM), 1.0)
        return self.total_norm * shares / shares.sum() / norms.clamp(min=SMALLEST_NORM)

    @staticmethod
    def _gradient(name: str, term: Tensor, output: Tensor) -> Tensor:
        gradient = None
        if term.requires_grad:
            (gradient,) = torch.autograd.grad(term, output, retain_graph=True, allow_unused=True)
        if gradient is None:
            raise UsageError(f"loss term '{name}' does not depend on the output; add it after the balancer")
        return gradient

    @torch.no_grad()
    def _follow(self, norms: Tensor) -> None:
        """Take the norms into the running means; one that is not finite would stay there for ever."""
        finite = norms.isfinite()
        sums = self.decay * self.norm_sums + norms.to(self.norm_sums)
        self.norm_sums.copy_(torch.where(finite, sums, self.norm_sums))
        self.norm_counts.copy_(torch.where(finite, self.decay * self.norm_counts + 1.0, self.norm_counts))
