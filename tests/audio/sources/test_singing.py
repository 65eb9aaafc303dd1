"""Speech re-sung: does it follow the notes, keep the consonants, repeat, and refuse what is no voice?

Pitch is measured by librosa's pYIN, which has nothing in common with the vocoder's own estimate.
"""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from tonewright.audio.corpus import load_corpus
from tonewright.audio.files import read
from tonewright.audio.sources.singing import Note, NoVoiceError, SingingSettings, Sung, resing
from tonewright.errors import MissingExtraError, UsageError

RATE = 16_000
FRAME_S = 0.005
HAS_WORLD = importlib.util.find_spec("pyworld") is not None
needs_world = pytest.mark.skipif(not HAS_WORLD, reason="pyworld, the extra singing, is not installed")
VOWELS = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
PLAIN = SingingSettings(vibrato_semitones=(0.0, 0.0), jitter_semitones=(0.0, 0.0), fit_octave=False)


def vowel(kind: int, seconds: float, from_hz: float, to_hz: float) -> np.ndarray:
    """A vowel of falling or rising pitch: pulses through three resonances."""
    count = round(seconds * RATE)
    phase = np.cumsum(np.linspace(from_hz, to_hz, count)) / RATE
    sound = np.diff(np.floor(phase), prepend=0.0)
    sound = signal.lfilter([1.0], [1.0, -0.95], sound)
    for center, width in zip(VOWELS[kind % 5], (80, 100, 120), strict=True):
        radius = np.exp(-np.pi * width / RATE)
        sound = signal.lfilter([1.0], [1, -2 * radius * np.cos(2 * np.pi * center / RATE), radius**2], sound)
    fade = np.minimum(1.0, np.minimum(np.arange(count), np.arange(count)[::-1]) / (0.02 * RATE))
    return sound / np.abs(sound).max() * fade * 0.4


