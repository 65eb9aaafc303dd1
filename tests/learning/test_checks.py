"""Settings that cannot be meant are refused by name, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tonewright.errors import UsageError
from tonewright.learning.start import train


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("optimizer.learning_rate=0", "optimizer.learning_rate"),
        ("optimizer.learning_rate=-1e-4", "optimizer.learning_rate"),
        ("optimizer.learning_rate=1.5", "optimizer.learning_rate"),
        ("optimizer.learning_rate=nan", "optimizer.learning_rate"),
        ("optimizer.schedule=cosin", "did you mean cosine"),
        ("optimizer.final_fraction=1.5", "optimizer.final_fraction"),
        ("optimizer.betas=[0.9,1.0]", "optimizer.betas"),
        ("trainer.precision=16", "trainer.precision.*16-mixed"),
        ("trainer.precision=16-mixed", "needs a GPU"),
        ("trainer.accelerator=gpuu", "did you mean gpu"),
        ("trainer.devices=two", "trainer.devices"),
        ("trainer.ema_decay=1", "trainer.ema_decay"),
        ("trainer.accumulate=0", "trainer.accumulate"),
        ("trainer.max_minutes=0", "trainer.max_minutes"),
        ("trainer.log_every_steps=0", "trainer.log_every_steps"),
        ("data.batch_size=13", "data.windows_per_epoch"),
        ("callbacks.mode=mini", "did you mean min"),
        ("seed=-1", "seed is -1"),
        ("+system.weights.mell=1", "mell.*did you mean mel"),
    ],
)
def test_nonsense_is_refused_before_anything_is_written(
    override: str, words: str, tiny, tmp_path: Path
) -> None:
    with pytest.raises(UsageError, match=words) as refusal:
        train(tiny(override))
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "runs").exists()
