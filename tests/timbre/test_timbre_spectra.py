"""Centred spectra against librosa's and closed forms; turning of rows into lanes and back."""

from __future__ import annotations

import librosa
import numba
import numpy as np
import pytest

from tonewright.timbre.lanes import LANES
from tonewright.timbre.spectra import BINS, FRAME, HOP, centred_spectrum, hann_window, hops
from tonewright.timbre.turning import lanes_to_rows, rows_to_lanes, turn_all


def _noise(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(count)


@pytest.mark.parametrize("count", [0, 1, 511, 512, 1500, 2048, 16 * 512, 40_000])
def test_spectra_are_librosas(count: int) -> None:
    samples = _noise(count)
    found = centred_spectrum(samples)
    assert found.shape == (1 + count // HOP, BINS)
    assert found.dtype == np.complex64
    padded = np.pad(samples, FRAME // 2)
    expected = librosa.stft(padded, n_fft=FRAME, hop_length=HOP, center=False).T
    np.testing.assert_allclose(found, expected[: found.shape[0]], atol=2e-4)


def test_a_sine_in_a_bin_has_half_its_amplitude_times_the_sum_of_the_window() -> None:
    bin_, amplitude = 100, 0.3
    samples = amplitude * np.sin(2 * np.pi * bin_ / FRAME * np.arange(20 * HOP))
    levels = np.abs(centred_spectrum(samples)[10])
    assert levels[bin_] == pytest.approx(amplitude / 2 * hann_window().sum(), rel=1e-5)
    assert levels[bin_ - 1] == pytest.approx(levels[bin_] / 2, rel=1e-4)
    assert np.delete(levels, slice(bin_ - 1, bin_ + 2)).max() < 1e-4


@pytest.mark.parametrize(
    ("count", "lead", "hop"), [(40, 0, 512), (33, 1024, 512), (20, 4097, 128), (5, 7, 16)]
)
def test_hops_are_the_sound_side_by_side(count: int, lead: int, hop: int) -> None:
    samples = _noise(9000)
    found = hops(samples, count, lead=lead, hop=hop)
    padded = np.concatenate((np.zeros(lead), samples, np.zeros(found.size)))[: found.size]
    np.testing.assert_array_equal(found, padded.reshape(-1, hop).T.astype(np.float32))


@numba.njit
def _there_and_back(rows, lanes, back):  # type: ignore[no-untyped-def]
    rows_to_lanes(rows, lanes)
    lanes_to_rows(lanes, back)


@pytest.mark.parametrize(("frames", "count"), [(16, 16), (20, 35), (3, 35), (0, 4)])
def test_rows_stand_in_lanes_and_come_back(frames: int, count: int) -> None:
    rows = _noise(frames * count).reshape(frames, count).astype(np.float32)
    lanes, back = np.full((count, LANES), 7, np.float32), np.empty((LANES, count), np.float32)
    _there_and_back(rows, lanes, back)
    expected = np.concatenate((rows, np.zeros((LANES, count), np.float32)))[:LANES]
    np.testing.assert_array_equal(lanes, expected.T)
    np.testing.assert_array_equal(back, expected)


def test_turning_all_is_the_transpose() -> None:
    rows = _noise(48 * 80).reshape(48, 80).astype(np.float32)
    turned = np.empty((80, 48), np.float32)
    turn_all(rows, turned)
    np.testing.assert_array_equal(turned, rows.T)
