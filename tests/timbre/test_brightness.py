"""Brightness: against SciPy's spectrograms, the reference values, and what must hold of it."""

from __future__ import annotations

import csv
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, lfilter, spectrogram

from tonewright.audio.clips import resample
from tonewright.audio.files import read
from tonewright.timbre.models.brightness import BrightnessFeatures, features, value
from tonewright.timbre.names import Mode, UnmeasurableError
from tonewright.timbre.sound import Hearing

RATE = 44100


def filtered(samples: np.ndarray, section: Any) -> np.ndarray:
    """A recursive filter of coefficients (b, a), from rest."""
    return np.asarray(lfilter(section[0], section[1], samples))


def bright(samples: np.ndarray, rate: int = RATE, *, mode: Mode = "corrected") -> float:
    """Brightness of (time,)."""
    return value(features(Hearing(samples[None], rate, mode=mode)))


def expected_features(samples: np.ndarray, rate: int) -> BrightnessFeatures:
    """The definition, from whole spectrograms."""

    def passed(samples: np.ndarray, cutoff_hz: float) -> np.ndarray:
        for _ in range(3):
            samples = filtered(samples, butter(2, cutoff_hz, "highpass", fs=rate))
        return samples

    def spectra(samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        length = min(2048, samples.size)
        overlap = 1536 if length == 2048 else length - 1
        found = spectrogram(samples, rate, "hamming", length, overlap, 2048, "constant", True, "spectrum")
        return found[0], found[2].sum(axis=1)

    sound = passed(samples, 20)
    power = spectra(sound)[1].sum()
    high_power = spectra(passed(sound, 2000))[1].sum()
    frequencies, spectrum = spectra(passed(sound, 100))
    return BrightnessFeatures(
        math.log10(high_power / power), math.log10(frequencies @ spectrum / spectrum.sum())
    )


@settings(deadline=None, max_examples=30)
@given(length=st.integers(20, 5000) | st.sampled_from([2047, 2048, 2049, 40000]), slope=st.floats(0, 0.99))
def test_features_are_those_of_whole_spectrograms(length: int, slope: float) -> None:
    samples = filtered(np.random.default_rng(length).standard_normal(length), ([1.0], [1.0, -slope]))
    hearing = Hearing(samples[None] * 0.1, RATE, mode="classic")
    np.testing.assert_allclose(features(hearing), expected_features(hearing.samples, RATE), atol=1e-5)


def test_rates_above_44100_in_the_classic_mode() -> None:
    hearing = Hearing(np.random.default_rng(0).standard_normal((1, 30000)) * 0.1, 96000, mode="classic")
    assert hearing.sample_rate == 96000
    np.testing.assert_allclose(features(hearing), expected_features(hearing.samples, 96000), atol=1e-5)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 1000), boost_db=st.floats(1, 12))
def test_a_high_shelf_makes_brighter_and_gain_does_not(seed: int, boost_db: float) -> None:
    rng = np.random.default_rng(seed)
    samples = filtered(rng.standard_normal(12000), ([1.0], [1.0, -rng.uniform(0, 0.98)]))
    samples *= 0.2 / np.abs(samples).max()
    high = filtered(samples, butter(1, 3000, "highpass", fs=RATE))
    before = bright(samples)
    assert bright(samples + (10 ** (boost_db / 20) - 1) * high) > before
    assert bright(samples * -0.1) == pytest.approx(before, abs=1e-3)


def test_centroid_of_a_tone_is_its_frequency() -> None:
    tone = np.sin(2 * np.pi * 3000 / RATE * np.arange(RATE))
    assert 10 ** features(Hearing(tone[None], RATE)).log_centroid == pytest.approx(3000, rel=1e-3)


def test_every_rate_gives_the_same_in_the_corrected_mode() -> None:
    noise = np.random.default_rng(0).standard_normal(RATE) * 0.1
    samples = filtered(noise, butter(6, 15000, fs=RATE))
    values = [
        bright(resample(samples[None], from_rate=RATE, to_rate=rate)[0], rate)
        for rate in (RATE, 48000, 96000)
    ]
    np.testing.assert_allclose(values, values[0], atol=0.2)


def test_a_single_sample_has_none() -> None:
    with pytest.raises(UnmeasurableError, match="nothing above"):
        bright(np.array([0.5]), mode="classic")


def test_reference_values(shared: Path) -> None:
    with (shared / "timbre" / "reference_features.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["descriptor"] == "brightness"]
    reference: dict[str, dict[str, float]] = {}
    for row in rows:
        reference.setdefault(row["file"], {})[row["feature"]] = float(row["value"])
    for name in sorted(reference)[::3]:
        clip = read(shared / "audio" / name)
        found = features(Hearing(clip.samples, clip.sample_rate, mode="classic"))
        assert found._asdict() == pytest.approx(reference[name], abs=2e-5), name
