"""What happens beside the optimisation: averages, checkpoints, progress, examples to see and hear."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback, Checkpoint, EarlyStopping, ModelCheckpoint, WeightAveraging
from torch import Tensor

from tonewright.audio.files import Clip, atomic_output, write
from tonewright.learning.config import TrainConfig
from tonewright.learning.learner import total_steps
from tonewright.learning.registry import System
from tonewright.learning.tracking import MetricsFile

if TYPE_CHECKING:
    from tonewright.learning.runs import Run

logger = logging.getLogger("tonewright")


class ExponentialAverage(WeightAveraging):
    """Moving average of the weights, used for validation and for the saved model.

    ā ← d ā + (1 - d) a with d = min(decay, (1 + n)/(10 + n)) after n updates, so that a short run is not
    dominated by its first weights.
    """

    def __init__(self, decay: float) -> None:
        def average(averaged: Tensor, current: Tensor, count: Tensor | int) -> Tensor:
            n = float(count)
            return torch.lerp(current, averaged, min(decay, (1 + n) / (10 + n)))

        super().__init__(use_buffers=False, avg_fn=average)

    def settle(self, pl_module: pl.LightningModule) -> None:
        """Leave the averaged weights in the model, also where a resumed run had no step left to end with."""
        self._copy_average_to_current(pl_module)

    @contextmanager
    def in_place(self, pl_module: pl.LightningModule) -> Iterator[None]:
        """Put the averaged weights in place of the current ones for a while."""
        self._swap_models(pl_module)
        try:
            yield
        finally:
            self._swap_models(pl_module)


class MetricsKeeper(Callback):
    """Keeps in each checkpoint how many rows ``metrics.csv`` had, and cuts the file there on resuming."""

    def __init__(self, metrics: MetricsFile) -> None:
        self.metrics = metrics

    def state_dict(self) -> dict[str, Any]:
        """The count of rows."""
        return {"rows": self.metrics.rows}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue the file from the checkpoint's count."""
        self.metrics.continue_from(state_dict["rows"])


