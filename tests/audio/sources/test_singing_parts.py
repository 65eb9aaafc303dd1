"""What singing is made of, without the vocoder: syllables, melodies, places, expression, phrases."""

from __future__ import annotations

from dataclasses import replace
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.corpus import split_of
from tonewright.audio.sources.manifest import Piece
from tonewright.audio.sources.shelves import ShelfWriter
from tonewright.audio.sources.singing import Note, NoVoiceError, SingingSettings
from tonewright.audio.sources.singing.character import Character, change_envelope
from tonewright.audio.sources.singing.expression import draw_manner, gate, pitch_and_level
from tonewright.audio.sources.singing.melody import check_notes, draw_melody, fit_octave, pitch_of
from tonewright.audio.sources.singing.phrases import Phrase, phrases, speak
from tonewright.audio.sources.singing.placing import place, source_positions
from tonewright.audio.sources.singing.syllables import Syllable, find_syllables
from tonewright.audio.sources.singing.world import FRAME_S, Voice
from tonewright.errors import UsageError

RATE = 16_000


def made_voice(levels_db: list[float], *, frames: int, voiced: list[bool]) -> Voice:
    """A voice of stretches of `frames` frames, each at one level."""
    level = np.repeat(np.array(levels_db), frames) * np.log(10) / 10
    envelope = np.repeat(level[:, None], 129, axis=1).astype(np.float32)
    f0 = np.where(np.repeat(voiced, frames), 150.0, 0.0)
    return Voice(RATE, f0, envelope, np.zeros_like(envelope), 1.0)


syllables = st.lists(
    st.tuples(st.integers(0, 30), st.integers(6, 60), st.integers(0, 20), st.sampled_from([0, 0, 30])),
    min_size=1,
    max_size=8,
)


def from_lengths(lengths: list[tuple[int, int, int, int]]) -> tuple[Syllable, ...]:
    """Syllables one after another, from lengths of onset, vowel, coda and pause in frames."""
    found, start = [], 0
    for onset, vowel, coda, pause in lengths:
        end = start + onset + vowel + coda
        found.append(Syllable(start, start + onset, start + onset + vowel, end, pause))
        start = end + pause
    return tuple(found)


# --- syllables -------------------------------------------------------------------------------------------


def test_peaks_of_voiced_energy_are_syllables_and_silence_belongs_to_none() -> None:
    # quiet, vowel, voiceless consonant, vowel, long silence, vowel, quiet
    voice = made_voice(
        [-80, 0, -20, -3, -80, 0, -80],
        frames=30,
        voiced=[False, True, False, True, False, True, False],
    )
    first, second, third = find_syllables(voice)
    assert (first.vowel_start, first.vowel_end) == (30, 60)
    assert (second.vowel_start, second.vowel_end) == (90, 120)
    assert first.end == second.start
    assert 60 <= first.end <= 90
    assert first.pause == 0
    assert second.end == 120
    assert second.pause == third.start - second.end == 30
    assert (third.vowel_start, third.vowel_end, third.end) == (150, 180, 180)


def test_peaks_closer_than_110_ms_are_one_syllable() -> None:
    level = np.full(60, -30.0)
    level[10:30] = -4.0
    level[[15, 24]] = 0.0  # 45 ms apart
    envelope = np.repeat(level[:, None] * np.log(10) / 10, 129, axis=1).astype(np.float32)
    voice = Voice(RATE, np.where(level > -10, 120.0, 0.0), envelope, np.zeros_like(envelope), 1.0)
    assert len(find_syllables(voice)) == 1


def test_a_vowel_is_what_lies_within_12_db_of_its_peak() -> None:
    # A nasal 16 dB below is voiced, but keeps its length.
    voice = made_voice([-80, -16, 0, -16, -80], frames=30, voiced=[False, True, True, True, False])
    (one,) = find_syllables(voice)
    assert abs(one.vowel_start - 60) <= 3
    assert abs(one.vowel_end - 90) <= 3
    assert one.start <= 32
    assert one.end >= 118


