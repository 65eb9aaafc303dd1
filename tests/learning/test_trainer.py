"""What the settings of a training do, seen from its outcome."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import Callback
from torch.nn.utils import parameters_to_vector

from tonewright.codec.training import SYSTEM, CodecLearner
from tonewright.learning import trainer as trainer_module
from tonewright.learning.metrics_file import metric_series
from tonewright.learning.runs import Run
from tonewright.learning.start import train


def logged(run: Run, name: str) -> list[float]:
    return list(metric_series(run.metrics_file)[name][1])


def vector(module) -> torch.Tensor:
    return parameters_to_vector(module.model.parameters()).detach().clone()


def saved_vector(module, state: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.cat([state[name].flatten() for name, _ in module.named_parameters()])


class Gradients(Callback):
    """Gradients as the losses gave them, and as the optimizer got them."""

    def __init__(self) -> None:
        self.given: list[torch.Tensor] = []
        self.used: list[torch.Tensor] = []

    @staticmethod
    def flat(module) -> torch.Tensor:
        return torch.cat([weight.grad.flatten().clone() for weight in module.model.parameters()])

    def on_before_optimizer_step(self, trainer, pl_module, optimizer) -> None:
        self.given.append(self.flat(pl_module))

    def on_train_batch_end(self, trainer, pl_module, *args) -> None:
        self.used.append(self.flat(pl_module))


@pytest.mark.parametrize("precision", ["32", "bf16-mixed"])
def test_gradients_are_clipped_to_the_norm(precision: str, tiny, watch) -> None:
    seen = watch(Gradients())
    run = train(tiny("trainer.max_steps=3", "trainer.gradient_clip=0.05", f"trainer.precision={precision}"))
    assert all(float(gradient.norm()) > 0.1 for gradient in seen.given)
    assert [float(gradient.norm()) for gradient in seen.used] == pytest.approx([0.05] * 3, rel=1e-3)
    assert all(
        torch.allclose(used, given * (0.05 / given.norm()), rtol=1e-3, atol=1e-9)
        for given, used in zip(seen.given, seen.used, strict=True)
    )
    assert np.isfinite(logged(run, "train/loss")).all()
    assert np.isfinite(logged(run, "validation/mel_distance")).all()


def test_accumulation_equals_the_larger_batch(tiny, watch, monkeypatch: pytest.MonkeyPatch) -> None:
    terms = CodecLearner.terms
    # Without draws; and without the KL, whose free bits are compared with the mean of the batch.
    monkeypatch.setattr(CodecLearner, "terms", lambda self, batch, generator: terms(self, batch, None))
    seen = watch(Gradients())
    plain = ("trainer.max_steps=1", "trainer.gradient_clip=0", "system.weights.kl=0")
    train(tiny(*plain, "run_name=two", "data.batch_size=2", "trainer.accumulate=2"))
    train(tiny(*plain, "run_name=four", "data.batch_size=4"))
    small, large = seen.given
    assert len(seen.used) == 3
    assert torch.equal(seen.used[-1], large)  # a clip of 0 is off
    assert float((small - large).norm() / large.norm()) < 1e-5


class Weights(Callback):
    """Weights after each step, during each validation, and after it."""

    def __init__(self) -> None:
        self.stepped: list[torch.Tensor] = []
        self.validated: list[torch.Tensor] = []
        self.resumed: list[torch.Tensor] = []
        self.module = None

    def on_train_batch_end(self, trainer, pl_module, *args) -> None:
        self.module = pl_module.model
        self.stepped.append(vector(pl_module))

    def on_validation_batch_start(self, trainer, pl_module, *args) -> None:
        self.validated.append(vector(pl_module))

    def on_train_batch_start(self, trainer, pl_module, *args) -> None:
        self.resumed.append(vector(pl_module))


def average_by_hand(weights: list[torch.Tensor], decay: float) -> list[torch.Tensor]:
    averages = [weights[0].double()]
    for n, current in enumerate(weights[1:], 1):
        d = min(decay, (1 + n) / (10 + n))
        averages.append(d * averages[-1] + (1 - d) * current.double())
    return averages


def test_averaged_weights_are_validated_shown_and_saved(tiny, watch, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[torch.Tensor] = []

    def example(model, clip):
        shown.append(parameters_to_vector(model.parameters()).detach().clone())
        return SYSTEM.example(model, clip)

    monkeypatch.setattr(trainer_module, "load_system", lambda name: replace(SYSTEM, example=example))
    seen = watch(Weights())
    run = train(
        tiny(
            "trainer.max_steps=6",
            "trainer.ema_decay=0.3",
            "trainer.validate_every_steps=3",
            "callbacks.examples=1",
            "callbacks.example_seconds=0.3",
        )
    )
    averages = average_by_hand(seen.stepped, 0.3)
    assert float((averages[-1] - seen.stepped[-1]).abs().max()) > 1e-4  # there is something to tell apart

    def is_average(found: torch.Tensor, after: int) -> bool:
        return torch.allclose(found.double(), averages[after - 1], rtol=0, atol=1e-7)

    assert [is_average(found, after) for found, after in zip(seen.validated, (3, 6), strict=True)] == [
        True
    ] * 2
    assert [is_average(found, after) for found, after in zip(shown, (3, 6), strict=True)] == [True] * 2
    assert torch.equal(seen.resumed[3], seen.stepped[2])  # training goes on with its own weights
    assert is_average(saved_vector(seen.module, run.load_weights()), 6)
    checkpoint = torch.load(run.checkpoint("last"), weights_only=True)
    state = {name.removeprefix("model."): tensor for name, tensor in checkpoint["state_dict"].items()}
    assert is_average(saved_vector(seen.module, state), 6)


def test_without_an_average_the_last_weights_are_saved(tiny, watch) -> None:
    seen = watch(Weights())
    run = train(tiny("trainer.max_steps=2"))
    assert torch.equal(saved_vector(seen.module, run.load_weights()), seen.stepped[-1])


def test_early_stopping_stops_when_nothing_is_gained(tiny) -> None:
    every = ("trainer.max_steps=12", "trainer.max_epochs=9", "trainer.validate_every_steps=1")
    run = train(tiny(*every, "callbacks.early_stopping_patience=2", "callbacks.early_stopping_delta=1000"))
    assert len(logged(run, "validation/loss")) == len(logged(run, "train/loss")) == 3


def test_the_time_limit_stops_and_leaves_a_finished_run(tiny) -> None:
    run = train(tiny("trainer.max_minutes=0.004", "trainer.max_epochs=100000"))
    steps = len(logged(run, "train/loss"))
    assert 1 <= steps < 1000
    assert run.load_weights()
    assert torch.load(run.checkpoint("last"), weights_only=True)["global_step"] == steps
