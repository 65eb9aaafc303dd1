"""Specific loudness: filters against SciPy's, patterns against the definition, loudness of known sounds."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, cheby1, lfilter, sosfilt, sosfreqz

from tonewright.timbre.specific_loudness import FRAME, POINTS, bump, specific_loudness, tables
from tonewright.timbre.specific_loudness.bands import band_powers
from tonewright.timbre.specific_loudness.filters import BANDS, OCTAVES, band_passes, halving_low_pass
from tonewright.timbre.specific_loudness.pattern import patterns

RATE = 44100


def edges(third: int, rate: int) -> list[float]:
    centre = 1000 * 2 ** (third / 3)
    return [min(centre * 2 ** (side / 6) / (rate / 2), 0.9999999999) for side in (-1, 1)]


@pytest.mark.parametrize("rate", [24000, 44100, 48000, 192000])
def test_band_passes_are_butterworths(rate: int) -> None:
    sections, gains = band_passes(rate)
    for row, gain, third in zip(sections, gains, (8, 9, 10, 11), strict=True):
        ours = np.array([[1.0, 0, -1, 1, *row[k : k + 2]] for k in (0, 2, 4, 6)])
        ours[0, :3] *= gain
        theirs = butter(4, edges(third, rate), "bandpass", output="sos")
        expected, found = (sosfreqz(sos, 512)[1] for sos in (theirs, ours))
        assert np.allclose(found, expected, atol=1e-9)


def test_the_low_pass_is_a_chebyshev() -> None:
    gain, a1, a2 = halving_low_pass()
    b, a = cheby1(2, 0.1, 0.4)
    assert np.allclose(gain * np.array([1, 2, 1]), b)
    assert np.allclose([1, a1, a2], a)


def expected_bands(frame: np.ndarray, rate: int, *, either_sign: bool) -> np.ndarray:
    """The definition, filter by filter."""

    def power(samples: np.ndarray, third: int) -> float:
        passed = sosfilt(butter(4, edges(third, rate), "bandpass", output="sos"), samples)
        return float(np.mean(passed**2)) if either_sign or passed.max() > 0 else 0.0

    bands = [power(frame, third) for third in (11, 10, 9, 8)]
    for _ in range(OCTAVES):
        frame = np.asarray(lfilter(*cheby1(2, 0.1, 0.4), frame))[1::2]
        bands += [power(frame, third) for third in (10, 9, 8)]
    return np.array(bands[::-1])


@settings(deadline=None, max_examples=12)
@given(
    seed=st.integers(0, 99),
    length=st.integers(1, 20 * FRAME),
    rate=st.sampled_from([44100, 96000]),
    either_sign=st.booleans(),
)
def test_band_powers_follow_the_definition(seed: int, length: int, rate: int, either_sign: bool) -> None:
    samples = np.random.default_rng(seed).standard_normal(length)
    frames = length // FRAME + 1
    bands, power = band_powers(samples, frames, sample_rate=rate, either_sign=either_sign)
    assert bands.shape == (frames, BANDS)
    rows = np.pad(samples, (0, frames * FRAME - length)).reshape(-1, FRAME)
    assert np.allclose(power, (rows**2).mean(axis=1))
    for at in {0, frames // 2, frames - 1}:
        expected = expected_bands(rows[at], rate, either_sign=either_sign)
        assert np.allclose(bands[at], expected, rtol=1e-6, atol=1e-18)


def test_a_band_that_never_rises_above_zero() -> None:
    samples = np.zeros(FRAME)
    samples[-1] = -1.0
    counted, left_out = (
        band_powers(samples, 1, sample_rate=RATE, either_sign=either_sign)[0] for either_sign in (True, False)
    )
    assert (counted[0, -4:] > 0).all()
    assert (left_out[0, -4:] == 0).all()


def levels(*, above_db: float = -math.inf, **bands_db: float) -> np.ndarray:
    """Mean squares of the bands, from levels by place, as band_17=60."""
    found = np.full(BANDS, above_db)
    for name, level in bands_db.items():
        found[int(name.removeprefix("band_"))] = level
    return 10 ** ((found - 100) / 10)


def main_loudness(band: int, level: float) -> float:
    """Of one of the critical bands above 280 Hz, by its third-octave band."""
    own = band - 8
    threshold, over = tables.THRESHOLD_DB[own], level - tables.EAR_DB[own] - tables.BAND_DB[own]
    return 0.0635 * 10 ** (0.025 * threshold) * ((0.75 + 0.25 * 10 ** ((over - threshold) / 10)) ** 0.25 - 1)


@pytest.mark.parametrize("level", [40.0, 60.0, 85.0])
def test_one_band_is_flat_and_then_falls_by_the_slopes_of_the_table(level: float) -> None:
    pattern, total = patterns(levels(band_17=level)[None])
    loudness, last = main_loudness(17, level), round(10 * tables.UPPER_BARK[9])
    first = round(10 * tables.UPPER_BARK[8])
    assert np.allclose(pattern[0, first : last - 1], loudness)
    assert (pattern[0, : first - 1] == 0).all()
    falling = pattern[0, last - 1 :]
    assert (np.diff(falling) <= 1e-12).all()
    row = int(np.searchsorted(-tables.SLOPE_LIMITS, -loudness))
    assert falling[0] - falling[1] == pytest.approx(0.1 * tables.SLOPES[row, 7], rel=0.5)
    assert total[0] == pytest.approx(0.1 * pattern[0].sum(), rel=0.05)


def test_thresholds_of_hearing() -> None:
    for band in range(11, 28):
        threshold = tables.THRESHOLD_DB[band - 8]
        for level, heard in ((threshold - 0.01, False), (threshold + 25, True)):
            assert (patterns(levels(**{f"band_{band}": level})[None])[0].max() > 0) == heard


def test_low_bands_are_joined_after_correction() -> None:
    separate = patterns(levels(band_5=60.0)[None])[0]
    corrected = 10 ** ((60.0 - 100 + tables.LOW_BAND_DB[2, 5]) / 10)
    assert tables.LOW_BAND_DB[2, 5] == 0
    assert separate[0, :9].max() > 0
    both = patterns((levels(band_5=60.0) + levels(band_4=80.0))[None])[0]
    assert both[0, 0] > separate[0, 0]
    threshold, scale = tables.THRESHOLD_DB[0], 0.0635 * 10 ** (0.025 * tables.THRESHOLD_DB[0])
    over = 10 ** ((100 + 10 * math.log10(corrected) - tables.BAND_DB[0] - threshold) / 10)
    own = scale * ((0.75 + 0.25 * over) ** 0.25 - 1)
    assert separate[0, 0] == pytest.approx(own * min(1, 0.4 + 0.32 * own**0.2))


def sine(hz: float, level_db: float, seconds: float = 0.5) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return np.sqrt(2) * 10 ** ((level_db - 100) / 20) * np.sin(2 * np.pi * hz * time)


def test_loudness_of_a_tone_at_1_khz() -> None:
    """One sone at 40 dB, twice as much for every 10 dB more."""
    loudness = [
        np.median(specific_loudness(sine(1000.0, level), sample_rate=RATE, corrected=True).total)
        for level in (40.0, 50.0, 60.0, 70.0)
    ]
    assert loudness[0] == pytest.approx(1, abs=0.15)
    assert np.allclose(np.diff(np.log2(loudness)), 1, atol=0.15)


def test_frames_of_both_modes() -> None:
    samples = np.concatenate([sine(500.0, 70.0, 5 * FRAME / RATE), np.zeros(3 * FRAME)])
    classic, corrected = (
        specific_loudness(samples, sample_rate=RATE, corrected=corrected) for corrected in (False, True)
    )
    assert (classic.power.size, corrected.power.size) == (9, 8)
    assert np.allclose(classic.pattern[:8], corrected.pattern)
    assert classic.counted.all()
    assert corrected.counted.tolist() == [True] * 5 + [False] * 3
    values = np.arange(9.0)
    assert classic.unweighted_mean(values) == 4
    assert corrected.unweighted_mean(values[:8]) == 2
    assert corrected.power_weighted_mean(values[:8]) == pytest.approx(2, abs=0.01)
    quiet = specific_loudness(1e-6 * samples, sample_rate=RATE, corrected=True)
    assert quiet.counted.all()
    assert quiet.total.max() == 0


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 999), level=st.floats(-120, 0))
def test_patterns_are_finite_and_never_negative(seed: int, level: float) -> None:
    rng = np.random.default_rng(seed)
    bands = 10 ** ((level + rng.uniform(-40, 0, (20, BANDS))) / 10) * (rng.random((20, BANDS)) < 0.8)
    pattern, total = patterns(bands)
    assert np.isfinite(pattern).all()
    assert (pattern > -1e-2).all()
    assert (total >= 0).all()


def test_bumps() -> None:
    for low, high in ((0, 70), (10, 40), (80, 240)):
        weights = bump(low, high)
        assert weights.shape == (POINTS,)
        assert weights.max() == 1
        assert weights.argmax() == (low + high) // 2
        assert weights[low] == 0
        assert not weights[:low].any()
        assert not weights[high:].any()
        place = np.arange(low, high)
        parabola = 1 - ((place - (low + high) / 2) / ((high - low) / 2)) ** 2
        assert np.abs(weights[low:high] - parabola).max() < 0.06
