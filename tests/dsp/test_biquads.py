from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.dsp import biquads
from tonewright.errors import UsageError

RATE = 44_100
FREQUENCIES = np.array([0.0, 5.0, 20.0, 100.0, 1000.0, 5000.0, 12_345.0, 22_050.0])
PLAIN = [biquads.lowpass, biquads.highpass, biquads.bandpass, biquads.notch, biquads.allpass]
GAINED = [biquads.peaking, biquads.low_shelf, biquads.high_shelf]
hertz, qualities, gains = st.floats(10, 21_000), st.floats(0.1, 20), st.floats(-30, 30)


def _level(pair: tuple[Any, Any], frequency_hz: float, sample_rate: float = RATE) -> float:
    return float(np.abs(biquads.response(*pair, np.array([frequency_hz]), sample_rate=sample_rate)[0]))


def _db(value: float) -> float:
    return 20 * np.log10(value)


def _cookbook(kind: str, f0: float, q: float, gain_db: float) -> tuple[np.ndarray, np.ndarray]:
    """The cookbook's own expressions, as they are printed there."""
    w, amp = 2 * np.pi * f0 / RATE, 10 ** (gain_db / 40)
    c, alpha = np.cos(w), np.sin(w) / (2 * q)
    plus, minus, root = amp + 1, amp - 1, 2 * np.sqrt(amp) * alpha
    usual = [1 + alpha, -2 * c, 1 - alpha]
    tables = {
        "lowpass": ([(1 - c) / 2, 1 - c, (1 - c) / 2], usual),
        "highpass": ([(1 + c) / 2, -(1 + c), (1 + c) / 2], usual),
        "bandpass": ([alpha, 0, -alpha], usual),
        "notch": ([1, -2 * c, 1], usual),
        "allpass": ([1 - alpha, -2 * c, 1 + alpha], usual),
        "peaking": (
            [1 + alpha * amp, -2 * c, 1 - alpha * amp],
            [1 + alpha / amp, -2 * c, 1 - alpha / amp],
        ),
        "low_shelf": (
            [amp * (plus - minus * c + root), 2 * amp * (minus - plus * c), amp * (plus - minus * c - root)],
            [plus + minus * c + root, -2 * (minus + plus * c), plus + minus * c - root],
        ),
        "high_shelf": (
            [amp * (plus + minus * c + root), -2 * amp * (minus + plus * c), amp * (plus + minus * c - root)],
            [plus - minus * c + root, 2 * (minus - plus * c), plus - minus * c - root],
        ),
    }
    b, a = tables[kind]
    return np.array(b) / a[0], np.array(a) / a[0]


