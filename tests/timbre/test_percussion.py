"""Percussive and harmonic energy and the power spectrum, against their definition in double precision."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import median_filter

from tonewright.timbre.percussion import parts

RATE = 44100


def _sound(count: int) -> np.ndarray:
    time = np.arange(count)
    return np.random.default_rng(count).standard_normal(count) * np.exp(-time / 9000) + np.sin(0.1 * time)


def _share(samples: np.ndarray) -> float:
    found = parts(samples)
    return found.percussive.sum() / (found.percussive.sum() + found.harmonic.sum())


def _overlapped(frames: np.ndarray) -> np.ndarray:
    total = np.zeros(512 * (len(frames) - 1) + 2048)
    for number, frame in enumerate(frames):
        total[512 * number : 512 * number + 2048] += frame
    return total[1024:-1024]


@pytest.mark.parametrize("count", [2048, 8 * 512, 31 * 512, 32 * 512, 33 * 512 + 7, 48 * 512, 64 * 512])
def test_parts_are_those_of_the_definition(count: int) -> None:
    samples, window = _sound(count), 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(2048) / 2048)
    padded = np.pad(samples, 1024)
    spectrum = np.fft.rfft(np.lib.stride_tricks.sliding_window_view(padded, 2048)[::512] * window)
    levels = np.abs(spectrum)
    h, p = median_filter(levels, size=(31, 1)), median_filter(levels, size=(1, 31))
    share = p**2 / (p**2 + h**2)
    squares = _overlapped(np.broadcast_to(window**2, (len(spectrum), 2048)))
    found = parts(samples)
    for energies, part in (
        (found.percussive, share * spectrum),
        (found.harmonic, spectrum - share * spectrum),
    ):
        sound = _overlapped(np.fft.irfft(part) * window) / squares
        np.testing.assert_allclose(energies, np.sum(sound.reshape(-1, 512) ** 2, axis=1), rtol=2e-5)
    np.testing.assert_allclose(found.power, np.sum(levels**2, axis=0), rtol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 511, 512, 1023])
def test_little_sound_has_few_hops(count: int) -> None:
    """Up to two frames, each the other's mirror image."""
    found = parts(_sound(count))
    assert found.percussive.shape == found.harmonic.shape == (count // 512,)
    assert np.isfinite(np.concatenate((found.percussive, found.harmonic, found.power))).all()


def test_silence_is_in_neither_part() -> None:
    found = parts(np.zeros(5000))
    assert not any(values.any() for values in found)


def test_clicks_are_percussive_and_tones_are_not() -> None:
    clicks = np.zeros(2 * RATE)
    clicks[:: RATE // 4] = 1
    assert _share(clicks) > 0.999
    assert _share(np.sin(2 * np.pi * 440 / RATE * np.arange(2 * RATE))) < 0.001


def test_parts_do_not_depend_on_sign_and_scale_with_power() -> None:
    samples = _sound(20_000)
    expected = parts(samples)
    for found, values in zip(parts(-0.5 * samples), expected, strict=True):
        np.testing.assert_allclose(found, 0.25 * values, rtol=1e-4, atol=1e-6)
