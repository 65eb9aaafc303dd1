"""The promises that every system keeps. A new system is held to them by being registered."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from tonewright.audio.files import Clip, read, write
from tonewright.errors import AudioError, RunError, TonewrightError
from tonewright.learning.compose import compose_config
from tonewright.learning.config import TrainConfig
from tonewright.learning.material import load_material
from tonewright.learning.metrics_file import metric_series
from tonewright.learning.registry import Step, load_system, system_names
from tonewright.learning.runs import Run, open_run
from tonewright.learning.start import train

SYSTEMS = system_names()
# Trained by Lightning; the others bring a loop of their own, whose steps are longer and fewer.
LEARNERS = [name for name in SYSTEMS if load_system(name).learner is not None]
# Of those, filters take as many steps as the learners do, with checkpoints between them.
STEPPING = [*LEARNERS, *(name for name in SYSTEMS if name == "filters")]
SMALL = (
    "logger=csv",
    "trainer=cpu",
    "trainer.threads=1",
    "trainer.log_every_steps=1",
    "data.workers=0",
    "data.seconds=0.5",
    "data.batch_size=2",
    "data.windows_per_epoch=20",
    "data.validation_windows=4",
    "callbacks.checkpoint_every_steps=3",
    "callbacks.examples=1",
)


def settings(name: str, band: Path, output: Path, *more: str):
    system = load_system(name)
    return compose_config(name, [*system.smoke, f"data.root={band}", f"output={output}", *SMALL, *more])


@pytest.fixture(scope="module", params=SYSTEMS)
def trained(request: pytest.FixtureRequest, band: Path, tmp_path_factory: pytest.TempPathFactory) -> Run:
    output = tmp_path_factory.mktemp(f"runs-{request.param}")
    return train(settings(request.param, band, output, "run_name=short", "trainer.max_steps=6"))


def tone(rate: int, channels: int, frames: int) -> Clip:
    time_s = np.arange(frames) / rate
    samples = [0.2 * np.sin(2 * np.pi * 220 * (1 + channel) * time_s) for channel in range(channels)]
    return Clip(np.array(samples, np.float32).reshape(channels, frames), rate)


@pytest.mark.parametrize("name", SYSTEMS)
def test_two_steps_give_finite_losses_and_live_gradients(name: str, band: Path, tmp_path: Path) -> None:
    for step in first_steps(settings(name, band, tmp_path, "run_name=steps"), steps=2):
        assert all(np.isfinite(value) for value in step.terms.values()), step.terms
        for parameter_name, gradient in step.gradients.items():
            assert np.isfinite(gradient).all(), parameter_name
            assert np.abs(gradient).max() > 0, parameter_name


def first_steps(config: TrainConfig, *, steps: int) -> Sequence[Step]:
    """The first steps of a training, by the system's own loop or with its learner."""
    system = load_system(config.system_name)
    return system.first_steps(config, steps=steps) if system.first_steps else learner_steps(config, steps)


def learner_steps(config: TrainConfig, steps: int) -> list[Step]:
    torch.manual_seed(config.seed)
    learner = load_system(config.system_name).learner(config)
    windows = load_material(config).training
    learner.prepare(windows)
    optimizer = torch.optim.Adam(learner.model.parameters(), lr=1e-4)
    found = []
    for step in range(steps):
        items = [windows[(0, 2 * step + i)] for i in range(2)]
        batch = {stem: torch.stack([torch.from_numpy(item[stem]) for item in items]) for stem in items[0]}
        terms = learner.terms(batch, torch.Generator().manual_seed(step))
        optimizer.zero_grad()
        terms["loss"].backward()
        gradients = {key: weight.grad.numpy().copy() for key, weight in learner.model.named_parameters()}
        found.append(Step({key: float(value.detach()) for key, value in terms.items()}, gradients))
        optimizer.step()
    return found


def learned(run: Run) -> dict[str, np.ndarray]:
    """Everything that a finished run has learned, by name."""
    system = load_system(run.system_name)
    if system.weights:
        return dict(system.weights(run))
    return {name: weight.numpy() for name, weight in run.load_weights().items()}


def test_saved_equals_loaded_in_a_new_process(trained: Run, tmp_path: Path) -> None:
    system = load_system(trained.system_name)
    clip = tone(44100, 2, 30000)
    here = system.process(system.load(trained), clip)
    code = (
        "import sys, numpy as np, torch; torch.set_num_threads(1)\n"
        "from tonewright.audio.files import Clip\n"
        "from tonewright.learning.registry import load_system\n"
        "from tonewright.learning.runs import open_run\n"
        "run = open_run(sys.argv[1]); system = load_system(run.system_name)\n"
        "clip = Clip(np.load(sys.argv[2]), 44100)\n"
        "np.save(sys.argv[3], system.process(system.load(run), clip).samples)\n"
    )
    np.save(tmp_path / "in.npy", clip.samples)
    moved = trained.folder.rename(trained.folder.with_name("moved elsewhere"))
    try:
        arguments = [str(moved), str(tmp_path / "in.npy"), str(tmp_path / "out.npy")]
        subprocess.run([sys.executable, "-c", code, *arguments], check=True, timeout=120)
    finally:
        moved.rename(trained.folder)
    assert np.array_equal(np.load(tmp_path / "out.npy"), here.samples)


