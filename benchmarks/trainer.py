"""What the trainer costs a step, over the same step in a bare loop; and what the smallest codec reaches.

python benchmarks/trainer.py
python benchmarks/trainer.py --only codec       (trains for about a minute)
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from harness import Report, Row
from tonewright.learning.compose import compose_config
from tonewright.learning.config import TrainConfig
from tonewright.learning.learner import Batch, Learner
from tonewright.learning.loader import training_loader
from tonewright.learning.schedules import rate_factor

if TYPE_CHECKING:
    from tonewright.codec import Codec
    from tonewright.codec.evaluate import Score
    from tonewright.learning.runs import Run
    from tonewright.learning.trainer import Material

STEPS = 600
REQUIRED_MS = 3.0
REQUIRED_LESS = 40.0


class TrivialLearner(Learner):
    """A model that costs next to nothing, with four values to log."""

    def __init__(self, config: TrainConfig) -> None:
        super().__init__(nn.Linear(32, 1), config)

    def terms(self, batch: Batch, generator: torch.Generator | None) -> Mapping[str, Tensor]:
        error = self.model(batch["mixture"]).square()
        return {"loss": error.mean(), "least": error.amin(), "most": error.amax(), "sum": error.sum()}


class Constant:
    """Windows that are there already."""

    def __init__(self, length: int) -> None:
        self.length, self.item = length, {"mixture": torch.ones(2, 32)}

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: object) -> dict[str, Tensor]:
        return self.item


def settings(folder: str, every: int) -> TrainConfig:
    return compose_config(
        "codec",
        [
            f"output={folder}",
            f"run_name=cost-{every}",
            "data.root=none",
            "data.batch_size=4",
            f"data.windows_per_epoch={4 * STEPS}",
            "data.workers=0",
            "trainer=cpu",
            "trainer.max_epochs=1",
            f"trainer.log_every_steps={every}",
            "logger=csv",
            "callbacks.examples=0",
            "force=true",
        ],
    )


def trainer_seconds(config: TrainConfig, *, progress: bool) -> float:
    """CPU seconds a step between the first and the last step under the trainer."""
    from lightning.pytorch.callbacks import Callback

    from tonewright.learning.callbacks import Progress, build_callbacks
    from tonewright.learning.runs import create_run
    from tonewright.learning.tracking import build_loggers
    from tonewright.learning.trainer import Material, build_trainer, fit, quiet_lightning

    taken: list[float] = []

    class Clock(Callback):
        def on_train_start(self, *_: object) -> None:
            taken.append(time.process_time())

        def on_train_epoch_end(self, *_: object) -> None:
            taken.append(time.process_time())

    run = create_run(config)
    with quiet_lightning():
        metrics, trackers = build_loggers(run)
        callbacks = [*build_callbacks(config, run, metrics), Clock(), *([Progress()] if progress else [])]
        trainer = build_trainer(config, run, [metrics, *trackers], callbacks)
        windows = Constant(config.data.windows_per_epoch)
        material = Material(windows, Constant(4))  # pyright: ignore[reportArgumentType] - windows by their methods
        fit(trainer, TrivialLearner(config), material, config, run)
    return (taken[1] - taken[0]) / STEPS


def bare_seconds(config: TrainConfig) -> float:
    """CPU seconds of the same step written out: same loader, optimiser, schedule and clipping."""
    from tonewright.learning.loader import ResumableBatches

    learner = TrivialLearner(config)
    optimizer = torch.optim.AdamW(learner.model.parameters(), lr=1.5e-4, betas=(0.8, 0.99))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimizer, lambda step: rate_factor(config.optimizer, step, STEPS)
    )
    batches = ResumableBatches(batches=STEPS, batch_size=4, processed=lambda: 0)
    start = time.process_time()
    for batch in training_loader(Constant(4 * STEPS), batches, workers=0):  # pyright: ignore[reportArgumentType]
        loss = learner.terms(batch, None)["loss"]
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(learner.model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return (time.process_time() - start) / STEPS


def cost_rows() -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for every, progress in ((10, False), (10, True), (1, False)):
            pairs = []
            for _ in range(3):
                config = settings(folder, every)
                pairs.append((1e3 * trainer_seconds(config, progress=progress), 1e3 * bare_seconds(config)))
            ours, bare = min(pair[0] for pair in pairs), min(pair[1] for pair in pairs)
            over = ours - bare
            what = f"a step, logged every {every}" + (", with a progress bar" if progress else "")
            note = f"{over:.2f} ms over the bare loop"
            bar = f"≤ {REQUIRED_MS:g} ms over"
            rows.append(Row(what, "ms", ours, "bare loop", bare, bar, over <= REQUIRED_MS, note))
    return rows


def codec_rows(sounds: str | None) -> list[Row]:
    """Train `tiny` on the demo band and hold it beside the untrained model and the mean spectrum."""
    from tonewright.codec.evaluate import compare
    from tonewright.learning.material import ensure_data, load_material
    from tonewright.learning.start import train

    with tempfile.TemporaryDirectory() as folder:
        overrides = ["experiment=tiny", "data=demo", "run_name=a", "logger=csv"]
        config = compose_config("codec", [*overrides, f"data.root={folder}/band", f"output={folder}/runs"])
        ensure_data(config.data)
        start = time.monotonic()
        run = train(config)
        seconds = time.monotonic() - start
        material = load_material(config)
        trained, *others = compare(run, material)
        rows = [Row("training of tiny", "s", seconds, note=f"SI-SDR {trained.si_sdr_db:.1f} dB at the end")]
        rows += [beside("validation songs", trained.mel_distance, other) for other in others]
        return rows + (recordings(run, material, Path(sounds)) if sounds else [])


def beside(what: str, distance: float, other: Score) -> Row:
    """One distance beside another, with the bar where there is one."""
    less = 100 * (1 - distance / other.mel_distance)
    judged = other.name in ("untrained", "mean spectrum")
    return Row(
        f"mel distance, {what}",
        "",
        distance,
        other.name,
        other.mel_distance,
        f"{REQUIRED_LESS:g} % under" if judged else "",
        less >= REQUIRED_LESS if judged else None,
        f"{less:.0f} % under",
    )


def recordings(run: Run, material: Material, folder: Path) -> list[Row]:
    """The same for every file of a folder, which the codec has never heard; the mean over the files."""
    from tonewright.audio.corpus import load_corpus
    from tonewright.codec import load_codec
    from tonewright.codec.evaluate import Score
    from tonewright.codec.training import CodecLearner

    models = {"trained": load_codec(run)}
    for name in ("untrained", "linear path alone"):
        torch.manual_seed(run.config.seed)
        learner = CodecLearner(run.config)
        if name == "linear path alone":
            learner.prepare(material.training)
        models[name] = learner.model.eval()
    paths = [path for track in load_corpus(folder).tracks for path in track.stems.values()]
    far = {name: sum(heard(model, path) for path in paths) / len(paths) for name, model in models.items()}
    what = f"{len(paths)} recordings"
    return [
        beside(what, far["trained"], Score(name, far[name])) for name in ("linear path alone", "untrained")
    ]


def heard(model: Codec, path: str) -> float:
    """Mel distance between a file and its reconstruction."""
    from tonewright.audio.files import read
    from tonewright.codec import reconstruct_clip
    from tonewright.learning.metrics import mel_distance

    clip = read(path, sample_rate=model.sample_rate, channels=model.channels)
    made, true = (torch.from_numpy(sound.samples) for sound in (reconstruct_clip(model, clip), clip))
    return float(mel_distance(made, true, sample_rate=model.sample_rate))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=("cost", "codec"))
    parser.add_argument("--sounds", help="folder of recordings to hear the codec with")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    report = Report("The trainer", ("tonewright", "torch", "lightning"))
    if options.only != "codec":
        report.measure(cost_rows, "cost of a step")
    if options.only != "cost":
        report.measure(lambda: codec_rows(options.sounds), "the smallest codec")
    report.print(as_json=options.json)
    return 1 if any(row.met is False for row in report.rows) else 0


if __name__ == "__main__":
    sys.exit(main())
