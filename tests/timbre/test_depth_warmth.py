"""Depth and warmth: parts against SciPy, known answers, the reference's values, sounds that have none."""

from __future__ import annotations

import contextlib
import csv
import math
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.clips import resample
from tonewright.audio.files import read
from tonewright.timbre.models import depth, warmth
from tonewright.timbre.names import MODES, Mode, UnmeasurableError
from tonewright.timbre.sound import Hearing

RATE = 44100
MODELS = {"depth": depth, "warmth": warmth}
# Short and long, of one note and of many, at 44.1 kHz and above.
FILES = (
    "clips/drums_tabla.flac",
    "clips/speech_vctk_p286.flac",
    "samples/arovane_beat_a.flac",
    "samples/bass_trance_c.flac",
    "samples/drum_tom_hi_soft.flac",
    "samples/elec_tick.flac",
    "samples/hat_raw.flac",
    "samples/hat_sci.flac",
    "samples/perc_snap.flac",
)


def heard(samples: np.ndarray, mode: Mode = "corrected", rate: int = RATE) -> Hearing:
    return Hearing(np.atleast_2d(samples), rate, mode=mode)


def tone(frequency_hz: float, seconds: float = 1.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(int(seconds * RATE)) / RATE)


def noise(length: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(length)


@pytest.mark.parametrize("name", FILES)
def test_classic_features_and_values_are_the_references(shared: Path, name: str):
    with (shared / "timbre" / "reference_features.csv").open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["file"] == name]
    clip = read(shared / "audio" / name)
    hearing = Hearing(clip.samples, clip.sample_rate, mode="classic")
    for descriptor, model in MODELS.items():
        expected = {row["feature"]: float(row["value"]) for row in rows if row["descriptor"] == descriptor}
        found = model.features(hearing)
        assert list(found._fields) == list(expected)
        for feature, weight, value in zip(expected, model._WEIGHTS, found, strict=True):
            assert abs(weight * (value - expected[feature])) < 1e-3, feature
        reference = model.value(type(found)(**expected))
        assert model.value(found) == pytest.approx(reference, abs=1e-3)


@pytest.mark.parametrize("frames", [1, 16, 23])
def test_spectra_of_depth_are_scipys(frames: int):
    """Both sounds, far apart in level and each with a mean, in frames that fill the lanes and that do not."""
    length = 4096 + 1024 * (frames - 1) + 500
    sound, lower = noise(length).cumsum() + 3.0, 1e-4 * (noise(length, 1) + 0.3)
    bins, _, powers = scipy.signal.spectrogram(
        np.stack([sound, lower]), 4096, "hamming", 4096, 3072, detrend="constant", scaling="spectrum"
    )
    centroid, total = depth._frame_sums(sound, lower.astype(np.float32))
    np.testing.assert_allclose(centroid, bins @ powers[1] / powers[1].sum(axis=0), rtol=1e-4)
    np.testing.assert_allclose(total, powers[0].sum(axis=1), rtol=1e-3, atol=1e-9 * powers[0].sum())


