"""Spectrogram and mel losses against independent computations of the same equations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.spectra import mel_filterbank
from tonewright.reverb.losses import mel_loss, spectrogram_loss

RATE = 48000
WINDOWS = (128, 256)


def room(time: int, outputs: int = 1, inputs: int = 1, seed: int = 0, samples: float = 400.0) -> np.ndarray:
    noise = np.random.default_rng(seed).standard_normal((time, outputs, inputs))
    return noise * np.exp(-np.arange(time) / samples)[:, None, None]


def scipy_magnitudes(rows: np.ndarray, length: int) -> np.ndarray:
    """(rows, bins, frames) by SciPy, whose "even" ends are reflections, not divided by the window's sum."""
    window: Any = scipy.signal.get_window("hann", length)
    _, _, spectra = scipy.signal.stft(
        rows, window=window, nperseg=length, noverlap=length - length // 4, boundary="even", padded=False
    )
    return np.abs(spectra) * window.sum()


def kernel_powers(rows: np.ndarray, length: int, hz: np.ndarray) -> np.ndarray:
    """(rows, bins, frames) of |Σ w x e^{−j2πft/rate}|² with kernels in single precision."""
    padded = np.pad(rows, ((0, 0), (length // 2, length // 2)), mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, length, axis=1)[:, :: length // 4]
    angle = 2 * np.pi * hz[:, None] / RATE * np.arange(length)
    window = np.asarray(scipy.signal.get_window("hann", length)).astype(np.float32)
    cosine, sine = (part.astype(np.float32) * window for part in (np.cos(angle), np.sin(angle)))
    real, imag = (np.einsum("rft,kt->rkf", frames, part.astype(np.float64)) for part in (cosine, sine))
    return real**2 + imag**2


def interleaved(y: np.ndarray) -> np.ndarray:
    """(time, outputs, inputs) as (inputs, time, outputs) cut into rows of `time` numbers."""
    return y.transpose(2, 0, 1).reshape(-1, y.shape[0])


def peer_magnitude_loss(y: np.ndarray, target: np.ndarray, windows: tuple[int, ...]) -> float:
    total = 0.0
    for length in windows:
        bins = length // 2 + 1
        hz = 20 + np.arange(bins) * (RATE // 2 - 20) / bins
        s, t = (np.sqrt(kernel_powers(interleaved(x), length, hz)) for x in (y, target))
        total += float(np.linalg.norm(s - t)) / t.size
    return total


def peer_mel_loss(y: np.ndarray, target: np.ndarray, windows: tuple[int, ...]) -> float:
    total = 0.0
    for length in windows:
        bank = mel_filterbank(sample_rate=RATE, n_fft=length, n_mels=length // 8)
        hz = np.arange(length // 2 + 1) * RATE / length
        s, t = (bank @ kernel_powers(interleaved(x), length, hz) for x in (y, target))
        total += float(np.linalg.norm(s - t)) / t.size
    return total


@pytest.mark.parametrize("shape", [(1500, 1, 1), (901, 2, 3)])
def test_spectrogram_loss_of_the_peer(shape: tuple[int, int, int]) -> None:
    y, target = room(*shape, seed=1), room(*shape, seed=2)
    loss = spectrogram_loss(target, windows=WINDOWS, scaling="peer", bins="peer", sample_rate=RATE)
    assert loss.value_and_gradient(y)[0] == pytest.approx(peer_magnitude_loss(y, target, WINDOWS), rel=1e-11)
    single, _ = loss.value_and_gradient(y.astype(np.float32))
    assert single == pytest.approx(peer_magnitude_loss(y, target, WINDOWS), rel=1e-6)


@pytest.mark.parametrize("shape", [(1500, 1, 1), (901, 2, 3)])
def test_mel_loss_of_the_peer(shape: tuple[int, int, int]) -> None:
    y, target = room(*shape, seed=1), room(*shape, seed=2)
    loss = mel_loss(target, windows=WINDOWS, scaling="peer", bins="peer", sample_rate=RATE)
    assert loss.value_and_gradient(y)[0] == pytest.approx(peer_mel_loss(y, target, WINDOWS), rel=1e-7)


def test_values_of_flamo() -> None:
    # mss_loss and mel_mss_loss of flamo 0.2.20 in float64, windows 256, 512, 1024, at 48 kHz.
    time = np.arange(3000)
    y = np.exp(-time / 700)[:, None] * np.sin(time[:, None] * np.array([0.31, 0.17]))
    target = 0.6 * np.exp(-time / 500)[:, None] * np.sin(0.3 * time[:, None] * np.array([1.0, 0.7]) + 0.5)
    settings_of_peer = {"scaling": "peer", "bins": "peer", "sample_rate": RATE}
    magnitude = spectrogram_loss(target, **settings_of_peer).value_and_gradient(y[:, :, None])[0]
    mel = mel_loss(target, **settings_of_peer).value_and_gradient(y[:, :, None])[0]
    assert magnitude == pytest.approx(0.07296610535116449, rel=1e-10)
    assert mel == pytest.approx(0.21095302853181574, rel=1e-10)


@pytest.mark.parametrize("time", [1200, 1001])
def test_relative_loss_by_scipy(time: int) -> None:
    y, target = room(time, 2, 1, seed=1), room(time, 2, 1, seed=2)
    expected = 0.0
    for length in WINDOWS:
        s, t = (scipy_magnitudes(x[:, :, 0].T, length) for x in (y, target))
        floor = 1e-3 * t.max()
        level = np.log((s + floor) / (t + floor))
        logarithmic = np.mean(np.sqrt(level**2 + 0.01)) - 0.1
        expected += np.linalg.norm(s - t) / np.linalg.norm(t) + 0.7 * logarithmic
    loss = spectrogram_loss(target, windows=WINDOWS, log_weight=0.7, sample_rate=RATE)
    assert loss.value_and_gradient(y)[0] == pytest.approx(expected, rel=1e-12)


def test_relative_mel_loss_by_scipy() -> None:
    y, target = room(1200, seed=1), room(1200, seed=2)
    expected = 0.0
    for length in WINDOWS:
        bank = mel_filterbank(sample_rate=RATE, n_fft=length, n_mels=length // 8)
        s, t = (np.sqrt(bank @ scipy_magnitudes(x[:, :, 0].T, length) ** 2) for x in (y, target))
        floor = 1e-3 * t.max()
        level = np.log((s + floor) / (t + floor))
        expected += np.linalg.norm(s - t) / np.linalg.norm(t) + np.mean(np.sqrt(level**2 + 0.01)) - 0.1
    loss = mel_loss(target, windows=WINDOWS, sample_rate=RATE)
    assert loss.value_and_gradient(y)[0] == pytest.approx(expected, rel=1e-6)


def test_true_bins_are_near_the_uneven_ones() -> None:
    y, target = room(4000, seed=1), room(4000, seed=2)
    found = [
        spectrogram_loss(target, scaling="peer", bins=bins, sample_rate=RATE).value_and_gradient(y)[0]
        for bins in ("fft", "peer")
    ]
    assert found[0] == pytest.approx(found[1], rel=0.02)
    assert found[0] != found[1]


@settings(max_examples=10, deadline=None)
@given(gain_db=st.floats(-60, 60), mel=st.booleans())
def test_the_relative_loss_does_not_hear_the_level_of_both(gain_db: float, mel: bool) -> None:
    gain = 10 ** (gain_db / 20)
    y, target = room(800, seed=1), room(800, seed=2)
    make = mel_loss if mel else spectrogram_loss
    value, gradient = make(target, windows=(64,)).value_and_gradient(y)
    louder_value, louder_gradient = make(gain * target, windows=(64,)).value_and_gradient(gain * y)
    assert louder_value == pytest.approx(value, rel=1e-9)
    np.testing.assert_allclose(gain * louder_gradient, gradient, atol=1e-9 * np.abs(gradient).max())


@pytest.mark.parametrize("make", [spectrogram_loss, mel_loss])
def test_the_relative_loss_pulls_more_than_the_peers(make) -> None:
    y, target = room(4000, seed=1), 0.1 * room(4000, seed=2)
    relative = make(target).value_and_gradient(y)[1]
    peer = make(target, scaling="peer").value_and_gradient(y)[1]
    assert np.linalg.norm(relative) > 100 * np.linalg.norm(peer)


@pytest.mark.parametrize("make", [spectrogram_loss, mel_loss])
def test_channels_count_alike_and_by_themselves(make) -> None:
    y, target = room(700, 1, 1, seed=1), room(700, 1, 1, seed=2)
    alone, gradient = make(target).value_and_gradient(y)
    both, wide = make(np.repeat(target, 3, axis=1)).value_and_gradient(np.repeat(y, 3, axis=1))
    assert both == pytest.approx(alone, rel=1e-12)
    np.testing.assert_allclose(wide.sum(axis=1), gradient[:, 0], atol=1e-12)
    np.testing.assert_allclose(wide[:, 0], wide[:, 2], atol=1e-15)


def test_descent_along_the_gradient_brings_the_target_nearer() -> None:
    target, y = room(600, seed=2), room(600, seed=1)
    loss = spectrogram_loss(target, windows=(64, 128))
    start, _ = loss.value_and_gradient(y)
    for _ in range(200):
        value, gradient = loss.value_and_gradient(y)
        y = y - 0.05 * value * gradient / np.linalg.norm(gradient) ** 2
    assert loss.value_and_gradient(y)[0] < 0.35 * start
