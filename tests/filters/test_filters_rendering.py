"""Sound through banks: against SciPy, identities of linear systems, blocks, odd sounds."""

from __future__ import annotations

import logging

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import sosfilt

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError
from tonewright.filters.bank import Bank
from tonewright.filters.rendering.streaming import BankFilter

ARRANGEMENTS = [
    pytest.param(1, "parallel", 1, id="one filter"),
    pytest.param(32, "parallel", 1, id="two vectors"),
    pytest.param(37, "parallel", 1, id="a part of a vector"),
    pytest.param(20, "parallel", 3, id="order 3"),
    pytest.param(1, "series", 1, id="one section"),
    pytest.param(16, "series", 1, id="a vector of sections"),
    pytest.param(35, "series", 1, id="three vectors of sections"),
]


def some_bank(
    filters: int, kind: str = "parallel", order: int = 1, *, seed: int = 0, level_db: float = -2.0
) -> Bank:
    rng = np.random.default_rng(seed)
    frequency, q = rng.permutation(np.geomspace(25, 19_000, filters)), rng.uniform(0.3, 9, filters)
    if kind == "parallel":
        return Bank(frequency, q, rng.normal(size=filters), order=order, level_db=level_db)
    shapes = tuple(rng.choice(["peaking", "low_shelf", "high_shelf"], filters).tolist())
    return Bank(frequency, q, rng.normal(size=filters) * 4, kind, shapes, level_db=level_db)


def noise(channels: int, frames: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(channels, frames)) * 0.1


def scipy_filtered(bank: Bank, sound: np.ndarray, rate: int) -> np.ndarray:
    sections = bank.to_sos(sample_rate=rate)
    cascades = [sections] if bank.kind == "series" else [row.reshape(-1, 6) for row in sections]
    return np.sum([sosfilt(cascade, sound, axis=-1) for cascade in cascades], axis=0)


def filtered(bank: Bank, sound: np.ndarray, rate: int = 44100, *, mix: float = 1.0) -> np.ndarray:
    return BankFilter(bank, rate, sound.shape[0], mix=mix).process(sound)


@pytest.mark.parametrize(("filters", "kind", "order"), ARRANGEMENTS)
@pytest.mark.parametrize("rate", [8000, 44100, 192000])
def test_the_sound_is_scipys(filters: int, kind: str, order: int, rate: int) -> None:
    bank, sound = some_bank(filters, kind, order), noise(2, 20_000)
    expected = scipy_filtered(bank, sound, rate)
    np.testing.assert_allclose(filtered(bank, sound, rate), expected, atol=1e-10 * np.abs(expected).max())


def test_narrow_and_low_filters_lose_no_digits() -> None:
    bank = Bank(np.array([20.0, 21.0, 30.0]), np.array([1000.0, 300.0, 0.1]), np.array([1.0, -3.0, 2.0]))
    sound = noise(1, 200_000)
    expected = scipy_filtered(bank, sound, 192_000)
    np.testing.assert_allclose(filtered(bank, sound, 192_000), expected, atol=1e-9 * np.abs(expected).max())


@pytest.mark.parametrize(("filters", "kind", "order"), ARRANGEMENTS)
def test_the_response_is_the_transform_of_the_impulse_response(filters: int, kind: str, order: int) -> None:
    """The sum of the responses of all filters equals the transform of their summed impulse responses."""
    bank, frames = some_bank(filters, kind, order), 1 << 17
    impulse = np.zeros((1, frames))
    impulse[0, 0] = 1
    spectrum = np.fft.rfft(filtered(bank, impulse)[0])
    expected = bank.response(np.fft.rfftfreq(frames, 1 / 44100))
    np.testing.assert_allclose(spectrum, expected, atol=1e-6 * np.abs(expected).max())


def test_a_parallel_bank_is_the_sum_of_its_filters() -> None:
    bank, sound = some_bank(40), noise(1, 5000)
    parts = [
        Bank(bank.frequency_hz[k : k + 1], bank.q[k : k + 1], bank.gain[k : k + 1], level_db=bank.level_db)
        for k in range(40)
    ]
    np.testing.assert_allclose(
        filtered(bank, sound), np.sum([filtered(part, sound) for part in parts], axis=0), atol=1e-12
    )


