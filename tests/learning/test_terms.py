from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from tonewright.dsp.spectra import mel_filterbank, window
from tonewright.learning import terms as terms_module
from tonewright.learning.spectral import (
    STFT_TERMS,
    ChannelViews,
    MelSettings,
    MultiResolutionMelLoss,
    MultiResolutionSTFTLoss,
    SpectralLoss,
    STFTSettings,
)

RATE = 16000
PLAIN = STFTSettings(windows=(256, 64), a_weighting=False)
MEL = MelSettings(windows=(256, 64), bands=(30, 8))


def sounds(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """An estimate that wants gradients, and its target."""
    pair = 0.1 * torch.randn((2, *shape), generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return pair[0].clone().requires_grad_(), pair[1].clone()


# A plain version of every term, by torch.stft and autograd, to compare with.


def plain_magnitude(samples: Tensor, *, n_fft: int, hop: int, length: int) -> Tensor:
    """(batch, channels, time) -> (batch, channels, bins, frames)"""
    spectrum = torch.stft(
        samples.flatten(0, 1),
        n_fft,
        hop,
        length,
        torch.from_numpy(window("hann", length)).to(samples.dtype),
        pad_mode="reflect",
        return_complex=True,
    )
    return spectrum.abs().unflatten(0, samples.shape[:2])


def plain_views(samples: Tensor, views: ChannelViews) -> list[tuple[float, Tensor]]:
    if samples.shape[1] != 2:
        return [(views.left_right + views.mid_side, samples)]
    turn = torch.tensor([[1.0, 1.0], [1.0, -1.0]], dtype=samples.dtype) / math.sqrt(2)
    return [(views.left_right, samples), (views.mid_side, torch.einsum("ij,bjt->bit", turn, samples))]


def a_curve(n_fft: int) -> Tensor:
    """Amplitude of the A-weighting of IEC 61672-1."""
    f2 = torch.arange(n_fft // 2 + 1, dtype=torch.float64).mul(RATE / n_fft).square()
    poles = (f2 + 20.598997**2) * ((f2 + 107.65265**2) * (f2 + 737.86223**2)).sqrt() * (f2 + 12194.217**2)
    return (12194.217**2 * f2**2 / poles * 10 ** (2.0 / 20)).clamp(min=1e-4)


def plain_stft_terms(
    estimate: Tensor, target: Tensor, s: STFTSettings, views: ChannelViews
) -> dict[str, Tensor]:
    sums = dict.fromkeys(STFT_TERMS, torch.zeros((), dtype=estimate.dtype))
    for index, length in enumerate(s.windows):
        hop = s.hops[index] if s.hops else length // 4
        n_fft = s.ffts[index] if s.ffts else length
        curve = a_curve(n_fft)[:, None] if s.a_weighting else 1.0
        pairs = zip(plain_views(estimate, views), plain_views(target, views), strict=True)
        for (weight, first), (_, second) in pairs:
            x, y = (
                (curve * plain_magnitude(v, n_fft=n_fft, hop=hop, length=length)).clamp(min=s.epsilon)
                for v in (first, second)
            )
            axes = (0, 1, 2, 3) if s.convergence_over == "batch" else (1, 2, 3)
            ratio = (x - y).square().sum(axes).sqrt() / y.square().sum(axes).sqrt()
            share = weight / len(s.windows)
            sums["stft_log"] = sums["stft_log"] + share * (x.log() - y.log()).abs().mean()
            sums["stft_linear"] = sums["stft_linear"] + share * (x - y).abs().mean()
            sums["stft_convergence"] = sums["stft_convergence"] + share * ratio.mean()
    return sums


def plain_mel_term(estimate: Tensor, target: Tensor, s: MelSettings, views: ChannelViews) -> Tensor:
    total = torch.zeros((), dtype=estimate.dtype)
    for length, bands in zip(s.windows, s.bands, strict=True):
        bank = torch.from_numpy(mel_filterbank(sample_rate=RATE, n_fft=length, n_mels=bands)).to(
            estimate.dtype
        )
        pairs = zip(plain_views(estimate, views), plain_views(target, views), strict=True)
        for (weight, first), (_, second) in pairs:
            m, n = (
                (bank @ plain_magnitude(v, n_fft=length, hop=length // 4, length=length)).clamp(min=s.epsilon)
                for v in (first, second)
            )
            total = total + weight / len(s.windows) * (m.log10() - n.log10()).abs().mean()
    return total


def assert_same_values_and_gradients(terms: dict, plain: dict, estimate: Tensor) -> None:
    assert terms.keys() == plain.keys()
    for name, term in terms.items():
        torch.testing.assert_close(term, plain[name], rtol=1e-9, atol=1e-12)
        (gradient,) = torch.autograd.grad(term, estimate, retain_graph=True)
        (expected,) = torch.autograd.grad(plain[name], estimate, retain_graph=True)
        torch.testing.assert_close(gradient, expected, rtol=1e-6, atol=1e-9 * float(expected.abs().max()))


@pytest.mark.parametrize("channels", [1, 2, 3])
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"convergence_over": "batch"},
        {"a_weighting": True},
        {"windows": (100, 60), "hops": (33, 60), "ffts": (128, 81)},
        {"windows": (63,), "hops": (10,)},
        {"epsilon": 0.3},
    ],
    ids=["plain", "batch", "a-weighting", "padded", "odd", "floor"],
)
def test_stft_terms_and_gradients_equal_autograd(channels: int, changes: dict):
    estimate, target = sounds(2, channels, 700)
    s, views = replace(PLAIN, **changes), ChannelViews(left_right=0.7, mid_side=0.4)
    terms = MultiResolutionSTFTLoss(s, sample_rate=RATE, views=views)(estimate, target)
    assert_same_values_and_gradients(terms, plain_stft_terms(estimate, target, s, views), estimate)


@pytest.mark.parametrize("channels", [1, 2])
def test_mel_term_and_gradient_equal_autograd(channels: int):
    estimate, target = sounds(2, channels, 700)
    views = ChannelViews(left_right=0.7, mid_side=0.4)
    terms = MultiResolutionMelLoss(MEL, sample_rate=RATE, views=views)(estimate, target)
    plain = {"mel": plain_mel_term(estimate, target, MEL, views)}
    assert_same_values_and_gradients(terms, plain, estimate)


def test_terms_that_share_spectra_are_those_that_do_not():
    estimate, target = sounds(2, 2, 600)
    s = STFTSettings(windows=(256, 128, 32))  # 256 is shared with mel, weighted here and plain there
    both = SpectralLoss(stft=s, mel=MEL, sample_rate=RATE)
    assert len(both.parts) == 4
    apart = {
        **MultiResolutionSTFTLoss(s, sample_rate=RATE)(estimate, target),
        **MultiResolutionMelLoss(MEL, sample_rate=RATE)(estimate, target),
    }
    together = both(estimate, target)
    assert_same_values_and_gradients(together, apart, estimate)
    (joint,) = torch.autograd.grad(sum(together.values()), estimate)
    (split,) = torch.autograd.grad(sum(apart.values()), estimate)
    torch.testing.assert_close(joint, split)


@pytest.mark.parametrize("channels", [1, 2])
def test_gradients_pass_the_numerical_check(channels: int):
    estimate, target = sounds(2, channels, 50, seed=4)
    loss = SpectralLoss(
        stft=STFTSettings(windows=(32, 24), hops=(8, 7), ffts=(32, 31)),
        mel=MelSettings(windows=(32,), bands=(6,)),
        sample_rate=RATE,
    )
    assert torch.autograd.gradcheck(lambda x: tuple(loss(x, target).values()), (estimate,))


@pytest.mark.parametrize("channels", [1, 2])
def test_a_whole_batch_at_once_is_the_same(channels: int, monkeypatch: pytest.MonkeyPatch):
    # On an accelerator the batch is not taken item by item.
    estimate, target = sounds(3, channels, 600)
    loss = SpectralLoss(stft=replace(PLAIN, a_weighting=True), mel=MEL, sample_rate=RATE)
    by_item = loss(estimate, target)
    gradients = {
        name: torch.autograd.grad(term, estimate, retain_graph=True)[0] for name, term in by_item.items()
    }
    monkeypatch.setattr(terms_module, "_chunks", lambda samples: iter([slice(0, len(samples))]))
    at_once = loss(estimate, target)
    torch.testing.assert_close(at_once, by_item)
    for name, term in at_once.items():
        torch.testing.assert_close(torch.autograd.grad(term, estimate, retain_graph=True)[0], gradients[name])


def test_only_named_terms_are_given():
    estimate, target = sounds(1, 1, 600)
    loss = SpectralLoss(stft=PLAIN, mel=MEL, sample_rate=RATE)
    full = loss(estimate, target)
    for names in (("mel",), ("stft_log",), ("stft_linear", "mel"), ("stft_convergence", "stft_linear")):
        some = loss(estimate, target, names=names)
        assert_same_values_and_gradients(some, {name: full[name] for name in names}, estimate)