@pytest.mark.parametrize("length", [37, 5000, 8192, 30000])
def test_spectrum_of_a_note_is_scipys(length: int):
    samples = noise(length) + 0.2
    frame = min(length, 8192)
    _, _, expected = scipy.signal.spectrogram(samples, 1.0, nperseg=frame, noverlap=frame // 8, nfft=8192)
    expected = expected.sum(axis=1)
    found = warmth._spectrum(samples)
    np.testing.assert_allclose(found / found.max(), expected / expected.max(), atol=1e-10)


@given(length=st.integers(2, 9000))
@settings(deadline=None, max_examples=30)
def test_window_of_a_note_is_scipys(length: int):
    expected = scipy.signal.get_window(("tukey", 0.25), length)
    np.testing.assert_allclose(warmth.tapered_window(length), expected, atol=1e-12)


def test_straightness_is_the_squared_correlation():
    power = np.abs(noise(4097)) + 1e-3
    bins = np.arange(200, 4097)
    correlation = np.corrcoef(np.log10(bins), np.log10(power[200:]))[0, 1]
    assert warmth._straightness(power, 200, False) == pytest.approx(correlation**2, rel=1e-9)
    assert warmth._straightness(np.arange(1.0, 4098.0) ** -2, 1, False) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("mode", MODES)
def test_depth_of_a_low_tone(mode: Mode):
    found = depth.features(heard(tone(110.0, 2.0), mode))
    assert found.lower_centroid == pytest.approx(110, abs=3)
    assert found.lower_ratio == pytest.approx(1, abs=0.01)
    assert 10**found.log_pitch == pytest.approx(110, abs=2)
    assert 10**found.log_duration == pytest.approx(2, abs=0.1)
    assert found.ratio_x_duration == found.lower_ratio * found.log_duration


@pytest.mark.parametrize("mode", MODES)
def test_notes_that_ring_longer_are_deeper(mode: Mode):
    time_s = np.arange(2 * RATE) / RATE % 1.0
    short, long = (tone(200.0, 2.0) * 10 ** (-time_s / decay_s) for decay_s in (0.03, 0.2))
    lengths = [10 ** depth.features(heard(sound, mode)).log_duration for sound in (short, long)]
    # 40 dB take twice the time of 20 dB.
    np.testing.assert_allclose(lengths, [0.06, 0.4], rtol=0.2)
    assert depth.value(depth.features(heard(long, mode))) > depth.value(depth.features(heard(short, mode)))


@pytest.mark.parametrize("mode", MODES)
def test_warmth_of_tones(mode: Mode):
    low, high = (warmth.features(heard(tone(hz), mode)) for hz in (150.0, 3000.0))
    assert 10**low.log_centroid == pytest.approx(150, abs=8)
    assert 10**high.log_centroid == pytest.approx(3000, abs=8)
    assert low.low_ratio > 0.4
    assert high.low_ratio == 0
    assert low.mean_warm_region > high.mean_warm_region
    assert warmth.value(low) > warmth.value(high)


def test_silent_notes_have_no_warmth_in_the_classic_mode_and_do_not_count_in_the_other(monkeypatch):
    sound = np.concatenate([noise(RATE), np.zeros(RATE), noise(RATE)])
    # A filter rings for 64 samples into the silence.
    starts = np.array([0, RATE + 100, 2 * RATE - 100])
    monkeypatch.setattr(warmth, "find_onsets", lambda *_, **__: starts)
    with pytest.raises(UnmeasurableError, match="a note is silent"):
        warmth.features(heard(sound, "classic"))
    hearing = heard(sound)
    alone = [
        warmth._note(part, RATE, True)
        for part in (hearing.samples[: RATE + 100], hearing.samples[2 * RATE - 100 :])
    ]
    found = warmth.features(hearing)
    assert found.log_centroid == pytest.approx(math.log10(np.mean([n.centroid_hz for n in alone])), abs=1e-9)
    assert found.decay_score == pytest.approx(np.mean([note.decay_score for note in alone]), abs=1e-9)


def test_a_spectrum_with_a_zero_is_measured_where_it_is_positive():
    power = np.arange(1.0, 4098.0) ** -2
    power[500] = 0
    with pytest.raises(UnmeasurableError, match="zero"):
        warmth._straightness(power, 1, False)
    assert warmth._straightness(power, 1, True) == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("mode", MODES)
@given(length=st.integers(2, 12000), frequency_hz=st.floats(15, 20000), seed=st.integers(0, 99))
@settings(deadline=None, max_examples=20)
def test_any_length_has_a_value_or_a_reason(mode: Mode, length: int, frequency_hz: float, seed: int):
    rng = np.random.default_rng(seed)
    sound = rng.choice([0.0, 0.1]) * rng.standard_normal(length) + tone(frequency_hz, 1.0)[:length]
    try:
        hearing = heard(sound, mode)
    except UnmeasurableError:
        return
    for model in MODELS.values():
        with contextlib.suppress(UnmeasurableError):
            assert math.isfinite(model.value(model.features(hearing)))


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_gain_and_sign_change_nothing(model):
    sound = noise(40000) * np.repeat([0.1, 1, 0.3, 1], 10000) + tone(180.0)[:40000]
    values = [model.value(model.features(heard(gain * sound))) for gain in (1.0, -1.0, 0.25, 0.03)]
    np.testing.assert_allclose(values, values[0], atol=0.01)


@pytest.mark.parametrize("rate", [48000, 96000])
def test_the_same_sound_at_another_rate_has_the_same_values(rate: int):
    """The classic warmth hears where the filter of a conversion begins; the corrected one stops below it."""
    dull = scipy.signal.sosfilt(scipy.signal.butter(2, 3000, fs=RATE, output="sos"), noise(2 * RATE))
    sound = dull * np.tile(np.repeat([1.0, 0.1], RATE // 4), 4) + tone(220.0, 2.0)
    other = resample(np.atleast_2d(sound), from_rate=RATE, to_rate=rate)
    for model in MODELS.values():
        here, there = heard(sound), heard(other, rate=rate)
        difference = model.value(model.features(here)) - model.value(model.features(there))
        assert abs(difference) < 0.1
