"""Bandwidth: up to where there is sound."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.bandwidth import bandwidth_hz, mean_spectrum


def noise_below(cutoff_hz: float, *, sample_rate: int, seconds: float = 1.5, seed: int = 0) -> np.ndarray:
    """White noise with nothing at all above a frequency."""
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(round(seconds * sample_rate)))
    spectrum[np.fft.rfftfreq(round(seconds * sample_rate), 1 / sample_rate) > cutoff_hz] = 0
    return 0.1 * np.fft.irfft(spectrum, round(seconds * sample_rate))[None]


def tone(frequency_hz: float, level_db: float = 0.0, *, sample_rate: int = 44_100) -> np.ndarray:
    return (
        10 ** (level_db / 20) * np.sin(2 * np.pi * frequency_hz * np.arange(sample_rate) / sample_rate)[None]
    )


@settings(deadline=None, max_examples=15)
@given(
    rate=st.sampled_from([8_000, 16_000, 22_050, 44_100, 48_000, 128_000]),
    share=st.floats(0.15, 0.9),
    gain=st.floats(1e-4, 1.0),
)
def test_of_noise_that_ends_somewhere(rate: int, share: float, gain: float) -> None:
    cutoff = share * rate / 2
    samples = gain * noise_below(cutoff, sample_rate=rate)
    # The window smears an edge over some of its bins, each 20 Hz or so wide.
    assert bandwidth_hz(samples, sample_rate=rate) == pytest.approx(cutoff, abs=400)


def test_range_decides_what_counts() -> None:
    both = tone(1000) + tone(9000, -40)
    assert bandwidth_hz(both, sample_rate=44_100) == pytest.approx(9000, abs=100)
    assert bandwidth_hz(both, sample_rate=44_100, range_db=30) == pytest.approx(1000, abs=100)


def test_any_channel_counts() -> None:
    one = np.concatenate([tone(500), np.zeros((1, 44_100)), tone(7000, -20)])
    assert bandwidth_hz(one, sample_rate=44_100) == pytest.approx(7000, abs=300)
    assert bandwidth_hz(one[0], sample_rate=44_100) == bandwidth_hz(one[:1], sample_rate=44_100)


@pytest.mark.parametrize("frames", [0, 1, 10, 44_100])
def test_silence_has_none(frames: int) -> None:
    assert bandwidth_hz(np.zeros((2, frames)), sample_rate=44_100) == 0


def test_an_offset_is_no_sound() -> None:
    assert bandwidth_hz(0.001 * tone(3000) + 0.5, sample_rate=44_100) == pytest.approx(3000, abs=200)


def test_nonfinite_sound_has_none() -> None:
    assert bandwidth_hz(np.full((1, 5000), np.nan), sample_rate=44_100) == 0


def test_spectrum_of_a_long_sound_is_that_of_its_parts() -> None:
    """Windows spread over a long sound say the same as all of a short one of the same kind."""
    noise = np.random.default_rng(3).standard_normal((1, 40 * 16_000))
    long, frequencies = mean_spectrum(noise, sample_rate=16_000)
    short, _ = mean_spectrum(noise[:, :80_000], sample_rate=16_000)
    assert len(long) == len(frequencies)
    assert frequencies[-1] == 8000
    assert np.mean(long) == pytest.approx(np.mean(short), rel=0.05)
