from __future__ import annotations

import json

import numpy as np
import pytest

from tonewright.audio.files import Clip, read
from tonewright.errors import AudioError
from tonewright.reverb.analysis import analyse
from tonewright.reverb.analysis.channel import onset
from tonewright.reverb.analysis.course import level_course

RATE = 48000


def decay(decay_s, seconds, *, rate=RATE, seed=0, channels=1, floor_db=None):
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * rate)) / rate
    samples = rng.standard_normal((channels, len(time))) * 10 ** (-3 * time / decay_s)
    if floor_db is not None:
        samples += rng.standard_normal(samples.shape) * 10 ** (-floor_db / 20)
    return 0.1 * samples


def clip(samples, rate=RATE):
    return Clip(np.asarray(samples, np.float32), rate)


def said(samples, rate=RATE):
    found = analyse(clip(samples, rate))
    json.dumps(found.to_dict(curves=True), allow_nan=False)
    assert len(found.table().splitlines()) == 2 + len(found.bands_hz)
    return " ".join(found.warnings)


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (np.zeros((2, 100)), "silent"),
        (np.zeros((1, 0)), "empty"),
        (np.full((1, 1000), 0.2), "offset"),
        ([[0.1, np.nan, np.inf]], "2 samples that are NaN"),
    ],
)
def test_what_holds_no_response_is_an_error_that_names_it(samples, words):
    with pytest.raises(AudioError, match=f"^hall.wav: .*{words}"):
        analyse(clip(samples), name="hall.wav")


@pytest.mark.parametrize("frames", [1, 2, 7, 40, 300, 2000])
def test_the_shortest_sounds_have_figures_or_say_why_not(frames):
    found = analyse(clip(decay(0.05, frames / RATE, channels=2)))
    assert not np.isfinite(found.t30_s[:, 0]).any()
    assert "no decay time" in " ".join(found.warnings)


def test_a_single_impulse_has_no_decay_but_a_level():
    samples = np.zeros((1, 48000))
    samples[0, 1000] = 0.5
    found = analyse(clip(samples))
    assert found.onset_samples[0] == 1000
    assert found.broadband.level_db[0] == pytest.approx(20 * np.log10(0.5), abs=0.1)
    assert not np.isfinite(found.decay_s).any()
    assert "no decay" in " ".join(found.warnings)


@pytest.mark.parametrize("seconds", [0.01, 0.02])
def test_no_part_of_the_energy_is_more_than_the_whole(seconds):
    found = analyse(clip(decay(0.02 if seconds < 0.015 else 1.0, seconds, seed=1)), bands="third")
    parts = np.concatenate([found.d50.ravel(), found.broadband.d50])
    assert np.nanmin(parts) >= 0
    assert np.nanmax(parts) <= 1
    assert np.nanmin(found.centre_time_s) >= 0


def test_a_good_response_raises_no_doubts():
    assert said(decay(1.0, 1.6, floor_db=60)) == ""


def test_clipping_is_told():
    samples = np.clip(8 * decay(1.0, 1.5), -0.5, 0.5)
    assert "clipped: " in said(samples)
    assert "clipped in channel 2" in said(np.concatenate([decay(1.0, 1.5, seed=1), samples]))


def test_an_offset_is_taken_away_and_told():
    samples = decay(1.0, 1.6, floor_db=60)
    first, second = analyse(clip(samples)), analyse(clip(samples + 0.03))
    assert second.warnings == ("a constant offset of 0.03 was taken away",)
    np.testing.assert_allclose(second.t30_s, first.t30_s, rtol=0.02)


def test_a_silent_channel_is_told_and_has_no_figures():
    found = analyse(clip(np.concatenate([decay(0.6, 1.0), np.zeros((1, RATE))])))
    assert found.warnings == ("channel 2 is silent throughout; it has no figures",)
    assert np.isfinite(found.t30_s[0]).all()
    assert not np.isfinite(found.t30_s[1]).any()
    assert np.isnan(found.mixing_time_s[1])


