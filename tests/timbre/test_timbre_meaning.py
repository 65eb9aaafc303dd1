"""What the descriptors mean: answers known beforehand, and what must not change them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, fftconvolve, sosfilt

from tonewright import timbre
from tonewright.audio.files import read
from tonewright.dsp import high_shelf, peaking
from tonewright.timbre import DESCRIPTORS, MODES, describe

RATE = 44100
POINTS = DESCRIPTORS[:-1]


def tone(*partials_hz: float, seconds: float = 1.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    return 0.2 * np.sum([np.sin(2 * np.pi * hz * time) for hz in partials_hz], axis=0)


def instrument(seed: int, seconds: float = 0.7, *, highest_hz: float = 900.0) -> np.ndarray:
    """A note with partials, an attack, a decay and some breath, all drawn."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(seconds * RATE)) / RATE
    pitch, tilt = rng.uniform(60, highest_hz), rng.uniform(0.6, 2.0)
    count = int(rng.integers(2, 25))
    partials = [n**-tilt * np.sin(2 * np.pi * n * pitch * time) for n in range(1, count) if n * pitch < 18e3]
    attack = np.minimum(time / rng.uniform(0.001, 0.05), 1.0)
    decay = np.exp(-time * rng.uniform(1, 12))
    sound = np.sum(partials, axis=0) * attack * decay + rng.uniform(0.001, 0.02) * rng.standard_normal(
        time.size
    )
    return 0.5 * sound / np.abs(sound).max()


def coloured(seed: int, seconds: float = 0.7) -> np.ndarray:
    """Noise whose spectrum falls by 2 to 6 dB an octave, fading."""
    rng = np.random.default_rng(seed)
    size = round(seconds * RATE)
    spectrum = np.fft.rfft(rng.standard_normal(size))
    spectrum[1:] /= np.arange(1, spectrum.size) ** rng.uniform(0.33, 1.0)
    sound = np.fft.irfft(spectrum, size) * np.exp(-rng.uniform(0, 6) * np.arange(size) / RATE)
    return 0.5 * sound / np.abs(sound).max()


def filtered(sound: np.ndarray, section: tuple[np.ndarray, np.ndarray]) -> np.ndarray:
    b, a = (np.asarray(part, dtype=float).reshape(-1) for part in section)
    return sosfilt(np.concatenate([b / a[0], a / a[0]])[None], sound)


def test_a_sine_is_not_rough_and_two_sines_near_each_other_are() -> None:
    alone, near, far = (timbre.roughness(tone(*hz), RATE) for hz in ((440,), (440, 470), (440, 740)))
    assert alone == 0
    assert near > 30
    assert near > far + 10


@pytest.mark.parametrize("mode", MODES)
def test_brightness_rises_with_a_high_shelf(mode: timbre.names.Mode) -> None:
    shelf = high_shelf(3000.0, 0.7, 6.0, sample_rate=RATE)
    for seed in range(100):
        sound = instrument(seed)
        brighter = timbre.brightness(filtered(sound, shelf), RATE, mode=mode)
        assert brighter > timbre.brightness(sound, RATE, mode=mode), seed


def test_depth_falls_with_a_low_cut() -> None:
    cut = butter(4, 300, "highpass", fs=RATE, output="sos")
    for seed in range(20):
        sound = instrument(seed, highest_hz=140)
        assert timbre.depth(sosfilt(cut, sound), RATE) < timbre.depth(sound, RATE), seed


def test_boominess_rises_with_a_resonance_at_80_hz() -> None:
    resonance = peaking(80.0, 2.0, 12.0, sample_rate=RATE)
    for seed in range(20):
        sound = coloured(seed)
        assert timbre.boominess(filtered(sound, resonance), RATE) > timbre.boominess(sound, RATE), seed


def test_sharpness_falls_with_a_low_pass() -> None:
    low = butter(2, 1500, fs=RATE, output="sos")
    for seed in range(20):
        sound = instrument(seed)
        assert timbre.sharpness(sosfilt(low, sound), RATE) < timbre.sharpness(sound, RATE), seed


def test_hardness_falls_with_a_slow_attack() -> None:
    time = np.arange(RATE) / RATE
    fall = np.exp(-4 * time)
    carrier = sum(np.sin(2 * np.pi * 220 * n * time) / n for n in range(1, 12))
    values = [
        timbre.hardness(0.1 * carrier * fall * np.minimum(time / attack, 1), RATE)
        for attack in (0.002, 0.03, 0.2)
    ]
    assert values[0] > values[1] > values[2]


