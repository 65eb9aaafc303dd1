"""How the band sounds: notes where the score has them, hits on their beats, a voice that is a voice."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfiltfilt

from tonewright.audio.band import synthesis
from tonewright.audio.band.bass import draw_bass, play_bass
from tonewright.audio.band.composing import BASS_STYLES, compose
from tonewright.audio.band.drums import PIECES, draw_kit, play_drums, strike
from tonewright.audio.band.glottis import SHAPES, glottal_source, pulse
from tonewright.audio.band.mixing import STEMS, compressed, limiter_gain, mix
from tonewright.audio.band.other import INSTRUMENTS, draw_timbre, play_instrument
from tonewright.audio.band.rooms import ROOM_NAMES, draw_room, room_decays_s, room_response
from tonewright.audio.band.score import Hit, Note, Sung
from tonewright.audio.band.voice import draw_singer, sing

RATE = synthesis.SAMPLE_RATE


def frequency_of(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    """Fundamental by the first strong peak of the autocorrelation, refined by a parabola."""
    x = samples.astype(np.float64) - samples.mean()
    power = np.abs(np.fft.rfft(x, 4 * len(x))) ** 2
    correlation = np.fft.irfft(power)[: len(x)] / np.arange(len(x), 0, -1)
    first, last = int(RATE / high_hz), min(int(RATE / low_hz) + 2, len(x) - 1)
    part = correlation[first:last]
    peaks = [k for k in range(1, len(part) - 1) if part[k - 1] < part[k] >= part[k + 1]]
    best = next(k for k in peaks if part[k] > 0.85 * max(part[j] for j in peaks))
    left, middle, right = part[best - 1 : best + 2]
    return RATE / (first + best + 0.5 * (left - right) / (left - 2 * middle + right))


def cents_off(measured_hz: float, pitch: float) -> float:
    return abs(1200 * np.log2(measured_hz / float(synthesis.hz_from_pitch(pitch))))


def middle_of(track: np.ndarray, note, share: tuple[float, float] = (0.35, 0.85)) -> np.ndarray:
    start, end = (int((note.start_s + part * note.seconds) * RATE) for part in share)
    return track[start:end]


def share_db(samples: np.ndarray, low_hz: float, high_hz: float) -> float:
    power = np.abs(np.fft.rfft(samples)) ** 2
    frequency = np.fft.rfftfreq(len(samples), 1 / RATE)
    inside = (frequency >= low_hz) & (frequency < high_hz)
    return float(10 * np.log10(power[inside].sum() / power.sum()))


# The tools.


@settings(deadline=None, max_examples=30)
@given(st.integers(1, 3000), st.integers(0, 99))
def test_a_moving_filter_that_does_nothing_gives_its_input(length, seed):
    sound = np.random.default_rng(seed).standard_normal(length).astype(np.float32)
    frames = -(-length // 256) + 1
    same = synthesis.moving_filter(
        sound,
        lambda part: np.ones((part.stop - part.start, 1025), dtype=np.complex64),
        active=np.ones(frames, dtype=bool),
    )
    assert np.allclose(same, sound, atol=1e-5)


def test_a_moving_filter_that_stands_still_convolves():
    rng = np.random.default_rng(1)
    sound, taps = rng.standard_normal(4000).astype(np.float32), rng.standard_normal(900)
    response = np.fft.rfft(taps, 2048)[None]
    filtered = synthesis.moving_filter(
        sound,
        lambda part: np.repeat(response, part.stop - part.start, axis=0),
        active=np.ones(17, dtype=bool),
    )
    assert np.allclose(filtered, np.convolve(sound, taps)[:4000], atol=1e-3)


@settings(deadline=None, max_examples=25)
@given(st.floats(30, 1500), st.integers(0, 99))
def test_a_table_reads_as_the_sum_of_its_sines(frequency_hz, seed):
    rng = np.random.default_rng(seed)
    amplitudes = rng.standard_normal(8)
    phase = synthesis.phase_of(np.full(2000, frequency_hz), start=0.3)
    wave = synthesis.read_table(synthesis.wavetables(amplitudes), phase)
    exact = sum(a * np.sin(2 * np.pi * (k + 1) * phase) for k, a in enumerate(amplitudes))
    assert np.allclose(wave, exact, atol=2e-3)


@settings(deadline=None, max_examples=25)
@given(st.floats(40, 900), st.integers(0, 99))
def test_plucked_strings_are_in_tune_and_fade(frequency_hz, seed):
    sound = synthesis.plucked_string(
        frequency_hz,
        1.0,
        decay_s=2.0,
        damping_hz=2000.0,
        pick=0.13,
        brightness_hz=3000.0,
        rng=np.random.default_rng(seed),
    )
    measured = frequency_of(sound[4000:20000], 0.7 * frequency_hz, 1.5 * frequency_hz)
    assert abs(1200 * np.log2(measured / frequency_hz)) < 6
    early, late = (np.sqrt(np.mean(part**2)) for part in (sound[4410:8820], sound[30000:34410]))
    fall_db = 20 * np.log10(early / late)
    assert fall_db >= 60 * (32205 - 6615) / RATE / 2.0 - 6
    assert fall_db < 60


def test_bands_of_noise_fade_at_their_own_rates():
    rng = np.random.default_rng(0)
    noise = synthesis.decaying_noise(3 * RATE, (300.0, 1200.0, 4800.0), (1.0, 1.0, 1.0), (2.0, 1.0, 0.5), rng)
    for center, time_s in ((300, 2.0), (1200, 1.0), (4800, 0.5)):
        band = sosfiltfilt(butter(4, [center / 1.2, center * 1.2], "band", fs=RATE, output="sos"), noise)
        parts = [np.mean(band[int(t * RATE) : int((t + 0.1) * RATE)] ** 2) for t in (0.0, 0.3)]
        assert 10 * np.log10(parts[0] / parts[1]) == pytest.approx(60 * 0.3 / time_s, rel=0.25)


@settings(deadline=None, max_examples=20)
@given(st.floats(0.1, 5.0), st.integers(0, 99))
def test_the_limiter_holds_its_ceiling(ceiling, seed):
    sound = np.random.default_rng(seed).standard_normal((2, 5000)) * 3
    gain = limiter_gain(sound, ceiling)
    assert np.abs(sound * gain).max() <= ceiling * (1 + 1e-9)
    assert gain.max() <= 1 + 1e-12


def test_compression_brings_loud_and_soft_nearer():
    t = np.arange(2 * RATE) / RATE
    sound = np.stack([np.sin(2 * np.pi * 220 * t) * np.where(t < 1, 1.0, 0.2)] * 2)
    out = compressed(sound, ratio=2.5)

    def step_db(x):
        return 20 * np.log10(x[0, RATE // 4 : RATE // 2].std() / x[0, -RATE // 2 : -RATE // 4].std())

    assert 3 < step_db(out) < step_db(sound) - 3


# The voice.


@pytest.mark.parametrize("shape", SHAPES)
def test_glottal_flow_returns_to_zero(shape):
    flow_derivative = pulse(shape, 8192)
    assert abs(flow_derivative.sum() / 8192) < 1e-3
    assert flow_derivative.min() == pytest.approx(-1.0, abs=0.01)
    flow = np.cumsum(flow_derivative) / 8192
    assert flow.min() > -1e-3
    assert 0.3 < np.argmax(flow) / 8192 < 0.9 or shape < 0.5


def test_breathy_pulses_are_darker_than_pressed_ones():
    tilts = []
    for shape in (0.5, 1.0, 2.0):
        source, _ = glottal_source(
            np.full(RATE // 2, 150.0),
            np.full(RATE // 2, shape),
            np.random.default_rng(0),
            jitter=0.0,
            shimmer=0.0,
        )
        tilts.append(share_db(source, 2000, 16000))
    assert tilts[0] > tilts[1] + 2 > tilts[2] + 4


def test_the_voice_sings_the_notes_of_the_score():
    for index in (0, 3):
        score = compose(index, seconds=12.0)
        rng = np.random.default_rng(index)
        track = sing(score.voice, draw_singer(score.register, rng), 12.0, rng)
        off = [
            cents_off(frequency_of(middle_of(track, note), 70, 900), note.pitch)
            for note in score.voice
            if note.seconds > 0.25 and note.start_s + note.seconds < 11.9
        ]
        assert len(off) >= 5
        assert np.mean(np.array(off) < 60) >= 0.85, (index, np.round(off))
        assert np.median(off) < 25


@pytest.mark.parametrize(("register", "pitch"), [("baritone", 50), ("soprano", 69)])
def test_long_notes_have_a_vibrato_of_singers(register, pitch):
    rng = np.random.default_rng(5)
    track = sing((Sung(0.2, 3.2, pitch, 0.9, ("AA",)),), draw_singer(register, rng), 3.6, rng)
    base = float(synthesis.hz_from_pitch(pitch))
    starts = np.arange(int(0.3 * RATE), int(3.2 * RATE), 441)
    track_hz = np.array([frequency_of(track[k : k + 1764], base / 1.3, base * 1.3) for k in starts])
    cents = 1200 * np.log2(track_hz / base)
    late = cents[60:260] - np.mean(cents[60:260])
    spectrum = np.abs(np.fft.rfft(late * np.hanning(len(late)), 4096))
    rate = np.fft.rfftfreq(4096, 0.01)
    peak = rate[2:][np.argmax(spectrum[2:] * (rate[2:] > 2))]
    assert 4.5 < peak < 7.0
    assert 15 < late.std() * np.sqrt(2) < 90
    early = cents[3:12]
    assert early.std() < 0.6 * late.std()  # it sets in late


def test_vowels_have_their_formants():
    rng = np.random.default_rng(2)
    singer = draw_singer("baritone", rng)
    notes = tuple(Sung(0.2 + k, 0.9, 48, 0.9, (vowel,)) for k, vowel in enumerate(("IY", "AA", "UW")))
    track = sing(notes, singer, 3.4, rng)
    iy, aa, uw = (middle_of(track, note, (0.3, 0.7)) for note in notes)
    assert share_db(iy, 1800, 3000) > share_db(uw, 1800, 3000) + 12
    assert share_db(aa, 580, 1400) > share_db(iy, 580, 1400) + 12
    assert share_db(iy, 100, 450) > share_db(aa, 100, 450) + 6


def harmonicity(samples: np.ndarray) -> float:
    """Highest normalised autocorrelation at lags of 80 to 800 Hz."""
    x = samples - samples.mean()
    lags = range(RATE // 800, RATE // 80)
    return max(float(np.corrcoef(x[:-lag], x[lag:])[0, 1]) for lag in lags)


def test_a_voice_is_not_a_beep():
    rng = np.random.default_rng(3)
    singer = draw_singer("alto", rng)
    notes = (Sung(1.0, 0.6, 60, 0.9, ("AA",)), Sung(1.6, 0.8, 62, 0.9, ("s", "IY")))
    track = sing(notes, singer, 2.8, rng).astype(np.float64)
    sibilant = track[int(1.5 * RATE) : int(1.57 * RATE)]
    vowel = middle_of(track, notes[0], (0.3, 0.6))
    breath = track[int(0.62 * RATE) : int(0.82 * RATE)]
    assert share_db(sibilant, 4500, 16000) > -3
    assert share_db(vowel, 4500, 16000) < -15
    assert harmonicity(vowel) > 0.9
    assert harmonicity(sibilant) < 0.6
    assert harmonicity(breath) < 0.6
    loudness = [20 * np.log10(np.sqrt(np.mean(x**2))) for x in (vowel, breath)]
    assert 15 < loudness[0] - loudness[1] < 45
    power = np.abs(np.fft.rfft(vowel * np.hanning(len(vowel)))) ** 2
    frequency = np.fft.rfftfreq(len(vowel), 1 / RATE)
    base = frequency_of(vowel, 150, 500)
    for harmonic in (4, 12, 25):  # up to 6.5 kHz there are partials with gaps between them
        near = np.abs(frequency - harmonic * base) < 0.12 * base
        between = np.abs(frequency - (harmonic + 0.5) * base) < 0.12 * base
        assert power[near].sum() > 4 * power[between].sum(), harmonic


def test_nothing_sounds_outside_the_phrases():
    notes = (Sung(1.0, 0.5, 60, 0.9, ("m", "AA")), Sung(3.0, 0.5, 60, 0.9, ("AA", "n")))
    rng = np.random.default_rng(4)
    track = sing(notes, draw_singer("alto", rng), 4.5, rng)
    assert np.abs(track[: int(0.2 * RATE)]).max() == 0
    assert np.abs(track[int(1.85 * RATE) : int(2.1 * RATE)]).max() < 1e-3 * np.abs(track).max()
    assert np.abs(track[int(3.95 * RATE) :]).max() < 1e-3 * np.abs(track).max()


# The band.


@pytest.mark.parametrize("style", BASS_STYLES)
def test_the_bass_plays_the_notes_of_the_score(style):
    score = compose(2, seconds=10.0)
    rng = np.random.default_rng(7)
    track = play_bass(score.bass, draw_bass(style, rng), 10.0, rng).mean(axis=0)
    notes = [note for note in score.bass if note.seconds > 0.2 and note.start_s + note.seconds < 9.9]
    assert len(notes) > 4
    for note in notes:
        hz = float(synthesis.hz_from_pitch(note.pitch))
        assert cents_off(frequency_of(middle_of(track, note), hz / 1.6, hz * 1.6), note.pitch) < 40


@pytest.mark.parametrize("kit", ["acoustic", "tight", "machine", "big"])
def test_drums_sound_at_the_hits_and_not_before(kit):
    score = compose(1, seconds=8.0)
    rng = np.random.default_rng(0)
    track = np.diff(play_drums(score.drums, draw_kit(kit, rng), 8.0, rng))  # clicks stand out, rings do not
    hits = [
        hit
        for hit in score.drums
        if hit.piece in ("kick", "snare") and hit.level > 0.6 and 0.05 < hit.start_s < 7.9
    ]
    assert len(hits) > 8
    rises = []
    for hit in hits:
        at = round(hit.start_s * RATE)
        before, after = np.abs(track[:, at - 1400 : at - 400]).max(), np.abs(track[:, at : at + 882]).max()
        rises.append(after > 2 * before)
    assert np.mean(rises) > 0.9


@pytest.mark.parametrize("piece", PIECES)
def test_pieces_are_struck_then_fade(piece):
    rng = np.random.default_rng(1)
    for name in ("acoustic", "machine"):
        sound = strike(piece, draw_kit(name, rng), 0.9, rng)
        assert np.isfinite(sound).all()
        assert np.abs(sound).max() == pytest.approx(0.9, rel=0.05)
        assert np.argmax(np.abs(sound).max(axis=0)) < 0.06 * RATE
        tail = sound[:, -len(sound[0]) // 5 :]
        assert np.sqrt(np.mean(tail**2)) < 0.03


def test_pieces_lie_where_their_names_say():
    rng = np.random.default_rng(1)
    kit = draw_kit("acoustic", rng)

    def share(piece, low, high):
        return share_db(strike(piece, kit, 0.9, rng)[0].astype(float), low, high)

    assert share("kick", 30, 200) > -2
    assert share("hat", 3000, 20000) > -2
    assert share("snare", 1000, 12000) > -8
    assert share("tom_low", 40, 300) > -3


def test_soft_strokes_are_softer_and_darker():
    kit = draw_kit("acoustic", np.random.default_rng(0))
    loud, soft = (
        play_drums((Hit(0.1, "snare", level),), kit, 0.6, np.random.default_rng(1))[0]
        for level in (0.95, 0.2)
    )
    assert np.abs(loud).max() > 3 * np.abs(soft).max()
    assert share_db(loud, 8000, 20000) > share_db(soft, 8000, 20000) + 1


@pytest.mark.parametrize("name", INSTRUMENTS)
def test_instruments_play_in_tune(name):
    pitch = 60
    for seed in range(2):
        rng = np.random.default_rng(seed)
        sound = np.atleast_2d(play_instrument(name, Note(0.0, 0.9, pitch, 0.8), draw_timbre(rng), rng)).mean(
            axis=0
        )
        assert np.isfinite(sound).all()
        heard = sound[int(0.25 * RATE) : int(0.6 * RATE)]
        hz = float(synthesis.hz_from_pitch(pitch))
        assert cents_off(frequency_of(heard, hz / 1.5, hz * 1.5), pitch) < 25


# The rooms and the mix.


def schroeder_t20(response: np.ndarray) -> float:
    energy = np.cumsum((response.astype(np.float64) ** 2).sum(axis=0)[::-1])[::-1]
    level = 10 * np.log10(np.maximum(energy / energy[0], 1e-12))
    inside = np.flatnonzero((level <= -5) & (level >= -25))
    return -60 / np.polyfit(inside / RATE, level[inside], 1)[0]


@pytest.mark.parametrize(("name", "decay_s"), list(zip(ROOM_NAMES, room_decays_s(), strict=True))[::3])
def test_rooms_fade_as_they_say(name, decay_s):
    for seed in range(2):
        rng = np.random.default_rng(seed)
        response = room_response(draw_room(decay_s, rng), rng)
        assert schroeder_t20(response) == pytest.approx(decay_s, rel=0.05)
        assert schroeder_t20(response[:1]) == pytest.approx(decay_s, rel=0.15)
        high = sosfiltfilt(butter(2, 6000, "high", fs=RATE, output="sos"), response)
        assert schroeder_t20(high) < schroeder_t20(response)
        assert np.argmax(np.abs(response[0])) < 0.005 * RATE
        correlation = np.corrcoef(response[:, len(response[0]) // 8 :])[0, 1]
        assert abs(correlation) < 0.5


def test_room_decays_span_the_stated_range():
    decays = room_decays_s()
    assert (decays[0], decays[-1]) == (0.15, 4.0)
    assert len(decays) == len(set(ROOM_NAMES)) == 16


def test_wet_stems_are_dry_stems_through_one_filter():
    rng = np.random.default_rng(0)
    quiet = rng.standard_normal((2, RATE)).astype(np.float32) * 0.05
    pulse_at = np.zeros((2, RATE), dtype=np.float32)
    pulse_at[:, 2000] = 1.0
    stems = dict.fromkeys(STEMS, quiet) | {"drums": pulse_at}
    room = draw_room(0.3, np.random.default_rng(1))
    mixed = mix(stems, room, np.random.default_rng(2), loudness_lufs=-20.0)
    dry, wet = (mixed.dry["drums"].astype(float), mixed.wet["drums"].astype(float))
    tail = wet - dry
    assert np.abs(tail[:, :2000]).max() == 0
    assert schroeder_t20(tail[:, 2060:20000]) == pytest.approx(0.3, rel=0.3)
    assert np.array_equal(mixed.mixture, sum(stem.astype(np.int32) for stem in mixed.wet.values()))
