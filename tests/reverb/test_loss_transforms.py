"""Short-time transforms of the losses: equal to plain ones, and adjoint to what goes back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.reverb.losses.fourier import frame_fourier
from tonewright.reverb.losses.short_time import Framing, ShortTime
from tonewright.reverb.losses.uneven import InterpolatedShortTime, KernelShortTime, linear_cycles


@pytest.mark.parametrize("length", [4, 5, 6, 8, 16, 32, 60, 64, 128, 512])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_frames_are_transformed_as_by_numpy(length: int, dtype: type) -> None:
    rng = np.random.default_rng(length)
    frames = rng.standard_normal((length, 7)).astype(dtype)
    fourier = frame_fourier(length, 7, np.dtype(dtype))
    fourier.frames[0] = frames[0::2]
    fourier.frames[1, : length // 2] = frames[1::2]
    real, imag = fourier.spectra()
    expected = np.fft.rfft(frames.astype(np.float64), axis=0)
    assert np.abs(real + 1j * imag - expected).max() < 20 * np.finfo(dtype).eps * np.abs(expected).max()

    slopes = rng.standard_normal(expected.shape) + 1j * rng.standard_normal(expected.shape)
    slopes[0] = slopes[0].real
    even, odd = fourier.adjoint(np.stack([slopes.real, slopes.imag]).astype(dtype))
    back = np.stack([even, odd], axis=1).reshape(-1, 7)[:length]
    forward = np.real(np.sum(np.conj(slopes) * expected))
    assert np.sum(back * frames) == pytest.approx(forward, rel=1e3 * float(np.finfo(dtype).eps), abs=1e-3)


@settings(max_examples=30, deadline=None)
@given(time=st.integers(1, 300), channels=st.integers(1, 3), length=st.sampled_from([4, 9, 16, 30, 64]))
def test_short_time_spectra_and_their_adjoint(time: int, channels: int, length: int) -> None:
    rng = np.random.default_rng(time)
    framing = Framing(time=time, channels=channels, length=length)
    transform = ShortTime(framing, dtype=np.dtype(np.float64))
    samples = rng.standard_normal((channels, time))
    found = transform.spectra(samples).copy()
    np.testing.assert_allclose(found[0] + 1j * found[1], ShortTime.of(framing, samples), atol=1e-11)

    slopes = rng.standard_normal(found.shape)
    slopes[1, 0] = 0
    if length % 2 == 0:
        slopes[1, -1] = 0
    forward = np.sum(slopes * found)
    gradient = np.zeros_like(samples)
    transform.add_adjoint(slopes, gradient)
    assert np.sum(gradient * samples) == pytest.approx(forward, rel=1e-9, abs=1e-9)


def test_frames_reflect_the_ends() -> None:
    samples = np.arange(10.0)[None] + 1
    frames = Framing(time=10, channels=1, length=8).frames(samples)
    np.testing.assert_array_equal(frames[:, 0], [5, 4, 3, 2, 1, 2, 3, 4])
    np.testing.assert_array_equal(frames[:, -1], [7, 8, 9, 10, 9, 8, 7, 6])
    assert frames.shape == (8, 6)


@pytest.mark.parametrize("length", [64, 60, 1024])
@pytest.mark.parametrize("sample_rate", [8000.0, 48000.0])
def test_interpolated_frequencies_are_those_of_the_kernels(length: int, sample_rate: float) -> None:
    framing = Framing(time=3 * length, channels=2, length=length)
    cycles = linear_cycles(length, sample_rate=sample_rate)
    samples = np.random.default_rng(1).standard_normal((2, 3 * length))
    expected = np.abs(KernelShortTime.of(framing, cycles, samples))
    single = InterpolatedShortTime(framing, cycles, dtype=np.dtype(np.float32))
    found = np.hypot(*single.spectra(samples.astype(np.float32)))
    assert np.abs(found - expected).max() < 2e-6 * np.linalg.norm(expected, axis=0).max()


@pytest.mark.parametrize("kind", [KernelShortTime, InterpolatedShortTime])
def test_adjoint_of_uneven_frequencies(kind: type) -> None:
    rng = np.random.default_rng(2)
    framing = Framing(time=200, channels=2, length=64)
    transform = kind(framing, linear_cycles(64, sample_rate=8000.0), dtype=np.dtype(np.float64))
    samples = rng.standard_normal((2, 200))
    found = transform.spectra(samples)
    slopes = rng.standard_normal(found.shape)
    forward = np.sum(slopes * found)
    gradient = np.zeros_like(samples)
    transform.add_adjoint(slopes, gradient)
    assert np.sum(gradient * samples) == pytest.approx(forward, rel=1e-10)


def test_uneven_frequencies_begin_at_20_hz_and_stay_below_half_the_rate() -> None:
    hz = linear_cycles(256, sample_rate=48000.0) * 48000 / 256
    assert hz[0] == pytest.approx(20.0)
    assert hz[-1] == pytest.approx(24000 - (24000 - 20) / 129)
    np.testing.assert_allclose(np.diff(hz), (24000 - 20) / 129)
