"""What JAX runs on, and which settings of a trainer it leaves to others."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from tonewright.audio.index import cache_folder
from tonewright.errors import MissingExtraError, UsageError
from tonewright.learning.checks import ACCELERATORS
from tonewright.learning.config import TrainConfig, TrainerConfig

logger = logging.getLogger("tonewright")

_INAPPLICABLE = {
    "devices": ("1", "auto"),
    "num_nodes": (1,),
    "strategy": ("auto",),
    "precision": ("32",),
    "accumulate": (1,),
}
"""Settings of the trainer that other systems have, with the values at which nothing is asked for."""


def warn_of_inapplicable(config: TrainConfig) -> None:
    """Say which settings do nothing here: filters learn in float32 on one device."""
    for name, usual in _INAPPLICABLE.items():
        value = getattr(config.trainer, name)
        if value not in usual:
            logger.warning(
                "trainer.%s=%s does nothing here; filters learn in float32 on one device", name, value
            )
    if config.data.augment:
        logger.warning("data.augment does nothing here; filters learn spectra of sounds as they are")


@contextmanager
def on_device(settings: TrainerConfig) -> Iterator[Any]:
    """Give the device that the settings ask for, on which everything within runs.

    Compiled programs are kept in the cache folder, unless JAX was told of another. `trainer.threads` counts
    where JAX has not begun its work in this process.
    """
    if settings.accelerator not in ACCELERATORS:
        raise UsageError(
            f"trainer.accelerator is '{settings.accelerator}'; choose from {', '.join(ACCELERATORS)}"
        )
    try:
        import flax  # noqa: F401
        import jax
        import optax  # noqa: F401
    except ImportError as error:
        raise MissingExtraError((error.name or "jax").split(".")[0], "filters") from error
    keep_programs()
    with _threads(settings.threads):
        device = _device(settings.accelerator)
    with jax.default_device(device):
        yield device


def keep_programs() -> None:
    """Let JAX keep what it compiles beside the other caches, unless it keeps it elsewhere already."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:  # pyright: ignore[reportAttributeAccessIssue]
        jax.config.update("jax_compilation_cache_dir", str(cache_folder() / "jax"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.2)


def _device(accelerator: str) -> Any:
    import jax

    platform = {"auto": None, "cuda": "gpu", "mps": "METAL"}.get(accelerator, accelerator)
    try:
        return jax.devices(platform)[0]
    except RuntimeError as error:
        raise UsageError(
            f"trainer.accelerator={accelerator}: JAX finds none here; use trainer=cpu"
        ) from error


@contextmanager
def _threads(count: int | None) -> Iterator[None]:
    """Let JAX begin with so many threads; it reads NPROC once, when it looks for devices."""
    if count is None or "NPROC" in os.environ:
        yield
        return
    os.environ["NPROC"] = str(count)
    try:
        yield
    finally:
        del os.environ["NPROC"]
