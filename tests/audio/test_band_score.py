"""What the band is asked to play: forms that fill the time, notes in range and key, words on every note."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.band.composing import KITS, compose
from tonewright.audio.band.drums import PIECES
from tonewright.audio.band.harmony import SCALES
from tonewright.audio.band.lyrics import LEXICON, draw_syllables
from tonewright.audio.band.melody import REGISTERS
from tonewright.audio.band.other import INSTRUMENTS
from tonewright.audio.band.phones import CONSONANTS, is_vowel

scores = st.builds(
    compose,
    st.integers(0, 300),
    seconds=st.sampled_from([2.0, 4.0, 7.5, 30.0, 61.3]),
    seed=st.integers(0, 2**31),
)
few = settings(deadline=None, max_examples=40)


@few
@given(scores)
def test_sections_and_chords_fill_the_song(score):
    place = 0
    for section in score.sections:
        assert section.first_bar == place
        assert section.bars > 0
        place += section.bars
    assert place == score.bars
    played = score.grid.time_s(score.bars, 0)
    assert played >= 0.55 * score.seconds
    if score.bars > 2:
        assert 0.84 * score.seconds <= played <= score.seconds


@few
@given(scores)
def test_every_stem_has_something_to_do_within_the_song(score):
    for notes in (score.voice, score.bass, score.drums, score.parts[0].notes):
        assert any(0 <= note.start_s < 0.8 * score.seconds for note in notes)
    for notes in (score.voice, score.bass, score.drums, *(part.notes for part in score.parts)):
        assert all(note.start_s >= 0 and 0 < note.level <= 1.1 for note in notes)


@few
@given(scores)
def test_the_voice_sings_in_its_register_one_note_at_a_time(score):
    singer = REGISTERS[score.register]
    for note, later in zip(score.voice, score.voice[1:], strict=False):
        assert note.start_s + note.seconds <= later.start_s + 1e-6
    for note in score.voice:
        assert singer.low <= note.pitch <= singer.high
        assert (note.pitch - score.key.tonic) % 12 in SCALES[score.key.mode]
        assert note.seconds > 0.08
        assert sum(is_vowel(phone) for phone in note.phones) == 1


@few
@given(scores)
def test_the_voice_pauses_to_breathe(score):
    ends = np.array([note.start_s + note.seconds for note in score.voice])
    gaps = np.array([note.start_s for note in score.voice[1:]]) - ends[:-1]
    silent_s = score.seconds - ends[-1] + gaps.sum() + score.voice[0].start_s
    if score.bars > 2:
        assert silent_s > 0.4
    if score.seconds >= 30:
        assert (gaps > 0.35).sum() >= 2


@few
@given(scores)
def test_basses_are_low_and_kits_and_instruments_exist(score):
    assert all(22 <= note.pitch <= 52 for note in score.bass)
    assert {hit.piece for hit in score.drums} <= set(PIECES)
    assert score.kit in KITS
    assert {part.instrument for part in score.parts} <= set(INSTRUMENTS)


@few
@given(scores)
def test_strong_hits_lie_on_the_grid(score):
    grid = score.grid
    steps = np.array(
        [grid.time_s(bar, step) for bar in range(score.bars + 1) for step in range(grid.steps_per_bar)]
    )
    for hit in score.drums:
        assert np.abs(steps - hit.start_s).min() < 0.009


@pytest.mark.parametrize("beats", [3, 4])
def test_swing_moves_odd_steps_alone(beats):
    from tonewright.audio.band.score import Grid

    straight, swung = Grid(120.0, beats, 4), Grid(120.0, beats, 4, 0.3)
    late = [swung.time_s(2, step) - straight.time_s(2, step) for step in range(4 * beats)]
    assert np.allclose(late[::2], 0)
    assert np.allclose(late[1::2], 0.3 * 0.125)
    assert straight.bar_s == pytest.approx(0.5 * beats)


def test_songs_of_a_band_differ():
    scores = [compose(index) for index in range(20)]
    assert len({score.key.name for score in scores}) > 8
    assert len({score.grid.meter for score in scores}) > 2
    assert len({score.kit for score in scores}) == 4
    assert len({score.bass_style for score in scores}) == 4
    assert {score.register for score in scores} == set(REGISTERS)
    assert len({(score.kit, score.register) for score in scores}) > 8
    assert len({part.instrument for score in scores for part in score.parts}) > 8
    assert len({tuple((s.name, s.bars) for s in score.sections) for score in scores}) > 8
    tempi = [score.grid.tempo_bpm for score in scores]
    assert max(tempi) > 1.6 * min(tempi)
    decays = [score.decay_s for score in scores]
    assert max(decays) > 4 * min(decays)


def test_choruses_come_back_with_their_words():
    score = next(
        score
        for score in map(compose, range(40))
        if [s.name for s in score.sections].count("chorus") == 2 and score.grid.steps == 4
    )
    first, second = [s for s in score.sections if s.name == "chorus"]
    bars = 2

    def sung(section):
        start, end = score.grid.time_s(section.first_bar, 0), score.grid.time_s(section.first_bar + bars, 0)
        return [(note.word, note.pitch) for note in score.voice if start - 0.05 <= note.start_s < end - 0.05]

    assert sung(first)
    assert sung(first) == sung(second)


def test_every_phone_of_the_lexicon_is_known():
    for word, syllables in LEXICON.items():
        for syllable in syllables:
            phones = syllable.split()
            assert sum(is_vowel(phone) for phone in phones) == 1, word
            assert all(is_vowel(phone) or phone in CONSONANTS for phone in phones), word
    assert len(LEXICON) > 80


@given(st.integers(1, 30), st.integers(0, 10_000))
def test_lines_have_as_many_syllables_as_notes(count, seed):
    line = draw_syllables(count, np.random.default_rng(seed))
    assert len(line) == count
    assert line[0][0]
    assert "" not in [word for word, phones in line if not phones]
