"""The base of every module that Lightning trains here."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor, nn

from tonewright.errors import TonewrightError, UsageError, nearest
from tonewright.learning.config import TrainConfig
from tonewright.learning.schedules import rate_factor

Batch = dict[str, Tensor]


class Learner(pl.LightningModule):
    """A model with its losses, whose every random draw is decided by (seed, batch, rank).

    A system derives from it, sets `model`, and writes `terms`. Logged are ``train/<term>`` and
    ``validation/<term>``, and ``loss``, their weighted sum.

    Parameters
    ----------
    model : what is trained and saved
    config : the run's configuration
    """

    def __init__(self, model: nn.Module, config: TrainConfig) -> None:
        super().__init__()
        self.model = model
        self.config = config
        self.last_loss = float("nan")
        self.validated_at = -1

    def prepare(self, windows: Any) -> None:
        """Initialise the model from data before a new run; `windows[(0, i)]` is a window."""

    def terms(self, batch: Batch, generator: torch.Generator | None) -> Mapping[str, Tensor]:
        """Named values of a batch. ``loss`` is what is minimised; the rest is logged.

        `generator` draws everything random of this step; None asks for the deterministic answer.
        """
        raise NotImplementedError

    def on_train_start(self) -> None:
        """Let a resumed run follow the optimiser settings given now, not those of its checkpoint."""
        settings, optimizer = self.config.optimizer, self.trainer.optimizers[0]
        for group in optimizer.param_groups:
            group["initial_lr"], group["weight_decay"] = settings.learning_rate, settings.weight_decay
            group["betas"] = (settings.betas[0], settings.betas[1])
            factor = rate_factor(settings, self.global_step, self.total_steps())
            group["lr"] = settings.learning_rate * factor
        for scheduler in self.trainer.lr_scheduler_configs:
            scheduler.scheduler.base_lrs = [settings.learning_rate]

    def training_step(self, batch: Batch, batch_index: int) -> Tensor:
        """One batch: draw, evaluate, log once."""
        terms = self.terms(batch, self.step_generator())
        step = self.global_step + 1
        if self.ends_step(batch_index) and (step % self.config.trainer.log_every_steps == 0 or step == 1):
            self._log_training(terms, step)
        return terms["loss"]

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """One batch of fixed windows, without any draw."""
        terms = self.terms(batch, None)
        size = next(iter(batch.values())).shape[0]
        values = {f"validation/{name}": value.detach().float() for name, value in terms.items()}
        self.log_dict(values, on_step=False, on_epoch=True, batch_size=size, sync_dist=True, logger=False)

    def on_validation_epoch_end(self) -> None:
        """Log the means over the fixed windows."""
        metrics = self.trainer.callback_metrics
        values = {name: float(metrics[name]) for name in metrics if name.startswith("validation/")}
        self.record(values)
        self.validated_at = self.global_step
        if not math.isfinite(values["validation/loss"]):
            self._refuse([name for name, value in values.items() if not math.isfinite(value)])
        monitor = self.config.callbacks.monitor
        if monitor not in values:
            raise UsageError(f"callbacks.monitor: nothing is called '{monitor}'; {nearest(monitor, values)}")

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what was validated; refuse to put broken weights in the place of the last sound ones."""
        checkpoint["validated_at"] = self.validated_at
        sound = torch.stack([weight.isfinite().all() for weight in self.model.parameters()])
        if not bool(sound.all()):
            self._refuse(["a weight"])

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """A step that was validated before is not validated again."""
        self.validated_at = checkpoint.get("validated_at", -1)

    def record(self, values: Mapping[str, float], *, step: int | None = None) -> None:
        """Give values to every logger; directly, since Lightning's own way costs milliseconds a step."""
        at = self.global_step if step is None else step
        # Lightning's own number of the epoch differs, at the end, between a resumed run and another.
        begun = batch_progress(self.trainer).total.ready
        epoch = max(0, begun - 1) // batches_per_epoch(self.config, self.trainer.world_size)
        for logger in self.trainer.loggers:
            logger.log_metrics({**values, "epoch": epoch}, step=at)

    def _log_training(self, terms: Mapping[str, Tensor], step: int) -> None:
        numbers = torch.stack([value.detach().float() for value in terms.values()]).tolist()
        values = dict(zip(terms, numbers, strict=True))
        if not math.isfinite(sum(numbers)):
            self._refuse([name for name, value in values.items() if not math.isfinite(value)])
        self.last_loss = values["loss"]
        rate = self.trainer.optimizers[0].param_groups[0]["lr"]
        self.record(
            {**{f"train/{name}": value for name, value in values.items()}, "learning_rate": rate}, step=step
        )

    def step_generator(self) -> torch.Generator:
        """Random numbers of this batch, the same whether the run was interrupted or not."""
        batch = batches_done(self.trainer)
        generator = torch.Generator(device=self.device)
        key = (self.config.seed * 1_000_003 + batch) * 4096 + self.trainer.global_rank
        return generator.manual_seed(key % 2**63)

    def ends_step(self, batch_index: int) -> bool:
        """Whether the optimizer steps after this batch: the last that it gathers, or of the epoch."""
        gathered = (batch_index + 1) % self.config.trainer.accumulate == 0
        return gathered or batch_index + 1 == batches_per_epoch(self.config, self.trainer.world_size)

    def validates_after(self, batch_index: int) -> bool:
        """Whether a validation follows this batch."""
        settings = self.config.trainer
        if settings.validate_every_steps is None:
            return batch_index + 1 == batches_per_epoch(self.config, self.trainer.world_size)
        return batches_done(self.trainer) % (settings.validate_every_steps * settings.accumulate) == 0

    def total_steps(self) -> int:
        """Optimiser steps of the whole run."""
        return total_steps(self.config, self.trainer.world_size)

    def configure_optimizers(self) -> Any:
        """AdamW and its schedule, a step at a time."""
        settings = self.config.optimizer
        optimizer = torch.optim.AdamW(
            [weight for weight in self.model.parameters() if weight.requires_grad],
            lr=settings.learning_rate,
            betas=(settings.betas[0], settings.betas[1]),
            weight_decay=settings.weight_decay,
        )
        steps = self.total_steps()
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: rate_factor(settings, step, steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def _refuse(self, broken: Iterable[str]) -> None:
        rate = self.config.optimizer.learning_rate
        raise TonewrightError(
            f"step {self.global_step + 1}: {', '.join(broken)} is not finite; lower optimizer.learning_rate "
            f"(now {rate:g}) or look at the data with: tonewright data check"
        )


def batches_done(trainer: pl.Trainer) -> int:
    """Batches that the trainer has processed in all, also before it was interrupted."""
    return batch_progress(trainer).total.processed


def batch_progress(trainer: pl.Trainer) -> Any:
    """Lightning's counts of batches."""
    return trainer.fit_loop.epoch_loop.batch_progress


def batches_per_epoch(config: TrainConfig, ranks: int) -> int:
    """Batches that each of so many processes takes in an epoch."""
    return max(1, config.data.windows_per_epoch // (config.data.batch_size * ranks))


def total_steps(config: TrainConfig, ranks: int) -> int:
    """Optimiser steps of a whole run, from its configuration.

    Lightning's own estimate would start the loaders before a checkpoint's position is known.
    """
    settings = config.trainer
    batches = batches_per_epoch(config, ranks)
    steps = settings.max_epochs * -(-batches // settings.accumulate) if settings.max_epochs >= 0 else 2**31
    return max(1, min(steps, settings.max_steps) if settings.max_steps >= 0 else steps)