@settings(deadline=None)
@given(hertz, qualities, gains)
def test_coefficients_are_the_cookbooks(frequency_hz: float, q: float, gain_db: float) -> None:
    for design in (*PLAIN, *GAINED):
        arguments = (frequency_hz, q) if design in PLAIN else (frequency_hz, q, gain_db)
        b, a = design(*arguments, sample_rate=RATE)
        expected_b, expected_a = _cookbook(design.__name__, frequency_hz, q, gain_db)
        np.testing.assert_allclose(b, expected_b, rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(a, expected_a, rtol=1e-9, atol=1e-12)
        assert biquads.is_stable(a)


@settings(deadline=None)
@given(hertz, qualities)
def test_what_each_filter_is_for(f0: float, q: float) -> None:
    lowpass, highpass = biquads.lowpass(f0, q, sample_rate=RATE), biquads.highpass(f0, q, sample_rate=RATE)
    assert _level(lowpass, 0) == pytest.approx(1)
    assert _level(lowpass, RATE / 2) == pytest.approx(0, abs=1e-6)
    assert _level(highpass, 0) == pytest.approx(0, abs=1e-6)
    assert _level(highpass, RATE / 2) == pytest.approx(1)
    assert _level(lowpass, f0) == pytest.approx(q)
    assert _level(highpass, f0) == pytest.approx(q)
    assert _level(biquads.bandpass(f0, q, sample_rate=RATE), f0) == pytest.approx(1)
    skirt = biquads.bandpass(f0, q, sample_rate=RATE, normalisation="skirt")
    assert _level(skirt, f0) == pytest.approx(q)
    notch = biquads.notch(f0, q, sample_rate=RATE)
    assert _level(notch, f0) == pytest.approx(0, abs=1e-6)
    assert _level(notch, 0) == pytest.approx(1)
    allpass = biquads.response(
        *biquads.allpass(f0, q, sample_rate=RATE), np.append(f0, FREQUENCIES), sample_rate=RATE
    )
    np.testing.assert_allclose(np.abs(allpass), 1, rtol=1e-6)
    assert allpass[0] == pytest.approx(-1, abs=1e-5)


@settings(deadline=None)
@given(hertz, qualities, gains)
def test_what_each_equaliser_is_for(f0: float, q: float, gain_db: float) -> None:
    bell = biquads.peaking(f0, q, gain_db, sample_rate=RATE)
    assert _db(_level(bell, f0)) == pytest.approx(gain_db, abs=1e-6)
    low, high = (
        design(f0, q, gain_db, sample_rate=RATE) for design in (biquads.low_shelf, biquads.high_shelf)
    )
    ends = [_db(_level(pair, frequency)) for pair in (bell, low, high) for frequency in (0, f0, RATE / 2)]
    assert ends[0] == pytest.approx(0, abs=1e-5)
    assert ends[2] == pytest.approx(0, abs=1e-5)
    np.testing.assert_allclose(ends[3:6], [gain_db, gain_db / 2, 0], atol=1e-5)
    np.testing.assert_allclose(ends[6:9], [0, gain_db / 2, gain_db], atol=1e-5)


def test_skirts_do_not_depend_on_q() -> None:
    far = [
        _level(biquads.bandpass(1000.0, q, sample_rate=RATE, normalisation="skirt"), 20.0)
        for q in (1.0, 4.0, 16.0)
    ]
    np.testing.assert_allclose(far, far[0], rtol=1e-3)
    with pytest.raises(UsageError, match="choose peak or skirt"):
        biquads.bandpass(1000.0, 1.0, sample_rate=RATE, normalisation="power")


def test_response_is_scipys(framework: Any, precision: Any) -> None:
    from scipy.signal import freqz

    dtype, tolerance = precision
    b, a = biquads.low_shelf(
        np.array([30.0, 800.0]).astype(dtype), np.array([0.7, 2.0]).astype(dtype), -12.0, sample_rate=RATE
    )
    assert b.dtype == dtype
    actual = biquads.response(
        framework.array(b), framework.array(a), framework.array(FREQUENCIES.astype(dtype)), sample_rate=RATE
    )
    for row, numerator, denominator in zip(framework.numpy(actual), b, a, strict=True):
        _, expected = freqz(numerator.astype(float), denominator.astype(float), worN=FREQUENCIES, fs=RATE)
        np.testing.assert_allclose(row, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


def test_response_is_the_spectrum_of_what_the_filter_does() -> None:
    from scipy.signal import lfilter

    b, a = biquads.peaking(2000.0, 3.0, 9.0, sample_rate=RATE)
    impulse = np.zeros(4096)
    impulse[0] = 1
    bins = np.fft.rfftfreq(4096, 1 / RATE)
    expected = np.fft.rfft(lfilter(b, a, impulse))
    np.testing.assert_allclose(biquads.response(b, a, bins, sample_rate=RATE), expected, atol=1e-9)


def test_chains_and_banks() -> None:
    from scipy.signal import sosfreqz

    b, a = biquads.peaking(
        np.array([100.0, 1000.0, 8000.0]), 1.0, np.array([6.0, -9.0, 3.0]), sample_rate=RATE
    )
    assert b.shape == a.shape == (3, 3)
    _, expected = sosfreqz(np.concatenate([b, a], axis=-1), worN=FREQUENCIES, fs=RATE)
    np.testing.assert_allclose(
        biquads.series_response(b, a, FREQUENCIES, sample_rate=RATE), expected, rtol=1e-9
    )
    each = biquads.response(b, a, FREQUENCIES, sample_rate=RATE)
    gains = np.array([0.5, -2.0, 1.0])
    bank = biquads.parallel_response(b, a, gains, FREQUENCIES, sample_rate=RATE)
    np.testing.assert_allclose(bank, np.sum(gains[:, None] * each, axis=0), rtol=1e-12)


def test_low_and_high_pass_of_one_corner_share_the_power() -> None:
    pair = [np.stack(part) for part in zip(*(f(500.0, sample_rate=RATE) for f in PLAIN[:2]), strict=True)]
    power = np.abs(biquads.response(*pair, FREQUENCIES, sample_rate=RATE)) ** 2
    np.testing.assert_allclose(power.sum(axis=0), 1, rtol=1e-9)


def test_stability_is_where_the_poles_are(framework: Any) -> None:
    rng = np.random.default_rng(0)
    a = np.concatenate([np.ones((500, 1)), rng.uniform(-2.5, 2.5, (500, 2))], axis=1)
    inside = [bool(np.all(np.abs(np.roots(row)) < 1)) for row in a]
    assert 50 < sum(inside) < 450
    # A common factor moves no pole.
    actual = biquads.is_stable(framework.array(a * rng.choice([-3.0, 0.5], (500, 1))))
    assert framework.numpy(actual).tolist() == inside


def test_low_corners_keep_their_digits_in_single_precision() -> None:
    exact, _ = biquads.lowpass(20.0, sample_rate=96_000)
    single, _ = biquads.lowpass(np.float32(20.0)[None], sample_rate=96_000)
    assert single.dtype == np.float32
    np.testing.assert_allclose(single[0], exact, rtol=1e-6)


@pytest.mark.parametrize("frequency_hz", [0.0, -5.0, 22_050.0, 30_000.0, float("nan")])
def test_frequencies_that_no_filter_has(frequency_hz: float) -> None:
    with pytest.raises(UsageError, match="half the sample rate"):
        biquads.lowpass(frequency_hz, sample_rate=RATE)
    with pytest.raises(UsageError, match="half the sample rate"):
        biquads.peaking(frequency_hz, 1.0, 3.0, sample_rate=RATE)
    with pytest.raises(UsageError, match="q"):
        biquads.lowpass(100.0, 0.0, sample_rate=RATE)
