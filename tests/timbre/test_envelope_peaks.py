"""Envelope and peaks against their definitions, told in another way."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.timbre.envelope import envelope
from tonewright.timbre.peaks import find_peaks, peak_bins, peaks, refined_peak

LEVELS = st.lists(st.integers(0, 12), min_size=1, max_size=60).map(lambda xs: np.array(xs) / 12)
SOUNDS = st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=300).map(np.array)


def test_envelope_of_an_impulse_holds_then_falls_in_a_line():
    rate, decay_s, hold = 1000, 0.2, 10
    samples = np.zeros(400)
    samples[20] = -0.5
    course = envelope(samples, sample_rate=rate, decay_s=decay_s)
    fall = 0.5 / (decay_s * rate)
    expected = np.maximum(0, 0.5 - fall * np.maximum(0, np.arange(400) - 20 - hold))
    expected[:20] = 0
    np.testing.assert_allclose(course, expected, atol=1e-12)


def test_envelope_counts_its_hold_from_the_last_rise():
    samples = np.zeros(100)
    samples[[0, 8]] = 1.0
    course = envelope(samples, sample_rate=1000, decay_s=0.02)
    assert course[18] == 1.0
    assert course[19] == pytest.approx(1 - 1 / 20)


def test_envelope_that_meets_the_sound_follows_it_down_without_a_new_hold():
    samples = np.concatenate([[1.0], np.linspace(0.99, 0.0, 100)])
    course = envelope(samples, sample_rate=1000, decay_s=0.01)
    np.testing.assert_allclose(course[13:], np.maximum(samples[13:], 0), atol=0.1)
    assert np.all(np.diff(course[11:]) <= 0)


@given(samples=SOUNDS, gain=st.sampled_from([-4.0, 0.5, 2.0]))
@settings(deadline=None, max_examples=50)
def test_envelope_covers_the_sound_and_scales_with_it(samples, gain):
    course = envelope(samples, sample_rate=8000, decay_s=0.01)
    assert np.all(course >= np.abs(samples))
    assert course.max() == np.abs(samples).max()
    fall = np.abs(samples).max() / 80
    assert np.all(np.diff(course) >= -fall * (1 + 1e-9))
    np.testing.assert_allclose(
        envelope(gain * samples, sample_rate=8000, decay_s=0.01), abs(gain) * course, rtol=1e-12
    )


def test_envelope_of_nothing_and_of_silence():
    assert envelope(np.empty(0), sample_rate=8000, decay_s=0.1).size == 0
    assert not envelope(np.zeros(50), sample_rate=8000, decay_s=0.1).any()


def contrasting_bins(levels: np.ndarray, contrast: float) -> list[int]:
    """The definition of contrasting peaks, over a list of candidates."""
    outside = np.concatenate([[-np.inf], levels, [-np.inf]])
    rises, falls = np.diff(outside)[:-1] > 0, np.diff(outside)[1:] <= 0
    candidates = np.flatnonzero(rises & falls & (levels >= contrast)).tolist()
    accepted: list[int] = []
    if not candidates:
        return accepted
    left, notch, current = -np.inf, np.inf, candidates[0]
    for previous, candidate in itertools.pairwise(candidates):
        notch = min(notch, min(levels[previous : max(candidate - 1, previous + 1)]))
        if levels[current] - notch < contrast:
            left = min(left, notch)
            if levels[candidate] <= levels[current]:
                continue
        elif levels[current] - left < contrast:
            left = min(left, notch)
        else:
            accepted.append(current)
            left = notch
        current, notch = candidate, np.inf
    if levels[current] - left >= contrast:
        accepted.append(current)
    return accepted


@given(levels=LEVELS, contrast=st.sampled_from([0.05, 0.2, 0.5]))
@settings(deadline=None, max_examples=200)
def test_peaks_are_those_of_the_definition(levels, contrast):
    found = np.empty(levels.size // 2 + 1, dtype=np.int64)
    count = find_peaks(levels, contrast, contrast, found)
    assert found[:count].tolist() == contrasting_bins(levels, contrast)
    bins = peak_bins(levels, contrast)
    assert sorted(bins) == found[:count].tolist()
    assert np.all(np.diff(levels[bins]) <= 0)


@given(levels=LEVELS, contrast=st.sampled_from([0.05, 0.2, 0.5]))
@settings(deadline=None, max_examples=100)
def test_between_two_peaks_lies_a_notch_deeper_than_the_contrast(levels, contrast):
    found = np.sort(peak_bins(levels, contrast))
    for left, right in itertools.pairwise(found):
        lowest = levels[left:right].min()
        assert min(levels[left], levels[right]) - lowest >= contrast - 1e-12


@given(levels=LEVELS, shift=st.floats(-3, 3), scale=st.sampled_from([0.25, 1.0, 8.0]))
@settings(deadline=None, max_examples=50)
def test_peaks_of_a_scaled_curve_are_found_by_scaled_thresholds(levels, shift, scale):
    shift = round(shift * 16) / 16
    levels = np.round(levels * 64) / 64
    found = np.empty(levels.size // 2 + 1, dtype=np.int64)
    count = find_peaks(levels, 0.25, 0.125, found)
    expected = found[:count].copy()
    count = find_peaks(scale * levels + shift, scale * 0.25 + shift, scale * 0.125, found)
    np.testing.assert_array_equal(found[:count], expected)


@given(place=st.floats(3.51, 6.49), height=st.floats(0.5, 2.0), width=st.floats(0.02, 0.3))
@settings(deadline=None, max_examples=50)
def test_a_parabola_is_placed_exactly(place, height, width):
    levels = height - width * (np.arange(11) - place) ** 2
    positions, heights = peaks(levels, 0.01)
    assert positions[0] == pytest.approx(place, abs=1e-9)
    assert heights[0] == pytest.approx(height, abs=1e-9)


def test_peaks_at_the_edges_stay_in_their_bins():
    levels = np.array([0.9, 0.1, 0.0, 0.5, 1.0])
    positions, heights = peaks(levels, 0.2)
    assert positions.tolist() == [4.0, 0.0]
    assert heights.tolist() == [1.0, 0.9]
    assert refined_peak(levels, 0) == (0.0, 0.9)


def test_no_peak_stands_out_of_little():
    assert peaks(np.full(20, 0.1), 0.2)[0].size == 0
    assert peaks(np.array([0.3]), 0.2)[0].tolist() == [0.0]