@settings(deadline=None, max_examples=30)
@given(
    arrangement=st.sampled_from(
        [(5, "parallel", 1), (18, "parallel", 2), (5, "series", 1), (18, "series", 1)]
    ),
    seed=st.integers(0, 1000),
    shift=st.integers(0, 500),
    factor=st.floats(-8, 8),
)
def test_banks_are_linear_and_do_not_change_with_time(
    arrangement: tuple[int, str, int], seed: int, shift: int, factor: float
) -> None:
    bank = some_bank(*arrangement, seed=seed)
    one, other = noise(1, 1500, seed), noise(1, 1500, seed + 1)
    made = filtered(bank, one)
    scale = np.abs(made).max() + np.abs(filtered(bank, other)).max()
    summed = filtered(bank, one + factor * other)
    np.testing.assert_allclose(summed, made + factor * filtered(bank, other), atol=1e-10 * scale)
    late = filtered(bank, np.pad(one, ((0, 0), (shift, 0))))
    np.testing.assert_array_equal(late[:, :shift], 0)
    np.testing.assert_allclose(late[:, shift:], made, atol=1e-10 * scale)


@settings(deadline=None, max_examples=30)
@given(
    arrangement=st.sampled_from([(5, "parallel", 1), (18, "parallel", 2), (18, "series", 1)]),
    cuts=st.lists(st.integers(0, 3000), max_size=8),
)
def test_blocks_of_any_length_equal_the_whole(arrangement: tuple[int, str, int], cuts: list[int]) -> None:
    bank, sound = some_bank(*arrangement), noise(2, 3000)
    stream = BankFilter(bank, 44100, 2, mix=0.7)
    blocks = [stream.process(block) for block in np.split(sound, sorted(cuts), axis=1)]
    np.testing.assert_allclose(np.concatenate(blocks, axis=1), filtered(bank, sound, mix=0.7), atol=1e-12)


@pytest.mark.parametrize("block_seconds", [0.013, 0.37, 1.0, 50.0])
def test_a_clip_in_blocks_is_the_clip_as_a_whole(block_seconds: float) -> None:
    bank, clip = some_bank(20), Clip(noise(2, 50_000), 44100)
    blocks = bank.apply(clip, block_seconds=block_seconds)
    np.testing.assert_allclose(blocks.samples, bank.apply(clip).samples, atol=1e-9)


@pytest.mark.parametrize("kind", ["parallel", "series"])
def test_channels_are_filtered_alike_and_apart(kind: str) -> None:
    bank, sound = some_bank(9, kind), noise(6, 800)
    together = filtered(bank, sound)
    for channel in range(6):
        np.testing.assert_array_equal(
            together[channel : channel + 1], filtered(bank, sound[channel : channel + 1])
        )


@pytest.mark.parametrize("kind", ["parallel", "series"])
def test_the_mix_goes_from_dry_to_wet(kind: str) -> None:
    bank, clip = some_bank(9, kind), Clip(noise(2, 800), 44100)
    wet = bank.apply(clip).samples
    np.testing.assert_array_equal(bank.apply(clip, mix=0).samples, clip.samples)
    expected = 0.75 * clip.samples + 0.25 * wet
    np.testing.assert_allclose(bank.apply(clip, mix=0.25).samples, expected, atol=1e-6)


def test_gains_and_level_scale_the_sound() -> None:
    bank, sound = some_bank(9), noise(1, 800)
    made = filtered(bank, sound)
    louder = Bank(bank.frequency_hz, bank.q, -2 * bank.gain, level_db=bank.level_db + 20)
    np.testing.assert_allclose(filtered(louder, sound), -20 * made, atol=1e-12)


def test_a_clip_keeps_its_length_rate_and_channels() -> None:
    for rate, channels, frames in ((8000, 1, 0), (44100, 2, 1), (96000, 6, 77)):
        clip = Clip(noise(channels, frames), rate)
        for kind in ("parallel", "series"):
            made = Bank(np.array([300.0]), np.ones(1), np.ones(1), kind).apply(clip)
            assert (made.sample_rate, made.channels, made.frames) == (rate, channels, frames)


def test_double_precision_stays_and_single_is_its_rounding() -> None:
    bank, sound = some_bank(9), noise(1, 800).astype(np.float32)
    exact = filtered(bank, sound.astype(np.float64))
    assert exact.dtype == np.float64
    single = filtered(bank, sound)
    assert single.dtype == np.float32
    np.testing.assert_array_equal(single, exact.astype(np.float32))


