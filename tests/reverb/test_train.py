"""Training: gradients of the whole model, what is learned, when it ends, what is kept and what is refused."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tonewright.errors import NetworkError
from tonewright.reverb import (
    FDNBuild,
    Taps,
    Trainable,
    TrainableFDN,
    TrainLog,
    build_fdn,
    impulse_response,
    load_network,
    optimise,
    train_fdn,
    trainable_from_build,
)
from tonewright.reverb.absorption import GraphicAbsorption
from tonewright.reverb.objective import TrainingObjective
from tonewright.reverb.optimise import Adam, Evaluation, minimise
from tonewright.reverb.recording import Recorder
from tonewright.reverb.tone import ToneFilter
from tonewright.reverb.training_run import TrainingRun

NFFT = 1024
RNG = np.random.default_rng(0)
ROOM = RNG.standard_normal(900) * np.exp(-np.arange(900) / 200)
DELAYS = [61, 83, 97, 101]
EVERYTHING = Trainable(direct=True, decay=True, delays=True, tone=True, early=True, pre_delay=True)
NOTHING = Trainable(feedback=False, input_gain=False, output_gain=False)


def small(**arguments) -> TrainableFDN:
    return build_fdn(**{"delays": DELAYS, "rt": 0.05, "rng": 0, "nfft": NFFT, **arguments})


def surrounded(inputs: int = 1, outputs: int = 1) -> FDNBuild:
    """A network with a tone filter, early reflections and a pre-delay."""
    rng = np.random.default_rng(5)
    gains = {"input_gain": rng.standard_normal((4, inputs)), "output_gain": rng.standard_normal((outputs, 4))}
    build = small(fs=8000.0, rt=0.2, **gains).build
    levels_db = rng.uniform(-3, 3, (ToneFilter(8000.0).centers_hz.size, outputs))
    taps = Taps(np.array([3, 17]), rng.standard_normal((outputs, inputs, 2)))
    return build.changed(early=taps, pre_delay=9, post_eq=ToneFilter(8000.0).sections(levels_db))


def objective(
    model: TrainableFDN, mode: str, target=None, scaling: str = "relative", **settings
) -> TrainingObjective:
    run = TrainingRun(model, mode, scaling=scaling, dtype="float64")
    settings = {"criteria": None, "sparsity_alpha": 0.2, "mss_nfft": (64, 128), **settings}
    run.measure(target=target, **settings)
    return run.first_stage().objective


def check_gradient(model: TrainableFDN, function: TrainingObjective, *, rel: float = 1e-6) -> None:
    """Along a random direction of each part, at a point near that of the model."""
    rng = np.random.default_rng(1)
    vector = model.parameters + 0.003 * rng.standard_normal(model.parameters.size)
    if "decay" in model.map.slices:
        # Equal decays are a corner of the monotone curve through them.
        vector[model.map.slices["decay"]] += 0.2 * np.cos(3.0 * np.arange(model.map.parts(vector).decay.size))
    gradient = function(vector).gradient
    for name, where in model.map.slices.items():
        direction = np.zeros(vector.size)
        direction[where] = rng.standard_normal(where.stop - where.start)
        step = {"decay": 1e-5, "tone": 1e-5}.get(name, 1e-6)
        above, below = (function(vector + s * direction).total for s in (step, -step))
        numeric = (above - below) / (2 * step)
        bound = 1e-4 if name in ("decay", "delays", "tone", "pre_delay") else rel
        assert gradient @ direction == pytest.approx(numeric, rel=bound, abs=1e-6), name


class TestGradients:
    @pytest.mark.parametrize("scaling", ["relative", "peer"])
    @pytest.mark.parametrize("mode", ["colorless", "match_spectrogram", "match_mel_spectrogram"])
    def test_of_the_gains(self, mode: str, scaling: str) -> None:
        model = small(trainable=Trainable(direct=True), direct=0.1)
        check_gradient(model, objective(model, mode, None if mode == "colorless" else ROOM, scaling))

    @pytest.mark.parametrize("shape", [(900,), (900, 3), (900, 3, 2)])
    @pytest.mark.parametrize("matrix", ["orthogonal", "random"])
    def test_of_many_channels(self, shape: tuple[int, ...], matrix: str) -> None:
        target = ROOM.reshape(900, *[1] * (len(shape) - 1)) * np.random.default_rng(2).standard_normal(shape)
        rng = np.random.default_rng(3)
        gains = {"input_gain": rng.standard_normal((4, 2)), "output_gain": rng.standard_normal((3, 4))}
        model = small(trainable=Trainable(direct=True), matrix=matrix, **gains)
        check_gradient(model, objective(model, "match_spectrogram", target))

    @pytest.mark.parametrize("mode", ["colorless", "match_spectrogram"])
    @pytest.mark.parametrize("trained", ["gains", "everything"])
    def test_of_what_surrounds_the_loop(self, mode: str, trained: str) -> None:
        parts = EVERYTHING if trained == "everything" else Trainable(direct=True, early=True)
        model = trainable_from_build(surrounded(), trainable=parts, nfft=NFFT)
        target = None if mode == "colorless" else ROOM
        check_gradient(model, objective(model, mode, target), rel=1e-5)

    @pytest.mark.parametrize("shape", [(900, 2), (900, 2, 2)])
    def test_of_everything_with_many_channels(self, shape: tuple[int, ...]) -> None:
        target = ROOM.reshape(900, *[1] * (len(shape) - 1)) * np.random.default_rng(2).standard_normal(shape)
        model = trainable_from_build(surrounded(2, 2), trainable=EVERYTHING, nfft=NFFT)
        check_gradient(model, objective(model, "match_spectrogram", target), rel=1e-5)

    def test_from_a_lossless_start(self) -> None:
        model = small(rt=None)
        function = objective(model, "colorless")
        assert function.radius < 1
        check_gradient(model, function)


class TestColorless:
    def test_the_loss_falls_and_the_feedback_stays_orthogonal(self) -> None:
        model = small(rt=0.1)
        log = train_fdn(model, "colorless", max_steps=300, lr=0.01)
        assert log.best_loss < 0.7 * log.train_loss[0]
        np.testing.assert_allclose(model.build.A.T @ model.build.A, np.eye(4), atol=1e-12)
        assert model.output == "magnitude"
        assert 0 < log.loop_radius < 1

    def test_seed_0_gives_known_losses(self) -> None:
        log = train_fdn(build_fdn(N=8, rng=0), "colorless", max_steps=3)
        assert log.train_loss[0] == pytest.approx(0.6058090307503654, rel=1e-8)
        assert log.loss_log["mse_loss"][0] == pytest.approx(0.547093345, rel=1e-8)
        assert log.loss_log["_ColorlessSparsity"][0] == pytest.approx(0.293578426, rel=1e-8)

    def test_a_lossless_start_converges_and_stays_lossless(self) -> None:
        model = small(rt=None)
        log = train_fdn(model, "colorless", max_steps=200, optimizer="lbfgs")
        assert np.isfinite(log.train_loss).all()
        assert log.best_loss < 0.6 * log.train_loss[0]
        assert log.loop_radius == pytest.approx(1.0, abs=1e-8)
        assert "off the unit circle" in log.stop_reason

    def test_several_outputs_warn(self) -> None:
        model = small(output_gain=np.ones((2, 4)) / 4)
        with pytest.warns(UserWarning, match="2 outputs are summed"):
            log = train_fdn(model, "colorless", max_steps=20, lr=0.01)
        assert log.best_loss < log.train_loss[0]

    def test_several_inputs_are_refused(self) -> None:
        with pytest.raises(ValueError, match="2 inputs"):
            train_fdn(small(input_gain=np.ones((4, 2))), "colorless")


class TestMatching:
    def target(self) -> np.ndarray:
        other = small()
        other.parameters = other.parameters + 0.2 * np.random.default_rng(1).standard_normal(14)
        return impulse_response(other.build, NFFT)

    @pytest.mark.parametrize("mode", ["match_spectrogram", "match_mel_spectrogram"])
    @pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
    def test_a_response_is_approached(self, mode: str, optimizer: str) -> None:
        steps = 150 if optimizer == "adam" else 25
        model = small()
        settings = {"max_steps": steps, "lr": 0.02, "optimizer": optimizer, "mss_nfft": (64, 128)}
        log = train_fdn(model, mode, target=self.target(), sparsity_alpha=0.0, **settings)
        assert log.best_loss < 0.5 * log.train_loss[0]
        assert list(log.loss_log) == ["mss_loss" if mode == "match_spectrogram" else "mel_mss_loss"]
        assert model.output == "time"

    def test_the_target_moves_the_feedback_from_the_first_step(self) -> None:
        by_target = objective(small(), "match_spectrogram", self.target(), sparsity_alpha=0.0)
        whole = objective(small(), "match_spectrogram", self.target())
        start = small().parameters
        feedback = small().map.slices["feedback"]
        first = by_target(start).gradient[feedback]
        other = whole(start).gradient[feedback] - first
        assert np.linalg.norm(first) > np.linalg.norm(other)

    def test_many_channels_are_approached(self) -> None:
        rng = np.random.default_rng(1)
        gains = {"input_gain": rng.standard_normal((4, 2)), "output_gain": rng.standard_normal((3, 4))}
        truth = impulse_response(small(rng=2, **gains).build, NFFT)
        assert truth.shape == (NFFT, 3, 2)
        model = small(**{name: value + 0.5 for name, value in gains.items()})
        settings = {"max_steps": 30, "optimizer": "lbfgs", "mss_nfft": (64,)}
        log = train_fdn(model, "match_spectrogram", target=truth, **settings)
        assert log.best_loss < 0.8 * log.train_loss[0]
        impulses = np.zeros((2, NFFT, 2))
        impulses[[0, 1], 0, [0, 1]] = 1
        assert model(impulses).shape == (2, NFFT, 3)

    def test_one_column_stands_for_all_outputs(self) -> None:
        gains = {"output_gain": np.ones((2, 4))}
        one, two = (
            objective(small(**gains), "match_spectrogram", target)(small(**gains).parameters).total
            for target in (ROOM, np.stack([ROOM, ROOM], axis=1))
        )
        assert one == two

    def test_free_feedback_never_leaves_an_unstable_network(self) -> None:
        target = np.ones(NFFT) * ROOM[0]
        model = small(matrix="random", rt=0.5)
        log = train_fdn(model, "match_spectrogram", target=target, max_steps=120, lr=0.02, mss_nfft=(64,))
        assert log.loop_radius <= 1 + 1e-8
        assert "unstable" in log.stop_reason
        assert log.best_loss > min(log.train_loss)

    def test_an_unstable_start_is_refused(self) -> None:
        model = small(matrix="random", rt=None, feedback=1.1 * np.eye(4))
        with pytest.raises(NetworkError, match="before training: the network is unstable"):
            train_fdn(model, "match_spectrogram", target=ROOM)


class TestMoreParts:
    """A value that was changed is found again from the response alone."""

    def found(self, truth: FDNBuild, start: FDNBuild, trainable: Trainable, **settings) -> TrainableFDN:
        model = trainable_from_build(start, trainable=trainable, nfft=NFFT)
        settings = {"sparsity_alpha": 0.0, "mss_nfft": (64, 256), "optimizer": "lbfgs", **settings}
        train_fdn(model, "match_spectrogram", target=impulse_response(truth, NFFT), **settings)
        return model

    def start(self) -> FDNBuild:
        return small(fs=8000.0, rt=0.15).build

    def test_decay_per_octave(self) -> None:
        start = self.start()
        truth = np.linspace(0.2, 0.08, 6)
        room = start.changed(filters=GraphicAbsorption(start.delays, start.fs).sections(truth))
        model = self.found(room, start, replace(NOTHING, decay=True), max_steps=25)
        np.testing.assert_allclose(model.parts.decay, truth, rtol=0.01)
        assert model.build.filters is not None
        np.testing.assert_allclose(impulse_response(model.build, 500), impulse_response(room, 500), atol=1e-3)

    def test_parts_of_a_sample_are_found_by_the_gradient(self) -> None:
        start = self.start()
        model = trainable_from_build(start, trainable=replace(NOTHING, delays=True), nfft=NFFT)
        moved = start.delays + np.array([0.3, -0.25, 0.2, -0.3])
        vector = model.map.changed(model.parameters, delays=moved)
        function = objective(model, "match_spectrogram", impulse_response(start, NFFT), sparsity_alpha=0.0)
        settings = {"optimizer": "lbfgs", "rate": 1.0, "max_steps": 20, "watch": lambda *_: ""}
        vector, _ = minimise(function, vector, **settings)
        np.testing.assert_allclose(model.map.parts(vector).delays, start.delays, atol=0.01)

    def test_a_delay_comes_to_its_whole_samples(self) -> None:
        start = self.start()
        room = start.changed(delays=start.delays + np.array([0, 3, 0, 0]))
        model = self.found(room, start, replace(NOTHING, delays=True), max_steps=30)
        assert model.build.delays.tolist() == room.delays.tolist()
        np.testing.assert_allclose(model.parts.delays, room.delays)

    def test_pre_delay(self) -> None:
        start = self.start().changed(pre_delay=12)
        room = start.changed(pre_delay=31)
        model = self.found(room, start, replace(NOTHING, pre_delay=True), max_steps=20)
        assert model.build.pre_delay == 31

    def test_tone(self) -> None:
        start = self.start()
        levels_db = np.random.default_rng(0).uniform(-8, 8, (6, 1))
        room = start.changed(post_eq=ToneFilter(start.fs).sections(levels_db))
        model = self.found(room, start, replace(NOTHING, tone=True), max_steps=40)
        np.testing.assert_allclose(model.parts.tone, levels_db, atol=0.1)
        assert model.build.post_eq is not None

    def test_early_reflections_and_direct_path(self) -> None:
        start = self.start().changed(early=Taps(np.array([5, 40, 58]), np.array([[[0.3, -0.1, 0.1]]])))
        room = start.changed(early=Taps(np.array([5, 40, 58]), np.array([[[0.5, -0.3, 0.2]]])), D=[[0.7]])
        model = self.found(room, start, replace(NOTHING, early=True, direct=True), max_steps=50)
        assert model.build.early is not None
        np.testing.assert_allclose(model.build.early.gains[0, 0], [0.5, -0.3, 0.2], atol=1e-3)
        assert model.build.D[0, 0] == pytest.approx(0.7, abs=1e-3)

    def test_delays_together_with_the_rest(self) -> None:
        model = small(trainable=Trainable(delays=True))
        log = train_fdn(model, "match_spectrogram", target=ROOM, max_steps=40, lr=0.01, mss_nfft=(64,))
        assert log.best_loss < log.train_loss[0]
        assert log.steps_run <= 40
        np.testing.assert_allclose(model.parts.delays, model.build.delays)
        assert "whole samples" in log.stop_reason

    def test_early_reflections_must_be_there(self) -> None:
        with pytest.raises(NetworkError, match="no early reflections"):
            small(trainable=Trainable(early=True))


class TestEnds:
    def test_the_same_seed_gives_the_same_losses(self) -> None:
        first, second = (train_fdn(small(), "colorless", max_steps=20, rng=1).train_loss for _ in range(2))
        assert first == second

    def test_the_best_step_is_kept(self) -> None:
        model = small(rt=0.3)
        log = train_fdn(model, "colorless", max_steps=40, lr=1.0, patience=100)
        assert log.best_loss == min(log.train_loss)
        assert log.best_step == int(np.argmin(log.train_loss)) < 30
        again = objective(model, "colorless")(model.parameters).total
        assert again == pytest.approx(log.best_loss, rel=1e-9)
        assert f"step {log.best_step} was the best" in log.stop_reason

    def test_the_last_step_counts(self) -> None:
        model = small()
        before = model.parameters
        log = train_fdn(model, "colorless", max_steps=1)
        assert log.steps_run == 1
        assert not log.stopped_early
        assert not np.array_equal(model.parameters, before)
        assert log.best_loss < log.train_loss[0]

    @pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
    def test_a_plateau_ends_it(self, optimizer: str) -> None:
        settings = {"max_steps": 500, "patience": 3, "tol": 0.5, "lr": 1e-4}
        log = train_fdn(small(), "colorless", optimizer=optimizer, **settings)
        assert log.steps_run == 4
        assert log.stopped_early
        assert log.stop_reason.startswith("no improvement above 0.5 in 3 steps")
        assert len(log.train_loss) == len(log.loss_log["mse_loss"]) == 4

    def test_improvement_is_measured_against_the_best(self) -> None:
        recorder = Recorder(100, patience=2, tol=0.1)
        words = [
            recorder.watch(np.zeros(1), Evaluation(total, {}, np.zeros(1)))
            for total in (1.0, 0.8, 0.9, 0.5, 0.49, 0.48)
        ]
        assert [bool(word) for word in words] == [False] * 5 + [True]

    def test_a_loss_that_is_not_finite_ends_it(self) -> None:
        recorder = Recorder(100, patience=2, tol=0.1)
        assert not recorder.watch(np.zeros(1), Evaluation(1.0, {}, np.zeros(1)))
        assert "not finite" in recorder.watch(np.ones(1), Evaluation(float("nan"), {}, np.zeros(1)))
        with pytest.raises(NetworkError, match="first step"):
            Recorder(100, patience=2, tol=0.1).watch(np.ones(1), Evaluation(float("inf"), {}, np.zeros(1)))

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

    def test_progress_is_told(self) -> None:
        told: list[tuple[int, int]] = []
        train_fdn(small(), "colorless", max_steps=5, progress=lambda done, total: told.append((done, total)))
        assert told == [(step, 5) for step in range(1, 6)]


class TestRecords:
    def test_a_folder_holds_the_run(self, tmp_path, capsys) -> None:
        model = small()
        folder = tmp_path / "runs" / "first"
        log = train_fdn(model, "colorless", max_steps=12, log=True, train_dir=folder, save_every=5)
        assert sorted(path.name for path in folder.iterdir()) == [
            "checkpoints",
            "config.json",
            "losses.csv",
            "network.json",
        ]
        rows = list(csv.DictReader((folder / "losses.csv").read_text().splitlines()))
        np.testing.assert_array_equal([float(row["total"]) for row in rows], log.train_loss)
        np.testing.assert_array_equal([float(row["mse_loss"]) for row in rows], log.loss_log["mse_loss"])
        config = json.loads((folder / "config.json").read_text())
        assert config["mode"] == "colorless"
        assert config["max_steps"] == 12
        assert config["model"]["lines"] == 4
        saved = sorted(path.name for path in (folder / "checkpoints").iterdir())
        assert saved == ["step_000000.npz", "step_000005.npz", "step_000010.npz"]
        with np.load(folder / "checkpoints" / saved[1], allow_pickle=False) as arrays:
            other = small()
            other.parameters = arrays["parameters"]
        assert objective(other, "colorless")(other.parameters).total == pytest.approx(log.train_loss[5])
        np.testing.assert_allclose(load_network(folder / "network.json").A, model.build.A, atol=1e-12)
        assert "step 1 of 12" in capsys.readouterr().err

    def test_an_earlier_record_is_left_alone(self, tmp_path) -> None:
        for _ in range(2):
            train_fdn(small(), "colorless", max_steps=2, log=True, train_dir=tmp_path)
        first, second = (folder / "losses.csv" for folder in (tmp_path, tmp_path / "run-2"))
        assert first.read_text() == second.read_text()

    def test_nothing_is_written_or_said_unasked(self, tmp_path, capsys) -> None:
        train_fdn(small(), "colorless", max_steps=2, train_dir=tmp_path)
        assert not list(tmp_path.iterdir())
        assert capsys.readouterr() == ("", "")


class TestRefusals:
    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            ({"mode": "colourless"}, "did you mean colorless"),
            ({"optimizer": "adamw"}, "did you mean adam"),
            ({"max_steps": 0}, "max_steps is 0"),
            ({"max_steps": 2.5}, "max_steps is 2.5"),
            ({"patience": 0}, "patience is 0"),
            ({"lr": 0.0}, "lr is 0.0"),
            ({"tol": -1.0}, "tol -1.0"),
            ({"sparsity_alpha": -1.0}, "sparsity_alpha is -1.0"),
            ({"scaling": "loud"}, "scaling is 'loud'"),
            ({"dtype": "int8"}, "dtype is int8"),
            ({"mode": "match_spectrogram"}, "give target="),
            ({"mode": "match_spectrogram", "target": []}, "not empty"),
            ({"mode": "match_spectrogram", "target": np.zeros(100)}, "silent"),
            ({"mode": "match_spectrogram", "target": np.full(100, np.nan)}, "not finite"),
            ({"mode": "match_spectrogram", "target": np.ones((100, 3))}, r"\(time, 1\)"),
            ({"mode": "match_spectrogram", "target": np.ones((100, 2, 1))}, r"\(time, 1, 1\)"),
            ({"mode": "match_spectrogram", "target": np.ones((1, 1, 1, 9))}, "shape"),
            ({"criteria": []}, "criteria is empty"),
            ({"criteria": [("mse", 1.0, False)]}, "criterion, weight, requires_model"),
        ],
    )
    def test_wrong_arguments_are_named(self, arguments: dict, words: str) -> None:
        arguments = {"mode": "colorless", "max_steps": 3, **arguments}
        with pytest.raises(ValueError, match=words):
            train_fdn(small(), **arguments)

    def test_something_must_be_trained(self) -> None:
        with pytest.raises(NetworkError, match="nothing of the model is trained"):
            train_fdn(small(trainable=NOTHING), "colorless")

    def test_only_models_are_trained(self) -> None:
        with pytest.raises(NetworkError, match="build_fdn"):
            train_fdn(small().build, "colorless")

    def test_a_log_starts_empty(self) -> None:
        assert TrainLog().train_loss == []
        assert TrainLog().stopped_early is False
