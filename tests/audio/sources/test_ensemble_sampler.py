"""Recorded notes and drums: in tune, on time, as loud as they are struck."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.band.score import Hit, Note
from tonewright.audio.sources.ensemble.arrangement import Part, Swell
from tonewright.audio.sources.ensemble.banks import RecordedKit, RecordedNotes, pitch_of
from tonewright.audio.sources.ensemble.sampler import looped, play_hits, play_notes, prepared
from tonewright.audio.sources.manifest import Piece

RATE = 44_100
PIECE = Piece(
    "x", "x", "instruments", (), "instruments/x.wav", ("mixture",), 0, 1, RATE, 1, RATE, 20e3, -20, 0, 0,
    "x", "1", "x.wav", "CC0-1.0", "",
)  # fmt: skip


def hertz(pitch: float) -> float:
    return 440.0 * 2 ** ((pitch - 69) / 12)


def tone(pitch: float, seconds: float, *, silence_s: float = 0.0) -> np.ndarray:
    time = np.arange(round(seconds * RATE)) / RATE
    sound = 0.5 * np.sin(2 * np.pi * hertz(pitch) * time) * np.minimum(1, time / 0.002)
    return np.concatenate([np.zeros(round(silence_s * RATE)), sound]).astype(np.float32)


def recorded(*pitches: int, seconds: float = 2.0) -> tuple[RecordedNotes, Callable[[Piece], np.ndarray]]:
    pieces = {pitch: replace(PIECE, name=str(pitch)) for pitch in pitches}
    sounds = {str(pitch): tone(pitch, seconds, silence_s=0.1)[None] for pitch in pitches}
    return RecordedNotes("flute", tuple(sorted(pieces.items()))), lambda piece: sounds[piece.name]


def cents(sound: np.ndarray, pitch: float) -> float:
    """How far the spectral peak is from a pitch, by a parabola through the peak's logarithm."""
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    peak = int(np.argmax(power))
    left, middle, right = np.log(power[peak - 1 : peak + 2])
    place = peak + 0.5 * (left - right) / (left - 2 * middle + right)
    return float(1200 * np.log2(place * RATE / (1 << 18) / hertz(pitch)))


@settings(deadline=None, max_examples=15)
@given(st.integers(56, 90))
def test_every_note_is_in_tune(pitch):
    bank, read = recorded(60, 67, 74, 81, 86)
    sound = play_notes(
        Part("lead", "other", "flute", (Note(0.2, 1.0, pitch, 0.9),)), bank, RATE * 2, read=read
    )
    assert sound.shape == (1, 2 * RATE)
    assert abs(cents(sound[0, round(0.3 * RATE) : round(1.1 * RATE)], pitch)) < 2


def test_notes_begin_and_end_when_they_should():
    bank, read = recorded(69)
    notes = (Note(0.25, 0.5, 69, 0.9), Note(1.5, 0.25, 71, 0.5))
    sound = np.abs(play_notes(Part("lead", "other", "flute", notes), bank, RATE * 2, read=read)[0])
    for note in notes:
        begin, end = round(note.start_s * RATE), round((note.start_s + note.seconds) * RATE)
        near = sound[begin - 400 : begin + 400]
        assert abs(int(np.argmax(near > 0.05)) - 400) < 90  # 2 ms
        assert sound[begin + 300 : end].max() > 0.1
        assert sound[end + round(0.1 * RATE) : end + round(0.2 * RATE)].max(initial=0) < 1e-6
    assert sound[: round(0.24 * RATE)].max() == 0
    first, second = (sound[round(n.start_s * RATE) :][: round(n.seconds * RATE)].max() for n in notes)
    assert first > 1.8 * second


def test_a_held_tone_goes_round_without_a_break():
    sound = tone(69, 1.0)
    longer = looped(sound, 3 * RATE)
    assert len(longer) >= 3 * RATE
    assert np.array_equal(longer[:10_000], sound[:10_000])
    level = np.sqrt(np.convolve(longer[2000 : 3 * RATE] ** 2, np.ones(882) / 882, "valid"))
    assert level.min() > 0.05
    assert np.abs(np.diff(longer[:-100])).max() < 0.06  # no click: a 440 Hz sine moves by 0.031 a sample
    assert np.array_equal(looped(sound[:3000], RATE), sound[:3000])


