from __future__ import annotations

import io

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib.image import imread

from tonewright.audio.files import Clip
from tonewright.report import pictures


def sine(hz: float, *, sample_rate: int = 44100, amplitude: float = 1.0, seconds: float = 1.0) -> Clip:
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    return Clip(amplitude * np.sin(2 * np.pi * hz * time)[None], sample_rate)


@pytest.mark.parametrize("sample_rate", [8000, 22050, 44100, 96000, 192000])
def test_a_full_scale_sine_reads_zero_db_in_its_own_band_at_every_rate(sample_rate):
    n_fft = 2 ** round(np.log2(0.046 * sample_rate))
    hz = 4 * sample_rate / n_fft  # in the middle of a bin
    picture = pictures.log_spectrogram(sine(hz, sample_rate=sample_rate))
    middle = picture.levels_db[:, picture.levels_db.shape[1] // 2]
    loudest = picture.centres_hz[np.argmax(middle)]
    assert middle.max() == pytest.approx(0.0, abs=0.3)
    assert loudest == pytest.approx(hz, abs=0.6 * sample_rate / n_fft)


def test_half_the_amplitude_is_six_db_less_everywhere():
    loud, quiet = (pictures.log_spectrogram(sine(1000, amplitude=a)).levels_db for a in (1.0, 0.5))
    heard = quiet > -90
    assert heard.any()
    np.testing.assert_allclose((loud - quiet)[heard], 20 * np.log10(2), atol=1e-3)


def test_channels_are_averaged_in_power_so_that_opposite_phases_do_not_vanish():
    tone = sine(500).samples[0]
    both = pictures.log_spectrogram(Clip(np.stack([tone, -tone]), 44100))
    one = pictures.log_spectrogram(Clip(tone[None], 44100))
    np.testing.assert_allclose(both.levels_db, one.levels_db, atol=1e-6)


def test_a_click_stands_where_it_is_in_time():
    samples = np.zeros((1, 88200), np.float32)
    samples[0, 66150] = 1.0
    picture = pictures.log_spectrogram(Clip(samples, 44100))
    column = np.argmax(picture.levels_db[-20:].sum(axis=0))
    assert (column + 0.5) / picture.levels_db.shape[1] * picture.seconds == pytest.approx(1.5, abs=0.02)


def test_long_sounds_are_pooled_and_short_ones_are_not_lost():
    assert (
        pictures.log_spectrogram(sine(100, sample_rate=8000, seconds=60), columns=200).levels_db.shape[1]
        == 200
    )
    for frames in (0, 1, 7):
        picture = pictures.log_spectrogram(Clip(np.full((1, frames), 0.5), 44100))
        assert picture.levels_db.shape == (160, 1)
        assert np.isfinite(picture.levels_db).all()
        assert (picture.levels_db.max() > pictures.FLOOR_DB) == (frames > 0)


def test_white_noise_has_a_flat_long_term_spectrum():
    noise = Clip(0.1 * np.random.default_rng(0).standard_normal((1, 10 * 44100)), 44100)
    levels = pictures.long_term_db(noise, rows=60).levels_db[:, 0]
    # Hann frames at 0 dB re a full-scale sine: 10 log10(σ² · 2 · 1.5 · 2 / n_fft) a bin.
    assert np.median(levels) == pytest.approx(10 * np.log10(0.01 * 6 / 2048), abs=0.2)
    assert np.ptp(levels[5:]) < 1.5


@settings(deadline=None, max_examples=40)
@given(frames=st.integers(1, 3000), columns=st.integers(1, 500), seed=st.integers(0, 99))
def test_an_envelope_holds_every_sample_and_no_more(frames, columns, seed):
    samples = np.random.default_rng(seed).uniform(-1, 1, (2, frames)).astype(np.float32)
    low, high = pictures.envelope(samples, columns=columns)
    assert len(low) == len(high) == min(frames, columns)
    assert low.min() == samples.min()
    assert high.max() == samples.max()
    assert (low <= high).all()
    assert set(low) | set(high) <= set(samples.ravel())


@settings(deadline=None, max_examples=25)
@given(
    height=st.integers(1, 20), width=st.integers(1, 20), colours=st.integers(1, 256), seed=st.integers(0, 99)
)
def test_a_palette_picture_comes_back_pixel_for_pixel(height, width, colours, seed):
    random = np.random.default_rng(seed)
    palette = random.integers(0, 256, (colours, 3), np.uint8)
    indices = random.integers(0, colours, (height, width)).astype(np.uint8)
    back = np.round(imread(io.BytesIO(pictures.palette_png(indices, palette)))[..., :3] * 255)
    np.testing.assert_array_equal(back, palette[indices])


def test_what_is_not_a_number_is_silence():
    broken = np.array([[np.nan, np.inf, -np.inf, 0.25]], np.float32)
    np.testing.assert_array_equal(pictures.finite(broken), [[0, 0, 0, 0.25]])


def test_sound_far_above_full_scale_has_a_finite_picture():
    loud = Clip(np.full((1, 4096), 1e30, np.float32) * np.resize([1, -1], 4096).astype(np.float32), 44100)
    assert np.isfinite(pictures.log_spectrogram(loud).levels_db).all()