def test_no_voice_no_syllables() -> None:
    with pytest.raises(NoVoiceError, match="no syllables"):
        find_syllables(made_voice([-80, 0, -80], frames=30, voiced=[False, False, False]))


# --- melodies --------------------------------------------------------------------------------------------


@given(lengths=syllables, median=st.floats(70, 400), seed=st.integers(0, 2**32 - 1))
@settings(deadline=None, max_examples=40)
def test_a_drawn_melody_suits_words_and_speaker(lengths: list, median: float, seed: int) -> None:
    words = from_lengths(lengths)
    ranges = SingingSettings()
    notes = draw_melody(words, median, ranges, np.random.default_rng(seed))
    assert len(notes) == len(words)
    checked = check_notes(notes)
    assert [note.length_s for note in checked] == pytest.approx([note.length_s for note in notes])
    pitches = np.array([note.pitch for note in notes])
    lowest = pitch_of(median) + ranges.start_semitones[0] + ranges.reach_semitones[0]
    highest = pitch_of(median) + ranges.start_semitones[1] + ranges.reach_semitones[1]
    # A voice that is low or high already does not leave the range of voices.
    assert ((pitches >= min(lowest, 85)) & (pitches <= max(highest, 37))).all()
    assert ((pitches >= 36) & (pitches <= 86)).all()
    placed = place(words, notes)
    for word, one in zip(words, placed, strict=True):
        # No syllable is hurried: consonants whole, vowels at least 80 ms or as long as spoken.
        assert one.end - one.vowel_end == pytest.approx(word.end - word.vowel_end)
        assert one.vowel_start - one.start == pytest.approx(word.vowel_start - word.start)
        spoken = word.vowel_end - word.vowel_start
        assert one.vowel_end - one.vowel_start >= min(spoken, 0.08 / FRAME_S) - 1e-6


def test_notes_lie_on_a_grid_of_one_tempo_and_one_scale() -> None:
    words = from_lengths([(8, 30, 6, 0)] * 60)
    notes = draw_melody(words, 150.0, SingingSettings(tempo_bpm=(100, 100)), np.random.default_rng(5))
    quarter = 0.25 * 0.6
    starts = np.array([note.start_s for note in notes]) / quarter
    np.testing.assert_allclose(starts, np.rint(starts), atol=1e-6)
    classes = {round(note.pitch) % 12 for note in notes}
    assert 3 <= len(classes) <= 7
    assert {note.length_s for note in notes} != {notes[0].length_s}
    other = draw_melody(words, 150.0, SingingSettings(tempo_bpm=(100, 100)), np.random.default_rng(6))
    assert [note.pitch for note in other] != [note.pitch for note in notes]


def test_a_melody_is_moved_by_octaves_only() -> None:
    notes = (Note(0.0, 1.0, 72.0), Note(1.0, 1.0, 76.0))
    man = fit_octave(notes, 110.0, (0.0, 9.0))
    assert [note.pitch for note in man] == [48.0, 52.0]
    woman = fit_octave(notes, 220.0, (0.0, 9.0))
    assert [note.pitch for note in woman] == [60.0, 64.0]


@pytest.mark.parametrize(
    "notes",
    [
        (),
        (Note(-1.0, 1.0, 60.0),),
        (Note(0.0, 0.0, 60.0),),
        (Note(0.0, 1.0, float("nan")),),
        (Note(0.0, 1.0, 200.0),),
        (Note(1.0, 1.0, 60.0), Note(0.5, 1.0, 60.0)),
        (Note(1.0, 1e6, 60.0),),
    ],
)
def test_what_is_no_melody_is_refused(notes: tuple[Note, ...]) -> None:
    with pytest.raises(UsageError):
        check_notes(notes)


def test_a_note_ends_where_the_next_begins() -> None:
    first, second = check_notes((Note(0.0, 5.0, 60.0), Note(1.0, 1.0, 62.0)))
    assert first.end_s == second.start_s == 1.0


