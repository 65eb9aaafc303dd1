"""What every sound goes through before it is measured: channels, ends, loudness, rate."""

from __future__ import annotations

import math

import numpy as np
import pyloudnorm
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.special import i0

from tonewright.audio.clips import resample
from tonewright.dsp import biquads
from tonewright.errors import UsageError
from tonewright.timbre.audible import audible_band
from tonewright.timbre.front import mixed
from tonewright.timbre.k_weighting import STATE, k_weighting, step_energies
from tonewright.timbre.kaiser import raised
from tonewright.timbre.loudness import LoudnessMeter, gain_of, loudness, loudness_together
from tonewright.timbre.mixing import LEAST_CUT, without_ends
from tonewright.timbre.names import MODES, Mode, UnmeasurableError
from tonewright.timbre.sound import Hearing

RATE = 44100
RATES = st.sampled_from([8000, 22051, 44100, 48000, 96000])


def sound(seed: int, length: int, channels: int = 1) -> np.ndarray:
    """Coloured noise (channels, time) that swells and fades."""
    rng = np.random.default_rng(seed)
    steps = rng.standard_normal((channels, length))
    swell = np.sin(np.linspace(0.2, 3, length)) ** 4 + 1e-3
    return 0.05 * np.asarray(lfilter([1.0], [1.0, -0.9], steps)) * swell


def hear(samples: np.ndarray, rate: int = RATE, *, mode: Mode = "corrected") -> Hearing:
    return Hearing(np.atleast_2d(samples), rate, mode=mode)


def test_k_weighting_is_made_of_cookbook_filters() -> None:
    for rate in (8000, 44100, 192000):
        shelf = biquads.high_shelf(1500.0, math.sqrt(0.5), 4.0, sample_rate=rate)
        b, a = (np.asarray(part) for part in shelf)
        assert np.allclose(k_weighting(rate)[0], np.concatenate([b, a[1:]]), atol=1e-13)
        omega = 2 * math.pi * 38 / rate
        response = np.polyval(k_weighting(rate)[1][:3], np.exp(1j * omega)) / np.polyval(
            [1, *k_weighting(rate)[1][3:]], np.exp(1j * omega)
        )
        assert abs(response) == pytest.approx(0.5)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 99), rate=RATES, seconds=st.floats(0.01, 9), parts=st.integers(1, 5))
def test_step_energies_are_those_of_the_filtered_sound_however_it_is_cut(
    seed: int, rate: int, seconds: float, parts: int
) -> None:
    samples = sound(seed, max(round(seconds * rate), 1))[0]
    weighted = samples
    for section in k_weighting(rate):
        weighted = np.asarray(lfilter(section[:3], [1.0, *section[3:]], weighted))
    steps = (np.arange(samples.size) * 10 + 9) // rate
    expected = np.bincount(steps, weighted**2)
    assert np.allclose(step_energies(samples, sample_rate=rate), expected, rtol=1e-9, atol=1e-15)
    state, done, total = np.zeros(STATE), 0, np.zeros(expected.size)
    for part in np.array_split(samples, parts):
        found = step_energies(part, sample_rate=rate, position=done, state=state)
        if part.size:
            first = done * 10 // rate
            total[first : first + found.size] += found
        done += part.size
    assert np.allclose(total, expected, rtol=1e-9, atol=1e-15)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), rate=RATES, seconds=st.floats(0.41, 6), channels=st.integers(1, 5))
def test_loudness_is_that_of_a_common_meter(seed: int, rate: int, seconds: float, channels: int) -> None:
    samples = sound(seed, round(seconds * rate), channels)
    expected = pyloudnorm.Meter(rate).integrated_loudness(samples.T)
    assert loudness(samples, sample_rate=rate, lower_gate=False) == pytest.approx(expected, abs=1e-7)


def test_the_low_frequency_channel_does_not_count() -> None:
    samples = sound(1, RATE, 6)
    louder = samples.copy()
    louder[3] *= 10
    assert loudness(louder, sample_rate=RATE) == loudness(samples, sample_rate=RATE)
    assert loudness(samples[:, :8000], sample_rate=RATE) == pytest.approx(
        loudness(np.pad(samples[:, :8000], ((0, 0), (0, 9640))), sample_rate=RATE)
    )


