"""The filter branches and the power of frames, against SciPy."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, lfilter, spectrogram

from tonewright.dsp.spectra import window
from tonewright.timbre.branches import branches, frame_power

KINDS = {
    "above_100": ("highpass", 100),
    "above_2000": ("highpass", 2000),
    "below_500": ("lowpass", 500),
    "below_2000": ("lowpass", 2000),
}


def three_times(samples: np.ndarray, kind: str, cutoff_hz: float, sample_rate: int) -> np.ndarray:
    """A Butterworth filter of second order run three times."""
    for _ in range(3):
        section: Any = butter(2, cutoff_hz, kind, fs=sample_rate)
        samples = np.asarray(lfilter(section[0], section[1], samples))
    return samples


@pytest.mark.parametrize("sample_rate", [44100, 96000])
@pytest.mark.parametrize("length", [1, 2, 511, 512, 513, 20000])
def test_branches_are_butterworth_filters_run_three_times(sample_rate: int, length: int) -> None:
    samples = np.random.default_rng(length).standard_normal(length)
    found = branches(samples, sample_rate=sample_rate)
    expected = three_times(samples, "highpass", 20, sample_rate)
    expected /= np.abs(expected).max()
    np.testing.assert_allclose(found.above_20, expected, atol=1e-10)
    for name, (kind, cutoff_hz) in KINDS.items():
        part = getattr(found, name)
        assert part.dtype == np.float32
        np.testing.assert_allclose(part, three_times(expected, kind, cutoff_hz, sample_rate), atol=1e-7)


def test_filters_come_to_rest() -> None:
    samples = np.zeros(300000)
    samples[0] = 1
    for part in branches(samples, sample_rate=44100):
        assert np.abs(part).max() > 0
        np.testing.assert_array_equal(part[-1000:], 0)


def test_silence_has_silent_branches() -> None:
    for part in branches(np.zeros(1000), sample_rate=44100):
        np.testing.assert_array_equal(part, 0)


@settings(deadline=None, max_examples=10)
@given(length=st.sampled_from([64, 2048, 4096]), more=st.integers(0, 6000), mean=st.floats(-1, 1))
def test_frame_power_is_the_sum_over_the_spectrum(length: int, more: int, mean: float) -> None:
    samples = np.random.default_rng(more).standard_normal(length + more) + mean
    hop = length // 4
    expected = spectrogram(
        samples, 1.0, "hamming", length, length - hop, length, "constant", True, "spectrum"
    )[2]
    found = frame_power(samples, window("hamming", length))
    np.testing.assert_allclose(found, expected.sum(axis=0), rtol=1e-5)
