"""Sharpness and boominess: against their definitions and the reference values, and what must hold of them."""

from __future__ import annotations

import csv
import math
from collections import defaultdict
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tonewright.audio.files import read
from tonewright.timbre.models import boominess, sharpness
from tonewright.timbre.names import MODES, Mode, UnmeasurableError
from tonewright.timbre.sound import Hearing
from tonewright.timbre.specific_loudness import SpecificLoudness, bump

RATE = 44100
MODELS: dict[str, Any] = {"sharpness": sharpness, "boominess": boominess}


def heard(pattern: np.ndarray, power: np.ndarray | None = None) -> Any:
    """What a model needs of a hearing, from a pattern (frames, 240)."""
    power = np.ones(len(pattern)) if power is None else power
    total = 0.1 * pattern.sum(axis=1)
    return SimpleNamespace(specific=SpecificLoudness(pattern, power, total, power > 1e-7))


def single(place: int, loudness: float = 1.0) -> np.ndarray:
    """A pattern with loudness at one point."""
    pattern = np.zeros((1, 240))
    pattern[0, place] = loudness
    return pattern


def noise(low_hz: float, high_hz: float, seconds: float = 1.0) -> np.ndarray:
    """A band of noise (time,)."""
    spectrum = np.fft.rfft(np.random.default_rng(0).standard_normal(round(seconds * RATE)))
    frequency = np.fft.rfftfreq(round(seconds * RATE), 1 / RATE)
    return np.fft.irfft(np.where((frequency >= low_hz) & (frequency <= high_hz), spectrum, 0))


def value(name: str, samples: np.ndarray, mode: Mode = "corrected") -> float:
    model = MODELS[name]
    return model.value(model.features(Hearing(np.atleast_2d(samples), RATE, mode=mode)))


def test_sharpness_of_single_points() -> None:
    for place, weight in ((0, 0.1), (49, 5.0), (139, 14.0)):
        found = sharpness.features(heard(single(place))).log_sharpness
        assert found == pytest.approx(math.log10(0.11 * weight))
    z = 22.0
    g = 0.00012 * z**4 - 0.0056 * z**3 + 0.1 * z**2 - 0.81 * z + 3.5
    assert sharpness.features(heard(single(219, 3.0))).log_sharpness == pytest.approx(
        math.log10(0.11 * g * z)
    )


def test_sharpness_is_one_acum_for_a_critical_band_at_1_khz() -> None:
    found = sharpness.features(Hearing(noise(920, 1080)[None], RATE))
    assert 10**found.log_sharpness == pytest.approx(1.0, abs=0.25)


def test_means_are_weighted_by_power() -> None:
    pattern = np.concatenate([single(49), single(99), np.zeros((1, 240))])
    power = np.array([3.0, 1.0, 4.0])
    found = sharpness.features(heard(pattern, power)).log_sharpness
    assert found == pytest.approx(math.log10(0.11 * (3 * 5 + 1 * 10 + 0) / 8))


def test_boominess_of_single_points() -> None:
    found = boominess.features(heard(single(20, 2.0)))
    third = math.log(600 * math.sinh(2.1 / 6) / 25) / math.log(31.5 / 25) + 1
    index = 10 * math.log10(239 + 10 ** (0.2 * 2.13 * math.exp(-0.151 * third)))
    assert found.log_booming == pytest.approx(math.log10(index))
    assert found.log_low_loudness == pytest.approx(math.log10(2 * bump(0, 70)[20]))
    first = boominess.features(heard(single(1, 2.0))).log_booming
    assert first == pytest.approx(math.log10(10 * math.log10(239 + 10 ** (0.2 * 1.05))))
    halved = boominess.features(heard(single(20, 2.0) + single(60, 2.0))).log_booming
    assert 10**halved == pytest.approx(index / 2, rel=0.01)


def test_frames_that_do_not_count_leave_low_loudness_alone() -> None:
    pattern = np.concatenate([single(20, 2.0), np.zeros((3, 240))])
    alone = boominess.features(heard(single(20, 2.0)))
    among = boominess.features(heard(pattern, np.array([1.0, 0, 0, 0])))
    assert among == pytest.approx(alone)


def test_what_cannot_be_heard_has_no_value() -> None:
    for model in MODELS.values():
        with pytest.raises(UnmeasurableError, match="threshold of hearing"):
            model.features(heard(np.zeros((2, 240))))
    with pytest.raises(UnmeasurableError, match="280 Hz"):
        boominess.features(heard(single(150)))


@pytest.mark.parametrize("mode", MODES)
def test_they_follow_the_bands_of_a_sound(mode: Mode) -> None:
    bands = [noise(*band) for band in ((40, 90), (300, 500), (1500, 2500), (7000, 9000))]
    sharp = [value("sharpness", band, mode) for band in bands[1:]]
    boomy = [value("boominess", band + 0.01 * noise(40, 5000), mode) for band in bands]
    assert sharp == sorted(sharp)
    assert boomy == sorted(boomy, reverse=True)


def test_both_signs_are_alike() -> None:
    samples = np.zeros(2 * RATE)
    samples[4000 : 4000 + RATE] = np.random.default_rng(1).standard_normal(RATE) ** 3
    for name in MODELS:
        assert value(name, -samples) == value(name, samples)


def test_they_are_those_of_the_reference(shared: Path) -> None:
    values: dict[str, dict[str, float]] = defaultdict(dict)
    features: dict[str, dict[str, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    with (shared / "timbre" / "reference.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            values[row["file"]][row["descriptor"]] = float(row["value"])
    with (shared / "timbre" / "reference_features.csv").open(newline="") as rows:
        for row in csv.DictReader(rows):
            features[row["file"]][row["descriptor"]][row["feature"]] = float(row["value"])
    for file in values:
        clip = read(shared / "audio" / file)
        hearing = Hearing(clip.samples, clip.sample_rate, mode="classic")
        for name, model in MODELS.items():
            found = model.features(hearing)
            assert found._asdict() == pytest.approx(features[file][name], abs=1e-6), file
            assert model.value(found) == pytest.approx(values[file][name], abs=1e-5), file
        specific, warmth = hearing.specific, features[file]["warmth"]
        region = specific.unweighted_mean(specific.pattern @ bump(10, 40))
        assert region == pytest.approx(warmth["mean_warm_region"], abs=1e-5), file