def test_too_little_range_lets_a_shorter_line_stand_in():
    found = analyse(clip(decay(0.8, 2.0, floor_db=31)))
    assert "all bands: T20 stands for T30" in " ".join(found.warnings)
    assert not np.isfinite(found.t30_s).any()
    np.testing.assert_array_equal(found.decay_s, found.t20_s)
    found = analyse(clip(decay(0.8, 2.0, floor_db=22)))
    assert "T10 stands for T30" in " ".join(found.warnings)
    assert found.decay_s[0, 4] == pytest.approx(0.8, rel=0.25)
    assert "no decay time, the decay can be followed by too few dB" in said(decay(0.8, 2.0, floor_db=12))


def test_a_decay_shorter_than_the_filters_ringing_is_not_given():
    found = analyse(clip(decay(0.04, 0.5)))
    assert np.isnan(found.decay_s[0, :2]).all()
    np.testing.assert_allclose(found.decay_s[0, 4:], 0.04, rtol=0.25)
    words = " ".join(found.warnings)
    assert "63 and 125 Hz: no decay time, the decay is shorter than the ringing" in words
    assert "500 Hz: decay times may be too long" in words


@pytest.mark.parametrize("rate", [100, 8000, 192000])
def test_every_rate_is_measured_as_far_as_it_reaches(rate):
    found = analyse(clip(decay(0.8, 1.3, rate=rate), rate))
    assert found.broadband.t30_s[0] == pytest.approx(0.8, rel=0.25 if rate < 1000 else 0.04)
    assert ("highest band that fits" in " ".join(found.warnings)) == (rate < 22050)
    assert all(found.bands_hz * 2**0.5 <= 1.05 * rate / 2)


def test_noise_after_a_minute_does_not_hide_the_room():
    found = analyse(clip(decay(0.7, 60, rate=8000, floor_db=45), 8000))
    assert found.broadband.t30_s[0] == pytest.approx(0.7, rel=0.05)
    assert not any("look" in words for words in found.warnings)


def syllables(seconds=4.0, seed=0):
    """Noise in bursts of speech's rate."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    samples = 0.001 * rng.standard_normal(len(time))
    for start in np.arange(0.1, seconds - 0.3, 0.27):
        place = (time >= start) & (time < start + 0.18)
        samples[place] += rng.uniform(0.03, 0.2) * rng.standard_normal(place.sum())
    return samples[None]


def test_what_is_no_room_is_called_what_it_looks_like():
    assert "looks like speech or music" in said(syllables())
    rng = np.random.default_rng(0)
    assert "looks like steady noise" in said(0.1 * rng.standard_normal((1, RATE)))
    assert "hardly decays" in said(decay(8.0, 0.8))
    time = np.arange(3 * RATE) / RATE
    chord = sum(
        np.sin(2 * np.pi * hz * time) for base in (220, 277.2, 329.6) for hz in base * np.arange(1, 20)
    )
    assert "looks like a note or a chord" in said(0.02 * chord[None] * 10 ** (-3 * time / 2.5))


def test_echoes_that_fade_are_no_music():
    samples = 0.01 * decay(1.2, 3.0)
    for index in range(8):
        samples[0, 12000 * index] += 0.9 * 0.6**index
    assert "looks like" not in said(samples)


def verdict(sound):
    samples = sound.samples.astype(float)
    start = min(onset(channel) for channel in samples)
    course = level_course(samples, sound.sample_rate, start=start)
    return course.verdict if course else ""


def test_songs_and_speech_are_told_from_rooms(shared):
    rooms = {path.stem: verdict(read(path)) for path in sorted((shared / "audio" / "rirs").glob("*.flac"))}
    assert set(rooms.values()) == {""}
    clips = {path.stem: verdict(read(path)) for path in sorted((shared / "audio" / "clips").glob("*.flac"))}
    # Left are a strummed chord and a plucked note, which fade as a room does.
    assert {name for name, words in clips.items() if not words} <= {"guitar_em9", "guitar_slide"}
    assert all("looks like speech or music" in words for name, words in clips.items() if "speech" in name)


@pytest.mark.parametrize(
    "name", ["rirs/rir_otala_m1_s01", "rirs/rir_audiomentations_48k", "clips/guitar_em9"]
)
def test_a_strummed_chord_is_told_from_rooms(shared, name):
    found = " ".join(analyse(read(shared / "audio" / f"{name}.flac")).warnings)
    assert ("looks like a note or a chord" in found) == ("guitar" in name)
    assert "clipped" not in found
