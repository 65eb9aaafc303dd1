from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from tonewright.learning.metrics import log_spectral_distance, mel_distance, sdr, si_sdr, stft_distance

RATE = 44100


def mel(estimate: Tensor, target: Tensor) -> Tensor:
    return mel_distance(estimate, target, sample_rate=RATE)


SPECTRAL = pytest.mark.parametrize("distance", [mel, stft_distance, log_spectral_distance])
EVERY = pytest.mark.parametrize("metric", [sdr, si_sdr, mel, stft_distance, log_spectral_distance])


def noise(*shape: int, seed: int = 0) -> Tensor:
    return 0.1 * torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


# SDR and SI-SDR.


@given(
    seed=st.integers(0, 1000),
    gain=st.floats(0.1, 10.0),
    level=st.floats(0.01, 3.0),
    channels=st.integers(1, 3),
)
@settings(deadline=None, max_examples=40)
def test_si_sdr_equals_the_closed_form_of_its_correlation(
    seed: int, gain: float, level: float, channels: int
):
    # With ρ the correlation of both, the projection keeps ρ² of the energy: 10 log₁₀ ρ²/(1 − ρ²)
    target = 10.0 * noise(2, channels, 400, seed=seed)
    estimate = gain * (target + level * 10.0 * noise(2, channels, 400, seed=seed + 1))
    found = si_sdr(estimate, target).numpy()
    for index in range(2):
        x, y = (v[index].numpy() - v[index].numpy().mean(axis=1, keepdims=True) for v in (estimate, target))
        square = np.sum(x * y) ** 2 / (np.sum(x**2) * np.sum(y**2))
        assert found[index] == pytest.approx(10 * math.log10(square / (1 - square)), abs=1e-3)


def test_si_sdr_of_noise_at_right_angles_is_the_ratio_of_energies():
    time = torch.arange(1000, dtype=torch.float64)
    tone, other = (f(2 * math.pi * 10 * time / 1000)[None] for f in (torch.sin, torch.cos))
    assert si_sdr(3.0 * tone + 0.3 * other, tone).item() == pytest.approx(20.0, abs=1e-6)


@given(gain=st.floats(0.01, 100.0), sign=st.sampled_from([-1, 1]), offset=st.floats(-1.0, 1.0))
@settings(deadline=None, max_examples=40)
def test_si_sdr_ignores_gain_sign_and_offset(gain: float, sign: int, offset: float):
    target = noise(1, 2, 500)
    estimate = target + 0.5 * noise(1, 2, 500, seed=1)
    expected = si_sdr(estimate, target).item()
    assert si_sdr(sign * gain * estimate + offset, target).item() == pytest.approx(expected, abs=0.01)
    assert si_sdr(estimate, gain * target + offset).item() == pytest.approx(expected, abs=0.01)


@given(ratio_db=st.floats(-40.0, 40.0))
@settings(deadline=None, max_examples=20)
def test_sdr_is_the_level_of_the_error_below_the_target(ratio_db: float):
    target = noise(1, 2, 500)
    error = noise(1, 2, 500, seed=1)
    error *= target.norm() / error.norm() * 10 ** (-ratio_db / 20)
    assert sdr(target + error, target).item() == pytest.approx(ratio_db, abs=1e-3)


def test_sdr_heeds_the_gain_where_si_sdr_does_not():
    target = noise(1, 1, 500)
    assert sdr(0.5 * target, target).item() == pytest.approx(20 * math.log10(2), abs=1e-4)
    assert si_sdr(0.5 * target, target).item() > 60


def test_a_silent_channel_does_not_decide():
    target = noise(1, 2, 500)
    target[:, 1] = 0.0
    estimate = target + 0.01 * noise(1, 2, 500, seed=1)
    assert 35 < si_sdr(estimate, target).item() < 41
    assert 35 < sdr(estimate, target).item() < 41


@pytest.mark.parametrize("metric", [sdr, si_sdr])
def test_gradients_of_the_ratios_pass_the_numerical_check(metric):
    target = noise(2, 2, 30)
    estimate = (target + 0.3 * noise(2, 2, 30, seed=1)).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: metric(x, target), (estimate,))


# Spectral distances.