def test_a_quiet_sound_is_as_loud_as_its_gain_says() -> None:
    samples = sound(2, 3 * RATE)
    loud = loudness(samples, sample_rate=RATE)
    for gain_db in (-40, -80, -160):
        quiet = loudness(samples * 10 ** (gain_db / 20), sample_rate=RATE)
        assert quiet == pytest.approx(loud + gain_db, abs=1e-6)
    assert loudness(samples * 1e-5, sample_rate=RATE, lower_gate=False) == -math.inf
    assert loudness(np.zeros((1, 99)), sample_rate=RATE) == -math.inf


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), length=st.integers(1, 120_000), cuts=st.lists(st.floats(0, 1), max_size=6))
def test_the_meter_hears_blocks_as_the_whole(seed: int, length: int, cuts: list[float]) -> None:
    samples = sound(seed, length)[0] + 0.1
    meter = LoudnessMeter(RATE)
    for block in np.split(samples, sorted(round(cut * length) for cut in cuts)):
        meter.add(block.astype(np.float64))
    assert meter.loudness_lufs() == pytest.approx(loudness(samples[None], sample_rate=RATE), abs=1e-9)
    distance = np.abs(samples - samples.mean())
    assert meter.length == length
    assert meter.mean == pytest.approx(samples.mean())
    assert meter.peak == pytest.approx(distance.max())
    if length > 1:
        assert meter.crest_db() == pytest.approx(20 * np.log10(distance.max() / samples.std()), abs=1e-6)


@pytest.mark.parametrize("channels", [2, 6])
def test_loudness_of_all_channels(channels: int) -> None:
    samples = sound(9, 2 * RATE, channels)
    meters = [LoudnessMeter(RATE) for _ in samples]
    for meter, channel in zip(meters, samples, strict=True):
        for block in np.split(channel, [1000, 50_000]):
            meter.add(block)
    together = loudness_together(meters)
    assert together == pytest.approx(loudness(samples, sample_rate=RATE), abs=1e-9)
    assert Hearing(samples, RATE).programme_lufs == pytest.approx(together, abs=1e-9)
    assert hear(samples[0]).programme_lufs == pytest.approx(meters[0].loudness_lufs(), abs=0.01)


def test_an_empty_meter() -> None:
    meter = LoudnessMeter(RATE)
    assert (meter.peak, meter.mean, meter.length, meter.loudness_lufs()) == (0, 0, 0, -math.inf)
    assert math.isnan(meter.crest_db())


def test_gain_stops_at_full_scale() -> None:
    assert gain_of(-44.0, 0.01) == pytest.approx(10.0)
    assert gain_of(-44.0, 0.5) == pytest.approx(2.0)


@pytest.mark.parametrize("rate", [8000, 24000, 22051, 43999])
def test_raising_a_rate_is_a_sum_of_windowed_sincs(rate: int) -> None:
    samples = np.random.default_rng(0).standard_normal(700)
    high = raised(samples, from_rate=rate, to_rate=RATE)
    assert high.size == math.ceil(samples.size * RATE / rate)
    for place in (400, 401, high.size // 2):
        distance = place * rate / RATE - np.arange(samples.size)
        near = np.abs(distance) < 49
        shape = np.sqrt(1 - (distance[near] / 50) ** 2)
        sinc = 0.9173473712608761 * np.sinc(0.9173473712608761 * distance[near])
        expected = (samples[near] * sinc * i0(12.984585247040012 * shape)).sum() / i0(12.984585247040012)
        assert high[place] == pytest.approx(expected, abs=3e-7)


def test_a_sine_stays_a_sine_when_its_rate_is_raised() -> None:
    low = np.sin(2 * np.pi * 1000 * np.arange(8000) / 16000)
    high = raised(low, from_rate=16000, to_rate=RATE)
    expected = np.sin(2 * np.pi * 1000 * np.arange(high.size) / RATE)
    assert np.abs(high - expected)[1000:-1000].max() < 1e-5


def test_channels_become_one() -> None:
    samples = sound(3, 1000, 5)
    assert np.allclose(mixed(samples, corrected=True).samples, samples.mean(axis=0))
    assert np.allclose(mixed(samples, corrected=False).samples, samples[:3].sum(axis=0))
    pair = np.stack([samples[0], -0.99 * samples[0]])
    found = mixed(pair, corrected=True)
    assert np.array_equal(found.samples, samples[0])
    assert "cancel" in found.note
    shifted = mixed(pair + 0.2, corrected=True)
    assert np.array_equal(shifted.samples, samples[0] + 0.2)
    assert not mixed(np.stack([samples[0], 0 * samples[0]]), corrected=True).note


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((2, 0)), "empty"),
        (np.zeros((2, 500)), "silence"),
        (np.array([[0.1, np.nan, 0.2]]), "NaN"),
        (np.array([[0.1, np.inf, 0.2]], np.float32), "NaN or infinite"),
        (np.array([[1e200, -1e200]]), "too large"),
    ],
)
def test_what_is_no_sound_is_refused_in_words(samples: np.ndarray, words: str, mode: Mode) -> None:
    with pytest.raises(UnmeasurableError, match=words):
        Hearing(samples, RATE, mode=mode)


