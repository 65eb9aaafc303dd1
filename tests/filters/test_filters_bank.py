"""Banks: response and sections against SciPy, stability in exact arithmetic, files to the bit."""

from __future__ import annotations

import subprocess
import sys
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfreqz

from tonewright.dsp import biquads
from tonewright.errors import UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.bank_checks import (
    LEAST_HZ,
    LEAST_Q,
    MOST_GAIN,
    MOST_HZ,
    MOST_Q,
    MOST_SHELF_Q,
    SHAPES,
)
from tonewright.filters.bank_files import load_bank, save_bank

RATES = (8000, 16000, 22050, 44100, 48000, 96000, 192000, 384000)


@st.composite
def banks(draw: st.DrawFn, *, extreme: bool = True) -> Bank:
    """Any bank, or one of filters that are in use."""
    count = draw(st.integers(1, 6))
    series = draw(st.booleans())

    def column(low: float, high: float) -> np.ndarray:
        return np.array([draw(st.floats(low, high)) for _ in range(count)])

    low, high, least_q, most_q = (
        (LEAST_HZ, MOST_HZ, LEAST_Q, MOST_Q) if extreme else (20.0, 19_000.0, 0.3, 20.0)
    )
    frequency = np.clip(np.exp(column(np.log(low), np.log(high))), low, high)
    q = np.clip(np.exp(column(np.log(least_q), np.log(most_q))), least_q, most_q)
    gain_db = 100.0 if extreme else 24.0
    if series:
        shapes = tuple(draw(st.sampled_from(SHAPES)) for _ in range(count))
        q = np.where(np.array(shapes) == "peaking", q, np.minimum(q, MOST_SHELF_Q))
        return Bank(
            frequency, q, column(-gain_db, gain_db), "series", shapes, level_db=draw(st.floats(-60, 60))
        )
    most = MOST_GAIN if extreme else 4.0
    order = draw(st.integers(1, 4))
    return Bank(frequency, q, column(-most, most), order=order, level_db=draw(st.floats(-60, 60)))


def scipy_response(bank: Bank, frequencies: np.ndarray, rate: int) -> np.ndarray:
    sections = bank.to_sos(sample_rate=rate)
    cascades = [sections] if bank.kind == "series" else [row.reshape(-1, 6) for row in sections]
    return np.sum([sosfreqz(cascade, frequencies, fs=rate)[1] for cascade in cascades], axis=0)


@settings(deadline=None, max_examples=60)
@given(bank=banks(extreme=False), rate=st.sampled_from(RATES))
def test_the_closed_form_is_what_scipy_makes_of_the_sections(bank: Bank, rate: int) -> None:
    frequencies = np.linspace(5.0, rate / 2, 300)
    expected = scipy_response(bank, frequencies, rate)
    scale = np.abs(expected).max() + 1e-12
    np.testing.assert_allclose(bank.response(frequencies, sample_rate=rate), expected, atol=1e-7 * scale)


@settings(deadline=None, max_examples=150)
@given(bank=banks(), rate=st.sampled_from(RATES))
def test_every_pole_of_every_bank_lies_inside_the_circle_at_every_rate(bank: Bank, rate: int) -> None:
    """The triangle of stable coefficients, in exact arithmetic, so that no rounding decides."""
    sections = bank.to_sos(sample_rate=rate).reshape(-1, 6)
    assert np.isfinite(sections).all()
    for row in sections:
        first, second = Fraction(row[4]), Fraction(row[5])
        assert row[3] == 1
        assert abs(second) < 1
        assert abs(first) < 1 + second


@pytest.mark.parametrize("rate", RATES)
def test_the_corners_of_what_is_allowed_are_stable(rate: int) -> None:
    for frequency in (LEAST_HZ, 0.49 * rate, 0.48999 * rate, MOST_HZ):
        for q in (LEAST_Q, 10.0, MOST_Q):
            banks_there = [Bank(np.array([frequency]), np.array([q]), np.ones(1))]
            banks_there += [
                Bank(np.array([frequency]), np.array([min(q, 10.0)]), np.array([gain]), "series", (shape,))
                for shape in SHAPES
                for gain in (-120.0, 120.0)
            ]
            for bank in banks_there:
                assert biquads.is_stable(bank.to_sos(sample_rate=rate)[:, 3:]).all()


def test_a_resonator_has_its_gain_at_its_frequency_and_3_db_less_at_the_edges_of_its_band() -> None:
    frequency, q, gain, rate = 1000.0, 5.0, -1.5, 48000
    bank = Bank(np.array([frequency]), np.array([q]), np.array([gain]))
    np.testing.assert_allclose(bank.response(np.array([frequency]), sample_rate=rate), [gain], rtol=1e-12)
    # The edges of the analogue filter, and where the bilinear transform puts them.
    warped = np.tan(np.pi * frequency / rate)
    edges = warped * (np.sqrt(1 + 1 / (4 * q * q)) + np.array([-1, 1]) / (2 * q))
    heard = bank.magnitude_db(np.arctan(edges) * rate / np.pi, sample_rate=rate)
    np.testing.assert_allclose(heard, 20 * np.log10(abs(gain)) - 10 * np.log10(2), atol=1e-9)


