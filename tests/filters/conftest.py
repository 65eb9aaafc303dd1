"""What tests of trained filters share: sounds whose answer is known, and a model that has learned them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from tonewright.audio.files import Clip, write
from tonewright.learning.config import TrainConfig
from tonewright.learning.runs import Run

RATE = 44100
CENTRES_HZ = np.geomspace(150.0, 8000.0, 48)
SMALL = (
    "experiment=tiny",
    "logger=csv",
    "trainer=cpu",
    "trainer.threads=1",
    "system.width=32",
    "data.workers=0",
    "data.batch_size=16",
    "data.windows_per_epoch=320",
    "data.validation_windows=32",
    "callbacks.examples=2",
)

BandNoise = Callable[..., Clip]
SmallTraining = Callable[..., TrainConfig]


def make_band_noise(centre_hz: float, *, seed: int, seconds: float = 0.5) -> Clip:
    """White noise through a band-pass an octave wide, on a floor that is 40 dB lower."""
    generator = np.random.default_rng(seed)
    white = generator.standard_normal((2, round(seconds * RATE)))
    edges = np.array([centre_hz / 2**0.5, centre_hz * 2**0.5])
    sections = butter(2, edges, "bandpass", fs=RATE, output="sos")
    return Clip(0.1 * sosfilt(sections, white) + 1e-3 * generator.standard_normal(white.shape), RATE)


def make_small_training(output: Path, *more: str) -> TrainConfig:
    """The settings of a training that takes a second."""
    from tonewright.learning.compose import compose_config

    return compose_config("filters", [*SMALL, f"output={output}", *more])


@pytest.fixture(scope="session")
def band_noise() -> BandNoise:
    """(centre_hz, seed=) -> a noise of half a second about that frequency."""
    return make_band_noise


@pytest.fixture(scope="session")
def band_noises(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of folders of noises, each about another frequency."""
    folder = tmp_path_factory.mktemp("noises")
    for number, centre_hz in enumerate(CENTRES_HZ):
        write(folder / f"{number % 3}" / "deep" / f"{number}.wav", make_band_noise(centre_hz, seed=number))
    return folder


@pytest.fixture(scope="session")
def small_training(band_noises: Path) -> SmallTraining:
    """(output, overrides …) -> the settings of a training on the noises that takes a second."""
    return lambda output, *more: make_small_training(output, f"data.root={band_noises}", *more)


@pytest.fixture(scope="session")
def learned_filters(small_training: SmallTraining, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run that has learned the noises."""
    from tonewright.learning.start import train

    output = tmp_path_factory.mktemp("filters-runs")
    more = ("run_name=noises", "trainer.max_epochs=20", "optimizer.learning_rate=4e-3")
    return train(small_training(output, *more))