def test_warmth_falls_when_the_spectrum_is_tilted_up() -> None:
    shelf = high_shelf(1500.0, 0.7, 9.0, sample_rate=RATE)
    for seed in range(20):
        sound = coloured(seed)
        assert timbre.warmth(filtered(sound, shelf), RATE) < timbre.warmth(sound, RATE), seed


def bursts(seconds: float = 5.0) -> np.ndarray:
    """Dry bursts of noise, as of speech."""
    rng = np.random.default_rng(3)
    sound = np.zeros(round(seconds * RATE))
    for start in np.arange(0.1, seconds - 0.3, 0.55):
        length = round(rng.uniform(0.08, 0.2) * RATE)
        begin = round(start * RATE)
        sound[begin : begin + length] = rng.standard_normal(length) * np.hanning(length)
    return sound


def test_probability_of_reverb_and_the_time_heard_rise_with_the_length_of_a_room() -> None:
    rng, dry = np.random.default_rng(5), bursts()
    found = []
    for decay_s in (0.2, 0.6, 1.2, 2.5):
        time = np.arange(round(1.3 * decay_s * RATE)) / RATE
        room = rng.standard_normal(time.size) * 10 ** (-3 * time / decay_s)
        wet = fftconvolve(dry, room)
        found.append(timbre.reverb(0.3 * wet / np.abs(wet).max(), RATE))
    probabilities = [each.probability for each in found]
    times = [each.time_s for each in found]
    assert probabilities == sorted(probabilities)
    assert times == sorted(times)
    assert times[-1] > 3 * times[0]


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), gain_db=st.floats(-40, 0), mode=st.sampled_from(MODES))
def test_gain_and_polarity_change_nothing(seed: int, gain_db: float, mode: timbre.names.Mode) -> None:
    sound = instrument(seed)
    for changed in (10 ** (gain_db / 20) * sound, -sound):
        first, second = (describe(each, RATE, mode=mode, raw=True) for each in (sound, changed))
        for name in POINTS:
            # Equal levels of an envelope are ordered by their last bits, which moves the start of an attack;
            # so it goes with a peak of the spectrum that only just stands out.
            most = {"hardness": 1.0, "roughness": 0.5}.get(name, 0.01)
            assert second[name] == pytest.approx(first[name], abs=most, nan_ok=True), name
        assert second["reverb_probability"] == pytest.approx(first["reverb_probability"], abs=1e-6)


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), mode=st.sampled_from(MODES))
def test_the_order_of_channels_changes_nothing(seed: int, mode: timbre.names.Mode) -> None:
    sound = np.stack([instrument(seed), instrument(seed + 1)])
    first, second = (describe(each, RATE, mode=mode, raw=True) for each in (sound, sound[::-1]))
    for name in POINTS:
        assert second[name] == pytest.approx(first[name], abs=1e-3, nan_ok=True), name


@settings(deadline=None, max_examples=10)
@given(seed=st.integers(0, 1000), zeros=st.integers(32, 50000), before=st.booleans())
def test_silence_around_a_sound_changes_nothing(seed: int, zeros: int, before: bool) -> None:
    sound = instrument(seed)
    padded = np.pad(sound, (zeros, 0) if before else (0, zeros))
    first, second = (describe(each, RATE, raw=True) for each in (sound, padded))
    for name in POINTS:
        assert second[name] == pytest.approx(first[name], abs=1e-3, nan_ok=True), name


def test_a_constant_changes_nothing() -> None:
    sound = instrument(7)
    first, second = (describe(each, RATE, raw=True) for each in (sound, 0.5 * sound + 0.4))
    for name in POINTS:
        assert second[name] == pytest.approx(first[name], abs=0.01), name


@pytest.mark.parametrize("rate", [48000, 96000])
def test_the_rate_changes_nothing(rate: int) -> None:
    from tonewright.audio.clips import resample

    for seed in range(4):
        low = sosfilt(butter(8, 16000, fs=RATE, output="sos"), instrument(seed))[None]
        first = describe(low, RATE, raw=True)
        second = describe(resample(low, from_rate=RATE, to_rate=rate), rate, raw=True)
        for name in POINTS:
            assert second[name] == pytest.approx(first[name], abs=0.2), (name, seed)


def test_real_rooms_are_heard(shared: Path) -> None:
    dry = read(shared / "audio" / "clips" / "speech_vctk_p286.flac")
    room = read(shared / "audio" / "rirs" / "rir_stpatricks1.flac").resampled(dry.sample_rate)
    wet = fftconvolve(dry.samples[0], room.samples[0]).astype(np.float32)
    assert timbre.reverb(wet, dry.sample_rate).time_s > 2 * timbre.reverb(dry).time_s
