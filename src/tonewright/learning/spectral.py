"""Multi-resolution STFT and mel losses, on left/right and mid/side together.

Settings are plain values, so that they can be written in a config.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from tonewright.dsp.levels import amplitude_from_db
from tonewright.dsp.spectra import a_weighting_db, mel_filterbank, window
from tonewright.errors import UsageError
from tonewright.learning.latent import at_least_single
from tonewright.learning.resolution import Constant, Filterbank, Resolution
from tonewright.learning.settings import ChannelViews, MelSettings, STFTSettings
from tonewright.learning.terms import CONVERGENCE, LINEAR, LOG, MEL, spectral_terms

STFT_TERMS = (LOG, LINEAR, CONVERGENCE)
MEL_TERMS = (MEL,)


VIEWS = ChannelViews()


class SpectralLoss(nn.Module):
    """Multi-resolution STFT and mel terms, each averaged over its resolutions.

    Where both have a window and a hop in common, they share its spectra. The terms at one resolution are
    those of `terms.spectral_terms`; they are computed in float32 (float64 where the inputs are), outside
    autocast. The target gets no gradient.

    Parameters
    ----------
    stft : settings of stft_log, stft_linear and stft_convergence, or none
    mel : settings of mel, or none
    views : left/right and mid/side
    sample_rate : of the sounds
    """

    def __init__(
        self,
        *,
        stft: STFTSettings | None = None,
        mel: MelSettings | None = None,
        views: ChannelViews = VIEWS,
        sample_rate: int,
    ) -> None:
        super().__init__()
        if min(views.left_right, views.mid_side) < 0.0 or views.left_right + views.mid_side == 0.0:
            raise UsageError(f"channel views {views}: weights must not be negative, nor both zero")
        plans: dict[Extent, dict[str, Any]] = {}
        names: dict[Extent, tuple[str, ...]] = {}
        for extent, plan in (*_stft_plans(stft, sample_rate), *_mel_plans(mel, sample_rate)):
            plans.setdefault(extent, {}).update(plan)
            names[extent] = names.get(extent, ()) + (MEL_TERMS if "mel" in plan else STFT_TERMS)
        both = views.left_right, views.mid_side
        self.parts = [(_resolution(extent, plan, both), names[extent]) for extent, plan in plans.items()]
        self.names = (*(STFT_TERMS if stft else ()), *(MEL_TERMS if mel else ()))

    def forward(
        self, estimate: Tensor, target: Tensor, *, names: Collection[str] | None = None
    ) -> dict[str, Tensor]:
        """Compute the terms that are named, by default all that have settings.

        Parameters
        ----------
        estimate, target : (batch, channels, time)
        names : of `self.names`
        """
        check_shapes(estimate, target)
        wanted = self.names if names is None else tuple(names)
        sums: dict[str, list[Tensor]] = {name: [] for name in wanted}
        with torch.autocast(device_type=estimate.device.type, enabled=False):
            estimate, target = at_least_single(estimate), at_least_single(target.detach())
            for resolution, offered in self.parts:
                chosen = tuple(name for name in offered if name in sums)
                if chosen:
                    terms = spectral_terms(estimate, target, resolution=resolution, names=chosen)
                    for name, term in terms.items():
                        sums[name].append(term)
        return {name: torch.stack(values).mean() for name, values in sums.items()}


def check_shapes(estimate: Tensor, target: Tensor) -> None:
    """Refuse what is not two batches of the same shape."""
    if estimate.shape != target.shape or estimate.ndim != 3 or 0 in estimate.shape:
        raise ValueError(
            f"estimate {tuple(estimate.shape)} and target {tuple(target.shape)}: "
            "must have one shape (batch, channels, time), nothing of it empty"
        )


class MultiResolutionSTFTLoss(SpectralLoss):
    """stft_log, stft_linear and stft_convergence of `SpectralLoss`."""

    def __init__(
        self,
        settings: STFTSettings,
        *,
        sample_rate: int,
        views: ChannelViews = VIEWS,
    ) -> None:
        super().__init__(stft=settings, views=views, sample_rate=sample_rate)


class MultiResolutionMelLoss(SpectralLoss):
    """mel of `SpectralLoss`."""

    def __init__(
        self,
        settings: MelSettings,
        *,
        sample_rate: int,
        views: ChannelViews = VIEWS,
    ) -> None:
        super().__init__(mel=settings, views=views, sample_rate=sample_rate)


Extent = tuple[int, int, int]
"""Window, hop and FFT length in samples."""


def _resolution(extent: Extent, plan: dict[str, Any], views: tuple[float, float]) -> Resolution:
    length, hop_samples, n_fft = extent
    return Resolution(n_fft, hop_samples, Constant(window("hann", length)), views=views, **plan)


def _stft_plans(settings: STFTSettings | None, sample_rate: int) -> Iterator[tuple[Extent, dict[str, Any]]]:
    if settings is None:
        return
    if settings.convergence_over not in ("item", "batch"):
        raise UsageError(f"stft.convergence_over '{settings.convergence_over}': must be item or batch")
    _check_epsilon("stft.epsilon", settings.epsilon)
    silence = amplitude_from_db(np.asarray(settings.silence_db, dtype=np.float64))
    for length, hop_samples, n_fft in _extents("stft", settings.windows, settings.hops, settings.ffts):
        yield (
            (length, hop_samples, n_fft),
            {
                "epsilon": settings.epsilon,
                "over_batch": settings.convergence_over == "batch",
                "convergence_floor": float(silence) * math.sqrt(float(np.sum(window("hann", length) ** 2))),
                "weighting": _a_weighting(n_fft, sample_rate) if settings.a_weighting else None,
            },
        )


def _mel_plans(settings: MelSettings | None, sample_rate: int) -> Iterator[tuple[Extent, dict[str, Any]]]:
    if settings is None:
        return
    if len(settings.bands) != len(settings.windows):
        raise UsageError(
            f"mel.bands {settings.bands}: needs as many numbers as mel.windows {settings.windows}"
        )
    _check_epsilon("mel.epsilon", settings.epsilon)
    for extent, bands in zip(
        _extents("mel", settings.windows, settings.hops, ()), settings.bands, strict=True
    ):
        bank = mel_filterbank(
            sample_rate=sample_rate,
            n_fft=extent[2],
            n_mels=bands,
            low_hz=settings.low_hz,
            high_hz=settings.high_hz,
            scale=settings.scale,
        )
        yield extent, {"mel": Filterbank(bank.T), "mel_epsilon": settings.epsilon}


def _extents(name: str, windows: Sequence[int], hops: Sequence[int], ffts: Sequence[int]) -> Iterator[Extent]:
    if not windows:
        raise UsageError(f"{name}.windows: is empty; name at least one length in samples")
    for key, given in (("hops", hops), ("ffts", ffts)):
        if given and len(given) != len(windows):
            raise UsageError(f"{name}.{key} {given}: needs as many numbers as {name}.windows {windows}")
    if len(set(windows)) != len(windows):
        raise UsageError(f"{name}.windows {windows}: a length is named twice")
    for index, length in enumerate(windows):
        hop_samples = hops[index] if hops else max(1, length // 4)
        n_fft = ffts[index] if ffts else length
        if not 1 <= hop_samples <= length <= n_fft:
            raise UsageError(
                f"{name}: window {length}, hop {hop_samples}, FFT {n_fft}: need 1 <= hop <= window <= FFT"
            )
        yield length, hop_samples, n_fft


def _check_epsilon(name: str, epsilon: float) -> None:
    if not epsilon > 0.0:
        raise UsageError(f"{name} {epsilon}: must be above 0, since its logarithm is taken")


def _a_weighting(n_fft: int, sample_rate: int) -> Constant:
    frequency_hz = np.arange(n_fft // 2 + 1) * (sample_rate / n_fft)
    return Constant(amplitude_from_db(a_weighting_db(frequency_hz)))