def test_silence_that_only_one_mode_hears() -> None:
    samples = sound(4, RATE)
    constant, opposed = np.full((1, 5000), 0.5), np.concatenate([samples, -samples])
    assert hear(constant, mode="classic").samples.size == 5000
    with pytest.raises(UnmeasurableError, match="silence"):
        hear(constant)
    assert hear(opposed).notes
    with pytest.raises(UnmeasurableError, match="cancel"):
        _ = hear(opposed, mode="classic").samples
    with pytest.raises(UnmeasurableError, match="-70 LUFS"):
        _ = hear(samples * 1e-5, mode="classic").samples
    assert hear(opposed, mode="classic").channels.shape == (2, RATE)


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(5), RATE),
        (np.zeros((1, 2, 3)), RATE),
        (np.zeros((0, 5)), RATE),
        (np.zeros((1, 5), int), RATE),
        (np.zeros((1, 5)), 0),
        (np.zeros((1, 5)), 44100.5),
    ],
)
def test_wrong_arrays_and_rates_are_usage_errors(samples: np.ndarray, rate: int) -> None:
    with pytest.raises(UsageError):
        Hearing(samples, rate)
    with pytest.raises(UsageError, match="mode"):
        Hearing(np.ones((1, 5)), RATE, mode="new")  # type: ignore[arg-type]


@settings(deadline=None, max_examples=40)
@given(
    seed=st.integers(0, 99),
    length=st.integers(1, 30_000) | st.sampled_from([1, 2, 3, 4, 5, 17640]),
    rate=st.sampled_from([1, 50, 1000, 4000, 8000, 11025, 22051, 44100, 48000, 96000, 192000, 352801]),
    channels=st.sampled_from([1, 2, 3, 8]),
    level=st.sampled_from([1e-6, 1e-3, 1.0, 1e3]),
    mode=st.sampled_from(MODES),
)
def test_every_sound_is_heard_or_refused_in_words(
    seed: int, length: int, rate: int, channels: int, level: float, mode: Mode
) -> None:
    length = min(length, 20 * rate)
    try:
        hearing = Hearing(level * sound(seed, length, channels).astype(np.float32), rate, mode=mode)
        samples = hearing.samples
    except UnmeasurableError:
        return
    assert samples.ndim == 1
    assert samples.dtype == np.float64
    assert samples.flags.c_contiguous
    assert np.isfinite(samples).all()
    highest = 2.0 if mode == "classic" and rate < RATE else 1 + 1e-12  # a raised rate may overshoot
    assert np.abs(samples).max() <= highest
    assert hearing.sample_rate == (RATE if mode == "corrected" or rate < RATE else rate)
    assert hearing.channels.shape[0] == min(channels, 2)


@pytest.mark.parametrize("mode", MODES)
def test_what_is_heard_is_at_minus_24_lufs(mode: Mode) -> None:
    hearing = hear(sound(5, 3 * RATE), mode=mode)
    assert loudness(hearing.samples[None], sample_rate=RATE) == pytest.approx(-24, abs=1e-3)
    assert 20 * math.log10(hearing.gain) == pytest.approx(-24 - hearing.loudness_lufs, abs=1e-9)
    click = np.eye(1, RATE, 20000)
    assert np.abs(hear(click, mode=mode).samples).max() == pytest.approx(1)


