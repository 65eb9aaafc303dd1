"""A training so small that dozens of them fit into a minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from lightning.pytorch.callbacks import Callback
from omegaconf import DictConfig, OmegaConf

from tonewright.learning import trainer as trainer_module
from tonewright.learning.compose import GROUPS, compose_config
from tonewright.learning.config import TrainConfig
from tonewright.learning.runs import typed_config

TINY = (
    "experiment=tiny",
    "logger=csv",
    "trainer=cpu",
    "trainer.threads=1",
    "trainer.log_every_steps=1",
    "trainer.ema_decay=0",
    "system.width=16",
    "system.latent_dims=8",
    "system.prepare_windows=8",
    "data.workers=0",
    "data.seconds=0.3",
    "data.batch_size=2",
    "data.windows_per_epoch=12",
    "data.validation_windows=2",
    "optimizer.warmup_steps=0",
    "callbacks.examples=0",
    "run_name=a",
)


@pytest.fixture(scope="session")
def tiny_in(band: Path) -> Callable[..., TrainConfig]:
    """(output, overrides) -> settings of a tiny training."""
    composed: dict[tuple[str, ...], DictConfig] = {}

    def settings(output: Path, *more: str) -> TrainConfig:
        # Composing takes longer than these trainings; it is done once for each choice of groups.
        choices = tuple(text for text in more if text.partition("=")[0] in GROUPS)
        if choices not in composed:
            config = compose_config("codec", [*TINY, f"data.root={band}", *choices])
            composed[choices] = OmegaConf.create(asdict(config))
        values = OmegaConf.from_dotlist([text.lstrip("+") for text in more if text not in choices])
        raw = OmegaConf.merge(composed[choices], {"output": str(output)}, values)
        assert isinstance(raw, DictConfig)
        return typed_config(raw, source="test")

    return settings


@pytest.fixture
def tiny(tiny_in: Callable[..., TrainConfig], tmp_path: Path) -> Callable[..., TrainConfig]:
    """(overrides) -> settings of a tiny training whose output is the test's own ``runs`` folder."""
    return partial(tiny_in, tmp_path / "runs")


@pytest.fixture
def watch(monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], Any]:
    """Add a callback to every training of a test, after those of the configuration; gives it back."""
    original = trainer_module.build_callbacks
    added: list[Callback] = []
    monkeypatch.setattr(trainer_module, "build_callbacks", lambda *given: [*original(*given), *added])

    def add(callback: Any) -> Any:
        added.append(callback)
        return callback

    return add
