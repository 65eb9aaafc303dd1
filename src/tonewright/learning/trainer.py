"""From a configuration to a trained run folder: data, model, Lightning, resume."""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import lightning.pytorch as pl
import torch
from lightning.pytorch.callbacks import Callback
from lightning.pytorch.loggers import Logger
from torch.utils.data import DataLoader

from tonewright.audio.files import Clip
from tonewright.errors import UsageError
from tonewright.learning.accidents import (
    WholeCheckpoints,
    check_checkpoint,
    interruptible,
    readable_errors,
)
from tonewright.learning.callbacks import Draw, Examples, ExponentialAverage, Progress, build_callbacks
from tonewright.learning.checks import check
from tonewright.learning.config import TrainConfig
from tonewright.learning.learner import Learner, batches_done, batches_per_epoch, total_steps
from tonewright.learning.loader import ResumableBatches, training_loader, validation_loader
from tonewright.learning.material import Material, ValidationWindows, load_material
from tonewright.learning.registry import load_system
from tonewright.learning.runs import MODEL_FILE, Run, create_run, forgotten_unless_started
from tonewright.learning.tracking import open_loggers, publish

logger = logging.getLogger("tonewright")


def train_learner(config: TrainConfig, *, show_progress: bool = False, draw: Draw | None = None) -> Run:
    """Train a system's learner as configured and return its run folder.

    Parameters
    ----------
    config : with `run_name` set; `ckpt_path` = "last" resumes that run
    show_progress : a bar on standard error
    draw : makes the pictures of the examples; the command line gives ``report.figures.comparison``
    """
    check(config)
    torch.set_num_threads(config.trainer.threads or torch.get_num_threads())
    system = load_system(config.system_name)
    assert system.learner is not None
    material = load_material(config)
    with quiet_lightning():
        pl.seed_everything(config.seed, workers=True, verbose=False)
        learner = system.learner(config)
        clips = example_clips(material.validation, config)
        run = create_run(config)
        with forgotten_unless_started(run), open_loggers(run) as (metrics, trackers):
            every = config.callbacks.examples_every_epochs
            extra: list[Callback] = [Examples(run, system, clips, every_epochs=every, draw=draw)]
            extra += [Progress()] if show_progress else []
            trainer = build_trainer(
                config, run, [metrics, *trackers], [*extra, *build_callbacks(config, run, metrics)]
            )
            trained = fit(trainer, learner, material, config, run)
            if trained and trainer.is_global_zero:
                run.save_weights(learner.model.state_dict(), steps=trainer.global_step)
                publish(run)
    return run


def build_trainer(
    config: TrainConfig, run: Run, loggers: list[Logger], callbacks: list[Callback]
) -> pl.Trainer:
    """Lightning's trainer, as the configuration describes it."""
    settings = config.trainer
    return pl.Trainer(
        accelerator=settings.accelerator,
        devices=_devices(settings.devices),
        num_nodes=settings.num_nodes,
        strategy=settings.strategy,
        precision=settings.precision,  # pyright: ignore[reportArgumentType] - checked before
        max_epochs=settings.max_epochs,
        max_steps=settings.max_steps,
        max_time=timedelta(minutes=settings.max_minutes) if settings.max_minutes else None,
        gradient_clip_val=settings.gradient_clip or None,
        accumulate_grad_batches=settings.accumulate,
        val_check_interval=every * settings.accumulate if (every := settings.validate_every_steps) else None,
        check_val_every_n_epoch=None if settings.validate_every_steps else 1,
        limit_val_batches=settings.validation_batches,
        num_sanity_val_steps=0,
        use_distributed_sampler=False,
        deterministic=settings.deterministic,
        logger=loggers,
        callbacks=callbacks,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=run.folder,
        plugins=[WholeCheckpoints()],
    )


