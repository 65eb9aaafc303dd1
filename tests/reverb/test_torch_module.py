"""A network as a module of torch."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from tonewright.errors import NetworkError
from tonewright.reverb import FDNModule, Taps, Trainable, TrainableFDN, build_fdn, trainable_from_build
from tonewright.reverb.train.tone import ToneFilter


def surrounded(output: str, matrix: Any = "orthogonal") -> TrainableFDN:
    rng = np.random.default_rng(5)
    gains: dict[str, Any] = {"input_gain": rng.standard_normal((4, 2))}
    gains["output_gain"] = rng.standard_normal((3, 4))
    build = build_fdn(delays=[61, 83, 97, 101], fs=8000.0, rt=0.2, rng=0, direct=0.1, **gains).build
    levels_db = rng.uniform(-3, 3, (ToneFilter(8000.0).centers_hz.size, 3))
    taps = Taps(np.array([3, 17]), rng.standard_normal((3, 2, 2)))
    build = build.changed(early=taps, pre_delay=9, post_eq=ToneFilter(8000.0).sections(levels_db))
    return trainable_from_build(build, nfft=1024, output=output, matrix=matrix)


@pytest.mark.parametrize("output", ["time", "magnitude"])
@pytest.mark.parametrize("matrix", ["orthogonal", "random"])
def test_it_answers_as_the_model_does(output: str, matrix: str) -> None:
    model = surrounded(output, matrix)
    x = np.random.default_rng(0).standard_normal((2, 700, 2))
    for dtype, close in ((torch.float64, 5e-4), (torch.float32, 2e-2)):
        heard = FDNModule(model, dtype=dtype)(torch.as_tensor(x)).detach().numpy()
        np.testing.assert_allclose(heard, model(x), atol=close)


@pytest.mark.parametrize("output", ["time", "magnitude"])
def test_its_gradient_is_right(output: str) -> None:
    module = FDNModule(surrounded(output), dtype=torch.float64)
    x = torch.as_tensor(np.random.default_rng(0).standard_normal((2, 300, 2)))
    weights = torch.as_tensor(np.random.default_rng(1).standard_normal(tuple(module(x).shape)))
    for parameter in module.parameters():
        direction = torch.randn(parameter.shape, dtype=torch.float64, generator=torch.manual_seed(0))
        (gradient,) = torch.autograd.grad((module(x) * weights).sum(), parameter)
        values = []
        for step in (1e-6, -1e-6):
            with torch.no_grad():
                parameter += step * direction
                values.append(float((module(x) * weights).sum()))
                parameter -= step * direction
        numeric = (values[0] - values[1]) / 2e-6
        assert float((gradient * direction).sum()) == pytest.approx(numeric, rel=1e-5)


def test_a_loop_of_ones_own_trains_the_model() -> None:
    model = build_fdn(delays=[61, 83, 97], rt=0.05, rng=0, nfft=512, output="magnitude")
    module = FDNModule(model)
    assert sorted(name for name, _ in module.named_parameters()) == ["feedback", "input_gain", "output_gain"]
    optimiser = torch.optim.Adam(module.parameters(), lr=0.02)
    x = torch.zeros(1, 512, 1)
    x[0, 0, 0] = 1
    losses = []
    for _ in range(40):
        optimiser.zero_grad()
        loss = (module(x) - 1).square().mean()
        loss.backward()
        optimiser.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0]
    taken = module.take_back()
    assert taken is model
    np.testing.assert_allclose(model.build.A.T @ model.build.A, np.eye(3), atol=1e-12)
    np.testing.assert_allclose(model(x.numpy()), module(x).detach().numpy(), atol=1e-4)


def test_what_is_not_trained_is_a_buffer() -> None:
    model = build_fdn(N=3, rng=0, trainable=Trainable(feedback=False, direct=True))
    module = FDNModule(model)
    assert "feedback" in dict(module.named_buffers())
    assert "direct" in dict(module.named_parameters())
    with pytest.raises(NetworkError, match="float32"):
        FDNModule(model, dtype=torch.float16)
