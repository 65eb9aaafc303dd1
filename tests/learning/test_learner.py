"""Learning rates, weights of losses, ramps and random draws, through a whole learner."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.codec.training import CodecLearner
from tonewright.errors import UsageError
from tonewright.learning.config import OptimizerConfig
from tonewright.learning.losses import RECONSTRUCTION_TERMS
from tonewright.learning.material import load_material
from tonewright.learning.metrics_file import metric_series, read_metrics
from tonewright.learning.runs import Run
from tonewright.learning.schedules import rate_factor
from tonewright.learning.start import train


def logged(run: Run, name: str) -> list[float]:
    return list(metric_series(run.metrics_file)[name][1])


@settings(deadline=None)
@given(warmup=st.integers(0, 20), after=st.integers(1, 50), final=st.floats(0.001, 1), at=st.floats(0, 1))
def test_schedules_follow_their_closed_forms(warmup: int, after: int, final: float, at: float) -> None:
    steps, step = warmup + after, warmup + round(at * after)
    p = (step - warmup) / after
    closed = {
        "constant": 1.0,
        "cosine": final + (1 - final) * math.cos(math.pi * p / 2) ** 2,
        "exponential": math.exp(p * math.log(final)),
    }
    for schedule, value in closed.items():
        chosen = OptimizerConfig(schedule=schedule, warmup_steps=warmup, final_fraction=final)
        assert rate_factor(chosen, step, steps) == pytest.approx(value, rel=1e-9)
        rising = [rate_factor(chosen, early, steps) for early in range(warmup)]
        assert rising == pytest.approx(np.arange(1, warmup + 1) / (warmup + 1))
        ending = final if schedule != "constant" else 1.0
        assert rate_factor(chosen, steps, steps) == pytest.approx(ending)
        assert rate_factor(chosen, steps + 7, steps) == pytest.approx(ending)


@pytest.mark.parametrize("accumulate", [1, 2])
def test_the_optimizer_gets_the_rate_of_its_schedule(accumulate: int, tiny) -> None:
    config = tiny(
        "trainer.max_epochs=2",
        "data.windows_per_epoch=10",
        "optimizer.warmup_steps=2",
        "optimizer.learning_rate=0.01",
        f"trainer.accumulate={accumulate}",
    )
    run = train(config)
    steps = 2 * -(-5 // accumulate)
    expected = [0.01 * rate_factor(config.optimizer, step, steps) for step in range(steps)]
    # An epoch ends with a step, whatever has been gathered for it.
    rows = {
        int(row["step"]): float(row["learning_rate"])
        for row in read_metrics(run.metrics_file)
        if row["learning_rate"]
    }
    assert rows == pytest.approx(dict(enumerate(expected, 1)))


@pytest.mark.parametrize("name", [*RECONSTRUCTION_TERMS, "kl"])
def test_every_weight_acts_on_the_loss_and_its_gradient(name: str, tiny) -> None:
    config = tiny()
    windows = load_material(config).training
    batch = {"mixture": torch.from_numpy(windows[(0, 0)]["mixture"])[None]}
    beside = "waveform_l1" if name == "waveform_l2" else "waveform_l2"
    found = []
    for weight in (1.0, 2.5):
        config.system = replace(config.system, free_bits=0.0, weights={name: weight, beside: 0.5})
        torch.manual_seed(0)
        learner = CodecLearner(config).eval()
        learner.prepare(windows)
        terms = learner.terms(batch, None)
        expected = weight * terms[name].item() + 0.5 * terms[beside].item()
        assert terms["loss"].item() == pytest.approx(expected, rel=1e-5)
        gradient = torch.autograd.grad(terms["loss"], learner.model.encode_linear.weight)[0]
        alone = torch.autograd.grad(learner.terms(batch, None)[name], learner.model.encode_linear.weight)[0]
        found.append(gradient - weight * alone)
    assert float(alone.norm()) > 0
    # What is left is the gradient of the other term, whatever the weight of this one.
    assert torch.allclose(found[0], found[1], rtol=0, atol=1e-4 * float(alone.abs().max()))


def test_the_ramp_of_the_kl_counts_steps_once(tiny) -> None:
    weights = (
        "system.weights.kl=1",
        *(f"system.weights.{name}=0" for name in ("stft_log", "stft_linear", "mel")),
    )
    config = tiny(
        *weights,
        "trainer.max_steps=6",
        "trainer.max_epochs=9",
        "trainer.accumulate=2",
        "system.kl_ramp.steps=4",
    )
    assert config.system.weights["waveform_l1"] == 1
    run = train(config)
    loss, kl, rest = (np.array(logged(run, f"train/{name}")) for name in ("loss", "kl", "waveform_l1"))
    assert (loss - rest) / kl == pytest.approx([0, 0.25, 0.5, 0.75, 1, 1], abs=1e-5)
    loss, kl, rest = (logged(run, f"validation/{name}")[0] for name in ("loss", "kl", "waveform_l1"))
    assert (loss - rest) / kl == pytest.approx(1)  # validations are compared with each other


def test_draws_depend_on_seed_batch_and_rank_alone(tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    learner = CodecLearner(tiny())

    def draw(seed: int, batch: int, rank: int) -> tuple[float, ...]:
        learner.config.seed = seed
        progress = SimpleNamespace(total=SimpleNamespace(processed=batch))
        loop = SimpleNamespace(epoch_loop=SimpleNamespace(batch_progress=progress))
        monkeypatch.setattr(CodecLearner, "trainer", SimpleNamespace(fit_loop=loop, global_rank=rank))
        return tuple(torch.rand(4, generator=learner.step_generator()).tolist())

    places = [(seed, batch, rank) for seed in (0, 1) for batch in (0, 1, 70) for rank in (0, 1)]
    first = [draw(*place) for place in places]
    assert len(set(first)) == len(places)
    torch.manual_seed(99)
    torch.rand(5)
    assert [draw(*place) for place in reversed(places)] == first[::-1]


def test_a_misspelt_monitor_is_answered_with_the_nearest(tiny) -> None:
    with pytest.raises(UsageError, match=r"validation/los'.*did you mean validation/loss"):
        train(tiny("trainer.max_steps=1", "callbacks.monitor=validation/los"))