def fit(trainer: pl.Trainer, learner: Learner, material: Material, config: TrainConfig, run: Run) -> bool:
    """Train, from the beginning or from a checkpoint; false where no step is left."""
    training, validation = loaders(trainer, material, config)
    checkpoint = run.checkpoint(config.ckpt_path) if config.ckpt_path else None
    if checkpoint is None:
        learner.prepare(material.training)
    elif (
        check_checkpoint(checkpoint, learner) >= total_steps(config, trainer.world_size)
        and (run.folder / MODEL_FILE).is_file()
    ):
        logger.warning(
            "%s: nothing is left to train; raise trainer.max_epochs or trainer.max_steps", run.folder
        )
        return False
    with readable_errors(run), interruptible(run, trainer):
        # Only plain tensors and numbers are accepted: a checkpoint from a stranger cannot run code.
        trainer.fit(learner, training, validation, ckpt_path=checkpoint, weights_only=True)
    for callback in trainer.callbacks:  # pyright: ignore[reportAttributeAccessIssue] - set by Lightning
        if isinstance(callback, ExponentialAverage):
            callback.settle(learner)
    if learner.validated_at != trainer.global_step:
        # The last step fell between two validations; its figures belong to the run all the same.
        trainer.validate(learner, validation, verbose=False)
    return True


def loaders(trainer: pl.Trainer, material: Material, config: TrainConfig) -> tuple[DataLoader, DataLoader]:
    """Loaders of the training and the validation windows."""
    data, ranks = config.data, trainer.world_size
    if data.batch_size * ranks > data.windows_per_epoch:
        raise UsageError(
            f"data.windows_per_epoch is {data.windows_per_epoch}; {ranks} processes with data.batch_size="
            f"{data.batch_size} need at least {data.batch_size * ranks}"
        )
    pin = trainer.strategy.root_device.type == "cuda"
    batches = ResumableBatches(
        batches=batches_per_epoch(config, ranks),
        batch_size=data.batch_size,
        processed=lambda: batches_done(trainer),
        rank=trainer.global_rank,
        ranks=ranks,
    )
    training = training_loader(material.training, batches, workers=data.workers, pin_memory=pin)  # pyright: ignore[reportArgumentType] - a data set by its methods
    validation = validation_loader(
        material.validation,  # pyright: ignore[reportArgumentType] - likewise
        batch_size=data.batch_size,
        workers=data.workers,
        pin_memory=pin,
    )
    return training, validation


def example_clips(windows: ValidationWindows, config: TrainConfig) -> list[tuple[str, Clip]]:
    """A few clips spread over the validation songs, named after them."""
    count = config.callbacks.examples
    if count < 1:
        return []
    longer = windows.resized(seconds=config.callbacks.example_seconds, length=count)
    stem, rate = windows.settings.stems[0], windows.settings.sample_rate
    names = [re.sub(r"\W+", "-", longer.place(index).track.song).strip("-").lower() for index in range(count)]
    return [(f"{index + 1}-{name}"[:60], Clip(longer[index][stem], rate)) for index, name in enumerate(names)]


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Silence the advice that Lightning prints about machines and loaders; its errors stay."""
    names = ("lightning.pytorch", "lightning.fabric", "lightning.pytorch.utilities.rank_zero")
    levels = {name: logging.getLogger(name).level for name in names}
    with warnings.catch_warnings():
        for name in names:
            logging.getLogger(name).setLevel(logging.ERROR)
        for text in (
            "The '.*dataloader' does not have many workers",
            "Checkpoint directory",
            "The dataloader",
        ):
            warnings.filterwarnings("ignore", message=text)
        for library in ("lightning", "mlflow", "sqlalchemy", "alembic", "wandb"):
            warnings.filterwarnings("ignore", module=rf"{library}\b")
        try:
            yield
        finally:
            for name, level in levels.items():
                logging.getLogger(name).setLevel(level)


def _devices(text: str) -> Any:
    if text == "auto":
        return text
    if "," in text:
        return [int(part) for part in text.split(",")]
    return int(text)