def test_settings_refuse_what_is_no_range() -> None:
    with pytest.raises(UsageError, match="glide_s"):
        SingingSettings(glide_s=(0.2, 0.1))
    with pytest.raises(UsageError, match="tempo_bpm"):
        SingingSettings(tempo_bpm=(0.0, 100.0))


# --- places ----------------------------------------------------------------------------------------------

melodies = st.lists(
    st.tuples(st.floats(0.05, 2.0), st.floats(0.0, 0.5), st.floats(40, 80)), min_size=1, max_size=12
)


@given(lengths=syllables, melody=melodies, seed=st.integers(0, 99))
@settings(deadline=None, max_examples=60)
def test_vowels_begin_on_their_notes_whatever_the_words(lengths: list, melody: list, seed: int) -> None:
    words = from_lengths(lengths)
    notes, start = [], 0.0
    for length, rest, pitch in melody:
        notes.append(Note(start, length, pitch))
        start += length + rest
    placed = place(words, notes)
    assert [one.vowel_start * FRAME_S for one in placed] == pytest.approx([note.start_s for note in notes])
    for one, following in pairwise(placed):
        assert one.start <= one.vowel_start < one.vowel_end <= one.end + 1e-9
        assert one.end <= following.start + 1e-6
        assert following.start <= following.vowel_start
    frames = int(np.ceil(placed[-1].end)) + 10
    position, heard = source_positions(placed, frames, np.random.default_rng(seed))
    assert ((position >= 0) & (position <= words[-1].end)).all()
    for one in placed:
        time = np.arange(max(0, int(np.ceil(one.vowel_start))), int(np.ceil(one.vowel_end)))
        assert heard[time].all()
        inside = position[time]
        assert ((inside >= one.syllable.vowel_start) & (inside <= one.syllable.vowel_end)).all()


def test_consonants_keep_their_pace_while_vowels_are_stretched() -> None:
    words = from_lengths([(16, 40, 10, 0), (12, 30, 0, 0)])
    placed = place(words, [Note(0.5, 1.0, 60.0), Note(1.5, 1.0, 62.0)])
    assert placed[1].joined
    position, heard = source_positions(placed, 600, np.random.default_rng(0))
    between = np.arange(int(placed[0].vowel_end) + 1, int(placed[1].vowel_start))
    np.testing.assert_allclose(np.diff(position[between]), 1.0, atol=1e-9)
    assert heard[between].all()
    assert len(between) + 1 == pytest.approx(10 + 12, abs=1)


def test_a_rest_is_silent_and_words_begin_again() -> None:
    words = from_lengths([(10, 40, 10, 0), (10, 40, 10, 0)])
    notes = [Note(0.2 + 1.5 * number, 0.5, 60.0) for number in range(5)]
    placed = place(words, notes)
    assert [one.syllable for one in placed] == [words[0], words[1], words[0], words[1], words[0]]
    frames = int(placed[-1].end) + 10
    _, heard = source_positions(placed, frames, np.random.default_rng(0))
    factor = gate(placed, heard)
    assert not factor[round(0.9 / FRAME_S) : round(1.6 / FRAME_S)].any()
    assert factor[round(0.3 / FRAME_S) : round(0.6 / FRAME_S)].min() == 1.0
    assert factor[int(np.ceil(placed[1].start))] < 0.5


# --- expression ------------------------------------------------------------------------------------------


def held_note(**changes: tuple[float, float]) -> tuple[np.ndarray, np.ndarray]:
    """Pitch and level of a note of 4 s after one of 1 s, an octave apart; nothing is random but phases."""
    still = SingingSettings(
        jitter_semitones=(0, 0), accent_db=0.0, glide_s=(0.1, 0.1), vibrato_after_s=(0.2, 0.2)
    )
    rng = np.random.default_rng(2)
    placed = place(from_lengths([(10, 50, 10, 0)] * 2), [Note(0.1, 0.9, 60.0), Note(1.0, 4.0, 72.0)])
    return pitch_and_level(placed, 1010, draw_manner(replace(still, **changes), rng), rng)


