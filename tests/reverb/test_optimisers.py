"""The optimisers, against SciPy and torch."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.optimize
import torch
from scipy.optimize import rosen, rosen_der

from tonewright.reverb.train import optimise
from tonewright.reverb.train.optimise import Adam, Evaluation, minimise


class TestOptimisers:
    @pytest.mark.parametrize("bound", [np.inf, 0.5])
    def test_lbfgs_finds_the_minimum_within_bounds(self, bound: float) -> None:
        """Rosenbrock's function in ten variables, with SciPy's minimiser for reference."""

        def function(vector: np.ndarray) -> Evaluation:
            return Evaluation(float(rosen(vector)), {}, rosen_der(vector))

        start, bounds = np.full(10, -1.2), (np.full(10, -2.0), np.full(10, bound))
        settings = {"optimizer": "lbfgs", "rate": 1.0, "max_steps": 200, "watch": lambda *_: ""}
        found, _ = minimise(function, start, bounds=bounds, **settings)
        options = {"ftol": 0, "gtol": 1e-10}
        known = scipy.optimize.minimize(
            rosen, start, jac=rosen_der, bounds=list(zip(*bounds, strict=True)), options=options
        )
        np.testing.assert_allclose(found, known.x, atol=1e-6)

    def test_lbfgs_steps_back_from_where_the_loss_is_no_number(self) -> None:
        def function(vector: np.ndarray) -> Evaluation:
            with np.errstate(all="ignore"):
                value = vector - np.log(vector)
                return Evaluation(float(value[0]), {}, 1 - 1 / vector)

        settings = {"optimizer": "lbfgs", "rate": 1.0, "max_steps": 50, "watch": lambda *_: ""}
        found, reason = minimise(function, np.array([1e-3]), **settings)
        np.testing.assert_allclose(found, 1.0, atol=1e-6)
        assert "no lower point" in reason

    def test_adam_is_that_of_torch(self, monkeypatch) -> None:
        monkeypatch.setattr(optimise, "RATE_STEPS", 20)
        matrix = np.random.default_rng(0).standard_normal((5, 5))
        adam = Adam(5, rate=0.05)
        vector = np.ones(5)
        leaf = torch.ones(5, dtype=torch.float64, requires_grad=True)
        other = torch.optim.Adam([leaf], lr=0.05)
        steps = torch.optim.lr_scheduler.StepLR(other, step_size=20, gamma=0.1)
        for _ in range(50):
            vector = adam.moved(vector, matrix.T @ (matrix @ vector))
            other.zero_grad()
            (torch.as_tensor(matrix) @ leaf).square().sum().mul(0.5).backward()
            other.step()
            steps.step()
        np.testing.assert_allclose(vector, leaf.detach().numpy(), rtol=1e-7, atol=1e-12)