@pytest.mark.parametrize("name", SYSTEMS)
def test_the_same_seed_gives_the_same_losses(name: str, band: Path, tmp_path: Path) -> None:
    files = []
    for run_name, seed, workers in (("a", 3, 0), ("b", 3, 2), ("c", 4, 0)):
        more = (f"run_name={run_name}", f"seed={seed}", f"data.workers={workers}", "trainer.max_steps=3")
        files.append(train(settings(name, band, tmp_path, *more)).metrics_file.read_text())
    assert files[0] == files[1]
    assert files[0] != files[2]


RESUMED = {
    "plain": (),
    "accumulation-average-workers": ("trainer.accumulate=2", "trainer.ema_decay=0.9", "data.workers=2"),
    "validation-within-the-epoch": ("trainer.validate_every_steps=4", "callbacks.early_stopping_patience=50"),
}


@pytest.mark.parametrize(
    ("name", "case"),
    [(name, case) for name in SYSTEMS for case in RESUMED if name in STEPPING or case == "plain"],
)
def test_resumed_after_sigkill_equals_uninterrupted(name: str, case: str, band: Path, tmp_path: Path) -> None:
    system, more = load_system(name), RESUMED[case]
    killed_at, last = (8, 14) if name in STEPPING else (2, 5)
    steps = f"trainer.max_steps={last}"
    whole = train(settings(name, band, tmp_path, "run_name=whole", steps, *more))
    # The same training in a process of its own, killed between two checkpoints of the second epoch.
    overrides = [
        *system.smoke,
        f"data.root={band}",
        f"output={tmp_path}",
        *SMALL,
        "run_name=killed",
        steps,
        *more,
    ]
    command = [sys.executable, "-m", "tonewright", "train", name, *overrides]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
    folder = tmp_path / name / "killed"
    saved = "checkpoints/last.*" if name in STEPPING else "metrics.csv"
    kill_when(process, lambda: last_step(folder / "metrics.csv") >= killed_at and any(folder.glob(saved)))
    with pytest.raises(RunError, match="ckpt_path=last"):
        learned(open_run(folder))
    resumed = train(
        compose_config(name, [f"data.root={band}", f"output={tmp_path}", "run_name=killed", "ckpt_path=last"])
    )
    assert resumed.metrics_file.read_text() == whole.metrics_file.read_text()
    ours, theirs = learned(resumed), learned(whole)
    assert ours.keys() == theirs.keys()
    assert all(np.array_equal(ours[key], theirs[key]) for key in ours)


@pytest.mark.parametrize(
    ("name", "stop"),
    [(name, stop) for name in SYSTEMS for stop in (3, 5, 8) if name in STEPPING or stop == 3],
)
def test_a_run_is_carried_on_to_where_one_go_would_have_ended(
    name: str, stop: int, band: Path, tmp_path: Path
) -> None:
    last = 10 if name in STEPPING else 5
    epochs = ("data.windows_per_epoch=10", "trainer.max_epochs=2")  # 10 steps in all
    train(settings(name, band, tmp_path, "run_name=parts", *epochs, f"trainer.max_steps={stop}"))
    more = [f"output={tmp_path}", "run_name=parts", "ckpt_path=last", f"trainer.max_steps={last}"]
    parts = train(compose_config(name, more))
    steps, _ = metric_series(parts.metrics_file)["train/loss"]
    assert steps.tolist() == list(range(1, last + 1))