def test_vibrato_has_the_rate_and_the_depth_asked_for() -> None:
    pitch, level_db = held_note(
        vibrato_hz=(5.5, 5.5), vibrato_semitones=(0.5, 0.5), vibrato_level_db=(1.0, 1.0)
    )
    steady = slice(round(1.6 / FRAME_S), round(4.8 / FRAME_S))
    spectrum = abs(np.fft.rfft((pitch[steady] - 72) * np.hanning(640), 8192))
    assert np.argmax(spectrum) / (8192 * FRAME_S) == pytest.approx(5.5, abs=0.3)
    assert pitch[steady].max() == pytest.approx(72.5, abs=0.02)
    assert pitch[steady].min() == pytest.approx(71.5, abs=0.02)
    assert level_db[steady].max() == pytest.approx(1.0, abs=0.05)
    # It begins only after the note has been held for a while.
    assert abs(pitch[round(1.06 / FRAME_S) : round(1.2 / FRAME_S)] - 72).max() < 1e-9


def test_a_glide_takes_its_time_and_is_all_but_over_when_the_vowel_begins() -> None:
    pitch, _ = held_note(vibrato_semitones=(0, 0), vibrato_level_db=(0, 0))
    moving = np.flatnonzero((pitch > 60.01) & (pitch < 71.99)) * FRAME_S
    assert 0.06 <= moving[-1] - moving[0] <= 0.11
    assert abs(pitch[round(1.0 / FRAME_S)] - 72) < 1.0
    assert pitch[round(1.03 / FRAME_S)] == pytest.approx(72)


def test_jitter_has_the_deviation_asked_for() -> None:
    pitch, _ = held_note(vibrato_semitones=(0, 0), vibrato_level_db=(0, 0), jitter_semitones=(0.1, 0.1))
    assert 0.05 < np.std(pitch[round(1.2 / FRAME_S) :]) < 0.18


# --- character -------------------------------------------------------------------------------------------


def test_formants_move_and_the_singers_formant_is_lifted() -> None:
    frequencies = np.arange(513) * RATE / 1024
    peak = -0.5 * ((frequencies - 1000) / 100) ** 2
    envelope = np.repeat(peak[None], 4, axis=0).astype(np.float32)
    voice = Voice(RATE, np.full(4, 100.0), envelope, np.zeros_like(envelope), 1.0)
    moved = change_envelope(voice, Character(1.1, 0.0, 0.0, 3000.0))
    assert frequencies[np.argmax(moved[0])] == pytest.approx(1100, abs=16)
    same = change_envelope(voice, Character(1.0, 0.0, 0.0, 3000.0))
    np.testing.assert_allclose(same, envelope, atol=1e-5)
    lifted = (change_envelope(voice, Character(1.0, 4.0, 6.0, 3000.0)) - same)[0] * 10 / np.log(10)
    assert lifted[frequencies < 300] == pytest.approx(0.0, abs=0.05)
    assert frequencies[np.argmax(lifted)] == pytest.approx(3000, abs=300)
    assert lifted[np.argmin(abs(frequencies - 3000))] == pytest.approx(
        6 + 4 * np.log(10) / np.log(50 / 3), abs=0.1
    )
    assert lifted[frequencies > 7900] == pytest.approx(4.0, abs=0.2)


# --- phrases ---------------------------------------------------------------------------------------------


def piece(number: int, *, seconds: float = 2.0, speaker: str = "june", **changes: object) -> Piece:
    made = Piece(
        name=f"talk/{number}",
        song=f"talk/{number}",
        part="voices",
        labels=("speech", "fr", speaker),
        path="voices/talk.wav",
        stems=("mixture",),
        start=0,
        frames=round(44_100 * seconds),
        sample_rate=44_100,
        channels=1,
        source_rate=16_000,
        bandwidth_hz=7000.0,
        level_db=-20.0,
        gain_db=0.0,
        clipped=0.0,
        package="talk",
        version="1",
        file=f"{number}.wav",
        licence="CC0-1.0",
        author="",
    )
    return replace(made, **changes)


