"""What MLflow, TensorBoard and Weights & Biases are given; none of them reaches the network."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
from matplotlib.figure import Figure

from tonewright.errors import TonewrightError
from tonewright.learning.metrics_file import metric_series
from tonewright.learning.runs import Run, flat
from tonewright.learning.start import train

EXAMPLE = ("callbacks.examples=1", "callbacks.example_seconds=0.3")
OUTSIDE: list[object] = []


def note_connections(event: str, arguments: tuple) -> None:
    """Keep every address that is asked for or connected to, save this machine's own."""
    if event == "socket.getaddrinfo":
        OUTSIDE.append(arguments[0])
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        OUTSIDE.append(arguments[1][0])


@pytest.fixture(scope="module")
def connections() -> list[object]:
    """Addresses outside this machine that were reached for, from now on."""
    sys.addaudithook(note_connections)
    OUTSIDE.clear()
    return OUTSIDE


def outside(addresses: list[object]) -> list[object]:
    return [address for address in addresses if address not in ("127.0.0.1", "::1", "localhost", None)]


def draw(sounds) -> Figure:
    figure = Figure(figsize=(2, 1))
    axes = figure.subplots()
    for _, sound in sounds:
        axes.plot(sound.samples[0, :100])
    return figure


@dataclass
class Tracked:
    """A run that MLflow followed, and where it was started."""

    config: object
    run: Run
    started_in: Path


