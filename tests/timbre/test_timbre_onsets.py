"""Onsets: strength and picking against their definitions, places against sounds whose onsets are known."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.hearing import mel_filterbank
from tonewright.timbre.envelope import envelope
from tonewright.timbre.onset_strength import onset_strength
from tonewright.timbre.onsets import find_onsets, pick_frames

RATE = 44100


def notes(starts: list[int], *, length: int, decay_s: float = 0.1, seed: int = 0) -> np.ndarray:
    """Bursts of noise that begin at once and decay."""
    random = np.random.default_rng(seed)
    samples = np.zeros(length)
    for start in starts:
        time_s = np.arange(length - start) / RATE
        samples[start:] += 0.3 * random.standard_normal(time_s.size) * 10 ** (-time_s / decay_s)
    return samples


def onsets_of(samples: np.ndarray, near_start: int = 512) -> np.ndarray:
    course = envelope(samples, sample_rate=RATE, decay_s=0.1)
    return find_onsets(samples, course, near_start, sample_rate=RATE)


def defined_strength(samples: np.ndarray, sample_rate: int) -> np.ndarray:
    """Onset strength in double precision, from SciPy's short-time Fourier transform."""
    spectrum = scipy.signal.stft(samples, window="hann", nperseg=2048, noverlap=1536, padded=False)[2]
    powers = mel_filterbank(sample_rate=sample_rate, n_fft=2048, n_mels=128) @ np.abs(1024 * spectrum) ** 2
    levels = 10 * np.log10(np.maximum(powers, 1e-10))
    rises = np.maximum(np.diff(np.maximum(levels, levels.max() - 80)), 0).mean(axis=0)
    return np.concatenate([np.zeros(3), rises])[: levels.shape[1]]


@pytest.mark.parametrize("sample_rate", [44100, 96000])
def test_strength_is_that_of_the_definition(sample_rate):
    samples = notes([3000, 20000, 21500, 50000, 71111], length=90112)
    samples += 1e-3 * np.sin(np.arange(samples.size) ** 1.4 / 50)
    strength = onset_strength(samples, sample_rate=sample_rate)
    np.testing.assert_allclose(strength, defined_strength(samples, sample_rate), atol=1e-3)


@pytest.mark.parametrize("lead", [1, 4096, 4097])
def test_strength_may_begin_with_silence(lead: int):
    samples = notes([0, 9000], length=20000)
    expected = onset_strength(np.concatenate([np.zeros(lead), samples]), sample_rate=RATE)
    np.testing.assert_allclose(onset_strength(samples, sample_rate=RATE, lead=lead), expected, atol=1e-4)


def test_strength_of_silence_and_of_little_is_zero():
    assert not onset_strength(np.zeros(10000), sample_rate=RATE).any()
    assert onset_strength(np.ones(1), sample_rate=RATE).tolist() == [0.0]


@given(values=st.lists(st.integers(0, 20), min_size=1, max_size=120))
@settings(deadline=None, max_examples=100)
def test_picks_are_those_of_the_definition(values):
    strength = np.array(values, dtype=np.float64)
    scaled = (strength - strength.min()) / (np.ptp(strength) + np.finfo(float).tiny)
    picked: list[int] = []
    for n in range(scaled.size):
        highest = scaled[n] == scaled[max(0, n - 2) : n + 1].max()
        stands_out = scaled[n] >= scaled[max(0, n - 8) : n + 9].mean() + 0.07
        if highest and stands_out and (not picked or n > picked[-1] + 2):
            picked.append(n)
    starts = []
    for n in picked:
        while n > 0 and not (n + 1 < scaled.size and scaled[n - 1] >= scaled[n] < scaled[n + 1]):
            n -= 1
        starts.append(n)
    np.testing.assert_array_equal(pick_frames(strength, sample_rate=RATE), starts)


def early(found: np.ndarray, starts: list[int]) -> np.ndarray:
    """By how many samples each onset comes before the one it should be."""
    assert found.size == len(starts)
    return np.array(starts) - found


def test_notes_are_found_shortly_before_they_sound():
    """An onset lies where the envelope is lowest, at most two frames before the note."""
    starts = [30000, 61234, 95007]
    sooner = early(onsets_of(notes([0, *starts], length=150000, decay_s=0.3)), starts)
    assert np.all((sooner >= -20) & (sooner < 3072))


def test_of_notes_closer_than_100_ms_the_first_is_kept():
    found = onsets_of(notes([0, 30000, 33500], length=90000))
    assert early(found, [30000]) < 3072


def test_a_note_in_silence_reaches_back_to_the_start():
    assert onsets_of(notes([44100], length=88200)).tolist() == [0]


def test_an_onset_that_moves_near_to_the_start_is_at_zero():
    samples = notes([0, 5900, 44100], length=88200, decay_s=0.05)
    assert onsets_of(samples, 512)[0] > 0
    assert onsets_of(samples, 8192)[0] == 0


@pytest.mark.parametrize("seconds", [0.001, 0.02, 0.5, 2.0])
def test_what_does_not_rise_has_its_onset_at_zero(seconds):
    time_s = np.arange(int(seconds * RATE)) / RATE
    assert onsets_of(0.3 * np.sin(2 * np.pi * 441 * time_s)).tolist() == [0]
    assert onsets_of(np.full(time_s.size, 0.2)).tolist() == [0]


def test_onsets_move_with_the_sound_and_do_not_care_for_its_sign():
    samples = notes([0, 30000, 61234, 95007], length=150000, decay_s=0.3)
    found = onsets_of(samples)
    later = onsets_of(np.concatenate([np.zeros(20 * 512), samples]))
    np.testing.assert_array_equal(later[later > 10240], found + 20 * 512)
    np.testing.assert_array_equal(onsets_of(-samples), found)


@given(
    length=st.integers(1, 60000),
    starts=st.lists(st.integers(0, 60000), max_size=6),
    decay_s=st.sampled_from([0.003, 0.05, 1.0]),
    near_start=st.sampled_from([512, 4096]),
    rate=st.sampled_from([44100, 96000, 192000]),
)
@settings(deadline=None, max_examples=40)
def test_onsets_are_ordered_apart_and_within_the_sound(length, starts, decay_s, near_start, rate):
    samples = notes([start for start in starts if start < length], length=length, decay_s=decay_s)
    course = envelope(samples, sample_rate=rate, decay_s=0.1)
    found = find_onsets(samples, course, near_start, sample_rate=rate)
    assert found.dtype == np.int64
    assert found.size >= 1
    assert found[0] >= 0
    assert found[-1] < length
    assert np.all(np.diff(found) >= 0.1 * rate)