@given(gain_db=st.floats(-20.0, 20.0))
@settings(deadline=None, max_examples=15)
def test_a_gain_is_as_far_as_the_formulas_say(gain_db: float):
    target = noise(1, 2, 6000)
    gain = 10 ** (gain_db / 20)
    assert mel(gain * target, target).item() == pytest.approx(abs(gain_db) / 20, rel=1e-3, abs=1e-9)
    found = log_spectral_distance(gain * target, target).item()
    assert found == pytest.approx(abs(gain_db), rel=1e-2, abs=1e-9)
    expected = abs(gain - 1) + abs(math.log(gain))
    assert stft_distance(gain * target, target).item() == pytest.approx(expected, rel=1e-3, abs=1e-9)


def test_mel_distance_equals_librosa():
    librosa = pytest.importorskip("librosa")
    pair = noise(2, 1, 9000).numpy()[:, 0]
    expected = []
    for length, bands in ((2048, 128), (1024, 64), (512, 32)):
        logs = []
        for samples in pair:
            magnitude = np.abs(
                librosa.stft(samples, n_fft=length, hop_length=length // 4, pad_mode="reflect")
            )
            bank = librosa.filters.mel(sr=RATE, n_fft=length, n_mels=bands, dtype=np.float64)
            logs.append(np.log10(np.maximum(bank @ magnitude, 1e-5)))
        expected.append(np.abs(logs[0] - logs[1]).mean())
    estimate, target = torch.from_numpy(pair)[:, None]
    assert mel(estimate, target).item() == pytest.approx(np.mean(expected), rel=1e-9)


def test_log_spectral_distance_equals_its_formula_frame_by_frame():
    estimate, target = noise(2, 1, 2, 6000)
    window = torch.hann_window(2048, dtype=torch.float64)
    x, y = (
        torch.stft(v[0], 2048, 512, window=window, pad_mode="reflect", return_complex=True).abs().numpy()
        for v in (estimate, target)
    )
    decibels = 20 * np.log10(np.maximum(x, 1e-5) / np.maximum(y, 1e-5))
    expected = np.sqrt((decibels**2).mean(axis=1)).mean()
    assert log_spectral_distance(estimate, target).item() == pytest.approx(expected, rel=1e-9)


@SPECTRAL
def test_distances_are_zero_for_equal_sounds_and_grow_with_noise(distance):
    target = noise(1, 2, 5000)
    steps = [0.0, 0.01, 0.1, 1.0]
    values = [distance(target + step * noise(1, 2, 5000, seed=1), target).item() for step in steps]
    assert values[0] == 0.0
    assert values == sorted(set(values))


@SPECTRAL
def test_distances_ignore_the_sign_of_a_sound(distance):
    target = noise(1, 2, 5000)
    assert distance(-target, target).item() == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("distance", [mel, log_spectral_distance])
def test_logarithmic_distances_are_symmetric(distance):
    estimate, target = noise(2, 1, 1, 5000)
    assert distance(estimate, target).item() == pytest.approx(distance(target, estimate).item())


# All of them.


@EVERY
def test_each_item_has_its_own_value(metric):
    estimate, target = noise(2, 3, 2, 3000)
    values = metric(estimate, target)
    assert values.shape == (3,)
    for index in range(3):
        alone = metric(estimate[index], target[index])
        assert alone.shape == ()
        torch.testing.assert_close(alone, values[index])


@EVERY
@pytest.mark.parametrize("time", [1, 100, 5000])
@pytest.mark.parametrize("which", ["estimate", "target", "both"])
def test_silence_and_short_sounds_give_finite_values(metric, time: int, which: str):
    sound, silence = noise(1, 2, time).float(), torch.zeros(1, 2, time)
    estimate = sound if which == "target" else silence
    target = sound if which == "estimate" else silence
    assert bool(torch.isfinite(metric(estimate, target)).all())


@EVERY
def test_half_precision_is_measured_in_single(metric):
    estimate, target = noise(2, 1, 1, 3000).to(torch.bfloat16)
    value = metric(estimate, target)
    assert value.dtype == torch.float32
    torch.testing.assert_close(value, metric(estimate.float(), target.float()))