def test_a_long_note_of_a_short_recording_sounds_to_its_end():
    bank, read = recorded(69, seconds=0.8)
    for instrument, expected in (("flute", True), ("piano", False)):
        part = Part("pad", "other", instrument, (Note(0.0, 2.5, 69, 0.9),))
        late = play_notes(part, bank, RATE * 3, read=read)[0, round(2.0 * RATE) : round(2.4 * RATE)]
        assert bool(np.abs(late).max() > 0.05) == expected


def test_swells_are_heard():
    bank, read = recorded(69)
    part = Part("pad", "other", "flute", (Note(0.0, 1.6, 69, 0.9),))
    swelling = replace(part, swells=(Swell(0.0, 0.2), Swell(1.0, 1.0)))
    plain, swelled = (play_notes(p, bank, RATE * 2, read=read)[0] for p in (part, swelling))
    assert np.abs(swelled[2000:6000]).max() < 0.35 * np.abs(plain[2000:6000]).max()
    assert np.allclose(swelled[RATE + 10 : RATE + 5000], plain[RATE + 10 : RATE + 5000])


def test_silence_is_prepared_to_nothing_worse():
    sound, lead = prepared(np.zeros(1000, np.float32), semitones=2.0)
    assert not sound.any()
    assert lead == 0


def kit() -> tuple[RecordedKit, Callable[[Piece], np.ndarray]]:
    rng = np.random.default_rng(0)
    sounds = {}
    drums = {}
    for name, seconds in (("kick", 0.2), ("snare", 0.2), ("hat", 0.05), ("open_hat", 1.0)):
        takes = []
        for take in range(3):
            key = f"{name}-{take}"
            time = np.arange(round(seconds * RATE)) / RATE
            sounds[key] = (0.3 * rng.standard_normal(len(time)) * np.exp(-3 * time / seconds)).astype(
                np.float32
            )[None]
            takes.append(replace(PIECE, name=key))
        drums[name] = (tuple(takes),)
    return RecordedKit("kit", drums), lambda piece: sounds[piece.name]


def test_strokes_are_on_the_beat_and_as_loud_as_they_are_struck():
    bank, read = kit()
    hits = tuple(Hit(0.5 * k, "kick", level) for k, level in enumerate((0.9, 0.3, 0.6)))
    sound = play_hits(Part("drums", "drums", "kit", hits=hits), bank, 2 * RATE, read=read)
    assert sound.shape == (2, 2 * RATE)
    peaks = []
    for hit in hits:
        begin = round(hit.start_s * RATE)
        window = np.abs(sound[0, max(begin - 200, 0) : begin + 4000])
        onset = int(np.argmax(window > 0.1 * window.max())) - min(begin, 200)
        assert abs(onset) < 45  # 1 ms
        peaks.append(window.max())
    assert peaks[0] > peaks[2] > peaks[1] > 0
    assert peaks[1] / peaks[0] == pytest.approx((0.3 / 0.9) ** 1.5, rel=0.01)


def test_a_closed_hat_ends_an_open_one():
    bank, read = kit()
    opened, closed = Hit(0.1, "open_hat", 0.9), Hit(0.4, "hat", 0.5)
    ringing, choked = (
        np.abs(play_hits(Part("drums", "drums", "kit", hits=hits), bank, RATE, read=read))
        for hits in ((opened,), (opened, closed))
    )
    before, after = slice(round(0.15 * RATE), round(0.35 * RATE)), slice(round(0.5 * RATE), None)
    assert np.array_equal(ringing[:, before], choked[:, before])
    assert ringing[:, after].max() > 1e-3
    assert choked[:, after].max() == 0


def test_what_a_kit_lacks_is_left_out_or_replaced():
    bank, read = kit()
    conga, clap, snare = (
        play_hits(Part("drums", "drums", "kit", hits=(Hit(0.0, piece, 0.8),)), bank, RATE, read=read)
        for piece in ("conga_low", "clap", "snare")
    )
    assert not conga.any()
    assert np.array_equal(clap, snare)
    assert snare.any()


@pytest.mark.parametrize(
    ("text", "pitch"),
    [("A4", 69), ("C4", 60), ("Fs3", 54), ("F#3", 54), ("Bb2", 46), ("C-1", 0), ("H3", None), ("", None)],
)
def test_names_of_notes(text, pitch):
    assert pitch_of(text) == pitch
