"""A training so small that dozens of them fit into a minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from lightning.pytorch.callbacks import Callback
from omegaconf import DictConfig, OmegaConf

from tonewright.audio.equalising import lowpass
from tonewright.audio.files import SoundWriter
from tonewright.audio.sources.manifest import MANIFEST, Piece, write_manifest
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


PARTS = {
    # part: (pieces, seconds of each, further labels, bandwidth of what is heard)
    "voices": (24, 0.9, ("speech", "fr", "woman"), 5000.0),
    "music": (24, 1.6, ("rock",), 15000.0),
    "instruments": (24, 0.25, ("note", "violin", "A4"), 15000.0),
    "songs": (24, 1.2, ("song", "pop"), 15000.0),
}
POOL_RATE = 44100


@pytest.fixture(scope="session")
def tiny_pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pool of noise: short words, music, shorter notes, and songs with stems."""
    folder = tmp_path_factory.mktemp("pool")
    pieces = []
    for number, part in enumerate(PARTS):
        stems = ("mixture", "drums", "bass", "other", "vocals") if part == "songs" else ("mixture",)
        pieces += shelf(folder, part, stems, seed=10 * number)
    write_manifest(folder / MANIFEST, pieces)
    return folder


def shelf(folder: Path, part: str, stems: tuple[str, ...], *, seed: int) -> list[Piece]:
    """Write the arrays of one part, one a stem; the mixture of songs is the sum of the others."""
    count, seconds, labels, bandwidth_hz = PARTS[part]
    channels, frames = (2 if part in ("music", "songs") else 1), round(seconds * POOL_RATE)
    path = f"{part}/shelf.{{stem}}.wav" if len(stems) > 1 else f"{part}/shelf.wav"
    sounds = {
        stem: lowpass(
            np.random.default_rng(seed + n).normal(0, 0.05, (channels, count * frames)).astype(np.float32),
            bandwidth_hz,
            sample_rate=POOL_RATE,
        )
        for n, stem in enumerate(stems)
    }
    if len(stems) > 1:
        sounds["mixture"] = np.sum([sounds[stem] for stem in stems[1:]], axis=0, dtype=np.float32)
    (folder / part).mkdir()
    for stem, samples in sounds.items():
        with SoundWriter(
            folder / path.replace("{stem}", stem),
            sample_rate=POOL_RATE,
            channels=channels,
            encoding="pcm16",
        ) as writer:
            writer.write(samples)
    return [
        Piece(
            **{"name": f"{part}/{n}", "song": f"{part}/{n}", "part": part, "labels": labels, "path": path},  # type: ignore[arg-type]
            **{"stems": stems, "start": n * frames, "frames": frames, "sample_rate": POOL_RATE},  # type: ignore[arg-type]
            **{"channels": channels, "source_rate": POOL_RATE, "bandwidth_hz": bandwidth_hz},  # type: ignore[arg-type]
            **{"level_db": -26.0, "gain_db": 0.0, "clipped": 0.0, "package": part, "version": "1"},  # type: ignore[arg-type]
            **{"file": str(n), "licence": "CC0-1.0", "author": ""},  # type: ignore[arg-type]
        )
        for n in range(count)
    ]


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