@pytest.mark.parametrize(("filters", "kind", "order"), ARRANGEMENTS)
def test_silence_stays_silence_and_sounds_die_away_to_nothing(filters: int, kind: str, order: int) -> None:
    """Numbers too small for their exponent make processors a hundred times slower: there are hardly any."""
    stream = BankFilter(some_bank(filters, kind, order), 44100, 1)
    assert not stream.process(np.zeros((1, 5000))).any()
    stream.process(noise(1, 100))
    seconds = [stream.process(np.zeros((1, 44100))) for _ in range(60)]
    assert not seconds[-1].any()
    tail = np.abs(np.concatenate(seconds, axis=1))
    assert np.count_nonzero((tail > 0) & (tail < np.finfo(np.float64).tiny)) < 200


def test_steady_sound_leaves_a_parallel_bank_and_passes_a_series() -> None:
    """Band-passes have nothing at 0 Hz; bells keep it."""
    steady = np.full((1, 200_000), 0.5)
    assert abs(filtered(some_bank(9), steady)[0, -1]) < 1e-9
    bells = Bank(np.array([100.0, 5000.0]), np.ones(2), np.array([6.0, -9.0]), "series")
    np.testing.assert_allclose(filtered(bells, steady)[0, -1], 0.5, atol=1e-9)


@pytest.mark.parametrize("kind", ["parallel", "series"])
def test_filters_above_the_rate_are_left_out_with_a_warning(
    kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    bank = Bank(np.array([100.0, 1000.0, 15000.0]), np.ones(3), np.ones(3), kind)
    clip = Clip(noise(1, 500), 8000)
    with caplog.at_level(logging.WARNING, "tonewright"):
        made = bank.apply(clip)
    assert "8000 Hz, 1 of 3 filters cannot be made" in caplog.text
    caplog.clear()
    left = Bank(np.array([100.0, 1000.0]), np.ones(2), np.ones(2), kind)
    with caplog.at_level(logging.WARNING, "tonewright"):
        np.testing.assert_array_equal(made.samples, left.apply(clip).samples)
    assert not caplog.records


def test_without_usable_filters_there_is_silence_or_the_sound() -> None:
    clip = Clip(noise(1, 50), 1000)
    assert not Bank(np.array([900.0]), np.ones(1), np.ones(1)).apply(clip).samples.any()
    level = Bank(np.array([900.0]), np.ones(1), np.ones(1), "series", level_db=20.0)
    np.testing.assert_allclose(level.apply(clip).samples, 10 * clip.samples, rtol=1e-6)


@pytest.mark.parametrize("sample", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_refused(sample: float) -> None:
    sound = noise(2, 100)
    sound[1, 50] = sample
    with pytest.raises(UsageError, match="NaN or infinite"):
        some_bank(3).apply(Clip(sound, 44100))


def test_a_sound_too_loud_for_its_samples_is_refused() -> None:
    bank = Bank(np.array([1000.0]), np.ones(1), np.array([1e6]), level_db=240.0)
    with pytest.raises(UsageError, match="louder than a number can hold"):
        bank.apply(Clip(np.full((1, 10), 1e30), 44100))


@pytest.mark.parametrize("mix", [-0.1, 1.1, float("nan"), "half"])
def test_a_mix_lies_from_0_to_1(mix: float) -> None:
    with pytest.raises(UsageError, match="mix"):
        some_bank(1).apply(Clip(noise(1, 10), 44100), mix=mix)


@pytest.mark.parametrize(
    ("block", "words"),
    [
        (np.zeros(10), "shape"),
        (np.zeros((3, 10)), "shape"),
        (np.zeros((2, 10), np.int16), "floating point"),
        (np.zeros((2, 10), np.complex128), "floating point"),
    ],
)
def test_a_block_has_the_channels_of_the_stream(block: np.ndarray, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        BankFilter(some_bank(1), 44100, 2).process(block)


@pytest.mark.parametrize("block_seconds", [0.0, -1.0, float("nan")])
def test_a_block_has_a_length(block_seconds: float) -> None:
    with pytest.raises(UsageError, match="length of a block"):
        some_bank(1).apply(Clip(noise(1, 10), 44100), block_seconds=block_seconds)
