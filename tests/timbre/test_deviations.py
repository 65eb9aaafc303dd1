"""Where the corrected mode differs from the classic one, and that it differs there."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tonewright import timbre
from tonewright.audio.clips import resample
from tonewright.timbre import describe
from tonewright.timbre.models import depth as depth_model
from tonewright.timbre.models import hardness as hardness_model
from tonewright.timbre.models import roughness as roughness_model
from tonewright.timbre.sound import Hearing
from tonewright.timbre.specific_loudness import specific_loudness

RATE = 44100


def noise(seconds: float, *, level: float = 0.1, seed: int = 0) -> np.ndarray:
    return level * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def note(hz: float = 220.0, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    partials = sum(np.sin(2 * np.pi * n * hz * time) / n for n in range(1, 20))
    return 0.1 * np.asarray(partials) * np.exp(-3 * time)


def both(name: str, sound: np.ndarray, rate: int = RATE) -> tuple[float, float]:
    """A value in the classic mode, and in the corrected one."""
    function = getattr(timbre, name)
    return function(sound, rate, mode="classic", raw=True), function(sound, rate, raw=True)


def test_the_rate() -> None:
    sound = note(110.0, 1.5)
    high = resample(sound[None], from_rate=RATE, to_rate=96000)[0]
    classic, corrected = both("boominess", sound)
    classic_high, corrected_high = both("boominess", high, 96000)
    assert abs(classic_high - classic) > 2
    assert corrected_high == pytest.approx(corrected, abs=0.1)


def test_all_channels() -> None:
    sound = np.zeros((4, RATE))
    sound[3] = note()
    classic, corrected = both("brightness", sound)
    assert math.isnan(classic)
    assert corrected == pytest.approx(timbre.brightness(sound[3], RATE), abs=1e-6)


def test_channels_that_cancel() -> None:
    sound = np.stack([note(), -note()])
    classic, corrected = both("warmth", sound)
    assert math.isnan(classic)
    assert corrected == pytest.approx(timbre.warmth(note(), RATE), abs=1e-6)
    assert any("cancel" in words for words in describe(sound, RATE).notes)


def test_a_constant() -> None:
    sound = 0.2 * note()
    classic, corrected = both("depth", sound + 0.3)
    plain_classic, plain_corrected = both("depth", sound)
    assert abs(classic - plain_classic) > 0.5
    assert corrected == pytest.approx(plain_corrected, abs=0.01)


def test_silent_ends() -> None:
    sound = note()
    plain_classic, plain_corrected = both("boominess", sound)
    for padding in ((2000, 0), (0, RATE)):
        _, corrected = both("boominess", np.pad(sound, padding))
        assert corrected == pytest.approx(plain_corrected, abs=1e-2)
    assert abs(both("boominess", np.pad(sound, (0, RATE)))[0] - plain_classic) > 0.1


def test_quiet_sounds() -> None:
    loud, quiet = noise(2.0), 10 ** (-80 / 20) * noise(2.0)
    classic, corrected = both("sharpness", quiet)
    assert math.isnan(classic)
    assert corrected == pytest.approx(timbre.sharpness(loud, RATE, raw=True), abs=1e-3)


def test_no_extra_frame() -> None:
    sound = noise(4096 * 6 / RATE)[None]
    frames = {mode: Hearing(sound, RATE, mode=mode).specific.power.size for mode in timbre.MODES}
    assert frames == {"classic": 7, "corrected": 6}


def test_pauses() -> None:
    sound = note(300.0, 0.5)
    with_pause = np.concatenate([sound, np.zeros(3 * RATE), sound])
    for name in ("roughness", "boominess"):
        classic, corrected = both(name, with_pause)
        plain_classic, plain_corrected = both(name, np.concatenate([sound, sound]))
        assert abs(corrected - plain_corrected) < 0.5 * abs(classic - plain_classic), name


def test_no_empty_columns() -> None:
    time = np.arange(round(0.3 * RATE)) / RATE
    sound = (np.sin(2 * np.pi * 440 * time) + np.sin(2 * np.pi * 470 * time))[None]
    found = {
        mode: roughness_model.features(Hearing(sound, RATE, mode=mode)).mean_roughness
        for mode in timbre.MODES
    }
    assert found["corrected"] == pytest.approx(found["classic"], rel=0.2)
    assert found["corrected"] > found["classic"]


def test_warmth_skips_silent_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    from tonewright.timbre.models import warmth as warmth_model

    sound = np.concatenate([note(220.0, 0.5), np.zeros(RATE // 2), note(330.0, 0.5)])
    starts = np.array([0, RATE // 2 + 100, RATE])
    monkeypatch.setattr(warmth_model, "find_onsets", lambda *arguments, **options: starts)
    sound[RATE // 2 :][: RATE // 2] = 0.0
    classic, corrected = both("warmth", sound)
    assert math.isnan(classic)
    assert math.isfinite(corrected)
    assert "silent" in describe(sound, RATE, mode="classic").reasons["warmth"]


def test_an_attack_of_one_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    time = np.arange(RATE) / RATE
    sound = np.concatenate([note(), np.exp(-8 * time) * np.cos(2 * np.pi * 500 * time)])

    def at_the_peak(samples: np.ndarray, *arguments: object, **options: object) -> np.ndarray:
        return np.array([4200, int(np.abs(samples[50000:]).argmax()) + 50000])

    monkeypatch.setattr(hardness_model, "find_onsets", at_the_peak)
    classic, corrected = both("hardness", sound)
    assert math.isnan(classic)
    assert math.isfinite(corrected)


def test_reverberation_time() -> None:
    rng = np.random.default_rng(2)
    dry = np.zeros(6 * RATE)
    for start in range(0, 5 * RATE, 2 * RATE):
        dry[start : start + 3000] = rng.standard_normal(3000)
    time = np.arange(3 * RATE) / RATE
    room = rng.standard_normal(time.size) * 10 ** (-3 * time / 3.0)
    wet = np.fft.irfft(np.fft.rfft(dry, 1 << 19) * np.fft.rfft(room, 1 << 19))[: dry.size]
    wet *= 0.3 / np.abs(wet).max()
    assert timbre.reverb(wet, RATE, mode="classic").time_s <= 1.1
    assert timbre.reverb(wet, RATE).time_s > 1.5


def test_up_to_18_khz() -> None:
    sound = note(220.0)
    spectrum = np.fft.rfft(0.01 * noise(1.0, seed=3))
    spectrum[np.fft.rfftfreq(RATE, 1 / RATE) < 20000] = 0.0
    hiss = np.fft.irfft(spectrum, RATE) * np.exp(-3 * np.arange(RATE) / RATE)
    for name in ("warmth", "hardness"):
        with_hiss, without = both(name, sound + hiss), both(name, sound + 0.03 * hiss)
        classic, corrected = abs(np.subtract(with_hiss, without))
        assert corrected < 0.2 * classic, name


def test_both_signs_are_alike() -> None:
    # The second frame holds but the beginning of a low note, which only rises or only falls.
    start, time = 2 * 4096 - 120, np.arange(2 * 4096 + 120) / RATE
    sound = np.concatenate([np.zeros(start), np.exp(-60 * time) * np.sin(2 * np.pi * 150 * time)])
    sound[:300] = noise(300 / RATE, level=0.02)
    for name, least in (("sharpness", 0.02), ("boominess", 0.05)):
        classic, corrected = np.abs(np.subtract(both(name, sound), both(name, -sound)))
        assert classic > least, name
        assert corrected < 1e-6, name
    for corrected in (False, True):
        rising, falling = (
            specific_loudness(turned, sample_rate=RATE, corrected=corrected).pattern
            for turned in (sound, -sound)
        )
        assert np.array_equal(rising, falling) == corrected


def test_the_gate_goes_with_the_sound() -> None:
    sound = np.concatenate([noise(2.0), 0.4 * note(200.0, 2.0)])
    quiet = 10 ** (-50 / 20) * sound
    loud_classic, loud_corrected = both("warmth", sound)
    classic, corrected = both("warmth", quiet)
    assert abs(classic - loud_classic) > 0.01
    assert corrected == pytest.approx(loud_corrected, abs=1e-3)


@pytest.mark.parametrize(
    ("peaks", "classic_hz", "corrected_hz"),
    [({0: 1.0}, 1.0, 20.0), ({0: 1.0, 93: 0.5}, 1.0, 93 * RATE / 4096), ({93: 1.0}, 93 * RATE / 4096, None)],
    ids=["nothing else", "another peak", "no such peak"],
)
def test_depth_of_a_sound_without_pitch(
    monkeypatch: pytest.MonkeyPatch, peaks: dict[int, float], classic_hz: float, corrected_hz: float | None
) -> None:
    spectra_of, total = depth_model._spectra, np.zeros(2049)
    for place, power in peaks.items():
        total[place] = power
    monkeypatch.setattr(depth_model, "_spectra", lambda hearing: spectra_of(hearing)._replace(total=total))
    for mode, hz in (("classic", classic_hz), ("corrected", corrected_hz or classic_hz)):
        found = depth_model.features(Hearing(note()[None], RATE, mode=mode))
        assert 10**found.log_pitch == pytest.approx(hz), mode


def test_depth_of_a_note_shorter_than_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    # Its only onset is found where it is more than 40 dB below its loudest block, but not yet at its end.
    sound = note()
    sound[RATE // 4 :] = 3e-3 * np.abs(sound).max() * np.sin(np.arange(RATE * 3 // 4) / 30)
    monkeypatch.setattr(depth_model, "find_onsets", lambda *arguments, **options: np.array([RATE - 4000]))
    classic, _ = both("depth", sound)
    assert math.isnan(classic)
    found = depth_model.features(Hearing(sound[None], RATE))
    assert 10**found.log_duration == pytest.approx(256 / RATE)


@pytest.mark.parametrize("length", [100, 300, 600, 1000, 1500])
def test_a_click_is_followed_by_silence(length: int) -> None:
    click = noise(length / RATE)
    # What is just loud enough not to be cut off takes the place of silence up to 2048 samples.
    followed = np.pad(click, (0, 2048 - length))
    followed[-1] = 3e-3 * np.abs(click).max()
    classic, corrected = both("hardness", click)
    if length < 512:
        assert math.isnan(classic)
    else:
        assert abs(classic - corrected) > 0.5
    assert corrected == pytest.approx(both("hardness", followed)[1], abs=0.5)
