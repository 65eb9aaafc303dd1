"""What is measured: modes, targets, and criteria in NumPy and in torch."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from tonewright.errors import NetworkError
from tonewright.reverb import (
    Trainable,
    TrainableFDN,
    build_fdn,
    build_objective,
    colorless_sparsity_loss,
    feedback_matrix_module,
    output_domain,
    train_fdn,
)
from tonewright.reverb.losses import log_magnitude_loss, sparsity_loss
from tonewright.reverb.train.objective import TrainingObjective
from tonewright.reverb.train.run import TrainingRun

NFFT = 1024
ROOM = np.random.default_rng(0).standard_normal(900) * np.exp(-np.arange(900) / 200)


def small(**arguments) -> TrainableFDN:
    return build_fdn(**{"delays": [61, 83, 97, 101], "rt": 0.05, "rng": 0, "nfft": NFFT, **arguments})


def objective(model: TrainableFDN, mode: str, target=None, criteria=None, **settings) -> TrainingObjective:
    run = TrainingRun(model, mode, dtype="float64", **settings)
    run.measure(target=target, criteria=criteria, sparsity_alpha=0.2, mss_nfft=(64, 128))
    return run.first_stage().objective


def modes_of(mode: str, **settings):
    given = {"target": None if mode == "colorless" else ROOM, "criteria": None, "sparsity_alpha": 0.2}
    given |= {
        "mss_nfft": (64, 128),
        "fs": 48000.0,
        "nfft": NFFT,
        "n_in": 1,
        "n_out": 1,
        "device": None,
        "dtype": None,
    }
    return build_objective(mode, **{**given, **settings})


class TestModes:
    def test_output_domains(self) -> None:
        assert output_domain("colorless") == "magnitude"
        assert output_domain("match_spectrogram") == output_domain("match_mel_spectrogram") == "time"
        with pytest.raises(ValueError, match="did you mean match_spectrogram"):
            output_domain("match_spectogram")

    def test_colorless_is_one_impulse_and_a_flat_target(self) -> None:
        x, y, criteria, domain = modes_of("colorless")
        assert domain == "magnitude"
        assert x.shape == (1, NFFT, 1)
        assert x[0, 0, 0] == 1
        assert np.count_nonzero(x) == 1
        np.testing.assert_array_equal(y, np.ones((1, NFFT // 2 + 1, 1)))
        assert [(weight, requires) for _, weight, requires in criteria] == [(1.0, False), (0.2, True)]

    def test_no_sparsity_when_its_weight_is_0(self) -> None:
        assert len(modes_of("colorless", sparsity_alpha=0)[2]) == 1

    def test_own_criteria_replace_the_modes(self) -> None:
        own = [(nn.MSELoss(), 1.0, False)]
        assert modes_of("colorless", criteria=own)[2] == own

    @pytest.mark.parametrize(("length", "kept"), [(900, 900), (2000, NFFT)])
    def test_targets_are_cut_or_filled(self, length: int, kept: int) -> None:
        target = np.random.default_rng(1).standard_normal((length, 2))
        x, y, _, domain = modes_of("match_spectrogram", target=target, n_out=2, dtype="float64")
        assert domain == "time"
        assert x.shape == (1, NFFT, 1)
        assert y.shape == (1, NFFT, 2)
        np.testing.assert_array_equal(y[0, :kept], target[:kept])
        assert not y[0, kept:].any()

    def test_a_matrix_of_responses_has_a_row_for_each_input(self) -> None:
        target = np.random.default_rng(1).standard_normal((500, 3, 2))
        x, y, _, _ = modes_of("match_mel_spectrogram", target=target, n_in=2, n_out=3, dtype="float64")
        np.testing.assert_array_equal(x[:, 0], np.eye(2))
        assert not x[:, 1:].any()
        np.testing.assert_array_equal(y[1, :500, 2], target[:, 2, 1])

    def test_torchs_own_types_ask_for_tensors(self) -> None:
        x, y, criteria, _ = modes_of("match_spectrogram", dtype=torch.float64, device=torch.device("cpu"))
        assert x.dtype == y.dtype == torch.float64
        model = small()
        heard = model(x).requires_grad_(True)
        by_hand = criteria[0][0](heard, y)
        by_hand.backward()
        known = objective(model, "match_spectrogram", ROOM)
        assert float(by_hand.detach()) == pytest.approx(
            known(model.parameters).criteria["mss_loss"], rel=1e-9
        )
        assert float(heard.grad.abs().sum()) > 0
        assert modes_of("colorless", dtype=np.float64)[0].dtype == np.float64
        assert modes_of("colorless")[0].dtype == np.float32

    @pytest.mark.parametrize("mode", ["colorless", "match_spectrogram", "match_mel_spectrogram"])
    def test_criteria_can_be_called_by_hand(self, mode: str) -> None:
        x, y, criteria, domain = modes_of(mode, dtype="float64")
        model = small(output=domain)
        values = [
            criterion(model(x), y, model) if requires else criterion(model(x), y)
            for criterion, _, requires in criteria
        ]
        known = objective(model, mode, None if mode == "colorless" else ROOM)(model.parameters)
        np.testing.assert_allclose(values, list(known.criteria.values()), rtol=1e-8)
        assert [criterion.name for criterion, _, _ in criteria] == list(known.criteria)

    @pytest.mark.parametrize("target", [np.ones((9, 2, 2)), np.ones((9, 3)), np.zeros(9), np.ones(0), None])
    def test_targets_that_do_not_fit_are_refused(self, target) -> None:
        with pytest.raises(ValueError, match="target"):
            modes_of("match_spectrogram", target=target, n_out=2, n_in=1)

    def test_nothing_loads_torch_unasked(self) -> None:
        code = (
            "import sys, numpy as np\n"
            "from tonewright.reverb import build_fdn, train_fdn, colorless_sparsity_loss\n"
            "assert 'numba' not in sys.modules\n"
            "model = build_fdn(delays=[61, 83], rng=0, nfft=256, device='cpu', dtype=np.float32)\n"
            "train_fdn(model, 'colorless', max_steps=2, criteria=None)\n"
            "train_fdn(model, 'match_spectrogram', target=np.ones(200), max_steps=2, mss_nfft=(64,))\n"
            "model(np.zeros((1, 256, 1)))\n"
            "assert 'torch' not in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", code], check=True)


class Flat(nn.Module):
    """Flatness of the magnitude, as users write it in torch."""

    def forward(self, y_pred, y_target):
        return torch.mean((y_pred.sum(dim=-1) - y_target.squeeze(-1)) ** 2)


class Sparse(nn.Module):
    """Sparsity of the feedback matrix, read as scripts for FLAMO do."""

    def forward(self, y_pred, y_target, model):
        module = model.get_core().feedback_loop.feedback
        matrix = module.map(module.param)
        n = matrix.shape[-1]
        return -(matrix.abs().sum() - n * np.sqrt(n)) / (n * (np.sqrt(n) - 1))


def spectral_distance(y_pred, y_target):
    """Of the power spectra of two responses."""
    spectra = (torch.fft.rfft(y, dim=1).abs().square() for y in (y_pred, y_target))
    first, second = spectra
    return (first - second).square().mean()


class TestTorch:
    def test_flatness_and_sparsity_have_our_gradient(self) -> None:
        for model in (small(), small(matrix="random", trainable=Trainable(direct=True), direct=0.2)):
            ours = objective(model, "colorless")
            theirs = objective(model, "colorless", criteria=[(Flat(), 1.0, False), (Sparse(), 0.2, True)])
            ours, found = (function(function.map.vector) for function in (ours, theirs))
            assert found.total == pytest.approx(ours.total, rel=1e-12)
            np.testing.assert_allclose(found.gradient, ours.gradient, rtol=1e-9, atol=1e-12)
            assert list(found.criteria) == ["Flat", "Sparse"]

    @pytest.mark.parametrize("channels", [(1, 1), (2, 3)])
    def test_a_function_of_responses_has_the_right_gradient(self, channels: tuple[int, int]) -> None:
        inputs, outputs = channels
        rng = np.random.default_rng(2)
        gains = {
            "input_gain": rng.standard_normal((4, inputs)),
            "output_gain": rng.standard_normal((outputs, 4)),
        }
        target = rng.standard_normal((300, outputs, inputs))
        model = small(**gains)
        function = objective(model, "match_spectrogram", target, [(spectral_distance, 1.0, False)])
        vector = model.parameters
        direction = rng.standard_normal(vector.size)
        found = function(vector)
        above, below = (function(vector + step * direction).total for step in (1e-5, -1e-5))
        assert found.gradient @ direction == pytest.approx((above - below) / 2e-5, rel=1e-6)
        assert list(found.criteria) == ["spectral_distance"]

    def test_the_target_and_float32_are_handed_over(self) -> None:
        seen = []

        def criterion(y_pred, y_target):
            seen.append((y_pred.dtype, y_target.dtype, tuple(y_pred.shape), y_target.clone()))
            return (y_pred - y_target).square().mean()

        train_fdn(small(), "match_spectrogram", target=ROOM, criteria=[(criterion, 1.0, False)], max_steps=2)
        first, second, shape, target = seen[0]
        assert first == second == torch.float32
        assert shape == (1, NFFT, 1)
        np.testing.assert_allclose(target[0, :900, 0].numpy(), ROOM, rtol=1e-6)
        own = [(criterion, 1.0, False)]
        train_fdn(small(), "match_spectrogram", target=ROOM, criteria=own, max_steps=1, dtype=torch.float64)
        assert seen[-1][0] == torch.float64

    def test_ours_may_stand_beside_theirs(self) -> None:
        model = small()
        criteria = [
            (Flat(), 1.0, False),
            (colorless_sparsity_loss(), 0.3, True),
            (sparsity_loss(), 0.1, True),
        ]
        log = train_fdn(model, "colorless", criteria=criteria, max_steps=30, lr=0.01)
        assert list(log.loss_log) == ["Flat", "_ColorlessSparsity", "_ColorlessSparsity_2"]
        total = [
            f + 0.4 * s for f, s in zip(log.loss_log["Flat"], log.loss_log["_ColorlessSparsity"], strict=True)
        ]
        np.testing.assert_allclose(log.train_loss, total)
        assert log.best_loss < log.train_loss[0]

    def test_the_sparsity_loss_is_differentiated_inside_a_criterion(self) -> None:
        inner = colorless_sparsity_loss()

        def criterion(y_pred, y_target, model):
            return (
                inner(y_pred, y_target, model).square()
                + feedback_matrix_module(model).param.square().sum() / 4
            )

        model = small()
        function = objective(model, "colorless", criteria=[(criterion, 1.0, True)])
        found, known = function(model.parameters), objective(model, "colorless")(model.parameters)
        sparsity = known.criteria["_ColorlessSparsity"]
        assert found.total == pytest.approx(sparsity**2 + 1)
        alone = objective(model, "colorless", criteria=[(sparsity_loss(), 1.0, True)])(model.parameters)
        np.testing.assert_allclose(found.gradient, 2 * sparsity * alone.gradient, atol=1e-9)
        assert inner(torch.zeros(1), torch.zeros(1), model).dtype == torch.float32

    def test_chance_follows_the_seed(self) -> None:
        def criterion(y_pred, y_target):
            return (y_pred * torch.rand_like(y_pred)).square().mean()

        runs = [
            train_fdn(
                small(), "colorless", criteria=[(criterion, 1.0, False)], max_steps=3, rng=seed
            ).train_loss
            for seed in (1, 1, 2)
        ]
        assert runs[0] == runs[1] != runs[2]

    def test_what_does_not_return_a_number_is_named(self) -> None:
        with pytest.raises(NetworkError, match=r"criterion <lambda> returns a tensor of shape"):
            train_fdn(small(), "colorless", criteria=[(lambda y, t: y - t, 1.0, False)], max_steps=1)
        with pytest.raises(NetworkError, match="returns a float"):
            train_fdn(small(), "colorless", criteria=[(lambda y, t: 1.0, 1.0, False)], max_steps=1)


class Energy:
    """A criterion in NumPy, as users write it."""

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        return float(np.square(y).sum()), 2 * y


class TestNumPy:
    def test_a_criterion_of_ones_own(self) -> None:
        model = small()
        function = objective(model, "match_spectrogram", ROOM, [(Energy(), 0.5, False)])
        found = function(model.parameters)
        assert list(found.criteria) == ["Energy"]
        assert found.total == pytest.approx(0.5 * np.square(model.response()).sum())
        direction = np.random.default_rng(0).standard_normal(model.parameters.size)
        above, below = (function(model.parameters + s * direction).total for s in (1e-6, -1e-6))
        assert found.gradient @ direction == pytest.approx((above - below) / 2e-6, rel=1e-6)

    def test_spectrum_and_response_are_measured_together(self) -> None:
        model = small()
        spectrum = np.fft.rfft(ROOM, NFFT)
        criteria = [(log_magnitude_loss(spectrum), 0.01, False), (Energy(), 1.0, False)]
        log = train_fdn(model, "match_spectrogram", target=ROOM, criteria=criteria, max_steps=30, lr=0.01)
        assert list(log.loss_log) == ["log_magnitude_loss", "Energy"]
        assert log.best_loss < log.train_loss[0]

    def test_a_gradient_of_another_shape_is_named(self) -> None:
        class Wrong:
            def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
                return 0.0, np.zeros(3)

        with pytest.raises(NetworkError, match=r"criterion Wrong: its gradient has shape \(3,\)"):
            train_fdn(
                small(), "match_spectrogram", target=ROOM, criteria=[(Wrong(), 1.0, False)], max_steps=1
            )

    def test_sparsity_needs_the_model(self) -> None:
        with pytest.raises(NetworkError, match="needs the model"):
            colorless_sparsity_loss()(np.zeros(1), np.zeros(1))
        model = small()
        value = colorless_sparsity_loss()(np.zeros(1), np.zeros(1), model)
        assert value == pytest.approx((8 - np.abs(model.build.A).sum()) / 4)
