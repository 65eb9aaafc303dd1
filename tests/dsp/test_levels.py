from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp.levels import (
    amplitude_from_db,
    db_from_amplitude,
    left_right,
    mid_side,
    peak,
    rms,
    true_peak,
)
from tonewright.errors import UsageError


@settings(deadline=None)
@given(st.floats(-100, 60))
def test_db_and_back(level_db: float) -> None:
    assert db_from_amplitude(amplitude_from_db(level_db)) == pytest.approx(level_db, abs=1e-9)


def test_db_of_known_amplitudes() -> None:
    levels = db_from_amplitude(np.array([1.0, -10.0, 0.5, 0.0, 1e-9, 1j]))
    np.testing.assert_allclose(levels, [0, 20, -6.020599913279624, -120, -120, 0], atol=1e-12)
    assert db_from_amplitude(0.0, floor_db=-60.0) == pytest.approx(-60.0)


def test_rms_and_peak_of_a_sine() -> None:
    sine = 0.5 * np.sin(2 * np.pi * np.arange(4800) / 48)
    pair = np.stack([sine, -2 * sine])
    np.testing.assert_allclose(rms(pair), [0.5 / np.sqrt(2), 1 / np.sqrt(2)], rtol=1e-12)
    np.testing.assert_allclose(peak(pair), [0.5, 1.0], rtol=1e-12)
    assert rms(pair, axis=None) == pytest.approx(np.sqrt(np.mean(pair**2)))
    assert peak(pair, axis=None) == pytest.approx(1.0)


@pytest.mark.parametrize("measure", [rms, peak, lambda x: true_peak(x, sample_rate=44_100)])
def test_nothing_measures_nothing(measure: Any) -> None:
    np.testing.assert_array_equal(measure(np.zeros((2, 0))), [0, 0])
    np.testing.assert_array_equal(measure(np.zeros((2, 9))), [0, 0])
    assert np.isnan(measure(np.full((1, 5), np.nan))).all()


def test_silence_has_a_gradient() -> None:
    torch = pytest.importorskip("torch")
    x = torch.zeros(2, 16, requires_grad=True)
    (rms(x) + peak(x) + true_peak(x, sample_rate=48_000)).sum().backward()
    assert torch.isfinite(x.grad).all()


@pytest.mark.parametrize(("sample_rate", "period"), [(48_000, 4), (48_000, 6), (44_100, 5.3), (96_000, 8)])
def test_peak_between_the_samples_is_found(sample_rate: int, period: float) -> None:
    # Samples on either side of every crest: for a period of four they read 3 dB less than the crest.
    time = np.arange(4000) + 0.5
    sine = np.cos(2 * np.pi * time / period) * np.hanning(4000)
    assert period != 4 or peak(sine) == pytest.approx(np.sqrt(0.5), rel=1e-4)
    # The tolerance of EBU Tech 3341 for a true-peak meter.
    assert -0.4 <= db_from_amplitude(true_peak(sine, sample_rate=sample_rate)) <= 0.2


def test_interpolator_passes_low_frequencies_as_they_are() -> None:
    # A bump as slow as this has its crest at a sample.
    bump = np.hanning(4801)
    assert true_peak(bump, sample_rate=48_000) == pytest.approx(1.0, abs=2e-3)


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 300), st.integers(0, 10))
def test_true_peak_is_that_of_the_interpolated_sound(length: int, seed: int) -> None:
    from scipy.signal import lfilter

    from tonewright.dsp import levels

    x = np.random.default_rng(seed).normal(size=length)
    phases = [*levels._QUARTER_PHASES, *levels._QUARTER_PHASES[::-1, ::-1]]
    between = [np.max(np.abs(lfilter(taps, 1, np.append(x, np.zeros(11))))) for taps in phases]
    expected = max(np.max(np.abs(x)), *between)
    assert true_peak(x, sample_rate=48_000) == pytest.approx(expected, rel=1e-12)
    assert peak(x) <= true_peak(x, sample_rate=96_000) <= true_peak(x, sample_rate=48_000)
    assert true_peak(x, sample_rate=192_000) == peak(x)


def test_pieces_of_a_long_sound_make_the_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    from tonewright.dsp import levels

    x = np.random.default_rng(0).normal(size=(3, 1000))
    x[2, 447:449] = 5.0  # across the border of two pieces
    whole = true_peak(x, sample_rate=48_000)
    monkeypatch.setattr(levels, "_OUTPUTS_PER_PIECE", 64)
    np.testing.assert_allclose(true_peak(x, sample_rate=48_000), whole, rtol=1e-12)


def test_interpolator_is_symmetric_and_passes_dc() -> None:
    from tonewright.dsp import levels

    sums = levels._QUARTER_PHASES.sum(axis=1)
    np.testing.assert_allclose(sums, 1.0, atol=0.03)
    assert levels._interpolation_matrix(4).shape == (75, 256)


def test_mid_side_keeps_energy_and_returns() -> None:
    x = np.random.default_rng(0).normal(size=(4, 2, 50))
    both = mid_side(x)
    np.testing.assert_allclose(both[:, 0], (x[:, 0] + x[:, 1]) / np.sqrt(2))
    np.testing.assert_allclose(np.sum(both**2, axis=-2), np.sum(x**2, axis=-2))
    np.testing.assert_allclose(left_right(both), x)
    twins = mid_side(np.stack([x[0, 0], x[0, 0]]))
    np.testing.assert_array_equal(twins[1], 0)


@pytest.mark.parametrize("shape", [(50,), (1, 50), (3, 50)])
def test_mid_side_needs_a_pair(shape: tuple[int, ...]) -> None:
    with pytest.raises(UsageError, match="two channels"):
        mid_side(np.zeros(shape))
