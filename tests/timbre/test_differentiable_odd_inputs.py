"""Differentiable descriptors of what is no tensor, and of silence."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from tonewright import timbre
from tonewright.errors import UsageError
from tonewright.timbre import differentiable
from tonewright.timbre.differentiable import DESCRIPTORS, TimbreLoss

RATE = 44_100
ALL = [differentiable.describe, *(getattr(differentiable, name) for name in DESCRIPTORS)]
LOSSES = [lambda x, rate: TimbreLoss(rate)(x, x), lambda x, rate: TimbreLoss(rate).towards(x, torch.ones(6))]


@pytest.mark.parametrize("function", [*ALL, *LOSSES])
@pytest.mark.parametrize("samples", [np.zeros((1, 4096), np.float32), [[0.0] * 4096]])
def test_arrays_are_sent_to_describe(function: Callable[..., Any], samples: Any) -> None:
    with pytest.raises(UsageError, match=r"needs a torch\.Tensor; use timbre\.describe for arrays"):
        function(samples, RATE)


def test_the_values_of_a_target_may_be_an_array() -> None:
    sound = 0.1 * torch.sin(2 * math.pi * 440 * torch.arange(RATE // 4)[None] / RATE)
    loss = TimbreLoss(RATE)
    wanted = loss.towards(sound, torch.full((6,), 50.0))
    for values in (np.full(6, 50.0), [50.0] * 6):
        torch.testing.assert_close(loss.towards(sound, values), wanted)  # type: ignore[arg-type]


@pytest.mark.parametrize("exact", [True, False])
@pytest.mark.parametrize("shape", [(1, 1), (1, 2, 3000), (1, RATE)])
@pytest.mark.parametrize("level", [0.0, 1.0, 1e-12], ids=["zero", "constant", "tiny"])
def test_silence_is_0_where_describe_has_nothing(shape: tuple[int, ...], level: float, exact: bool) -> None:
    """As `docs/timbre.md` says: 0 without a gradient, in place of the NaN of `timbre.describe`."""
    silence = torch.full(shape, level, requires_grad=True)
    assert all(math.isnan(timbre.describe(silence.detach().numpy()[0], RATE)[name]) for name in DESCRIPTORS)
    values = differentiable.describe(silence, RATE, exact=exact)
    (values**2 + values).sum().backward()
    assert (values == 0).all()
    assert silence.grad is not None
    assert (silence.grad == 0).all()


def test_a_silent_sound_counts_in_no_loss_and_gives_no_gradient() -> None:
    sound = 0.1 * torch.sin(2 * math.pi * 440 * torch.arange(RATE // 4) / RATE)
    batch = torch.stack([sound, torch.zeros_like(sound)]).requires_grad_()
    loss = TimbreLoss(RATE)
    found = loss.towards(batch, torch.full((6,), 50.0))
    torch.testing.assert_close(found, loss.towards(sound[None], torch.full((6,), 50.0)))
    found.backward()
    assert batch.grad is not None
    assert batch.grad[0].abs().max() > 0
    assert (batch.grad[1] == 0).all()
