from __future__ import annotations

import json

import numpy as np
import pytest

from tonewright.audio.files import Clip
from tonewright.errors import UsageError
from tonewright.reverb.analysis import analyse, compare

RATE = 48000
TIME = np.arange(round(1.6 * RATE)) / RATE
NOISE = np.random.default_rng(0).standard_normal((2, len(TIME)))


def room(decay_s, *, gain=1.0, floor_db=None, tilt=0.0, channels=1):
    samples = NOISE[:channels] * 10 ** (-3 * TIME / decay_s)
    if tilt:
        spectrum = np.fft.rfft(samples)
        frequencies = np.fft.rfftfreq(len(TIME), 1 / RATE)
        samples = np.fft.irfft(spectrum * (1 + frequencies / 1000) ** tilt, len(TIME))
    if floor_db is not None:
        noise = np.random.default_rng(9).standard_normal(samples.shape)
        samples = samples + noise * 10 ** (-floor_db / 20)
    return Clip((0.1 * gain * samples).astype(np.float32), RATE)


def test_a_room_does_not_differ_from_itself():
    difference = compare(room(0.8, channels=2), room(0.8, channels=2))
    for name, value in difference.figures().items():
        assert value == pytest.approx(0.0, abs=2e-3), name
    assert difference.mel_db.shape == (2,)


def test_the_noise_of_the_room_is_no_difference():
    noisy, clean = room(0.8, floor_db=50), room(0.8)
    figures = compare(noisy, clean).figures()
    assert figures["decay_error"] < 0.01
    assert figures["c80_db"] < 0.05
    assert figures["spectrum_db_90"] < 0.1
    assert figures["mel_db"] < 0.6


def test_longer_decays_are_differences_with_a_sign():
    difference = compare(room(0.8, floor_db=60), room(1.0))
    np.testing.assert_allclose(difference.decay_error[0, 5:], 0.25, atol=0.04)
    np.testing.assert_allclose(difference.edt_error[0, 4:], 0.25, atol=0.06)
    expected = 10 * np.log10((10 ** (0.48 / 1.0) - 1) / (10 ** (0.48 / 0.8) - 1))
    np.testing.assert_allclose(difference.c80_db[0, 3:], expected, atol=0.35)
    assert (difference.spectrum_db[0, 5:] > 0).all()


def test_a_much_longer_decay_is_followed_beyond_the_end_of_the_room():
    difference = compare(room(0.3, floor_db=45), room(1.2))
    assert difference.decay_error[0, 5] == pytest.approx(3.0, rel=0.1)


def test_gain_and_colour_are_told_apart():
    louder = compare(room(0.8), room(0.8, gain=2.0))
    assert louder.gain_db[0] == pytest.approx(20 * np.log10(2), abs=1e-3)
    np.testing.assert_allclose(louder.coloration_db, 0.0, atol=1e-3)
    assert louder.mel_db[0] == pytest.approx(20 * np.log10(2), rel=0.1)
    brighter = compare(room(0.8), room(0.8, tilt=0.5))
    expected = 10 * np.log10(1 + brighter.thirds_hz / 1000)
    np.testing.assert_allclose(brighter.spectrum_db[0], expected, atol=0.5)
    np.testing.assert_allclose(brighter.decay_error[0, 3:], 0.0, atol=0.02)


def test_a_silent_fit_is_a_difference_and_no_crash():
    silent = Clip(np.vstack([room(0.5).samples, np.zeros((1, len(TIME)), np.float32)]), RATE)
    difference = compare(room(0.8, channels=2), silent)
    assert np.isnan(difference.decay_error[1]).all()
    assert difference.mel_db[1] > 20
    json.dumps(difference.to_dict(), allow_nan=False)
    assert len(difference.table(channel=1).splitlines()) == 10


def test_figures_count_the_bands_that_are_asked_for():
    difference = compare(room(0.8), room(0.8, tilt=0.5))
    low, high = (
        difference.figures(low_hz=a, high_hz=b)["spectrum_db"] for a, b in ((100, 300), (4000, 9000))
    )
    assert low < 2
    assert high > 5


def test_other_rates_or_channels_are_refused():
    one = analyse(room(0.8))
    with pytest.raises(UsageError, match="2 channels at 48000 Hz"):
        compare(one, room(0.8, channels=2))
    with pytest.raises(UsageError, match="44100 Hz"):
        compare(one, Clip(room(0.8).samples, 44100))