def test_bells_and_shelves_reach_their_gains() -> None:
    bank = Bank(
        np.array([100.0, 1000.0, 8000.0]), np.array([0.7, 30.0, 0.7]), np.array([6.0, -9.0, 3.0]),
        "series", ("low_shelf", "peaking", "high_shelf"), level_db=1.0,
    )  # fmt: skip
    heard = bank.magnitude_db(np.array([0.01, 1000.0, 22050.0]))
    np.testing.assert_allclose(heard, [7.0, -8.0, 4.0], atol=0.02)


def test_a_response_is_linear_in_gains_and_level() -> None:
    rng = np.random.default_rng(1)
    frequency, q, gain = np.geomspace(30, 15000, 12), rng.uniform(0.3, 8, 12), rng.normal(size=12)
    frequencies = np.geomspace(20, 22050, 200)
    whole = Bank(frequency, q, gain).response(frequencies)
    parts = [
        Bank(frequency[k : k + 1], q[k : k + 1], gain[k : k + 1]).response(frequencies) for k in range(12)
    ]
    np.testing.assert_allclose(np.sum(parts, axis=0), whole, atol=1e-12)
    np.testing.assert_allclose(Bank(frequency, q, -3 * gain).response(frequencies), -3 * whole, atol=1e-11)
    louder = Bank(frequency, q, gain, level_db=20.0)
    np.testing.assert_allclose(louder.response(frequencies), 10 * whole, atol=1e-11)


def test_order_is_the_power_of_each_resonator() -> None:
    frequencies = np.geomspace(20, 20000, 100)
    frequency, q, gain = np.array([200.0, 3000.0]), np.array([2.0, 4.0]), np.array([1.0, -2.0])
    once = [Bank(frequency[k : k + 1], q[k : k + 1], np.ones(1)).response(frequencies) for k in range(2)]
    cubed = Bank(frequency, q, gain, order=3).response(frequencies)
    np.testing.assert_allclose(cubed, once[0] ** 3 - 2 * once[1] ** 3, atol=1e-12)


def test_many_frequencies_and_filters_take_turns() -> None:
    rng = np.random.default_rng(2)
    bank = Bank(np.geomspace(20, 20000, 1024), rng.uniform(1, 9, 1024), rng.normal(size=1024))
    frequencies = np.linspace(0, 22050, 3000)
    some = np.array([0, 1023, 1024, 1025, 2999])
    np.testing.assert_allclose(bank.response(frequencies)[some], bank.response(frequencies[some]), atol=1e-9)


def test_filters_above_the_rate_are_left_out() -> None:
    bank = Bank(np.array([100.0, 3920.0, 3921.0, 15000.0]), np.ones(4), np.array([1.0, 2.0, 3.0, 4.0]))
    assert bank.usable(8000).tolist() == [True, True, False, False]
    assert bank.usable(44100).all()
    left = Bank(bank.frequency_hz[:2], bank.q[:2], bank.gain[:2])
    frequencies = np.linspace(0, 4000, 50)
    np.testing.assert_array_equal(
        bank.response(frequencies, sample_rate=8000), left.response(frequencies, sample_rate=8000)
    )
    np.testing.assert_array_equal(bank.to_sos(sample_rate=8000), left.to_sos(sample_rate=8000))


def test_a_bank_without_usable_filters_is_silence_or_its_level() -> None:
    frequencies = np.array([10.0, 100.0])
    alone = Bank(np.array([5000.0]), np.ones(1), np.ones(1))
    np.testing.assert_array_equal(alone.response(frequencies, sample_rate=1000), [0, 0])
    np.testing.assert_array_equal(alone.magnitude_db(frequencies, sample_rate=1000), [-400, -400])
    np.testing.assert_array_equal(alone.to_sos(sample_rate=1000), [[0, 0, 0, 1, 0, 0]])
    series = Bank(np.array([5000.0]), np.ones(1), np.array([12.0]), "series", level_db=20.0)
    np.testing.assert_allclose(series.response(frequencies, sample_rate=1000), [10, 10])
    np.testing.assert_allclose(series.to_sos(sample_rate=1000), [[10, 0, 0, 1, 0, 0]])


def test_a_bank_keeps_its_own_numbers() -> None:
    frequency = np.array([100, 200])
    bank = Bank(frequency, np.array([1, 2], np.float32), [1.0, -1.0])  # type: ignore[arg-type]
    frequency[0] = 5
    assert bank.frequency_hz.tolist() == [100.0, 200.0]
    assert {bank.frequency_hz.dtype, bank.q.dtype, bank.gain.dtype} == {np.dtype("float64")}
    with pytest.raises(ValueError, match="read-only"):
        bank.q[0] = -1


