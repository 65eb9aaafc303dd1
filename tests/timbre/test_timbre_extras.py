"""What comes with the descriptors, against closed forms."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tonewright.timbre.extras import extras
from tonewright.timbre.names import Mode
from tonewright.timbre.sound import Hearing

RATE = 44100


def measured(samples: np.ndarray, mode: Mode = "corrected") -> dict[str, float]:
    """Extras of (time,)."""
    return extras(Hearing(samples[None], RATE, mode=mode))


@pytest.mark.parametrize("mode", ["corrected", "classic"])
def test_a_sine(mode: Mode) -> None:
    found = measured(0.5 * np.sin(2 * np.pi * 997 / RATE * np.arange(5 * RATE)), mode)
    # The standard calibrates a full sine of 997 Hz in one channel to −3.01 LUFS.
    assert found["loudness_lufs"] == pytest.approx(-3.01 - 6.02, abs=0.1)
    assert found["crest_db"] == pytest.approx(3.01, abs=0.01)
    assert found["centroid_hz"] == pytest.approx(997, rel=1e-3)
    assert found["flatness"] < 1e-3
    assert found["onsets_per_s"] == 0


def test_white_noise() -> None:
    found = measured(np.random.default_rng(0).uniform(-0.5, 0.5, 5 * RATE))
    assert found["crest_db"] == pytest.approx(20 * math.log10(math.sqrt(3)), abs=0.05)
    assert found["centroid_hz"] == pytest.approx(9000, rel=0.01)  # the middle of what is heard
    assert found["flatness"] == pytest.approx(1, abs=0.01)


@pytest.mark.parametrize("rate_hz", [1.0, 2.0, 4.0])
def test_onsets_are_counted_by_length(rate_hz: float) -> None:
    samples = np.zeros(8 * RATE)
    burst = np.random.default_rng(0).standard_normal(4000) * np.exp(-np.arange(4000) / 800)
    for k in range(round(8 * rate_hz)):
        start = round(k * RATE / rate_hz) + 3000
        samples[start : start + 4000] += 0.3 * burst[: samples.size - start]
    assert measured(samples)["onsets_per_s"] == pytest.approx(rate_hz, rel=0.15)


def test_gain_moves_loudness_alone() -> None:
    samples = np.random.default_rng(1).standard_normal(RATE) * 0.01
    quiet, loud = measured(samples), measured(10 * samples)
    assert loud.pop("loudness_lufs") == pytest.approx(quiet.pop("loudness_lufs") + 20, abs=1e-6)
    assert loud == pytest.approx(quiet, rel=1e-4)


def test_the_shortest_sounds() -> None:
    found = measured(np.array([0.5, -0.5]))
    assert all(math.isfinite(value) for value in found.values())
