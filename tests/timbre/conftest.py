"""Sounds in folders, a description that takes no time, and tables of values."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tonewright.audio.files import Clip, read, write
from tonewright.timbre import description
from tonewright.timbre.analysis.measurements import Measurements, measurements
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS


class Described:
    """Stands for `describe_file`, and remembers what it was asked for: a file's peak is all its values."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.stop_after = math.inf

    def __call__(self, path: str, *, mode: str = "corrected", raw: bool = False) -> Description:
        clip = read(path)
        if len(self.paths) >= self.stop_after:
            raise KeyboardInterrupt
        self.paths.append(Path(path).name)
        peak = float(np.abs(clip.samples).max())
        values = dict.fromkeys((*DESCRIPTORS, *EXTRAS), peak) | {"warmth": math.nan}
        reasons = {"warmth": "no segment has a spectral peak"}
        return Description(values, clip.seconds, clip.sample_rate, clip.channels, mode, reasons)  # type: ignore[arg-type]

    def taken(self) -> list[str]:
        """What was described since this was asked last."""
        paths, self.paths = sorted(self.paths), []
        return paths


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> Described:
    stand_in = Described()
    monkeypatch.setattr(description, "describe_file", stand_in)
    return stand_in


@pytest.fixture
def sound() -> Callable[[Path, float], Path]:
    """Writes a hundred samples of one level."""

    def written(path: Path, level: float) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, Clip(np.full((1, 100), level), 8000), encoding="float", overwrite=True)
        return path

    return written


@pytest.fixture
def songs(tmp_path: Path, sound: Callable[[Path, float], Path]) -> Path:
    """Six sounds in two folders, of which d.wav is text."""
    folder = tmp_path / "songs"
    for number, name in enumerate(("b.wav", "a.wav", "deep/c.wav", "deep/d.wav", "deep/e.wav", "f.wav")):
        sound(folder / name, (number + 1) / 8)
    (folder / "deep/d.wav").write_text("this is no sound")
    (folder / "notes.txt").write_text("neither")
    return folder


@pytest.fixture(scope="session")
def table() -> Callable[..., Measurements]:
    """Columns of values (sounds, columns), and more, as a table has them."""

    def made(values: np.ndarray, **more: Any) -> Measurements:
        files = [f"{index}.wav" for index in range(len(values))]
        columns = dict(zip(DESCRIPTORS, values.T, strict=False))
        return measurements({"file": files} | columns | more)

    return made


@pytest.fixture(scope="session")
def mixed() -> Callable[..., np.ndarray]:
    """Seven columns that share three causes."""

    def made(n: int, *, seed: int = 0, factors: int = 3, noise: float = 0.4) -> np.ndarray:
        rng = np.random.default_rng(seed)
        causes = rng.standard_normal((n, factors)) @ rng.standard_normal((factors, 7))
        return 50 + 10 * (causes + noise * rng.standard_normal((n, 7)))

    return made


@pytest.fixture(scope="session")
def real(shared: Path) -> Measurements:
    """Values of the published models for real sounds."""
    rows: dict[str, dict[str, str]] = {}
    with (shared / "timbre" / "reference.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            rows.setdefault(row["file"], {})[row["descriptor"]] = row["value"]
    return measurements(
        {"file": list(rows)} | {name: [row[name] for row in rows.values()] for name in DESCRIPTORS}
    )