GOOD: dict[str, Any] = {"frequency_hz": [100.0, 200.0], "q": [1.0, 1.0], "gain": [1.0, 1.0]}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"frequency_hz": [100.0, float("nan")]}, "frequency_hz of filter 2 is nan"),
        ({"frequency_hz": [100.0, -3.0]}, "frequency of filter 2 is -3 Hz"),
        ({"frequency_hz": [0.0, 3.0]}, "frequency of filter 1 is 0 Hz"),
        ({"frequency_hz": [1e30, 3.0]}, "frequency of filter 1"),
        ({"frequency_hz": [[1.0], [2.0]]}, r"has shape \(filters,\)"),
        ({"frequency_hz": [[1.0], 2.0]}, "different lengths"),
        ({"frequency_hz": ["a", "b"]}, "not a number"),
        ({"frequency_hz": [True, False]}, "not a number"),
        ({"frequency_hz": [1j, 2.0]}, "not a number"),
        ({"q": [0.0, 1.0]}, "q of filter 1 is 0"),
        ({"q": [1.0, 1e4]}, "q of filter 2 is 10000"),
        ({"q": [1.0, float("inf")]}, "q of filter 2 is inf"),
        ({"q": [1.0]}, "as many frequencies as qs"),
        ({"frequency_hz": [], "q": [], "gain": []}, "0 filters"),
        ({"frequency_hz": [9.0] * 1025, "q": [1.0] * 1025, "gain": [1.0] * 1025}, "1025 filters"),
        ({"gain": [1.0, 1e7]}, "gain of filter 2"),
        ({"kind": "serial"}, "choose from parallel, series"),
        ({"kind": "series", "gain": [0.0, 121.0]}, "121 dB"),
        ({"kind": "series", "shapes": ("peaking",)}, "1 shapes"),
        ({"kind": "series", "shapes": ("peaking", "bell")}, "choose from peaking"),
        ({"kind": "series", "shapes": ("peaking", "low_shelf"), "q": [50.0, 11.0]}, "shelf's q is 11"),
        ({"kind": "series", "order": 2}, "order of a series bank is 2"),
        ({"shapes": ("peaking", "peaking")}, "band-passes only"),
        ({"order": 0}, "order"),
        ({"order": 1.5}, "order"),
        ({"order": float("nan")}, "order"),
        ({"order": "2"}, "order is a number"),
        ({"level_db": float("nan")}, "level is nan"),
        ({"level_db": 1000.0}, "level is 1000 dB"),
        ({"level_db": None}, "level_db is a number"),
    ],
)
def test_what_is_no_bank_is_refused_in_words(change: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words) as caught:
        Bank(**GOOD | change)
    assert "\n" not in str(caught.value)


def test_a_series_that_would_overflow_is_refused() -> None:
    with pytest.raises(UsageError, match="1300 dB in all"):
        Bank(np.full(13, 1000.0), np.ones(13), np.full(13, 100.0), "series")


@pytest.mark.parametrize("frequencies", [np.ones((2, 2)), np.array([np.nan]), np.array([np.inf])])
def test_a_response_is_asked_for_at_finite_frequencies(frequencies: np.ndarray) -> None:
    with pytest.raises(UsageError, match="frequencies of a response"):
        Bank(**GOOD).response(frequencies)


@pytest.mark.parametrize("rate", [0, -44100, float("nan"), float("inf")])
def test_a_sample_rate_is_above_0(rate: float) -> None:
    for ask in (Bank(**GOOD).usable, lambda rate: Bank(**GOOD).to_sos(sample_rate=rate)):
        with pytest.raises(UsageError, match="sample rate"):
            ask(rate)


@settings(deadline=None, max_examples=60)
@given(bank=banks())
def test_a_bank_is_the_same_to_the_bit_after_its_file(
    bank: Bank, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("banks") / "bank.json"
    loaded = load_bank(save_bank(path, bank, notes={"from": "kick.wav", "z": [0.5, -1]}))
    for name in ("frequency_hz", "q", "gain"):
        assert getattr(loaded, name).tobytes() == getattr(bank, name).tobytes()
    for name in ("kind", "shapes", "order", "level_db"):
        assert getattr(loaded, name) == getattr(bank, name)
    assert loaded.as_dict() == bank.as_dict() == Bank.from_dict(bank.as_dict()).as_dict()


def test_a_response_loads_no_framework_and_no_compiler() -> None:
    code = (
        "import sys, numpy as np; from tonewright.filters.bank import Bank; "
        "bank = Bank([100.0], [1.0], [1.0]); bank.response(np.ones(3)); bank.to_sos(); bank.as_dict(); "
        "print({'torch', 'jax', 'numba', 'matplotlib', 'scipy.signal'} & set(sys.modules))"
    )
    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert printed.strip() == "set()"
