"""Training: what is learned, when it ends, what is kept and what is refused."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

from tonewright.errors import NetworkError
from tonewright.reverb import (
    Trainable,
    TrainableFDN,
    TrainLog,
    build_fdn,
    impulse_response,
    load_network,
    train_fdn,
)
from tonewright.reverb.train.objective import TrainingObjective
from tonewright.reverb.train.optimise import Evaluation
from tonewright.reverb.train.recording import Recorder
from tonewright.reverb.train.run import TrainingRun

NFFT = 1024
ROOM = np.random.default_rng(0).standard_normal(900) * np.exp(-np.arange(900) / 200)
NOTHING = Trainable(feedback=False, input_gain=False, output_gain=False)


def small(**arguments) -> TrainableFDN:
    return build_fdn(**{"delays": [61, 83, 97, 101], "rt": 0.05, "rng": 0, "nfft": NFFT, **arguments})


def objective(
    model: TrainableFDN, mode: str, target=None, scaling: str = "relative", **settings
) -> TrainingObjective:
    run = TrainingRun(model, mode, scaling=scaling, dtype="float64")
    settings = {"criteria": None, "sparsity_alpha": 0.2, "mss_nfft": (64, 128), **settings}
    run.measure(target=target, **settings)
    return run.first_stage().objective


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

    @pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
    @pytest.mark.parametrize("rt", [0.05, None])
    def test_free_feedback_is_trained_and_stays_stable(self, optimizer: str, rt: float | None) -> None:
        model = small(matrix="random", rt=rt)
        settings = {"max_steps": 60, "lr": 0.01, "optimizer": optimizer}
        log = train_fdn(model, "colorless", **settings)
        assert log.best_loss < 0.7 * log.train_loss[0]
        assert log.loop_radius <= 1 + 1e-8
        gains = np.linalg.svd(model.build.A)[1]
        assert gains.max() <= 1 + 1e-12
        assert gains.min() < 0.999, "it is no rotation any more"

    def test_where_the_peers_form_leads_astray_the_last_stable_step_is_kept(self) -> None:
        model = small(matrix="random", rt=0.5)
        settings = {"max_steps": 60, "lr": 0.02, "mss_nfft": (64,), "scaling": "peer"}
        log = train_fdn(model, "match_spectrogram", target=100 * np.ones(NFFT), **settings)
        assert log.loop_radius <= 1 + 1e-8
        assert "unstable" in log.stop_reason
        assert log.best_loss > min(log.train_loss)

    def test_an_unstable_start_is_refused(self) -> None:
        model = small(matrix="random", rt=None, feedback=1.1 * np.eye(4))
        with pytest.raises(NetworkError, match="before training: the network is unstable"):
            train_fdn(model, "match_spectrogram", target=ROOM)


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

    @pytest.mark.parametrize("name", ["losses.csv", "network.json", "checkpoints/step_000000.npz"])
    def test_files_of_others_are_left_alone(self, tmp_path, name) -> None:
        mine = tmp_path / name
        mine.parent.mkdir(exist_ok=True)
        mine.write_text("mine")
        train_fdn(small(), "colorless", max_steps=1, log=True, train_dir=tmp_path)
        assert mine.read_text() == "mine"
        assert (tmp_path / "run-2" / "network.json").is_file()

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
            ({"mode": "match_spectrogram", "target": np.arange(1100) > 1050}, "silent in its first 1024"),
            ({"mode": "match_spectrogram", "target": ROOM + 0j}, "complex128 values"),
            ({"mode": "match_spectrogram", "target": "room.wav"}, "give the samples"),
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
