"""The band that every sample rate leaves: what passes, what does not, silence."""

from __future__ import annotations

import numpy as np
from scipy.signal import firwin, freqz

from tonewright.timbre.audible import AUDIBLE_HZ, audible_band, taps

RATE = 44100


def test_it_is_the_convolution_with_a_windowed_sinc() -> None:
    sound = np.random.default_rng(0).standard_normal(5001)
    whole = np.concatenate([taps()[:0:-1], taps()])
    np.testing.assert_allclose(whole, firwin(129, 18900, window=("kaiser", 7.857), fs=RATE), atol=1e-9)
    np.testing.assert_allclose(audible_band(sound), np.convolve(sound, whole, "same"), atol=1e-12)


def test_what_passes_and_what_does_not() -> None:
    whole = np.concatenate([taps()[:0:-1], taps()])
    hz, found = freqz(whole, worN=8192, fs=RATE)
    level_db = 20 * np.log10(np.maximum(np.abs(found), 1e-12))
    assert np.abs(level_db[hz <= AUDIBLE_HZ]).max() < 0.002
    assert level_db[hz >= 19800].max() < -78


def test_silence_stays_silence_and_every_length_works() -> None:
    sound = np.zeros(1000)
    sound[500] = 1.0
    found = audible_band(sound)
    assert not found[:436].any()
    assert not found[565:].any()
    for size in (1, 15, 16, 17, 64, 129):
        assert audible_band(np.ones(size)).shape == (size,)
