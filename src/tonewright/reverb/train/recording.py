"""What is kept of a training run: losses, the best steps, and files."""

from __future__ import annotations

import csv
import json
import math
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.files import atomic_output
from tonewright.errors import NetworkError
from tonewright.reverb.files import NETWORK_NAME, save_network
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.train.optimise import Evaluation

MOST_KEPT = 64
TOLD_EVERY_S = 1.0
CONFIG, LOSSES, CHECKPOINTS = "config.json", "losses.csv", "checkpoints"
RECORD = (CONFIG, LOSSES, CHECKPOINTS, NETWORK_NAME)


@dataclass
class TrainLog:
    """What a training run did.

    Attributes
    ----------
    train_loss : loss at each step
    loss_log : each criterion at each step, unweighted, by the name of its class
    steps_run : steps that were run
    stopped_early : whether it ended before `max_steps`
    stop_reason : why it ended and what was kept, in words
    best_step : the step that the model has now, counted from 0; `steps_run` is what the last step led to
    best_loss : the loss there
    loop_radius : radius of the slowest pole of the trained network; below 1 it decays, at 1 it is lossless
    """

    train_loss: list[float] = field(default_factory=list)
    loss_log: dict[str, list[float]] = field(default_factory=dict)
    steps_run: int = 0
    stopped_early: bool = False
    stop_reason: str = ""
    best_step: int = 0
    best_loss: float = float("nan")
    loop_radius: float = float("nan")


@dataclass(order=True)
class Kept:
    """A step that was the best so far.

    Attributes
    ----------
    loss, step : when it was
    vector : (parameters,) where it was
    """

    loss: float
    step: int
    vector: np.ndarray = field(compare=False)


class TrainFolder:
    """The record of a training run in a folder: config.json, losses.csv, network.json, checkpoints/*.npz.

    A folder that holds any of these already keeps it; the record goes to its first free "run-2", "run-3", …

    Parameters
    ----------
    folder : made where it is missing
    settings : of the run
    """

    def __init__(self, folder: str | Path, settings: dict[str, Any]) -> None:
        self.folder = Path(folder)
        number = 1
        while any((self.folder / name).exists() for name in RECORD):
            number += 1
            self.folder = Path(folder) / f"run-{number}"
        with atomic_output(self.folder / CONFIG) as temporary:
            temporary.write_text(json.dumps(settings, indent=1, default=str), encoding="utf-8")

    def save_losses(self, log: TrainLog) -> None:
        """Write all losses so far."""
        names = list(log.loss_log)
        with (
            atomic_output(self.folder / LOSSES, overwrite=True) as temporary,
            temporary.open("w", newline="", encoding="utf-8") as file,
        ):
            table = csv.writer(file)
            table.writerow(["step", "total", *names])
            for step, total in enumerate(log.train_loss):
                table.writerow([step, total, *(log.loss_log[name][step] for name in names)])

    def save_weights(self, step: int, parameters: np.ndarray) -> None:
        """Write the model's parameters at one step; `model.parameters` takes them back."""
        path = self.folder / CHECKPOINTS / f"step_{step:06d}.npz"
        with atomic_output(path) as temporary, temporary.open("wb") as file:
            np.savez(file, allow_pickle=False, parameters=parameters)

    def save_network(self, build: FDNBuild) -> None:
        """Write the trained network as network.json."""
        save_network(self.folder / NETWORK_NAME, build)


class Recorder:
    """Watches a run: keeps its losses and its best steps, tells of them, and says when it is to end.

    Parameters
    ----------
    max_steps, patience, tol : see `train_fdn`
    told : progress is printed
    folder : where a record is written, or None
    every : steps between two weights in the folder
    progress : called with (steps done, most steps), or None
    """

    def __init__(
        self,
        max_steps: int,
        patience: int,
        tol: float,
        *,
        told: bool = False,
        folder: TrainFolder | None = None,
        every: int = 100,
        progress: Callable[[int, int], None] | None = None,
    ) -> None:
        self.max_steps, self.patience, self.tol = max_steps, patience, tol
        self.told, self.folder, self.every, self.progress = told, folder, every, progress
        self.log = TrainLog()
        self.kept: list[Kept] = []
        self.complete: Callable[[np.ndarray], np.ndarray] = lambda vector: vector
        self._best = math.inf
        self._waited = 0
        self._told_s = -math.inf

    def watch(self, vector: np.ndarray, found: Evaluation) -> str:
        """Take note of a step; the reason to end the run, or nothing."""
        log, total = self.log, found.total
        step = len(log.train_loss)
        log.train_loss.append(total)
        for name, value in found.criteria.items():
            log.loss_log.setdefault(name, []).append(value)
        log.steps_run = step + 1
        self._tell(step, vector)
        if not (math.isfinite(total) and np.isfinite(found.gradient).all()):
            if not self.kept:
                raise NetworkError(
                    "the loss or its gradient is not finite at the first step; check target and criteria"
                )
            return f"the loss or its gradient is not finite after {step} steps"
        better = math.inf if self._best == math.inf else (self._best - total) / (abs(self._best) + 1e-12)
        self.keep(vector, total, step)
        self._waited = 0 if better > self.tol else self._waited + 1
        if self._waited >= self.patience:
            return f"no improvement above {self.tol:g} in {self.patience} steps"
        return ""

    def keep(self, vector: np.ndarray, loss: float, step: int) -> None:
        """Keep a step when it is the best so far."""
        if not loss < self._best:
            return
        self._best = loss
        self.kept.append(Kept(loss, step, vector))
        if len(self.kept) > MOST_KEPT:
            # The last are the best; of the earlier ones every other is enough to find a stable one.
            self.kept = self.kept[0 : MOST_KEPT // 2 : 2] + self.kept[MOST_KEPT // 2 :]

    def forget(self) -> None:
        """Start afresh with another objective: its losses cannot be compared with those before."""
        self.kept, self._best, self._waited = [], math.inf, 0

    def finish(self, build: FDNBuild) -> None:
        """Write what is left to write, and the trained network."""
        if self.folder is not None:
            self.folder.save_losses(self.log)
            self.folder.save_network(build)
        self._say(self.log.stop_reason)

    def _tell(self, step: int, vector: np.ndarray) -> None:
        if self.progress is not None:
            self.progress(min(step + 1, self.max_steps), self.max_steps)
        if self.folder is not None and step % self.every == 0:
            self.folder.save_weights(step, self.complete(vector))
            self.folder.save_losses(self.log)
        if self.told and time.monotonic() - self._told_s >= TOLD_EVERY_S:
            self._told_s = time.monotonic()
            self._say(f"step {step + 1} of {self.max_steps}: loss {self.log.train_loss[-1]:.6f}")

    def _say(self, words: str) -> None:
        if self.told:
            print(words, file=sys.stderr)
