"""What may enter a pool: judged on sounds made to be right or wrong, and on real ones never tuned on."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.clips import resample
from tonewright.audio.files import read
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.decoding import RawSound, Refused
from tonewright.audio.sources.levelling import (
    Trim,
    active_level_db,
    frame_levels_db,
    joined,
    kept_sections,
    levelling_gain_db,
)
from tonewright.audio.sources.screening import Screened, clipped_share, screen, steady_tone
from tonewright.audio.sources.screening_kind import features, speech_score

RATE = 22_050


def source(part: str = "voices") -> Source:
    return Source(
        name="s", package="s", manager="apt", part=part, size="small", megabytes=1.0, root="", files=("*",)
    )


def raw(samples: np.ndarray, *, rate: int = RATE, stems: dict[str, np.ndarray] | None = None) -> RawSound:
    return RawSound(
        name="a",
        file="a.wav",
        samples=np.atleast_2d(samples).astype(np.float32),
        sample_rate=rate,
        licence="CC0-1.0",
        author="",
        labels=("speech",),
        song="s/a",
        stems=stems,
    )


def speech(seconds: float, *, seed: int = 0, rate: int = RATE) -> np.ndarray:
    """Syllables: a hiss, a gliding voice with formants, now and then a pause; (1, time)."""
    random, parts, length = np.random.default_rng(seed), [], 0
    pitch_hz = random.uniform(110, 200)
    while length < seconds * rate:
        hiss = round(rate * random.uniform(0.04, 0.09))
        voiced = round(rate * random.uniform(0.1, 0.22))
        consonant = 0.15 * np.diff(random.standard_normal(hiss), prepend=0) * np.hanning(hiss)
        glide = np.linspace(*(pitch_hz * 2 ** random.uniform(-0.3, 0.3, 2)), voiced)
        phase = 2 * np.pi * np.cumsum(glide) / rate
        formants = (random.uniform(300, 800), random.uniform(900, 2200), 2600)
        vowel = np.zeros(voiced)
        for harmonic in range(1, 30):
            height = 0.02 + sum(1 / (1 + ((harmonic * pitch_hz - hz) / 120) ** 2) for hz in formants)
            vowel += height / harmonic**0.5 * np.sin(harmonic * phase)
        rest = round(rate * random.uniform(0.15, 0.5)) if random.random() < 0.25 else 0
        parts += [consonant, 0.3 * vowel * np.hanning(voiced), 1e-4 * random.standard_normal(rest)]
        length += hiss + voiced + rest
    return np.concatenate(parts)[None, : round(seconds * rate)].astype(np.float32)


def music(seconds: float, *, seed: int = 0, rate: int = RATE, channels: int = 1) -> np.ndarray:
    """Chords held for half a second over a bass, and some noise: (channels, time)."""
    random, time = np.random.default_rng(seed), np.arange(round(seconds * rate)) / rate
    sound = np.zeros((channels, len(time)))
    for beat in np.arange(0, seconds, 0.5):
        root = 55 * 2 ** (random.integers(0, 12) / 12)
        here = (time >= beat) & (time < beat + 0.5)
        for ratio in (1, 4, 5, 6):
            pan = random.uniform(0.3, 1, (channels, 1))
            for harmonic in range(1, 12):
                tone = np.sin(2 * np.pi * root * ratio * harmonic * time[here])
                sound[:, here] += 0.03 / harmonic * pan * tone
    return (sound + 0.002 * random.standard_normal(sound.shape)).astype(np.float32)


def reason(sound: np.ndarray, part: str = "voices", *, rate: int = RATE) -> str:
    result = screen(raw(sound, rate=rate), source(part))
    return result.reason if isinstance(result, Refused) else ""


def tone(frequency_hz: float, seconds: float, *, rate: int = RATE) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * frequency_hz * np.arange(round(seconds * rate)) / rate)[None]


class TestRefused:
    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_good_sound_is_not(self, seed: int) -> None:
        assert reason(speech(7, seed=seed)) == ""
        assert reason(music(9, seed=seed), "music") == ""
        assert reason(tone(440, 1), "instruments") == ""

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_nonfinite(self, value: float) -> None:
        sound = speech(2)
        sound[0, 1000] = value
        assert "NaN" in reason(sound)

    @pytest.mark.parametrize("frames", [0, 1, 50_000])
    @pytest.mark.parametrize("part", ["voices", "music", "instruments"])
    def test_silence(self, frames: int, part: str) -> None:
        assert reason(np.zeros((1, frames)), part).startswith("is silent")

    def test_a_whisper_of_noise(self) -> None:
        noise = 10 ** (-70 / 20) * np.random.default_rng(0).standard_normal((1, 40_000))
        assert reason(noise).startswith("is silent (-")

    @pytest.mark.parametrize("frequency_hz", [425.0, 700.0, 1000.0, 3000.0])
    def test_beeps(self, frequency_hz: float) -> None:
        beep = tone(frequency_hz, 0.5) + 1e-4 * np.random.default_rng(0).standard_normal((1, RATE // 2))
        said = re.match(r"is a beep \((\d+) Hz", reason(beep))
        assert said is not None
        assert float(said[1]) == pytest.approx(frequency_hz, abs=20)
        assert reason(np.tile(beep, 12), "music").startswith("is a beep")

    def test_clipping_above_a_hundredth(self) -> None:
        sound = speech(3)
        loud = np.clip(sound / np.quantile(np.abs(sound), 0.97), -1, 1)
        assert reason(loud).startswith("is clipped (3.")
        little = np.clip(sound / np.quantile(np.abs(sound), 0.995), -1, 1)
        result = screen(raw(little), source())
        assert isinstance(result, Screened)
        assert result.clipped == pytest.approx(0.005, rel=0.05)

    def test_too_narrow_a_band(self) -> None:
        dull = resample(resample(speech(4), from_rate=RATE, to_rate=4000), from_rate=4000, to_rate=RATE)
        assert "too narrow a band" in reason(dull)
        cut = resample(resample(music(9), from_rate=RATE, to_rate=8000), from_rate=8000, to_rate=RATE)
        assert "too narrow a band" in reason(cut, "music")
        assert reason(cut, "instruments") == ""

    def test_a_rate_that_lies(self) -> None:
        telephone = resample(speech(4), from_rate=RATE, to_rate=8000)
        assert reason(telephone, rate=8000) == ""
        assert "rate" in reason(resample(telephone, from_rate=8000, to_rate=44_100), rate=44_100)

    def test_what_is_too_short(self) -> None:
        assert "too short" in reason(np.concatenate([speech(0.03), np.zeros((1, RATE))], axis=1))
        assert "too short" in reason(music(2), "music")

    @pytest.mark.parametrize("seed", [0, 1, 2])
    def test_what_is_misfiled(self, seed: int) -> None:
        assert reason(speech(9, seed=seed), "music").startswith("is speech filed as music")
        assert reason(music(9, seed=seed), "voices").startswith("is music filed as voice")


class TestEntered:
    def test_has_one_rate_and_one_level(self) -> None:
        for gain in (0.01, 1.0):
            result = screen(raw(gain * speech(6)), source())
            assert isinstance(result, Screened)
            sound = result.sounds["mixture"]
            assert sound.dtype == np.int16
            samples = sound / np.float32(32768)
            level = active_level_db(samples, sample_rate=44_100)
            peak_db = 20 * np.log10(np.abs(samples).max())
            assert level == pytest.approx(-20, abs=0.05) or peak_db == pytest.approx(-1, abs=0.05)
            assert level < -19.9
            assert peak_db < -0.95

    def test_gain_and_level_say_what_was_done(self) -> None:
        result = screen(raw(0.05 * speech(6)), source())
        louder = screen(raw(0.1 * speech(6)), source())
        assert isinstance(result, Screened)
        assert isinstance(louder, Screened)
        assert louder.level_db - result.level_db == pytest.approx(20 * np.log10(2), abs=0.01)
        assert result.gain_db - louder.gain_db == pytest.approx(20 * np.log10(2), abs=0.01)
        assert result.source_rate == RATE

    def test_silence_is_cut_and_pauses_shortened(self) -> None:
        one, other = speech(1.5, seed=4), speech(1.5, seed=5)
        gap = np.zeros((1, RATE))
        sound = np.concatenate([np.tile(gap, 2), one, np.tile(gap, 3), other, gap], axis=1)
        result = screen(raw(sound), source())
        assert isinstance(result, Screened)
        assert result.frames / 44_100 == pytest.approx(3.0 + 0.4 + 0.13, abs=0.35)

    def test_offset_is_taken_away(self) -> None:
        result = screen(raw(speech(5) + 0.3), source())
        assert isinstance(result, Screened)
        assert abs(result.sounds["mixture"].mean() / 32768) < 1e-3
        plain = screen(raw(speech(5)), source())
        assert isinstance(plain, Screened)
        assert result.level_db == pytest.approx(plain.level_db, abs=0.1)

    def test_stereo_is_kept_where_it_is_wide(self) -> None:
        wide, narrow = music(8, channels=2), np.repeat(music(8), 2, axis=0)
        for sound, channels in ((wide, 2), (narrow, 1)):
            result = screen(raw(sound), source("music"))
            assert isinstance(result, Screened)
            assert result.sounds["mixture"].shape[0] == channels
        voice = screen(raw(np.repeat(speech(4), 2, axis=0)), source())
        assert isinstance(voice, Screened)
        assert voice.sounds["mixture"].shape[0] == 1

    def test_of_two_microphones_the_louder_is_taken(self) -> None:
        """Their mean would be a comb filter."""
        voice = speech(4)
        apart = np.concatenate([0.3 * np.roll(voice, 40), voice])
        result, alone = screen(raw(apart), source()), screen(raw(voice), source())
        assert isinstance(result, Screened)
        assert isinstance(alone, Screened)
        assert result.digest == alone.digest

    def test_stems_stay_aligned_and_add_up(self) -> None:
        drums, rest = music(8, seed=1, channels=2), music(8, seed=2, channels=2)
        stems = {"mixture": drums + rest, "drums": drums, "rest": rest}
        result = screen(raw(stems["mixture"], stems=stems), source("music"))
        assert isinstance(result, Screened)
        assert tuple(result.sounds) == ("mixture", "drums", "rest")
        total = result.sounds["drums"].astype(int) + result.sounds["rest"]
        assert np.abs(total - result.sounds["mixture"]).max() <= 2

    def test_a_sum_of_stems_is_not_clipped_as_published(self) -> None:
        stem = 0.9 * music(8) / np.abs(music(8)).max()
        result = screen(raw(2 * stem, stems={"mixture": 2 * stem, "a": stem, "b": stem}), source("music"))
        assert isinstance(result, Screened)
        assert result.clipped == 0

    def test_the_same_sound_has_the_same_digest_whatever_its_name(self) -> None:
        first, second = screen(raw(speech(3)), source()), screen(raw(speech(3)), source())
        other = screen(raw(speech(3, seed=1)), source())
        assert isinstance(first, Screened)
        assert isinstance(second, Screened)
        assert isinstance(other, Screened)
        assert first.digest == second.digest != other.digest


class TestLevelling:
    @settings(deadline=None, max_examples=20)
    @given(gain_db=st.floats(-60, 0), rate=st.sampled_from([8000, 16_000, 44_100]))
    def test_level_of_a_steady_sound_is_its_rms(self, gain_db: float, rate: int) -> None:
        sound = 10 ** (gain_db / 20) * np.sign(np.sin(np.arange(rate) * 0.3 + 0.1))[None]
        assert active_level_db(sound, sample_rate=rate) == pytest.approx(gain_db, abs=0.01)
        padded = np.concatenate([sound, np.zeros((1, 10 * rate))], axis=1)
        assert active_level_db(padded, sample_rate=rate) == pytest.approx(gain_db, abs=0.2)

    def test_a_high_peak_limits_the_gain(self) -> None:
        sound = 0.01 * np.ones((1, 44_100))
        sound[0, 20_000] = 0.5
        gain = levelling_gain_db(sound, sample_rate=44_100)
        assert 20 * np.log10(0.5) + gain == pytest.approx(-1)

    def test_frames_cover_everything(self) -> None:
        sound = np.zeros((2, 1005))
        sound[1, -1] = 1.0
        levels = frame_levels_db(sound, sample_rate=1000)
        assert len(levels) == 101
        assert levels[-1] == pytest.approx(10 * np.log10(1 / 2 / 5))
        assert (levels[:-1] == -120).all()

    def test_sections_and_what_is_kept_around_them(self) -> None:
        sound = np.zeros((1, 10_000))
        sound[:, 2000:3000] = sound[:, 7000:8000] = 0.5
        trim = Trim(range_db=40, before_s=0.1, after_s=0.2, longest_pause_s=0.4)
        sections = kept_sections(sound, trim, sample_rate=1000)
        assert sections == [(1900, 3200), (6800, 8200)]
        assert joined(sound, sections, sample_rate=1000).shape == (1, 2700)
        whole = Trim(range_db=40, before_s=0.1, after_s=0.2)
        assert kept_sections(sound, whole, sample_rate=1000) == [(1900, 8200)]

    def test_cuts_are_faded_and_nothing_else(self) -> None:
        sound = np.ones((1, 4000))
        kept = joined(sound, [(0, 1000), (3000, 4000)], sample_rate=1000)
        assert kept[0, 0] == kept[0, -1] == 1
        assert kept[0, 999] < 0.2
        assert kept[0, 1000] < 0.2
        assert (sound == 1).all()


class TestMeasures:
    @settings(deadline=None, max_examples=20)
    @given(count=st.integers(0, 1000))
    def test_clipped_share_counts_both_ends(self, count: int) -> None:
        sound = np.zeros((2, 1000), np.float32)
        sound[0, :count] = 1 - 2.0**-15
        sound[1, :count] = -1.0
        assert clipped_share(sound) == pytest.approx(count / 1000)

    def test_steady_tone_finds_its_frequency(self) -> None:
        share, frequency = steady_tone(tone(1000, 1), sample_rate=RATE)
        assert share == 1
        assert frequency == pytest.approx(1000, abs=20)
        glide = np.sin(2 * np.pi * np.cumsum(np.linspace(300, 3000, RATE)) / RATE)[None]
        assert steady_tone(glide, sample_rate=RATE)[0] < 0.1

    def test_score_does_not_depend_on_level_or_rate(self) -> None:
        sound = speech(8)
        score = speech_score(sound, sample_rate=RATE)
        again = speech_score(0.1 * resample(sound, from_rate=RATE, to_rate=48_000), sample_rate=48_000)
        assert score is not None
        assert again == pytest.approx(score, abs=0.5)

    def test_too_short_or_silent_has_no_score(self) -> None:
        assert speech_score(speech(2), sample_rate=RATE) is None
        assert speech_score(np.zeros((1, 10 * RATE)), sample_rate=RATE) is None
        assert len(features(np.zeros((1, 10)), sample_rate=RATE)) == 0


class TestOnTheBand:
    def test_its_voices_are_more_like_speech_than_its_songs(self, band: Path) -> None:
        """They sing: nobody would take them for speech, but for music still less."""
        songs = sorted(band.glob("t*/*/mixture.wav"))
        assert songs
        for song in songs:
            voice, mix = read(song.with_name("vocals.wav")), read(song)
            of_voice = speech_score(voice.samples, sample_rate=voice.sample_rate)
            of_mix = speech_score(mix.samples, sample_rate=mix.sample_rate)
            assert of_voice is not None
            assert of_mix is not None
            assert of_voice > of_mix + 2
            assert of_mix < -4


class TestOnRealRecordings:
    """The limits were fitted without these."""

    def scores(self, shared: Path, pattern: str) -> dict[str, float]:
        """Of all recordings of a kind that are long enough, one at least."""
        found = {}
        for path in sorted((shared / "audio" / "clips").glob(pattern)):
            clip = read(path)
            score = speech_score(clip.samples, sample_rate=clip.sample_rate)
            if score is not None:
                found[path.stem] = score
        assert found, pattern
        return found

    def test_speech_and_mixes_are_told_apart(self, shared: Path) -> None:
        assert all(score > 3 for score in self.scores(shared, "speech_*.flac").values())
        assert all(score < -4 for score in self.scores(shared, "mix_*.flac").values())

    def test_no_music_would_be_refused(self, shared: Path) -> None:
        for pattern in ("mix_*", "solo_*", "guitar_*", "bass_*", "drums_*", "synth_*"):
            assert all(score < 4 for score in self.scores(shared, f"{pattern}.flac").values())

    def test_no_voice_would_be_refused(self, shared: Path) -> None:
        for pattern in ("speech_*", "singing_*"):
            assert all(score > -6 for score in self.scores(shared, f"{pattern}.flac").values())