def hiss(seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A voiceless consonant: noise above 4 kHz."""
    noise = rng.standard_normal(round(seconds * RATE))
    return 0.08 * signal.sosfilt(signal.butter(6, 4000, "high", fs=RATE, output="sos"), noise)


def speech(syllables: int = 8, *, median_hz: float = 130.0, seed: int = 0) -> np.ndarray:
    """(1, frames) of made speech: hisses of 70 ms and vowels of .16 to .26 s, a pause after every fourth."""
    rng = np.random.default_rng(seed)
    parts = [np.zeros(800)]
    for number in range(syllables):
        pitch = median_hz * 2 ** rng.uniform(-0.25, 0.25, 2)
        parts += [hiss(0.07, rng), vowel(int(rng.integers(5)), rng.uniform(0.16, 0.26), *pitch)]
        if number % 4 == 3:
            parts.append(np.zeros(round(0.25 * RATE)))
    return np.concatenate(parts)[None].astype(np.float32)


def melody(count: int = 8, *, pitch: float = 50.0) -> list[Note]:
    rng = np.random.default_rng(count)
    steps = rng.choice([-5, -3, -2, 2, 3, 4], count).cumsum() % 10
    notes, start = [], 0.4
    for number in range(count):
        length = float(rng.choice([0.4, 0.6, 0.9]))
        notes.append(Note(start, length, pitch + float(steps[number])))
        start += length + (0.5 if number % 4 == 3 else 0.0)
    return notes


def measured(sung: Sung) -> np.ndarray:
    """(time,) MIDI pitch every 10 ms by pYIN; NaN where it hears none."""
    librosa = pytest.importorskip("librosa")
    pitches = [note.pitch for note in sung.notes]
    hz, voiced, _ = librosa.pyin(
        sung.samples[0],
        fmin=float(librosa.midi_to_hz(min(pitches) - 6)),
        fmax=float(librosa.midi_to_hz(max(pitches) + 6)),
        sr=sung.sample_rate,
        frame_length=1024 if sung.sample_rate <= RATE else 2048,
        hop_length=sung.sample_rate // 100,
        resolution=0.1,
    )
    return np.where(voiced, librosa.hz_to_midi(hz), np.nan)


def cents_off(sung: Sung) -> np.ndarray:
    """By how much what is measured differs from the notes, in every frame of them that has a pitch."""
    pitch, off = measured(sung), []
    for note in sung.notes:
        inside = pitch[int(np.ceil(note.start_s * 100)) : int(note.end_s * 100)]
        off.append(100 * abs(inside - note.pitch))
    together = np.concatenate(off)
    assert np.isfinite(together).mean() > 0.8
    return together[np.isfinite(together)]


def hissing(samples: np.ndarray) -> np.ndarray:
    """(stretches, 2) seconds in which most of the energy lies above 4 kHz."""
    _, times, spectra = signal.stft(samples, RATE, nperseg=160, noverlap=120)
    power = abs(spectra) ** 2
    high, low = power[40:].sum(axis=0), power[1:40].sum(axis=0)
    on = (high > low) & (high > 1e-3 * np.quantile(high, 0.99))
    edges = np.flatnonzero(np.diff(np.concatenate([[False], on, [False]]).astype(int)))
    found = edges.reshape(-1, 2) * (times[1] - times[0])
    return found[found[:, 1] - found[:, 0] > 0.02]


# --- what is sung ----------------------------------------------------------------------------------------


@needs_world
def test_a_drawn_melody_is_followed() -> None:
    sung = resing(speech(16), sample_rate=RATE, seed=3)
    assert sung.samples.dtype == np.float32
    assert sung.samples.shape[0] == 1
    assert np.isfinite(sung.samples).all()
    assert abs(sung.samples).max() <= 1
    assert len(sung.notes) == 16
    off = cents_off(sung)
    assert np.median(off) < 25
    assert np.mean(off < 50) >= 0.85
    # Sung, not said: longer than the speech, and no note hurried.
    assert sung.seconds > 1.2 * speech(16).shape[1] / RATE
    heard = np.isfinite(sung.pitch_curve)
    pitch = np.interp(np.arange(len(heard)) * FRAME_S, np.arange(len(measured(sung))) / 100, measured(sung))
    both = heard & np.isfinite(pitch)
    assert np.median(100 * abs(pitch - sung.pitch_curve)[both]) < 15


@needs_world
def test_given_notes_are_sung_at_their_times() -> None:
    notes = melody()
    sung = resing(speech(), sample_rate=RATE, notes=notes, settings=PLAIN)
    assert [note.pitch for note in sung.notes] == [note.pitch for note in notes]
    assert [note.start_s for note in sung.notes] == pytest.approx([note.start_s for note in notes])
    off = cents_off(sung)
    assert np.median(off) < 15
    assert np.mean(off < 50) > 0.9
    # Every syllable here begins with a hiss: its end is where the vowel is heard to begin.
    ends = hissing(sung.samples[0])[:, 1]
    for note in notes:
        assert min(abs(ends - note.start_s)) < 0.03
    # Rests are silent.
    rest = slice(round((notes[3].end_s + 0.15) * RATE), round((notes[4].start_s - 0.15) * RATE))
    assert abs(sung.samples[0, rest]).max() < 1e-3


@needs_world
def test_consonants_keep_their_length() -> None:
    spoken = speech()
    sung = resing(spoken, sample_rate=RATE, notes=melody(), settings=PLAIN)
    before, after = (np.diff(hissing(samples)).ravel() for samples in (spoken[0], sung.samples[0]))
    assert len(before) == len(after) == 8
    assert np.median(abs(after - before)) <= 0.006
    assert abs(after - before).max() <= 0.015


@needs_world
def test_vibrato_is_heard_at_its_rate() -> None:
    ranges = SingingSettings(
        vibrato_hz=(5.5, 5.5), vibrato_semitones=(0.6, 0.6), jitter_semitones=(0.0, 0.0), fit_octave=False
    )
    sung = resing(speech(2), sample_rate=RATE, notes=[Note(0.2, 3.0, 52.0)], settings=ranges)
    pitch = measured(sung)[80:300]
    assert np.isfinite(pitch).all()
    spectrum = abs(np.fft.rfft((pitch - pitch.mean()) * np.hanning(len(pitch)), 4096))
    assert np.argmax(spectrum) * 100 / 4096 == pytest.approx(5.5, abs=0.4)
    assert 0.45 < (pitch.max() - pitch.min()) / 2 < 0.75


@needs_world
def test_the_words_begin_again_and_the_melody_is_moved_by_octaves() -> None:
    notes = [Note(0.3 + 0.5 * number, 0.5, 79.0) for number in range(7)]
    sung = resing(speech(3), sample_rate=RATE, notes=notes)
    assert {note.pitch for note in sung.notes} == {55.0}
    assert len(hissing(sung.samples[0])) == 7


@needs_world
def test_seeds_repeat_to_the_bit_and_differ() -> None:
    spoken = speech()
    first, again, other = (resing(spoken, sample_rate=RATE, seed=seed) for seed in (1, 1, 2))
    assert first.samples.tobytes() == again.samples.tobytes()
    assert first.notes == again.notes
    assert [note.pitch for note in other.notes] != [note.pitch for note in first.notes]


@needs_world
def test_channels_and_level_do_not_matter_and_rates_do_not_either() -> None:
    spoken, notes = speech(4), melody(4)
    mono = resing(spoken, sample_rate=RATE, notes=notes)
    stereo = resing(np.concatenate([spoken, spoken]), sample_rate=RATE, notes=notes)
    assert stereo.samples.tobytes() == mono.samples.tobytes()
    soft = resing(spoken * np.float32(2**-10), sample_rate=RATE, notes=notes)
    np.testing.assert_allclose(soft.samples * 2**10, mono.samples, atol=1e-3)
    wide = resing(np.repeat(spoken, 2, axis=1), sample_rate=2 * RATE, notes=notes)
    assert wide.seconds == pytest.approx(mono.seconds, abs=0.05)
    assert np.median(cents_off(wide)) < 30


@needs_world
def test_the_demo_bands_singer_can_be_given_another_melody(band: Path) -> None:
    song = load_corpus(band).having(["vocals"]).tracks[0]
    clip = read(song.stems["vocals"])
    sung = resing(clip.samples, sample_rate=clip.sample_rate, seed=4)
    assert len(sung.notes) >= 3
    assert np.mean(cents_off(sung) < 50) >= 0.8


@needs_world
@pytest.mark.parametrize("name", ["speech_vctk_p286", "speech_jfk"])
def test_real_speech_sings(shared: Path, name: str) -> None:
    clip = read(shared / "audio" / "clips" / f"{name}.flac")
    spoken = signal.resample_poly(clip.samples.mean(axis=0), RATE, clip.sample_rate)[None]
    sung = resing(spoken, sample_rate=RATE, seed=5)
    assert 10 <= len(sung.notes) <= 40
    off = cents_off(sung)
    assert np.median(off) < 30
    assert np.mean(off < 50) >= 0.8


# --- what is no voice ------------------------------------------------------------------------------------


@needs_world
@pytest.mark.parametrize(
    "samples",
    [
        np.zeros((1, 2 * RATE)),
        np.zeros((1, 1)),
        np.zeros((1, 0)),
        np.ones((1, 2 * RATE)),
        0.1 * np.random.default_rng(0).standard_normal((1, 2 * RATE)),
        np.eye(1, 2 * RATE, 5000),
        0.1 * np.sin(2 * np.pi * 3000 * np.arange(2 * RATE) / RATE)[None],
    ],
    ids=["silence", "one sample", "nothing", "offset", "noise", "click", "whistle"],
)
def test_what_is_no_voice_is_said_to_be_none(samples: np.ndarray) -> None:
    with pytest.raises(NoVoiceError, match="there is no voice"):
        resing(samples, sample_rate=RATE)


@needs_world
def test_music_is_sung_or_refused_but_never_broken() -> None:
    time = np.arange(3 * RATE) / RATE
    chord = sum(np.sign(np.sin(2 * np.pi * hz * time)) for hz in (196.0, 246.9, 293.7))[None] * 0.1
    try:
        sung = resing(chord, sample_rate=RATE)
    except NoVoiceError:
        return
    assert np.isfinite(sung.samples).all()
    assert abs(sung.samples).max() <= 1


@pytest.mark.parametrize(
    ("samples", "rate"),
    [
        (np.zeros(100), RATE),
        (np.zeros((1, RATE)), 4000),
        (np.zeros((1, RATE)), 96_000),
        (np.zeros((1, 31 * RATE)), RATE),
        (np.full((1, RATE), np.nan), RATE),
    ],
)
def test_wrong_use_is_said(samples: np.ndarray, rate: int) -> None:
    with pytest.raises(UsageError):
        resing(samples, sample_rate=rate)


def test_without_pyworld_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(MissingExtraError, match=r"pyworld is not installed.*tonewright\[singing\]"):
        resing(speech(2), sample_rate=RATE)