@pytest.fixture(scope="module")
def tracked(tiny_in, tmp_path_factory: pytest.TempPathFactory, connections: list[object]) -> Tracked:
    output, elsewhere = tmp_path_factory.mktemp("tracked"), tmp_path_factory.mktemp("elsewhere")
    config = tiny_in(
        output,
        "logger=default",
        "logger.mlflow.register_as=tiny codec",
        "trainer.max_steps=3",
        "trainer.validate_every_steps=3",
        *EXAMPLE,
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(elsewhere)
        patch.delenv("MLFLOW_DISABLE_TELEMETRY", raising=False)
        run = train(config, draw=draw)
        assert os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"
    return Tracked(config, run, elsewhere)


def client_of(run: Run):
    from mlflow import MlflowClient

    return MlflowClient(f"sqlite:///{run.config.output}/mlflow.db")


def record_of(run: Run):
    return client_of(run).get_run((run.folder / "mlflow_run_id.txt").read_text())


def artefacts(run: Run, folder: str | None = None) -> set[str]:
    client, found = client_of(run), set()
    for item in client.list_artifacts(record_of(run).info.run_id, folder):
        found |= artefacts(run, item.path) if item.is_dir else {item.path}
    return found


def test_mlflow_has_settings_and_losses(tracked: Tracked) -> None:
    record = record_of(tracked.run)
    assert record.info.status == "FINISHED"
    assert record.info.run_name == "a"
    settings = flat(tracked.run.config)
    assert record.data.params == {name: str(value)[:250] for name, value in settings.items()}
    series = metric_series(tracked.run.metrics_file)
    for name in ("train/loss", "train/kl", "validation/loss", "validation/mel_distance", "learning_rate"):
        history = client_of(tracked.run).get_metric_history(record.info.run_id, name)
        assert [(point.step, point.value) for point in history] == list(zip(*series[name], strict=True))


def test_mlflow_has_sounds_pictures_checkpoints_and_the_model(tracked: Tracked) -> None:
    found = artefacts(tracked.run)
    sounds = {f"audio/{path.name}" for path in (tracked.run.folder / "audio").glob("*.wav")}
    pictures = {f"figures/{path.name}" for path in (tracked.run.folder / "figures").glob("*.png")}
    assert len(sounds) == 2
    assert len(pictures) == 1
    rest = {"checkpoints/best.ckpt", "checkpoints/last.ckpt", "model.safetensors", "config.yaml"}
    assert found >= sounds | pictures | rest | {"metrics.csv", "environment.txt"}
    stored = Path(record_of(tracked.run).info.artifact_uri.removeprefix("file://"))
    assert stored.is_relative_to(tracked.run.config.output)
    assert (stored / "model.safetensors").read_bytes() == (
        tracked.run.folder / "model.safetensors"
    ).read_bytes()


def test_mlflow_registers_the_model_on_request(tracked: Tracked) -> None:
    versions = client_of(tracked.run).search_model_versions("name = 'tiny codec'")
    assert [version.run_id for version in versions] == [record_of(tracked.run).info.run_id]
    assert versions[0].source.endswith("model.safetensors")


def test_nothing_is_left_where_it_was_started_and_nobody_is_called(
    tracked: Tracked, connections: list[object]
) -> None:
    assert list(tracked.started_in.iterdir()) == []
    assert outside(connections) == []


def test_a_resumed_run_continues_its_own_record(tracked: Tracked) -> None:
    identity = record_of(tracked.run).info.run_id
    config = tracked.config
    config.ckpt_path, config.trainer.max_steps, config.logger.mlflow.register_as = "last", 5, None
    run = train(config)
    record = record_of(run)
    assert record.info.run_id == identity
    assert record.info.status == "FINISHED"
    assert record.data.params["trainer.max_steps"] == "3"  # as MLflow keeps it
    assert record.data.tags["resumed.trainer.max_steps"] == "5"
    history = client_of(run).get_metric_history(identity, "train/loss")
    assert [point.step for point in history] == [1, 2, 3, 4, 5]
    assert len(client_of(run).search_runs([record.info.experiment_id])) == 1


def test_a_second_run_has_a_record_of_its_own(tracked: Tracked, tiny_in) -> None:
    config = tiny_in(Path(tracked.run.config.output), "logger=default", "run_name=b", "trainer.max_steps=1")
    second = train(config)
    assert record_of(second).info.run_id != record_of(tracked.run).info.run_id
    assert record_of(second).info.experiment_id == record_of(tracked.run).info.experiment_id


def test_a_run_that_fails_is_told_as_failed(
    tracked: Tracked, tiny_in, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tonewright.codec.training import CodecLearner

    def fail(self, windows) -> None:
        raise TonewrightError("no")

    monkeypatch.setattr(CodecLearner, "prepare", fail)
    with pytest.raises(TonewrightError, match="no"):
        train(tiny_in(Path(tracked.run.config.output), "logger=default", "run_name=failed"))
    experiment = record_of(tracked.run).info.experiment_id
    found = client_of(tracked.run).search_runs([experiment], "attributes.run_name = 'failed'")
    assert [record.info.status for record in found] == ["FAILED"]


@pytest.mark.parametrize(
    ("uri", "words"),
    [
        ("nonsense://x", "nonsense"),
        ("http://127.0.0.1:9", "refused"),
        ("sqlite:////proc/nowhere/mlflow.db", "No such file"),
    ],
)
def test_a_tracking_address_that_does_not_answer_is_told_before_training(
    uri: str, words: str, tiny, tmp_path: Path
) -> None:
    config = tiny("logger=default", f"logger.mlflow.tracking_uri={uri}")
    with pytest.raises(TonewrightError, match=rf"tracking_uri={uri}: .*{words}") as refusal:
        train(config)
    assert "\n" not in str(refusal.value)
    assert "logger.mlflow.enabled=false" in str(refusal.value)
    assert not (tmp_path / "runs" / "codec" / "a").exists()
    assert "MLFLOW_HTTP_REQUEST_MAX_RETRIES" not in os.environ


def test_tensorboard_has_losses_sounds_and_pictures(tiny) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    run = train(
        tiny(
            "logger=tensorboard",
            "trainer.max_steps=3",
            *EXAMPLE,
        ),
        draw=draw,
    )
    board = EventAccumulator(str(run.folder / "tensorboard")).Reload()
    series = metric_series(run.metrics_file)
    for name in ("train/loss", "validation/loss", "validation/mel_distance"):
        steps, values = series[name]
        assert [point.step for point in board.Scalars(name)] == list(steps)
        assert [point.value for point in board.Scalars(name)] == pytest.approx(list(values))
    tags = board.Tags()
    assert len(tags["audio"]) == 2
    assert len(tags["images"]) == 1
    assert board.Audio(tags["audio"][0])[0].sample_rate == 44100
    assert not (run.folder / "mlflow_run_id.txt").exists()


def test_all_trackers_at_once_offline_and_each_run_its_own(tiny, connections: list[object]) -> None:
    pytest.importorskip("wandb", reason="Weights & Biases is not installed")
    folders = []
    for name in ("first", "second"):
        config = tiny(
            "logger=all",
            f"run_name={name}",
            "trainer.max_steps=2",
            *EXAMPLE,
        )
        run = train(config, draw=draw)
        found = list((run.folder / "wandb").glob("offline-run-*"))
        assert len(found) == 1
        folders += found
        assert list(found[0].rglob("media/audio/**/*.wav"))
        assert list(found[0].rglob("media/images/**/*.png"))
        assert (run.folder / "tensorboard").is_dir()
        assert record_of(run).info.status == "FINISHED"
        assert len(metric_series(run.metrics_file)["train/loss"][0]) == 2
    assert len({folder.name.rsplit("-", 1)[1] for folder in folders}) == 2
    assert outside(connections) == []
