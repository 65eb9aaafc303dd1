"""A training under way: steps, validations, checkpoints; an interruption changes nothing."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from tonewright.errors import UsageError, nearest
from tonewright.filters.batches import batches_per_epoch, epoch_batches, validation_batches
from tonewright.filters.checkpoints import Progress, checkpoint_path, load_checkpoint, save_checkpoint
from tonewright.filters.loop import check_finite, first_state, programs_of, step_key
from tonewright.filters.objective import kl_weight
from tonewright.filters.spectra import SpectraSet
from tonewright.learning.config import TrainConfig
from tonewright.learning.metrics_file import MetricsTable
from tonewright.learning.runs import Run
from tonewright.learning.schedules import rate_factor

logger = logging.getLogger("tonewright")

STRETCH_SECONDS = 0.5  # so long a stretch of steps lets wait who wants to stop


def total_steps(config: TrainConfig) -> int:
    """Steps of a whole run."""
    settings = config.trainer
    steps = settings.max_epochs * batches_per_epoch(config.data) if settings.max_epochs >= 0 else 2**31 - 1
    return max(1, min(steps, settings.max_steps) if settings.max_steps >= 0 else steps)


def rate_at(config: TrainConfig, step: int) -> float:
    """The learning rate of a step, counted from 0."""
    return config.optimizer.learning_rate * rate_factor(config.optimizer, step, total_steps(config))


class Drawn(NamedTuple):
    """What the steps of an epoch are given.

    Attributes
    ----------
    batches : (batches, batch, points)
    kl_weights, rates : (batches,)
    """

    batches: jax.Array
    kl_weights: jax.Array
    rates: jax.Array


class Session:
    """A training from where it stands to its end.

    Parameters
    ----------
    run : where metrics and checkpoints go
    training, validation : what is learned, and what tells how well
    """

    def __init__(self, run: Run, training: SpectraSet, validation: SpectraSet) -> None:
        self.run, self.config, self.training = run, run.config, training
        self.steps, self.batches = total_steps(self.config), batches_per_epoch(self.config.data)
        self.key = step_key(self.config.seed)
        self.programs = programs_of(self.config.system, self.config.trainer.ema_decay)
        self.state = first_state(self.config)
        self.progress, self.metrics = Progress(), MetricsTable(run.metrics_file)
        limit = self.config.trainer.validation_batches
        self.validated = jnp.asarray(
            validation_batches(validation, self.config.system, self.config.data, most=limit)
        )
        self.step, self.resumed_at, self.stopped, self.asked = 0, 0, False, False
        self._epoch, self._drawn = -1, Drawn(*[jnp.zeros(0)] * 3)
        self._stretch = 1

    def resume(self) -> None:
        """Stand where the checkpoint of the configuration was made, if it names one."""
        if self.config.ckpt_path is None:
            return
        path = checkpoint_path(self.run, self.config.ckpt_path)
        self.state, self.progress = load_checkpoint(path, self.state, self.key)
        self.step = self.resumed_at = int(self.state.step)
        self.metrics.continue_from(self.progress.rows)
        self.stopped = 0 < self.config.callbacks.early_stopping_patience <= self.progress.waited

    @property
    def ended(self) -> bool:
        """Whether nothing is left to train."""
        minutes = self.config.trainer.max_minutes
        late = minutes is not None and self.progress.seconds >= 60 * minutes
        return self.step >= self.steps or self.stopped or late

    def train(self, moved: Callable[[int, int, float], None]) -> None:
        """Train to the end, or until `asked`, which leaves a checkpoint and raises KeyboardInterrupt.

        Parameters
        ----------
        moved : called with the steps done, their total, and the last loss
        """
        while not self.ended:
            began = time.monotonic()
            loss = self.advance(self._next_stop())
            if self._validation_due():
                self.validate()
            self.progress.seconds += time.monotonic() - began
            every = self.config.callbacks.checkpoint_every_steps
            if self.asked or self.ended or (every and self.step % every == 0):
                self.save("last")
            moved(self.step, self.steps, loss)
            if self.asked:
                raise KeyboardInterrupt
        if self.progress.validated_at != self.step:
            # The last step fell between two validations; its figures belong to the run all the same.
            self.validate()

    def advance(self, stop: int) -> float:
        """Take the steps before `stop`, all in one epoch, and write down what they came to."""
        first, epoch = self.step, self.step // self.batches
        self._draw(epoch)
        began = time.monotonic()
        offset = epoch * self.batches
        self.state, logged = self.programs.advance(
            self.state, self.key, *self._drawn, first - offset, stop - offset
        )
        terms = {name: np.asarray(values)[first - offset : stop - offset] for name, values in logged.items()}
        self._pace(stop - first, time.monotonic() - began)
        check_finite(terms, first + 1, self.config)
        for number in range(first + 1, stop + 1):
            if number == 1 or number % self.config.trainer.log_every_steps == 0:
                values = {f"train/{name}": float(found[number - first - 1]) for name, found in terms.items()}
                self._record(number, {**values, "learning_rate": rate_at(self.config, number - 1)})
        self.step = stop
        return float(terms["loss"][-1])

    def validate(self) -> None:
        """Measure the fixed spectra, write it down, keep the best, and see whether it is time to stop."""
        found = self.programs.validate(self.state.used, self.validated)
        values = {f"validation/{name}": float(value) for name, value in found.items()}
        self._record(self.step, values)
        check_finite({name: np.array([value]) for name, value in values.items()}, self.step, self.config)
        self.progress.validated_at = self.step
        settings = self.config.callbacks
        if settings.monitor not in values:
            raise UsageError(
                f"callbacks.monitor: nothing is called '{settings.monitor}'; "
                f"{nearest(settings.monitor, values)}"
            )
        self._judge(values[settings.monitor])

    def save(self, name: str) -> None:
        """Write the checkpoint "last" or "best"."""
        self.progress.rows = self.metrics.rows
        save_checkpoint(self.run.checkpoints / f"{name}.msgpack", self.state, self.key, self.progress)

    def parameters(self) -> Any:
        """The parameters that are used, as NumPy arrays."""
        return jax.tree.map(np.asarray, self.state.used)

    def _judge(self, value: float) -> None:
        """Keep the best checkpoint, and count the validations that bettered nothing."""
        settings, progress = self.config.callbacks, self.progress
        sign = 1.0 if settings.mode == "min" else -1.0
        gain = sign * (progress.reference - value)
        if math.isnan(gain) or gain > settings.early_stopping_delta:
            progress.reference, progress.waited = value, 0
        else:
            progress.waited += 1
        patience = settings.early_stopping_patience
        self.stopped = 0 < patience <= progress.waited
        if math.isnan(progress.best) or sign * (progress.best - value) > 0:
            progress.best = value
            self.save("best")

    def _next_stop(self) -> int:
        """Up to which step nothing happens but steps."""
        marks = [self.steps, (self.step // self.batches + 1) * self.batches, self.step + self._stretch]
        for every in (
            self.config.callbacks.checkpoint_every_steps,
            self.config.trainer.validate_every_steps or 0,
        ):
            if every:
                marks.append((self.step // every + 1) * every)
        return min(marks)

    def _validation_due(self) -> bool:
        return self.step % (self.config.trainer.validate_every_steps or self.batches) == 0

    def _draw(self, epoch: int) -> None:
        """Have the batches of an epoch on the device."""
        if epoch == self._epoch:
            return
        config, count = self.config, self.batches
        batches = epoch_batches(self.training, config.system, config.data, seed=config.seed, epoch=epoch)
        weights = [kl_weight(config.system, epoch + index / count) for index in range(count)]
        rates = [rate_at(config, epoch * count + index) for index in range(count)]
        self._drawn = Drawn(
            *(jnp.asarray(np.asarray(part, np.float32)) for part in (batches, weights, rates))
        )
        self._epoch = epoch

    def _pace(self, steps: int, seconds: float) -> None:
        """Choose how many steps the next stretch may have; it changes no number."""
        wanted = int(STRETCH_SECONDS * steps / max(seconds, 1e-6))
        self._stretch = max(1, min(wanted, 4 * self._stretch))

    def _record(self, step: int, values: Mapping[str, float]) -> None:
        self.metrics.add({"step": step, **values, "epoch": (step - 1) // self.batches})
