from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

from tonewright.errors import UsageError
from tonewright.reverb.analysis.bands import (
    band_centers_hz,
    band_signals,
    band_weights,
    fast_length,
    octave_bands,
)
from tonewright.reverb.analysis.tables import band_name


def test_bands_are_those_that_fit_below_half_the_rate():
    np.testing.assert_allclose(band_centers_hz(48000), 1000.0 * 2.0 ** np.arange(-4, 5))
    assert band_centers_hz(8000)[-1] == 2000
    assert band_centers_hz(44100)[-1] == 16000
    assert len(band_centers_hz(100)) == 0
    assert len(band_centers_hz(192000, bands="third")) == 27
    with pytest.raises(UsageError, match="octave or third"):
        band_centers_hz(48000, bands="bark")


def test_bands_have_the_names_of_the_standard():
    octaves = [band_name(hz) for hz in band_centers_hz(48000)]
    assert octaves == ["63", "125", "250", "500", "1k", "2k", "4k", "8k", "16k"]
    thirds = [band_name(hz) for hz in band_centers_hz(48000, bands="third")]
    assert thirds[:6] == ["50", "63", "80", "100", "125", "160"]
    assert thirds[-6:] == ["6.3k", "8k", "10k", "12.5k", "16k", "20k"]


@pytest.mark.parametrize("fraction", [1, 3])
def test_a_band_is_six_decibels_down_at_its_edges(fraction):
    edges = 1000.0 * 2 ** (np.array([-0.5, 0.0, 0.5]) / fraction)
    np.testing.assert_allclose(band_weights(edges, 1000.0, fraction=fraction), [0.5, 1.0, 0.5])


def test_a_band_equals_a_butterworth_filter_run_both_ways():
    samples = np.random.default_rng(0).standard_normal(20000)
    sections = butter(3, [1000 / 2**0.5, 1000 * 2**0.5], "bandpass", fs=48000, output="sos")
    ours = octave_bands(samples, 48000)[4]
    theirs = sosfiltfilt(sections, np.pad(samples, 6000))[6000:-6000]
    # The bilinear transform bends theirs by a little.
    assert np.square(ours - theirs).sum() < 2e-4 * np.square(theirs).sum()


def test_bands_ring_alike_before_and_after_and_keep_the_place_of_an_impulse():
    samples = np.zeros((2, 9601))
    samples[1, 4800] = 1.0
    bands = octave_bands(samples, 48000)
    assert bands.shape == (9, 2, 9601)
    assert not bands[:, 0].any()
    np.testing.assert_allclose(bands[:, 1], bands[:, 1, ::-1], atol=1e-6)
    assert (bands[:, 1].argmax(axis=-1) == 4800).all()


@settings(deadline=None, max_examples=10)
@given(st.integers(300, 5000), st.integers(0, 2**31), st.sampled_from([1, 3]))
def test_bands_at_lower_rates_keep_their_energy(count, seed, fraction):
    length = fast_length(count)
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(length))
    centers = band_centers_hz(48000, bands="octave" if fraction == 1 else "third")
    signals = band_signals(spectrum, length, 48000, centers, fraction=fraction)
    frequencies = np.arange(len(spectrum)) * 48000 / length
    for center, (signal, rate) in zip(centers, signals, strict=True):
        full = np.fft.irfft(spectrum * band_weights(frequencies, center, fraction=fraction), length)
        assert np.square(signal).sum() / rate == pytest.approx(np.square(full).sum() / 48000, rel=1e-6)