@pytest.mark.parametrize("name", LEARNERS)
def test_two_processes_equal_one_at_the_same_batch(name: str, band: Path, tmp_path: Path) -> None:
    """The windows of a step are the same; what is drawn besides is each process's own."""
    system = load_system(name)
    common = [*system.smoke, f"data.root={band}", f"output={tmp_path}", *SMALL, "trainer.max_steps=4"]
    one = train(compose_config(name, [*common, "run_name=one", "data.batch_size=4"]))
    two = [*common, "run_name=two", "data.batch_size=2", "trainer.devices=2", "trainer.strategy=ddp"]
    done = subprocess.run(
        [sys.executable, "-m", "tonewright", "train", name, *two], capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert (
        done.stdout.count(str(tmp_path / name / "two")) == 1
    )  # the first process speaks, the other does not
    ours = metric_series(tmp_path / name / "two" / "metrics.csv")
    theirs = metric_series(one.metrics_file)
    steps, losses = ours["validation/loss"]
    assert steps[-1] == 4
    assert losses[-1] == pytest.approx(theirs["validation/loss"][1][-1], rel=0.02)


def last_step(metrics: Path) -> int:
    if not metrics.exists():
        return 0
    return max((int(line.split(",")[0]) for line in metrics.read_text().splitlines()[1:]), default=0)


def kill_when(process: subprocess.Popen, due) -> None:
    deadline = time.monotonic() + 120
    while not due():
        assert process.poll() is None, "the training ended before it could be killed"
        assert time.monotonic() < deadline, "the training did not come far enough"
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()


def test_blocks_equal_the_whole(trained: Run) -> None:
    system = load_system(trained.system_name)
    model = system.load(trained)
    clip = tone(44100, 2, 3 * 44100 + 17)
    clip.samples[:] += np.random.default_rng(0).normal(0, 0.05, clip.samples.shape)
    whole = system.process(model, clip).samples
    assert np.abs(whole).max() > 1e-3
    for block_seconds in (0.05, 0.4, 1.0):
        blocks = system.process(model, clip, block_seconds=block_seconds).samples
        assert blocks.shape == whole.shape
        assert np.abs(blocks - whole).max() <= 1e-5


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 192000])
@pytest.mark.parametrize("channels", [1, 2, 6])
def test_any_rate_and_channels(trained: Run, rate: int, channels: int) -> None:
    system = load_system(trained.system_name)
    clip = tone(rate, channels, rate // 4 + 3)
    made = system.process(system.load(trained), clip)
    assert made.sample_rate == rate
    assert made.samples.shape == clip.samples.shape
    assert np.isfinite(made.samples).all()


@pytest.mark.parametrize("frames", [0, 1, 2, 511, 513])
def test_tiny_and_silent_sounds(trained: Run, frames: int) -> None:
    system = load_system(trained.system_name)
    model = system.load(trained)
    for clip in (tone(44100, 2, frames), Clip(np.zeros((2, frames), np.float32), 44100)):
        made = system.process(model, clip)
        assert made.samples.shape == clip.samples.shape
        assert np.isfinite(made.samples).all()


def test_bad_samples_are_refused_in_words(trained: Run) -> None:
    system = load_system(trained.system_name)
    model = system.load(trained)
    for bad in (np.nan, np.inf):
        clip = tone(44100, 2, 1000)
        clip.samples[1, 500] = bad
        with pytest.raises(TonewrightError, match="NaN"):
            system.process(model, clip)


def test_files_are_processed_as_clips_are(trained: Run, tmp_path: Path) -> None:
    system = load_system(trained.system_name)
    model = system.load(trained)
    clip = tone(48000, 2, 60000)
    write(tmp_path / "in.wav", clip, encoding="float")
    made = read(system.process_file(tmp_path / "in.wav", tmp_path / "out.flac", model, block_seconds=0.2))
    assert made.sample_rate == 48000
    assert np.abs(made.samples - np.clip(system.process(model, clip).samples, -1, 1)).max() < 1e-4


def test_broken_files_are_refused_by_name(trained: Run, tmp_path: Path) -> None:
    system = load_system(trained.system_name)
    model = system.load(trained)
    path = tmp_path / "cut.wav"
    write(path, tone(44100, 2, 44100))
    whole = path.read_bytes()
    for content in (b"", whole[:30], whole[:5000], b"not a sound at all, only words"):
        path.write_bytes(content)
        with pytest.raises(AudioError, match=r"cut\.wav"):
            system.process_file(path, tmp_path / "out.wav", model)
        assert [found.name for found in tmp_path.iterdir()] == ["cut.wav"]


def test_loading_refuses_what_it_cannot_know(trained: Run) -> None:
    path = trained.folder / "config.yaml"
    text = path.read_text()
    try:
        path.write_text(text.replace("format: 1", "format: 99"))
        with pytest.raises(TonewrightError, match="format 99"):
            open_run(trained.folder)
    finally:
        path.write_text(text)
    assert open_run(trained.folder).config == trained.config


@pytest.mark.parametrize("name", LEARNERS)
def test_it_learns(name: str, band: Path, tmp_path: Path) -> None:
    """Outcome: a short training leaves the untrained model far behind, and its last steps still help."""
    more = ("run_name=learn", "trainer.max_steps=60", "trainer.validate_every_steps=20", "data.batch_size=4")
    config = settings(name, band, tmp_path, *more, "data.windows_per_epoch=240")
    torch.manual_seed(config.seed)
    learner = load_system(name).learner(config).eval()
    windows = load_material(config).validation
    batch = {stem: torch.stack([torch.from_numpy(windows[i][stem]) for i in range(4)]) for stem in windows[0]}
    with torch.no_grad():
        untrained = float(learner.terms(batch, None)["loss"])
    _, losses = metric_series(train(config).metrics_file)["validation/loss"]
    assert losses[-1] < 0.6 * untrained
    assert losses[-1] < losses[0]


@pytest.mark.parametrize("name", [name for name in SYSTEMS if name not in LEARNERS])
def test_a_loop_of_its_own_learns(name: str, band: Path, tmp_path: Path) -> None:
    losses = [
        step.terms["loss"] for step in first_steps(settings(name, band, tmp_path, "run_name=a"), steps=60)
    ]
    assert losses[-1] < 0.6 * losses[0]
