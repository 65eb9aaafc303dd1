from __future__ import annotations

import copy
import math
import pickle
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tonewright.errors import UsageError
from tonewright.learning.spectral import (
    ChannelViews,
    MelSettings,
    MultiResolutionSTFTLoss,
    SpectralLoss,
    STFTSettings,
)

RATE = 16000
PLAIN = STFTSettings(windows=(256, 64), a_weighting=False)
MEL = MelSettings(windows=(256, 64), bands=(30, 8))
LEFT_RIGHT = ChannelViews(left_right=1.0, mid_side=0.0)


def sounds(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """An estimate that wants gradients, and its target."""
    pair = 0.1 * torch.randn((2, *shape), generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return pair[0].clone().requires_grad_(), pair[1].clone()


# What the terms mean.


@pytest.mark.parametrize("channels", [1, 2])
def test_equal_sounds_cost_nothing_and_pull_nowhere(channels: int):
    estimate, _ = sounds(2, channels, 600, dtype=torch.float32)
    terms = SpectralLoss(stft=PLAIN, mel=MEL, sample_rate=RATE)(estimate, estimate.detach().clone())
    assert [term.item() for term in terms.values()] == [0.0] * 4
    sum(terms.values()).backward()
    assert estimate.grad is not None
    assert float(estimate.grad.abs().max()) == 0.0


@given(gain=st.floats(0.1, 10.0))
@settings(deadline=None, max_examples=20)
def test_a_gain_costs_what_the_formulas_say(gain: float):
    _, target = sounds(1, 1, 600)
    loss = SpectralLoss(stft=PLAIN, mel=MEL, views=LEFT_RIGHT, sample_rate=RATE)
    terms = loss(gain * target, target)
    assert terms["stft_log"].item() == pytest.approx(abs(math.log(gain)), rel=1e-3, abs=1e-9)
    assert terms["mel"].item() == pytest.approx(abs(math.log10(gain)), rel=1e-3, abs=1e-9)
    assert terms["stft_convergence"].item() == pytest.approx(abs(gain - 1), rel=1e-3, abs=1e-9)


def test_convergence_per_item_does_not_let_the_loudest_decide():
    _, target = sounds(2, 1, 600)
    target[0] *= 100.0
    estimate = target.clone()
    estimate[1] *= 2.0  # wrong by its own level in the quiet item alone
    item, batch = (
        MultiResolutionSTFTLoss(replace(PLAIN, convergence_over=over), sample_rate=RATE)(estimate, target)
        for over in ("item", "batch")
    )
    assert item["stft_convergence"].item() == pytest.approx(0.5, rel=1e-3)
    assert batch["stft_convergence"].item() < 0.02


def test_both_channel_views_count():
    # Side alone is wrong: left/right see part of it, mid/side see it in one of two channels.
    _, target = sounds(1, 2, 600)
    estimate = target + 0.3 * torch.randn(600, dtype=torch.float64) * torch.tensor([[1.0], [-1.0]])
    values = {}
    for views in (ChannelViews(1, 0), ChannelViews(0, 1), ChannelViews(1, 1), ChannelViews(2, 0.5)):
        loss = MultiResolutionSTFTLoss(PLAIN, sample_rate=RATE, views=views)
        values[views] = loss(estimate, target)["stft_log"].item()
    left_right, mid_side = values[ChannelViews(1, 0)], values[ChannelViews(0, 1)]
    assert left_right != pytest.approx(mid_side, rel=0.05)
    assert values[ChannelViews(1, 1)] == pytest.approx(left_right + mid_side)
    assert values[ChannelViews(2, 0.5)] == pytest.approx(2 * left_right + 0.5 * mid_side)


def test_mono_counts_as_much_as_the_views_together():
    estimate, target = sounds(2, 1, 600)
    once, both = (
        MultiResolutionSTFTLoss(PLAIN, sample_rate=RATE, views=views)(estimate, target)
        for views in (LEFT_RIGHT, ChannelViews(0.25, 0.75))
    )
    torch.testing.assert_close(once, both)


def test_a_weighting_hears_the_middle_more_than_the_depths():
    seconds = torch.arange(RATE, dtype=torch.float64) / RATE
    target = torch.zeros(1, 1, RATE, dtype=torch.float64)

    def cost(frequency_hz: float, *, weighted: bool) -> float:
        s = STFTSettings(windows=(2048,), a_weighting=weighted)
        tone = 0.1 * torch.sin(2 * math.pi * frequency_hz * seconds)[None, None]
        return float(MultiResolutionSTFTLoss(s, sample_rate=RATE)(tone, target)["stft_linear"])

    # IEC 61672-1: −19.1 dB at 100 Hz, 0 dB at 1 kHz
    low, middle = (cost(hz, weighted=True) / cost(hz, weighted=False) for hz in (100.0, 1000.0))
    assert 20 * math.log10(low) == pytest.approx(-19.1, abs=1.0)
    assert 20 * math.log10(middle) == pytest.approx(0.0, abs=0.2)


# Bad input and places where numbers break.


@pytest.mark.parametrize("which", ["estimate", "target", "both"])
@pytest.mark.parametrize("channels", [1, 2])
def test_silence_gives_finite_terms_and_gradients(which: str, channels: int):
    estimate, target = sounds(2, channels, 4000, dtype=torch.float32)
    estimate = torch.zeros_like(estimate).requires_grad_() if which != "target" else estimate
    target = torch.zeros_like(target) if which != "estimate" else target
    terms = SpectralLoss(stft=STFTSettings(), mel=MelSettings(), sample_rate=44100)(estimate, target)
    for name, term in terms.items():
        (gradient,) = torch.autograd.grad(term, estimate, retain_graph=True)
        assert math.isfinite(term.item()), name
        assert bool(torch.isfinite(gradient).all()), name


def test_a_silent_target_does_not_run_away():
    estimate, _ = sounds(1, 1, 8000)
    loss = MultiResolutionSTFTLoss(replace(PLAIN, silence_db=-60.0), sample_rate=RATE)
    # Noise at −20 dB against the floor at −60 dB: a ratio of 100, for every window
    ratio = loss(estimate, torch.zeros_like(estimate))["stft_convergence"].item()
    assert ratio == pytest.approx(100.0, rel=0.05)


@pytest.mark.parametrize("time", [1, 2, 31, 129])
def test_sounds_shorter_than_a_window_are_measured(time: int):
    estimate, target = sounds(1, 2, time)
    terms = SpectralLoss(stft=STFTSettings(), mel=MelSettings(), sample_rate=44100)(estimate, target)
    sum(terms.values()).backward()
    assert all(term.item() > 0 for term in terms.values())
    assert estimate.grad is not None
    assert bool(torch.isfinite(estimate.grad).all())
    assert float(estimate.grad.abs().max()) > 0


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_is_measured_in_single(dtype: torch.dtype):
    estimate, target = sounds(1, 1, 600, dtype=torch.float32)
    loss = SpectralLoss(stft=PLAIN, mel=MEL, sample_rate=RATE)
    low = estimate.detach().to(dtype).requires_grad_()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = loss(low, target)
    assert {term.dtype for term in terms.values()} == {torch.float32}
    torch.testing.assert_close(terms, loss(low.detach().float(), target))
    sum(terms.values()).backward()
    assert low.grad is not None
    assert low.grad.dtype == dtype


def test_the_target_gets_no_gradient():
    estimate, target = sounds(1, 1, 600)
    target.requires_grad_()
    sum(MultiResolutionSTFTLoss(PLAIN, sample_rate=RATE)(estimate, target).values()).backward()
    assert target.grad is None
    assert estimate.grad is not None


def test_gradients_can_be_asked_for_more_than_once():
    estimate, target = sounds(2, 2, 600)
    total = sum(SpectralLoss(stft=PLAIN, mel=MEL, sample_rate=RATE)(estimate, target).values())
    (first,) = torch.autograd.grad(total, estimate, retain_graph=True)
    (again,) = torch.autograd.grad(total, estimate)
    assert torch.equal(first, again)


def test_the_same_sounds_give_the_same_bits():
    estimate, target = sounds(2, 2, 3000, dtype=torch.float32)
    loss = SpectralLoss(stft=STFTSettings(), mel=MelSettings(), sample_rate=44100)
    results = [loss(estimate, target) for _ in range(2)]
    gradients = [torch.autograd.grad(sum(terms.values()), estimate)[0] for terms in results]
    torch.testing.assert_close(*results, rtol=0, atol=0)
    assert torch.equal(*gradients)


def test_training_goes_on_after_a_validation_in_inference_mode():
    estimate, target = sounds(2, 2, 600)
    loss = SpectralLoss(stft=replace(PLAIN, a_weighting=True), mel=MEL, sample_rate=RATE)
    with torch.inference_mode():
        before = {name: term.item() for name, term in loss(estimate, target).items()}
    terms = loss(estimate, target)
    sum(terms.values()).backward()
    assert {name: term.item() for name, term in terms.items()} == before
    assert estimate.grad is not None


def test_a_batch_is_the_mean_of_its_items():
    estimate, target = sounds(3, 2, 600)
    loss = SpectralLoss(stft=PLAIN, mel=MEL, sample_rate=RATE)
    whole = loss(estimate, target)
    single = [loss(estimate[i : i + 1], target[i : i + 1]) for i in range(3)]
    for name, term in whole.items():
        torch.testing.assert_close(term, torch.stack([terms[name] for terms in single]).mean())


def test_without_gradients_the_terms_are_the_same():
    estimate, target = sounds(2, 2, 600)
    loss = SpectralLoss(stft=PLAIN, mel=MEL, sample_rate=RATE)
    with torch.no_grad():
        quiet = loss(estimate, target)
    assert not any(term.requires_grad for term in quiet.values())
    torch.testing.assert_close(quiet, loss(estimate, target))


def test_the_loss_can_be_copied_and_leaves_nothing_in_checkpoints():
    estimate, target = sounds(1, 2, 600)
    loss = SpectralLoss(stft=PLAIN, mel=MEL, sample_rate=RATE)
    expected = loss(estimate, target)
    assert loss.state_dict() == {}
    for other in (copy.deepcopy(loss), pickle.loads(pickle.dumps(loss)), loss.half()):
        torch.testing.assert_close(other(estimate, target), expected, rtol=0, atol=0)


@pytest.mark.parametrize(
    ("stft", "mel", "message"),
    [
        ({"windows": ()}, {}, "empty"),
        ({"hops": (1,)}, {}, "stft.hops"),
        ({"ffts": (512,)}, {}, "stft.ffts"),
        ({"windows": (64, 64)}, {}, "twice"),
        ({"windows": (64,), "ffts": (32,)}, {}, "window <= FFT"),
        ({"windows": (64,), "hops": (65,)}, {}, "hop <= window"),
        ({"convergence_over": "items"}, {}, "item or batch"),
        ({"epsilon": 0.0}, {}, "stft.epsilon"),
        ({}, {"bands": (3,)}, "mel.bands"),
        ({}, {"epsilon": -1.0}, "mel.epsilon"),
    ],
)
def test_settings_that_make_no_sense_are_refused(stft: dict, mel: dict, message: str):
    with pytest.raises(UsageError, match=message):
        SpectralLoss(stft=replace(PLAIN, **stft), mel=replace(MEL, **mel), sample_rate=RATE)


@pytest.mark.parametrize("views", [ChannelViews(0, 0), ChannelViews(-1, 2)])
def test_views_that_make_no_sense_are_refused(views: ChannelViews):
    with pytest.raises(UsageError, match="views"):
        MultiResolutionSTFTLoss(PLAIN, sample_rate=RATE, views=views)


@pytest.mark.parametrize(
    "shapes", [((1, 1, 600), (1, 1, 601)), ((1, 2, 600), (1, 1, 600)), ((1, 600), (1, 600))]
)
def test_shapes_that_do_not_fit_are_refused(shapes: tuple):
    loss = MultiResolutionSTFTLoss(PLAIN, sample_rate=RATE)
    with pytest.raises(ValueError, match=r"\(batch, channels, time\)"):
        loss(torch.zeros(shapes[0]), torch.zeros(shapes[1]))
