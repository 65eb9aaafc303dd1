"""Roughness: against its definition pair by pair, the reference values, and what must hold of it."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, lfilter

from tonewright.audio.clips import resample
from tonewright.audio.files import read
from tonewright.timbre.models.roughness import features, value
from tonewright.timbre.names import Mode, UnmeasurableError
from tonewright.timbre.peaks import peak_bins, refined_peak
from tonewright.timbre.sound import Hearing

RATE = 44100


def rough(samples: np.ndarray, rate: int = RATE, *, mode: Mode = "corrected") -> float:
    """Roughness of (time,)."""
    return value(features(Hearing(samples[None], rate, mode=mode)))


def tones(*frequencies_hz: float, seconds: float = 1.0, rate: int = RATE) -> np.ndarray:
    """Sines of one level."""
    time = np.arange(round(seconds * rate)) / rate
    return 0.1 * np.sum([np.sin(2 * np.pi * hz * time) for hz in frequencies_hz], axis=0)


def frame_roughness(magnitudes: np.ndarray, low: float, high: float, bin_hz: float) -> float:
    """The definition, of one spectrum."""
    scaled = (magnitudes - low) / (high - low)
    bins = peak_bins(scaled, 0.01)
    if bins.size < 2:
        return 0.0
    positions, levels = np.array([refined_peak(magnitudes, k) for k in bins]).T
    total = 0.0
    for i in range(bins.size):
        for j in range(i):
            frequencies = sorted([positions[i] * bin_hz, positions[j] * bin_hz])
            s = 0.24 / (0.0207 * frequencies[0] + 18.96)
            x = s * (frequencies[1] - frequencies[0])
            weight = 0.5 * (2 * levels[j] / (levels[i] + levels[j])) ** 3.11
            total += (levels[i] * levels[j]) ** 0.1 * weight * (np.exp(-3.51 * x) - np.exp(-5.75 * x))
    return total


def expected_roughness(samples: np.ndarray, rate: int) -> float:
    """The definition, with the frames of the classic mode."""
    sound = np.concatenate([np.zeros(512), samples])
    length = int(rate * 0.05)
    points = 1 << length.bit_length()
    spectra = np.zeros((int(sound.size / (length / 2)), points // 2 + 1))
    if sound.size <= length:
        spectra[0] = np.abs(np.fft.rfft(sound, points))
    window = np.hamming(length + 2)[1:-1]
    for i in range(len(spectra)):
        frame = sound[int(i * length / 2) :][:length]
        if sound.size > length and frame.size == length:
            spectra[i] = np.abs(np.fft.rfft(frame * window, points))
    low, high = spectra.min(), spectra.max()
    return float(np.mean([frame_roughness(spectrum, low, high, rate / points) for spectrum in spectra]))


@settings(deadline=None, max_examples=12)
@given(length=st.integers(700, 9000), partials=st.integers(1, 12), noise=st.sampled_from([0.0, 1e-3, 0.1]))
def test_roughness_is_that_of_its_definition(length: int, partials: int, noise: float) -> None:
    rng = np.random.default_rng(length)
    samples = tones(*rng.uniform(50, 6000, partials), seconds=length / RATE)
    hearing = Hearing((samples + noise * rng.standard_normal(length))[None], RATE, mode="classic")
    expected = expected_roughness(hearing.samples, RATE)
    assert features(hearing).mean_roughness == pytest.approx(expected, rel=1e-4, abs=2e-5)


@pytest.mark.parametrize("rate", [48000, 96000])
def test_other_rates_in_the_classic_mode(rate: int) -> None:
    samples = tones(300, 333, 1000, 1060, seconds=0.3, rate=rate)
    hearing = Hearing(samples[None], rate, mode="classic")
    expected = expected_roughness(hearing.samples, rate)
    assert features(hearing).mean_roughness == pytest.approx(expected, rel=1e-4)


def test_tones_are_rough_when_they_beat() -> None:
    assert rough(tones(1000)) == 0
    assert rough(tones(1000, 1040)) > rough(tones(1000, 1300)) + 10
    assert rough(tones(1000, 1040)) > 30


@pytest.mark.parametrize("seed", range(3))
def test_gain_polarity_and_silence_do_not_matter(seed: int) -> None:
    rng = np.random.default_rng(seed)
    samples = tones(*rng.uniform(100, 2000, 6), seconds=0.7)
    before = rough(samples)
    assert rough(-0.03 * samples) == pytest.approx(before, abs=1e-3)
    assert rough(np.concatenate([samples, np.zeros(RATE)])) == pytest.approx(before, abs=0.05)
    # A gap between two notes does not count either, but for the frames at its edges.
    gap = np.concatenate([samples, np.zeros(RATE), samples])
    assert rough(gap) == pytest.approx(before, abs=1.0)


def test_silence_counts_in_the_classic_mode() -> None:
    samples = tones(1000, 1040)
    silence = np.zeros(RATE)
    assert rough(np.concatenate([samples, silence]), mode="classic") < rough(samples, mode="classic") - 3


def test_every_rate_gives_the_same_in_the_corrected_mode() -> None:
    low: Any = butter(6, 15000, fs=RATE)
    samples = np.asarray(lfilter(low[0], low[1], np.random.default_rng(0).standard_normal(RATE) * 0.05))
    samples += tones(440, 466, 880)
    values = [
        rough(resample(samples[None], from_rate=RATE, to_rate=rate)[0], rate) for rate in (RATE, 48000, 96000)
    ]
    np.testing.assert_allclose(values, values[0], atol=0.2)


@settings(deadline=None, max_examples=15)
@given(length=st.integers(2, 4000))
def test_every_length_has_a_value(length: int) -> None:
    samples = np.random.default_rng(length).standard_normal(length) * 0.1
    assert np.isfinite(rough(samples))


def test_a_short_sound_has_no_frame_in_the_classic_mode() -> None:
    with pytest.raises(UnmeasurableError, match="shorter than 590 samples"):
        rough(tones(1000, seconds=0.01), mode="classic")


def test_reference_values(shared: Path) -> None:
    with (shared / "timbre" / "reference_features.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["descriptor"] == "roughness"]
    for row in rows[::3]:
        clip = read(shared / "audio" / row["file"])
        found = features(Hearing(clip.samples, clip.sample_rate, mode="classic"))
        assert found.mean_roughness == pytest.approx(float(row["value"]), rel=2e-5, abs=1e-6), row["file"]
