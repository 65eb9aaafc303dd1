"""Distances between sounds, one value per item of the batch.

Every function takes (batch, channels, time) or (channels, time) and gives (batch,) or a scalar, in float32
or better, finite at silence. Channels are taken together as one signal, so that a silent one does not decide
the outcome. SDR and SI-SDR can be differentiated; the spectral distances carry no gradient.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import torch
from torch import Tensor

from tonewright.dsp.spectra import mel_filterbank, window
from tonewright.learning.latent import at_least_single
from tonewright.learning.resolution import Constant, Filterbank, Resolution

WINDOWS = (2048, 1024, 512)
MEL_BANDS = (128, 64, 32)
EPSILON = 1e-5
"""Floor of the magnitudes, for a full-scale sine of about a quarter of the window's length."""
ENERGY_FLOOR = 1e-8
"""Added to the energies of SDR and SI-SDR (sums of squares), so that silence gives a finite value."""


def sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """Signal-to-distortion ratio in dB, 10 log₁₀ (‖s‖² + ε)/(‖ŝ − s‖² + ε) with ε = `ENERGY_FLOOR`.

    Parameters
    ----------
    estimate : (..., channels, time)
        ŝ.
    target : (..., channels, time)
        s.
    """
    estimate, target = at_least_single(estimate), at_least_single(target)
    return _ratio_db(_energy(target), _energy(estimate - target))


def si_sdr(estimate: Tensor, target: Tensor) -> Tensor:
    """Scale-invariant signal-to-distortion ratio in dB, of signals with each channel's mean taken off.

    10 log₁₀ (‖αs‖² + ε)/(‖ŝ − αs‖² + ε) with α = ⟨ŝ, s⟩/(‖s‖² + ε): one scale for all channels
    (Le Roux et al., 2019, "SDR – Half-baked or Well Done?").

    Parameters
    ----------
    estimate : (..., channels, time)
        ŝ.
    target : (..., channels, time)
        s.
    """
    estimate, target = at_least_single(estimate), at_least_single(target)
    estimate = estimate - estimate.mean(dim=-1, keepdim=True)
    target = target - target.mean(dim=-1, keepdim=True)
    scale = (estimate * target).sum(dim=(-2, -1)) / (_energy(target) + ENERGY_FLOOR)
    projection = scale[..., None, None] * target
    return _ratio_db(_energy(projection), _energy(estimate - projection))


def mel_distance(
    estimate: Tensor,
    target: Tensor,
    *,
    sample_rate: int,
    windows: Sequence[int] = WINDOWS,
    bands: Sequence[int] = MEL_BANDS,
    epsilon: float = EPSILON,
) -> Tensor:
    """Mean |log₁₀ m/n| of mel magnitudes m, n, at least ε, averaged over resolutions.

    Hann windows with hops of a quarter, magnitudes, Slaney bands of unit area.

    Parameters
    ----------
    estimate, target : (..., channels, time)
    sample_rate : of both
    windows : lengths in samples
    bands : number of mel bands for each
    epsilon : ε
    """
    pairs = zip(
        log_mels(estimate, sample_rate=sample_rate, windows=windows, bands=bands, epsilon=epsilon),
        log_mels(target, sample_rate=sample_rate, windows=windows, bands=bands, epsilon=epsilon),
        strict=True,
    )
    return torch.stack([(m - n).abs_().mean(dim=(-3, -2, -1)) for m, n in pairs]).mean(dim=0)


def log_mels(
    samples: Tensor,
    *,
    sample_rate: int,
    windows: Sequence[int] = WINDOWS,
    bands: Sequence[int] = MEL_BANDS,
    epsilon: float = EPSILON,
) -> list[Tensor]:
    """log₁₀ of the mel magnitudes that `mel_distance` compares, at least ε; (..., channels, frames, bands).

    Parameters
    ----------
    samples : (..., channels, time)
    sample_rate, windows, bands, epsilon : as for `mel_distance`
    """
    found = []
    for length, count in zip(windows, bands, strict=True):
        bank = _filterbank(sample_rate, length, count)
        found.append(bank(_magnitudes(samples, length)).clamp_(min=epsilon).log10_())
    return found


def stft_distance(
    estimate: Tensor, target: Tensor, *, windows: Sequence[int] = WINDOWS, epsilon: float = EPSILON
) -> Tensor:
    """Spectral convergence ‖x − y‖/‖y‖ plus mean |ln x/y|, averaged over resolutions.

    x and y are magnitudes, at least ε, of Hann windows with hops of a quarter.

    Parameters
    ----------
    estimate, target : (..., channels, time)
    windows : lengths in samples
    epsilon : ε
    """
    total = estimate.new_zeros(())
    for length in windows:
        x, y = (_magnitudes(samples, length).clamp_(min=epsilon) for samples in (estimate, target))
        axes = (-3, -2, -1)
        ratio = torch.linalg.vector_norm(x - y, dim=axes) / torch.linalg.vector_norm(y, dim=axes)
        total = total + ratio + (x / y).log_().abs_().mean(dim=axes)
    return total / len(windows)


def log_spectral_distance(
    estimate: Tensor, target: Tensor, *, window_length: int = 2048, epsilon: float = EPSILON
) -> Tensor:
    """Root mean square over the bins of 20 log₁₀ x/y in dB, averaged over frames and channels.

    x and y are magnitudes, at least ε, of Hann windows with hops of a quarter.

    Parameters
    ----------
    estimate, target : (..., channels, time)
    window_length : in samples
    epsilon : ε
    """
    x, y = (_magnitudes(samples, window_length).clamp_(min=epsilon) for samples in (estimate, target))
    return 20.0 * (x / y).log10_().square_().mean(dim=-1).sqrt_().mean(dim=(-2, -1))


@torch.no_grad()
def _magnitudes(samples: Tensor, length: int) -> Tensor:
    resolution = _resolution(length)
    missing = max(0, resolution.least_samples - samples.shape[-1])
    with torch.autocast(device_type=samples.device.type, enabled=False):
        return resolution.spectrum(torch.nn.functional.pad(at_least_single(samples), (0, missing))).abs()


@lru_cache(maxsize=32)
def _resolution(length: int) -> Resolution:
    return Resolution(length, max(1, length // 4), Constant(window("hann", length)))


@lru_cache(maxsize=32)
def _filterbank(sample_rate: int, length: int, count: int) -> Filterbank:
    return Filterbank(mel_filterbank(sample_rate=sample_rate, n_fft=length, n_mels=count).T)


def _energy(samples: Tensor) -> Tensor:
    return samples.square().sum(dim=(-2, -1))


def _ratio_db(signal: Tensor, noise: Tensor) -> Tensor:
    return (10.0 / math.log(10.0)) * (torch.log(signal + ENERGY_FLOOR) - torch.log(noise + ENERGY_FLOOR))