def some(pieces: list[Piece], count: int, seed: int = 0) -> list[Phrase]:
    return list(islice(phrases(pieces, seed=seed), count))


def test_a_phrase_has_one_speaker_one_split_one_licence_and_one_author() -> None:
    spoken = [
        piece(
            number,
            speaker=("june", "carlo")[number % 2],
            licence=("CC0-1.0", "CC-BY-4.0")[number % 3 == 0],
            author=("a", "b")[number % 5 == 0],
        )
        for number in range(240)
    ]
    found = some(spoken, 150)
    for phrase in found:
        assert len({(one.piece.labels, one.piece.licence, one.piece.author) for one in phrase.excerpts}) == 1
        assert len({split_of(one.piece.song) for one in phrase.excerpts}) == 1
        assert split_of(phrase.piece.song) == split_of(phrase.excerpts[-1].piece.song)
        assert phrase.seconds <= 9.0
    assert np.mean([phrase.seconds >= 5.0 for phrase in found]) > 0.75
    assert {split_of(phrase.piece.song) for phrase in found} == {"train", "validation", "test"}
    assert len({phrase.seed for phrase in found}) == len(found)


def test_phrases_repeat_and_every_turn_has_other_neighbours() -> None:
    spoken = [piece(number) for number in range(12)]
    assert some(spoken, 20) == some(spoken, 20)
    assert some(spoken, 20) != some(spoken, 20, seed=1)
    many = some(spoken, 30)
    names = [one.piece.name for phrase in many for one in phrase.excerpts]
    assert len(set(names[:12])) == len(set(names[12:24])) == 12
    assert len({phrase.excerpts for phrase in many}) > 15


def test_where_speakers_are_not_known_a_phrase_is_one_piece() -> None:
    spoken = [piece(number, speaker="various") for number in range(10)]
    assert {len(phrase.excerpts) for phrase in some(spoken, 20)} == {1}
    assert some([piece(1, speaker="various", seconds=0.5)], 5) == []


def test_long_pieces_are_cut_where_it_is_quiet(tmp_path: Path) -> None:
    time = np.arange(44_100 * 20) / 44_100
    sound = (0.1 * np.sin(2 * np.pi * 220 * time) * ((time % 6.5) > 0.3)).astype(np.float32)[None]
    with ShelfWriter(tmp_path, part="voices", shelf="talk", package="talk", version="1") as shelf:
        long = shelf.add(
            {"mixture": sound}, name="talk/1", song="talk/1", labels=("speech", "fr", "june"),
            source_rate=16_000, bandwidth_hz=7000.0, level_db=-20.0, gain_db=0.0, clipped=0.0,
            file="1.wav", licence="CC0-1.0", author="",
        )  # fmt: skip
    found = sorted(some([long], 3), key=lambda phrase: phrase.excerpts[0].part)
    assert [phrase.excerpts[0].part for phrase in found] == [0, 1, 2]
    spoken = [speak(tmp_path, phrase) for phrase in found]
    # Silences lie at 6.5 … 6.8 s and 13 … 13.3 s.
    assert abs(spoken[0].shape[1] / 16_000 - 6.65) < 0.15
    assert abs(sum(samples.shape[1] for samples in spoken) / 16_000 - 20) < 0.01


def test_phrases_are_sung_at_the_least_rate_that_holds_them() -> None:
    assert some([piece(1, seconds=6)], 1)[0].sample_rate == 16_000
    wide = piece(1, seconds=6, source_rate=44_100, bandwidth_hz=16_500.0)
    assert some([wide], 1)[0].sample_rate == 44_100
    dull = piece(1, seconds=6, source_rate=44_100, bandwidth_hz=7000.0)
    assert some([dull], 1)[0].sample_rate == 16_000
    assert some([piece(1, seconds=6, source_rate=22_050, bandwidth_hz=11_000.0)], 1)[0].sample_rate == 22_050
