"""Percussive and harmonic energy, against librosa's parts; the power spectrum, against librosa's."""

from __future__ import annotations

import librosa
import numpy as np
import pytest

from tonewright.timbre.percussion import parts

RATE = 44100


def _sound(count: int) -> np.ndarray:
    time = np.arange(count)
    return np.random.default_rng(count).standard_normal(count) * np.exp(-time / 9000) + np.sin(0.1 * time)


def _share(samples: np.ndarray) -> float:
    found = parts(samples)
    return found.percussive.sum() / (found.percussive.sum() + found.harmonic.sum())


@pytest.mark.filterwarnings("ignore:n_fft=2048 is too large")
@pytest.mark.parametrize("count", [1100, 2048, 8 * 512, 31 * 512, 32 * 512, 33 * 512 + 7, 48 * 512, 64 * 512])
def test_parts_are_librosas(count: int) -> None:
    samples = _sound(count)
    spectrum = librosa.stft(samples, pad_mode="constant")
    harmonic, percussive = (librosa.istft(part) for part in librosa.decompose.hpss(spectrum))
    found = parts(samples)
    for energies, part in ((found.percussive, percussive), (found.harmonic, harmonic)):
        np.testing.assert_allclose(energies, np.sum(part.reshape(-1, 512) ** 2, axis=1), rtol=2e-5)
    np.testing.assert_allclose(found.power, np.sum(np.abs(spectrum) ** 2, axis=1), rtol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 511, 512, 1023])
def test_little_sound_has_few_hops(count: int) -> None:
    """Two frames, of which SciPy takes no medians: each is the other's mirror image."""
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
