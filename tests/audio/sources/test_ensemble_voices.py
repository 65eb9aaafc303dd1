"""What is planned, and who sings: speakers of the pool, on time, in one octave, with words of one split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from tonewright.audio.band.score import Note
from tonewright.audio.sources.ensemble.banks import Banks, Rights
from tonewright.audio.sources.ensemble.composing import LINE_UPS, Stage, generator
from tonewright.audio.sources.ensemble.voices import Singer, find_singers, phrases, sing
from tonewright.audio.sources.ensemble.writing import plan
from tonewright.audio.sources.manifest import Piece
from tonewright.audio.sources.singing.score import NoVoiceError, Sung
from tonewright.audio.tracks import SPLITS, split_of

RATE = 44_100


def test_more_hours_begin_with_the_songs_of_fewer():
    line_ups = tuple(name for name in LINE_UPS if name != "sung")
    less, more = plan(0.5, 0, line_ups), plan(4.0, 0, line_ups)
    assert more[: len(less)] == less
    assert sum(shelf.seconds for shelf in more) >= 4 * 3600 > sum(shelf.seconds for shelf in more[:-1])
    assert {shelf.line_up for shelf in more} == set(line_ups)
    assert len({shelf.name for shelf in more}) == len(more)
    assert len({song for shelf in more if shelf.line_up == "band" for song in shelf.songs}) == 8 * sum(
        shelf.line_up == "band" for shelf in more
    )


def speech(name: str, speaker: str, seconds: float = 40.0) -> Piece:
    return Piece(
        name, name, "voices", ("speech", "en", speaker), "voices/x.wav", ("mixture",), 0,
        round(seconds * RATE), RATE, 1, 16_000, 8000.0, -20.0, 0.0, 0.0, "prompts", "1",
        f"{name}.wav", "CC-BY-3.0", speaker,
    )  # fmt: skip


def test_singers_are_speakers_with_a_minute_of_speech():
    names = [f"piece {k}" for k in range(200)]
    of_each = [next(name for name in names if split_of(name) == split) for split in SPLITS]
    trained = [name for name in names if split_of(name) == "train"][:3]
    pieces = (
        *(speech(name, "ann") for name in of_each),
        *(speech(name, "bob", 10.0) for name in of_each),
        *(speech(name, "cleo") for name in trained),
        *(speech(name, "various") for name in of_each),
    )
    (ann,) = find_singers(pieces)
    assert [piece.name for piece in ann.pieces] == of_each
    assert ann.bandwidth_hz == 8000.0


def test_a_melody_is_cut_where_it_breathes():
    notes = [Note(0.5 * k, 0.5, 60, 0.8) for k in range(4)] + [
        Note(3.0 + 0.5 * k, 0.5, 62, 0.8) for k in range(40)
    ]
    cut = phrases(tuple(notes))
    assert sum(cut, ()) == tuple(notes)
    assert cut[0] == tuple(notes[:4])
    assert all(phrase[-1].start_s + phrase[-1].seconds - phrase[0].start_s <= 10.01 for phrase in cut)
    assert phrases(()) == []


def test_phrases_are_sung_on_time_in_one_octave(monkeypatch):
    calls = []

    def resing(samples, *, sample_rate, seed, notes, settings):
        calls.append((sample_rate, settings))
        if len(calls) == 1:
            raise NoVoiceError("a cough")
        up = -12 if settings.fit_octave else 0
        sound = np.zeros(round((notes[-1].end_s + 0.1) * sample_rate), np.float32)
        for note in notes:
            sound[round(note.start_s * sample_rate)] = 0.5
        sung = tuple(replace(note, pitch=note.pitch + up) for note in notes)
        return Sung(sound[None], sample_rate, sung, np.full(10, np.nan))

    monkeypatch.setattr("tonewright.audio.sources.singing.resing", resing)
    melody = tuple(Note(start, 0.4, 70, 0.8) for start in (1.0, 1.4, 4.0, 4.4))
    singer = Singer("ann", (speech("a", "ann"), speech("b", "ann")))
    sung = sing(
        melody, singer, 6 * RATE, np.random.default_rng(0), read=lambda piece: np.ones((1, RATE), np.float32)
    )
    assert sung.samples.shape == (1, 6 * RATE)
    assert sung.rights == (Rights("CC-BY-3.0", "ann"),)
    assert [rate for rate, _ in calls] == [16_000] * 3
    assert [settings.fit_octave for _, settings in calls] == [True, True, False]
    assert len({settings.formants for _, settings in calls}) == 1
    for note in melody:
        begin = round((note.start_s + 0.04) * RATE)
        near = np.abs(sung.samples[0, begin - 2000 : begin + 2000])
        assert abs(int(np.argmax(near)) - 2000) < 45
    assert not np.abs(sung.samples[0, : round(0.9 * RATE)]).max() > 0.01


def test_words_of_a_training_song_are_said_in_no_test():
    singer = Singer("ann", tuple(speech(f"piece {k}", "ann") for k in range(200)))
    for song in (f"song {k}" for k in range(30)):
        kept = singer.of_split(song).pieces
        assert kept
        assert {split_of(piece.song) for piece in kept} == {split_of(song)}


def test_streams_of_numbers_are_apart():
    first = generator(0, "band", 1, "parts").random(4)
    assert not np.allclose(first, generator(0, "band", 1, "frame").random(4))
    assert not np.allclose(first, generator(0, "drums", 1, "parts").random(4))
    assert not np.allclose(first, generator(1, "band", 1, "parts").random(4))
    assert np.allclose(first, generator(0, "band", 1, "parts").random(4))
    assert isinstance(Banks((), {}, ()).stage, Stage)