@settings(deadline=None, max_examples=20)
@given(seed=st.integers(0, 99), gain=st.floats(1e-4, 10), before=st.integers(LEAST_CUT, 5000))
def test_gain_polarity_channels_and_silence_do_not_matter(seed: int, gain: float, before: int) -> None:
    samples = sound(seed, RATE, 2)
    samples[:, :LEAST_CUT] *= 1e-9
    plain = hear(samples).samples
    assert np.allclose(hear(gain * samples).samples, plain, atol=1e-6)
    assert np.allclose(hear(-samples).samples, -plain)
    assert np.allclose(hear(samples[::-1]).samples, plain)
    assert np.allclose(hear(np.pad(samples, ((0, 0), (before, 99)))).samples, plain)


def test_an_offset_does_not_matter() -> None:
    samples = 0.1 * np.random.default_rng(8).standard_normal((1, RATE))
    assert np.allclose(hear(samples - 0.4).samples, hear(samples).samples, atol=1e-12)


def test_quiet_ends_are_cut_and_a_short_beginning_is_kept() -> None:
    loud = np.ones(100)
    assert without_ends(np.pad(loud, (5000, 9000)), 0.001).size in range(100, 105)
    assert without_ends(np.pad(loud, (LEAST_CUT - 4, 0)), 0.001).size == 100 + LEAST_CUT - 4
    quiet = np.full(50, 1e-4)
    assert without_ends(quiet, 0.001) is quiet
    for size in range(1, 6):
        assert without_ends(np.ones(size), 0.001).size == size


def one_sided(decay_s: float, rate: int = RATE) -> np.ndarray:
    """A second of a note that never goes below 0."""
    time = np.arange(rate) / rate
    return np.exp(-time / decay_s) * (1 + np.sin(2 * np.pi * 400 * time))


def test_silence_before_a_sound_on_one_side_is_cut() -> None:
    # Less its mean, the sound has silence before it that lies below 0.
    hiss = 1e-5 * np.random.default_rng(1).standard_normal(64)
    loud = one_sided(0.03)
    samples = np.concatenate([hiss, loud]) - loud.mean()
    level = 1e-3 * np.abs(samples).max()
    assert abs(samples[:64]).min() > 10 * level
    assert without_ends(samples, level).size in range(RATE, RATE + 5)
    # Where a rate is converted, the silence rings, and is not equal samples any more.
    for rate in (48000, 96000):
        padded, plain = (
            hear(np.pad(one_sided(0.0025, rate), (zeros, 0)), rate).samples for zeros in (128, 0)
        )
        assert abs(padded.size - plain.size) <= 8


def test_a_note_that_begins_slowly_is_not_cut() -> None:
    time = np.arange(RATE) / RATE
    for begin in (2e-3, 0.01, 0.04):
        note = (begin + (1 - begin) * time) * np.cos(2 * np.pi * 100 * time)
        assert without_ends(note, 1e-3).size == RATE


def test_a_sharp_onset_is_found_at_one_place_at_every_rate() -> None:
    samples = 1e-5 * np.random.default_rng(5).standard_normal((1, 3 * RATE // 2))
    samples[0, RATE // 2 :] = np.random.default_rng(6).standard_normal(RATE) * np.exp(-np.arange(RATE) / 3000)
    plain = hear(samples).samples
    for rate in (48000, 96000):
        other = hear(resample(samples, from_rate=RATE, to_rate=rate), rate).samples
        both = np.stack([part[:20000] for part in (plain, other)])
        assert np.corrcoef(both)[0, 1] > 0.9


def test_silence_that_was_put_before_a_sound_is_as_if_it_were_not() -> None:
    plain = hear(sound(8, RATE))
    for zeros in (32, 1000, 70000):
        padded = hear(np.pad(sound(8, RATE), ((0, 0), (zeros, 0))))
        assert np.array_equal(padded.samples, plain.samples)


def test_a_piece_is_played_at_the_gain_of_the_whole() -> None:
    samples = np.pad(sound(7, RATE), ((0, 0), (2000, 2000)))
    piece = Hearing(samples, RATE, gain=3.0)
    assert piece.samples.size == samples.shape[1]
    heard = audible_band(samples[0] - samples.mean())
    assert np.allclose(piece.samples, 3 * (heard - heard.mean()))
    assert piece.gain == 3.0
