"""Settings of a training that cannot work are refused before anything is written."""

from __future__ import annotations

import math
import re
from typing import Any

from tonewright.errors import UsageError, nearest
from tonewright.learning.config import OptimizerConfig, TrainConfig

PRECISIONS = ("32", "16-mixed", "bf16-mixed")
ACCELERATORS = ("auto", "cpu", "gpu", "cuda", "mps", "tpu")
SCHEDULES = ("constant", "cosine", "exponential")
LEAST = {
    "data.batch_size": 1,
    "data.workers": 0,
    "data.least_bandwidth_hz": 0,
    "optimizer.weight_decay": 0,
    "optimizer.warmup_steps": 0,
    "trainer.max_epochs": -1,
    "trainer.max_steps": -1,
    "trainer.gradient_clip": 0,
    "trainer.accumulate": 1,
    "trainer.num_nodes": 1,
    "trainer.threads": 1,
    "trainer.validate_every_steps": 1,
    "trainer.validation_batches": 1,
    "trainer.log_every_steps": 1,
    "callbacks.checkpoint_every_steps": 0,
    "callbacks.early_stopping_patience": 0,
    "callbacks.early_stopping_delta": 0,
    "callbacks.examples_every_epochs": 0,
    "callbacks.examples": 0,
    "seed": 0,
}
"""Smallest value of each setting; one that is None is off."""


def check(config: TrainConfig) -> None:
    """Refuse settings that cannot work, and what this machine lacks, before anything is written."""
    check_settings(config)
    check_machine(config)


def check_settings(config: TrainConfig) -> None:
    """Refuse settings that can work nowhere; loads no framework."""
    for name, least in LEAST.items():
        value = _value(config, name)
        if value is not None and not least <= value < math.inf:
            raise UsageError(f"{name} is {value}; it must be at least {least}")
    name = config.run_name or ""
    if not name.strip() or name.startswith(".") or "/" in name or "\\" in name:
        raise UsageError(f"run_name is '{name}'; give it a plain name: no slash, no dot at its beginning")
    if not 0 < config.data.seconds < math.inf:
        raise UsageError(f"data.seconds is {config.data.seconds:g}; it must be above 0")
    if config.seed >= 2**32:
        raise UsageError(f"seed is {config.seed}; it must be below 2^32")
    if config.data.windows_per_epoch < config.data.batch_size:
        raise UsageError(
            f"data.windows_per_epoch ({config.data.windows_per_epoch}) is less than data.batch_size "
            f"({config.data.batch_size}); an epoch must hold at least one batch"
        )
    if config.trainer.max_minutes is not None and not 0 < config.trainer.max_minutes < math.inf:
        raise UsageError(f"trainer.max_minutes is {config.trainer.max_minutes:g}; it must be above 0")
    if not 0 <= config.trainer.ema_decay < 1:
        raise UsageError(
            f"trainer.ema_decay is {config.trainer.ema_decay:g}; it must lie in [0, 1), 0 is off"
        )
    _one_of("callbacks.mode", config.callbacks.mode, ("min", "max"))
    check_optimizer(config.optimizer)


def check_machine(config: TrainConfig) -> None:
    """Refuse a precision or an accelerator that is not there."""
    import torch

    settings = config.trainer
    _one_of("trainer.precision", settings.precision, PRECISIONS)
    _one_of("trainer.accelerator", settings.accelerator, ACCELERATORS)
    graphics = torch.cuda.is_available()
    if settings.accelerator in ("gpu", "cuda") and not (graphics or torch.backends.mps.is_available()):
        raise UsageError(f"trainer.accelerator={settings.accelerator}: there is no GPU here; use trainer=cpu")
    if settings.precision == "16-mixed" and (settings.accelerator == "cpu" or not graphics):
        raise UsageError("trainer.precision=16-mixed needs a GPU; here choose 32 or bf16-mixed")
    if not re.fullmatch(r"auto|[1-9]\d*|\d+(,\d+)+", settings.devices):
        raise UsageError(
            f"trainer.devices is '{settings.devices}'; it must be a count, auto, or indices such as 0,1"
        )


def check_optimizer(settings: OptimizerConfig) -> None:
    """Refuse settings of the optimizer that cannot be meant."""
    if not 0 < settings.learning_rate <= 1:
        raise UsageError(f"optimizer.learning_rate is {settings.learning_rate:g}; it must lie in (0, 1]")
    _one_of("optimizer.schedule", settings.schedule, SCHEDULES)
    if not 0 <= settings.final_fraction <= 1:
        raise UsageError(f"optimizer.final_fraction is {settings.final_fraction:g}; it must lie in [0, 1]")
    if not all(0 <= beta < 1 for beta in settings.betas):
        raise UsageError(f"optimizer.betas is {list(settings.betas)}; both must lie in [0, 1)")


def _one_of(name: str, value: str, known: tuple[str, ...]) -> None:
    if value not in known:
        raise UsageError(f"{name} is '{value}'; {nearest(value, known)}")


def _value(config: TrainConfig, name: str) -> Any:
    found: Any = config
    for part in name.split("."):
        found = getattr(found, part)
    return found