class LastCheckpoint(Checkpoint):
    """Saves ``last.ckpt`` every few steps and at the last; once `asked`, ends the training with one.

    A checkpoint holds whole steps only, and the validation that follows a step belongs to it: Lightning,
    resumed from between the two, would leave the validation out.

    Parameters
    ----------
    path : the file
    every_steps : how often; 0 = only when asked
    """

    def __init__(self, path: Path, *, every_steps: int) -> None:
        self.path, self.every_steps, self.asked = path, every_steps, False

    def on_train_batch_end(
        self, trainer: pl.Trainer, pl_module: Any, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Save after a step that no validation follows."""
        if pl_module.ends_step(batch_idx) and not pl_module.validates_after(batch_idx):
            self.save_if_due(trainer)

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Save after the validation that follows a step."""
        if trainer.state.fn == "fit" and pl_module.ends_step(trainer.fit_loop.batch_idx):
            self.save_if_due(trainer)

    def save_if_due(self, trainer: pl.Trainer) -> None:
        """Save, and stop when asked to."""
        # The last step is saved here and not when the training ends: by then Lightning counts an epoch that
        # was left in its middle as done.
        config: Any = trainer.lightning_module.config
        ending = trainer.should_stop or trainer.global_step >= total_steps(config, trainer.world_size)
        if self.asked or ending or (self.every_steps and trainer.global_step % self.every_steps == 0):
            trainer.save_checkpoint(self.path)
        if self.asked:
            raise KeyboardInterrupt


class BestCheckpoint(ModelCheckpoint):
    """Keeps ``best.ckpt``, and knows it again in a run folder that was moved."""

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Continue from the best so far, wherever it lay."""

        def here(path: str) -> str:
            return str(Path(str(self.dirpath), Path(path).name)) if path else path

        names = ("best_model_path", "kth_best_model_path", "last_model_path")
        moved = {**state_dict, "dirpath": self.dirpath, **{name: here(state_dict[name]) for name in names}}
        moved["best_k_models"] = {here(path): score for path, score in state_dict["best_k_models"].items()}
        super().load_state_dict(moved)


class Progress(Callback):
    """One bar for the whole run, on a terminal only."""

    def __init__(self) -> None:
        self.bar: Any = None
        self.task: Any = None

    def on_train_start(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Open the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        self.bar = Progress(*columns, console=Console(stderr=True))
        self.task = self.bar.add_task("training", total=pl_module.total_steps())
        self.bar.start()

    def on_train_batch_end(self, trainer: pl.Trainer, pl_module: Any, *args: Any) -> None:
        """Move the bar."""
        text = f"training  loss {pl_module.last_loss:.3f}"
        self.bar.update(self.task, completed=trainer.global_step, description=text)

    def teardown(self, trainer: pl.Trainer, pl_module: pl.LightningModule, stage: str) -> None:
        """Close the bar."""
        if self.bar is not None:
            self.bar.stop()

    def on_exception(
        self, trainer: pl.Trainer, pl_module: pl.LightningModule, exception: BaseException
    ) -> None:
        """Close the bar before the error is shown."""
        self.teardown(trainer, pl_module, "fit")


Draw = Callable[[Sequence[tuple[str, Clip]]], Any]
"""Named sounds to a matplotlib figure; handed down by whoever sits above, where the pictures are made."""


class Examples(Callback):
    """Writes sounds before and after the model, and their pictures, every few epochs and at the end.

    Parameters
    ----------
    run : where they go: ``audio/`` and ``figures/``
    system : gives the sounds of a clip
    clips : named fixed clips
    every_epochs : how often; 0 = at the end only
    draw : makes the pictures; None makes none
    """

    def __init__(
        self,
        run: Run,
        system: System,
        clips: Sequence[tuple[str, Clip]],
        *,
        every_epochs: int,
        draw: Draw | None = None,
    ) -> None:
        self.run, self.system, self.clips = run, system, clips
        self.every_epochs, self.draw = every_epochs, draw
        self.made_at = -1

    def on_validation_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write examples of this epoch, with the averaged weights where there are any."""
        due = self.every_epochs and (trainer.current_epoch + 1) % self.every_epochs == 0
        if due and trainer.state.fn == "fit" and trainer.is_global_zero:
            averages = [found for found in trainer.callbacks if isinstance(found, ExponentialAverage)]  # pyright: ignore[reportAttributeAccessIssue] - set by Lightning
            with averages[0].in_place(pl_module) if averages else nullcontext():
                self.make(trainer, pl_module)

    def on_train_end(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write the last examples."""
        if trainer.is_global_zero:
            self.make(trainer, pl_module)

    def make(self, trainer: pl.Trainer, pl_module: Any) -> None:
        """Write and show the sounds of every clip, log their figures; once a step."""
        if self.made_at == trainer.global_step:
            return
        self.made_at = trainer.global_step
        logged: dict[str, float] = {}
        training = pl_module.model.training
        pl_module.model.eval()
        for name, clip in self.clips:
            sounds, numbers = self.system.example(pl_module.model, clip)
            logged |= {f"example/{name}/{key}": value for key, value in numbers.items()}
            folder = self.run.folder
            paths = [write_example(folder, name, label, sound) for label, sound in sounds.items()]
            picture = draw_example(folder, name, sounds, self.draw) if self.draw else None
            show_example(trainer, name, sounds, paths, picture)
        pl_module.model.train(training)
        if logged:
            pl_module.record(logged)


def write_example(folder: Path, name: str, label: str, sound: Clip) -> Path:
    """Write one example sound as ``audio/<name>.<label>.wav``."""
    path = folder / "audio" / f"{name}.{label}.wav"
    write(path, sound, overwrite=True)
    return path


def draw_example(folder: Path, name: str, sounds: Mapping[str, Clip], draw: Draw) -> Path:
    """Write the picture of an example as ``figures/<name>.png``."""
    path = folder / "figures" / f"{name}.png"
    figure = draw(list(sounds.items()))
    with atomic_output(path, overwrite=True) as temporary:
        figure.savefig(temporary, dpi=110)
    return path


def show_example(
    trainer: pl.Trainer, name: str, sounds: Mapping[str, Clip], paths: Sequence[Path], picture: Path | None
) -> None:
    """Hand example sounds and their picture to the trackers that can show them."""
    from lightning.pytorch.loggers import MLFlowLogger, TensorBoardLogger, WandbLogger

    for tracker in trainer.loggers:
        if isinstance(tracker, MLFlowLogger):
            for path in paths:
                tracker.experiment.log_artifact(tracker.run_id, str(path), "audio")
            if picture:
                tracker.experiment.log_artifact(tracker.run_id, str(picture), "figures")
        elif isinstance(tracker, TensorBoardLogger):
            show_on_tensorboard(tracker.experiment, name, sounds, picture, trainer.global_step)
        elif isinstance(tracker, WandbLogger):
            tracker.log_audio(name, [str(path) for path in paths], step=trainer.global_step)
            if picture:
                tracker.log_image(f"{name}/figure", [str(picture)], step=trainer.global_step)


def show_on_tensorboard(
    board: Any, name: str, sounds: Mapping[str, Clip], picture: Path | None, step: int
) -> None:
    """Add sounds, in mono, and their picture to a board."""
    for label, sound in sounds.items():
        mono = torch.from_numpy(sound.mono().samples)
        board.add_audio(f"{name}/{label}", mono, step, sample_rate=sound.sample_rate)
    if picture:
        from matplotlib.image import imread

        board.add_image(f"{name}/figure", imread(picture)[..., :3], step, dataformats="HWC")


def build_callbacks(config: TrainConfig, run: Run, metrics: MetricsFile) -> list[Callback]:
    """The callbacks that a configuration asks for, without progress and examples."""
    settings = config.callbacks
    callbacks: list[Callback] = [MetricsKeeper(metrics)]
    if config.trainer.ema_decay > 0:
        callbacks.append(ExponentialAverage(config.trainer.ema_decay))
    if settings.early_stopping_patience > 0:
        callbacks.append(
            EarlyStopping(
                settings.monitor,
                mode=settings.mode,
                patience=settings.early_stopping_patience,
                min_delta=settings.early_stopping_delta,
                check_on_train_epoch_end=False,
            )
        )
    best = BestCheckpoint(
        run.checkpoints,
        filename="best",
        monitor=settings.monitor,
        mode=settings.mode,
        save_top_k=1,
        enable_version_counter=False,
        save_on_train_epoch_end=False,
    )
    last = LastCheckpoint(run.checkpoints / "last.ckpt", every_steps=settings.checkpoint_every_steps)
    return [*callbacks, best, last]
