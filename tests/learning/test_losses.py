from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tonewright.errors import UsageError
from tonewright.learning import metrics
from tonewright.learning.losses import (
    RECONSTRUCTION_TERMS,
    LossBalancer,
    ReconstructionLoss,
    ReconstructionSettings,
    log_spectral_distance,
    weigh,
)
from tonewright.learning.metrics import sdr, si_sdr
from tonewright.learning.settings import ChannelViews, MelSettings, STFTSettings

RATE = 16000
SMALL = ReconstructionSettings(
    stft=STFTSettings(windows=(256, 64)), mel=MelSettings(windows=(256, 64), bands=(30, 8))
)


def sounds(*shape: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """An estimate that wants gradients, and its target."""
    pair = 0.1 * torch.randn((2, *shape), generator=torch.Generator().manual_seed(seed), dtype=dtype)
    return pair[0].clone().requires_grad_(), pair[1].clone()


def gradient_of(value: Tensor, at: Tensor) -> Tensor:
    return torch.autograd.grad(value, at, retain_graph=True)[0]


# The terms.


def test_every_term_is_given_under_its_name():
    terms = ReconstructionLoss(SMALL, sample_rate=RATE)(*sounds(2, 2, 600))
    assert tuple(terms) == RECONSTRUCTION_TERMS
    assert all(term.shape == () for term in terms.values())


def test_waveform_terms_are_their_formulas():
    estimate, target = sounds(3, 2, 600)
    terms = ReconstructionLoss(SMALL, sample_rate=RATE)(estimate, target)
    torch.testing.assert_close(terms["waveform_l1"], (estimate - target).abs().mean())
    torch.testing.assert_close(terms["waveform_l2"], (estimate - target).square().mean())
    torch.testing.assert_close(terms["si_sdr"], -si_sdr(estimate, target).mean())
    torch.testing.assert_close(terms["sdr"], -sdr(estimate, target).mean())


@pytest.mark.parametrize("channels", [1, 2])
def test_gradients_of_every_term_pass_the_numerical_check(channels: int):
    estimate, target = sounds(1, channels, 60, seed=2)
    tiny = ReconstructionSettings(
        stft=STFTSettings(windows=(32,)), mel=MelSettings(windows=(32,), bands=(6,))
    )
    loss = ReconstructionLoss(tiny, sample_rate=RATE)
    assert torch.autograd.gradcheck(lambda x: tuple(loss(x, target).values()), (estimate,))


@pytest.mark.parametrize("which", ["estimate", "target", "both", "neither"])
@pytest.mark.parametrize("time", [1, 5000])
def test_silence_and_equality_give_finite_terms_and_gradients(which: str, time: int):
    _, target = sounds(2, 2, time, dtype=torch.float32)
    silence = torch.zeros_like(target)
    estimate = (silence if which in ("estimate", "both") else target).clone().requires_grad_()
    target = silence if which in ("target", "both") else target
    for name, term in ReconstructionLoss(ReconstructionSettings(), sample_rate=44100)(
        estimate, target
    ).items():
        assert bool(torch.isfinite(term)), name
        assert bool(torch.isfinite(gradient_of(term, estimate)).all()), name


def test_only_the_named_terms_are_computed():
    estimate, target = sounds(1, 1, 600)
    whole = ReconstructionLoss(SMALL, sample_rate=RATE)(estimate, target)
    names = ("si_sdr", "mel", "stft_linear")
    some = ReconstructionLoss(SMALL, sample_rate=RATE, names=names)(estimate, target)
    assert tuple(some) == names
    torch.testing.assert_close(some, {name: whole[name] for name in names})


def test_a_misspelt_term_is_answered_with_the_nearest():
    with pytest.raises(UsageError, match=r"'stft_lin'.*did you mean stft_linear"):
        ReconstructionLoss(SMALL, sample_rate=RATE, names=("stft_lin",))


def test_the_settings_act():
    estimate, target = sounds(1, 2, 600)

    def mel(settings: ReconstructionSettings) -> float:
        return ReconstructionLoss(settings, sample_rate=RATE, names=("mel",))(estimate, target)["mel"].item()

    base = mel(SMALL)
    changed = [
        replace(SMALL, views=ChannelViews(1.0, 0.0)),
        replace(SMALL, mel=replace(SMALL.mel, bands=(20, 8))),
        replace(SMALL, mel=replace(SMALL.mel, hops=(200, 64))),
        replace(SMALL, mel=replace(SMALL.mel, low_hz=1000.0)),
        replace(SMALL, mel=replace(SMALL.mel, high_hz=4000.0)),
        replace(SMALL, mel=replace(SMALL.mel, scale="htk")),
        replace(SMALL, mel=replace(SMALL.mel, epsilon=1e-2)),
    ]
    assert all(mel(settings) != pytest.approx(base, rel=1e-4) for settings in changed)


def test_the_settings_are_a_structured_config():
    omegaconf = pytest.importorskip("omegaconf")
    config = omegaconf.OmegaConf.structured(ReconstructionSettings)
    omegaconf.OmegaConf.set_readonly(config.stft, False)
    config.stft.windows = [64, 32]
    settings = omegaconf.OmegaConf.to_object(config)
    assert isinstance(settings, ReconstructionSettings)
    assert len(ReconstructionLoss(settings, sample_rate=RATE).spectral.parts) == 2 + 7 - 2 + 2 - 2


def test_following_the_gradient_brings_the_sound_nearer():
    estimate, target = sounds(1, 2, 4000, dtype=torch.float32)
    loss = ReconstructionLoss(SMALL, sample_rate=RATE, names=("stft_log", "stft_linear", "mel"))
    optimiser = torch.optim.Adam([estimate], lr=3e-3)
    values = []
    for _ in range(60):
        total = weigh(loss(estimate, target), {"stft_log": 1.0, "stft_linear": 1.0, "mel": 1.0})
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        values.append(total.item())
    assert values[-1] < 0.75 * values[0]


# The weights.


@pytest.mark.parametrize("name", RECONSTRUCTION_TERMS)
def test_each_weight_changes_the_total_and_the_gradient_by_its_term(name: str):
    estimate, target = sounds(2, 2, 600)
    terms = ReconstructionLoss(SMALL, sample_rate=RATE)(estimate, target)
    weights = {other: 0.5 + 0.1 * index for index, other in enumerate(RECONSTRUCTION_TERMS)}
    raised = weights | {name: weights[name] + 2.0}
    before, after = weigh(terms, weights), weigh(terms, raised)
    torch.testing.assert_close(after - before, 2.0 * terms[name])
    change = gradient_of(after, estimate) - gradient_of(before, estimate)
    pull = gradient_of(terms[name], estimate)
    assert float(pull.abs().max()) > 0
    torch.testing.assert_close(change, 2.0 * pull, rtol=1e-5, atol=1e-7 * float(pull.abs().max()) + 1e-12)


def test_terms_of_other_rooms_are_weighed_too():
    terms = {"mel": torch.tensor(2.0), "kl": torch.tensor(3.0)}
    assert weigh(terms, {"mel": 1.5, "kl": 0.1}).item() == pytest.approx(3.3)
    assert weigh(terms, {"mel": 1.5, "kl": 0.0}).item() == pytest.approx(3.0)


def test_a_misspelt_weight_is_answered_with_the_nearest():
    terms = {"mel": torch.tensor(2.0), "kl": torch.tensor(3.0)}
    with pytest.raises(UsageError, match=r"'waveform_11'.*did you mean waveform_l1"):
        weigh(terms, {"mel": 1.0, "kl": 1.0, "waveform_11": 0.0})
    with pytest.raises(UsageError, match=r"'k1'.*did you mean kl"):
        weigh(terms, {"mel": 1.0, "k1": 1.0})


def test_no_weight_and_no_term_is_left_out_unseen():
    terms = {"mel": torch.tensor(2.0), "kl": torch.tensor(3.0)}
    with pytest.raises(UsageError, match="'kl' has no weight"):
        weigh(terms, {"mel": 1.0})
    with pytest.raises(UsageError, match=r"'si_sdr'.*not computed"):
        weigh(terms, {"mel": 1.0, "kl": 1.0, "si_sdr": 0.1})
    assert weigh(terms, {"mel": 1.0, "kl": 1.0, "si_sdr": 0.0}).item() == 5.0
    with pytest.raises(UsageError, match="all are zero"):
        weigh(terms, {"mel": 0.0, "kl": 0.0})


# The balancer.


def scaled_terms(output: Tensor, factors: tuple[float, float] = (1e4, 1e-3)) -> dict[str, Tensor]:
    """Two terms of very different size, with gradients at right angles to each other."""
    return {"loud": factors[0] * output[:, 0].square().mean(), "soft": factors[1] * output[:, 1].abs().mean()}


def output_of(*, seed: int = 0, parameter: float = 1.0) -> tuple[Tensor, Tensor]:
    weight = torch.tensor(parameter, requires_grad=True)
    return weight, weight * torch.randn(4, 2, 50, generator=torch.Generator().manual_seed(seed))


@given(loud=st.floats(0.1, 10.0), soft=st.floats(0.1, 10.0), total=st.floats(0.1, 10.0))
@settings(deadline=None, max_examples=25)
def test_shares_of_the_gradient_are_the_weights(loud: float, soft: float, total: float):
    _, output = output_of()
    balancer = LossBalancer({"loud": loud, "soft": soft}, decay=0.0, total_norm=total)
    gradient = gradient_of(balancer(scaled_terms(output), output), output)
    norms = gradient.norm(dim=2).mean(dim=0)  # the first channel has the one term, the second the other
    assert norms[0].item() == pytest.approx(total * loud / (loud + soft), rel=1e-4)
    assert norms[1].item() == pytest.approx(total * soft / (loud + soft), rel=1e-4)


def test_the_scalar_is_the_scaled_sum_and_reaches_the_parameters():
    weight, output = output_of()
    balancer = LossBalancer({"loud": 1.0, "soft": 2.0}, decay=0.9)
    terms = scaled_terms(output)
    total = balancer(terms, output)
    expected = sum(scale * terms[name] for scale, name in zip(balancer.scales(), balancer.names, strict=True))
    torch.testing.assert_close(total, expected)
    torch.testing.assert_close(gradient_of(total, weight), gradient_of(expected, weight))


def test_norms_are_followed_over_the_steps():
    balancer = LossBalancer({"loud": 1.0, "soft": 1.0}, decay=0.5)
    norms = []
    for step in range(4):
        _, output = output_of(seed=step)
        terms = scaled_terms(output)
        norms.append(gradient_of(terms["loud"], output).flatten(1).norm(dim=1).mean())
        balancer(terms, output)
    weights = torch.tensor([0.125, 0.25, 0.5, 1.0])
    mean = (torch.stack(norms) * weights).sum() / weights.sum()
    torch.testing.assert_close(balancer.scales()[balancer.names.index("loud")], 0.5 / mean)


def test_a_restored_balancer_goes_on_as_before():
    weights = {"loud": 1.0, "soft": 3.0}
    first = LossBalancer(weights, decay=0.8)
    for step in range(3):
        _, output = output_of(seed=step)
        first(scaled_terms(output), output)
    second = LossBalancer(weights, decay=0.8)
    second.load_state_dict(first.state_dict())
    _, output = output_of(seed=9)
    results = [balancer(scaled_terms(output), output) for balancer in (first, second)]
    assert torch.equal(*results)
    assert torch.equal(first.scales(), second.scales())


def test_evaluation_leaves_the_state_alone():
    balancer = LossBalancer({"loud": 1.0, "soft": 1.0})
    _, output = output_of()
    trained = balancer(scaled_terms(output), output)
    before = {name: value.clone() for name, value in balancer.state_dict().items()}
    balancer.eval()
    for factors in ((1.0, 1.0), (1e4, 1e-3)):
        with torch.no_grad():
            value = balancer(scaled_terms(output, factors), output)
    torch.testing.assert_close(value, trained.detach())
    balancer(scaled_terms(output, (3.0, 3.0)), output)
    assert all(torch.equal(value, before[name]) for name, value in balancer.state_dict().items())


def test_a_norm_that_is_not_finite_does_not_stay():
    balancer = LossBalancer({"loud": 1.0, "soft": 1.0}, decay=0.9)
    _, output = output_of()
    balancer(scaled_terms(output), output)
    kept = balancer.scales()[0].clone()
    balancer(scaled_terms(output, (float("inf"), 1.0)), output)
    assert torch.equal(balancer.scales()[0], kept)
    assert bool(torch.isfinite(balancer.scales()).all())


def test_a_weight_of_zero_leaves_its_term_out():
    _, output = output_of()
    balancer = LossBalancer({"loud": 0.0, "soft": 1.0}, decay=0.0)
    gradient = gradient_of(balancer(scaled_terms(output), output), output)
    assert float(gradient[:, 0].abs().max()) == 0.0
    assert float(gradient[:, 1].abs().max()) > 0.0


def test_what_cannot_be_balanced_is_refused():
    weight, output = output_of()
    balancer = LossBalancer({"loud": 1.0, "soft": 1.0})
    with pytest.raises(UsageError, match="'soft' does not depend on the output"):
        balancer({**scaled_terms(output), "soft": 2.0 * weight}, output)
    with pytest.raises(UsageError, match="'kl' has no weight"):
        balancer({**scaled_terms(output), "kl": output.mean()}, output)
    with pytest.raises(UsageError, match="did you mean soft"):
        LossBalancer({"loud": 1.0, "sofd": 1.0})(scaled_terms(output), output)
    for weights in ({}, {"a": -1.0, "b": 2.0}, {"a": 0.0}):
        with pytest.raises(UsageError, match="negative, nor all zero"):
            LossBalancer(weights)
    with pytest.raises(UsageError, match="decay"):
        LossBalancer({"a": 1.0}, decay=1.0)


@pytest.mark.parametrize("frames", [1, 700, 5000])
def test_the_log_spectral_term_is_the_metric(frames: int) -> None:
    generator = torch.Generator().manual_seed(frames)
    estimate, target = torch.randn(2, 3, 2, frames, generator=generator, dtype=torch.float64)
    expected = metrics.log_spectral_distance(estimate, target).mean()
    torch.testing.assert_close(log_spectral_distance(estimate, target), expected, rtol=1e-6, atol=1e-6)
    assert float(log_spectral_distance(target, target)) == pytest.approx(0, abs=1e-5)


def test_the_log_spectral_term_has_an_exact_gradient_and_a_finite_one_at_silence() -> None:
    generator = torch.Generator().manual_seed(0)
    estimate, target = torch.randn(2, 1, 1, 90, generator=generator, dtype=torch.float64)
    estimate.requires_grad_()
    assert torch.autograd.gradcheck(lambda x: log_spectral_distance(x, target, window_length=32), (estimate,))
    silence = torch.zeros(1, 2, 3000, requires_grad=True)
    log_spectral_distance(silence, torch.zeros(1, 2, 3000)).backward()
    assert silence.grad is not None
    assert torch.isfinite(silence.grad).all()
