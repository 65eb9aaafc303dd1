"""What the ensemble plays: the same from the same seed, within ranges, on the beat, in great variety."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.band.score import Hit, Note
from tonewright.audio.sources.ensemble.accompaniment import octave_into, shaped, strokes
from tonewright.audio.sources.ensemble.arrangement import Part
from tonewright.audio.sources.ensemble.composing import LINE_UPS, ROOMS, Stage, compose, song_seconds
from tonewright.audio.sources.ensemble.ensembles import DUO, ENSEMBLES, SOLO
from tonewright.audio.sources.ensemble.instruments import INSTRUMENTS
from tonewright.audio.sources.ensemble.kits import (
    AVL_KEYS,
    GM_KEYS,
    PIECES,
    SUBSTITUTES,
    drum_of,
    piece_of,
    struck,
)
from tonewright.audio.sources.ensemble.patterns import BASS_FIGURES, CHORD_FIGURES, GROOVES
from tonewright.audio.sources.ensemble.performing import LEAD_IN_S, perform, unpiled
from tonewright.audio.sources.ensemble.styles import BASSES, STYLES

FULL = Stage(frozenset(INSTRUMENTS), drums=True)
line_ups = st.sampled_from(sorted(LINE_UPS))
few = settings(deadline=None, max_examples=20)


@cache
def songs_of(line_up: str):
    return tuple(compose(line_up, number, stage=FULL) for number in range(80))


@few
@given(line_ups, st.integers(0, 10_000), st.integers(0, 2**31))
def test_notes_keep_to_ranges_and_to_the_song(line_up, number, seed):
    song = compose(line_up, number, seed=seed, stage=FULL)
    assert 15 <= song.seconds <= 75
    assert 0 <= song.room < ROOMS
    for part in song.parts:
        assert part.notes or part.hits
        assert -1 <= part.pan <= 1
        for note in part.notes:
            instrument = INSTRUMENTS[part.instrument]
            assert instrument.low <= note.pitch <= instrument.high, (part.instrument, note)
            assert 0 <= note.start_s < song.seconds
            assert note.seconds > 0
            assert 0 < note.level <= 1
        for hit in part.hits:
            assert hit.piece in PIECES
            assert 0 <= hit.start_s < song.seconds
            assert 0 < hit.level <= 1
        assert all(abs(bend.semitones) <= 2 for bend in part.bends)
        assert all(0 < swell.level <= 1 for swell in part.swells)
        for curve in (part.bends, part.swells):
            times = [point.start_s for point in curve]
            assert times == sorted(times)


@few
@given(line_ups, st.integers(0, 10_000), st.integers(0, 2**31))
def test_the_same_song_from_the_same_seed(line_up, number, seed):
    song = compose(line_up, number, seed=seed, stage=FULL)
    assert compose(line_up, number, seed=seed, stage=FULL) == song
    assert compose(line_up, number + 1, seed=seed, stage=FULL).parts != song.parts
    assert compose(line_up, number, seed=seed + 1, stage=FULL).parts != song.parts
    assert song_seconds(line_up, number, seed=seed) == song.seconds


@few
@given(line_ups, st.integers(0, 10_000))
def test_a_line_up_has_its_stems_and_a_melody_only_where_someone_sings(line_up, number):
    song = compose(line_up, number, stage=FULL)
    assert song.stems == LINE_UPS[line_up]
    assert bool(song.melody) == ("vocals" in LINE_UPS[line_up])
    for part in song.parts:
        assert (part.stem == "drums") == (part.instrument == "kit")
        assert (part.stem == "bass") == (part.instrument in BASSES)


@few
@given(
    line_ups, st.integers(0, 500), st.sampled_from([{"piano"}, {"flute", "finger_bass"}, {"violin", "cello"}])
)
def test_nothing_is_asked_of_instruments_that_are_not_there(line_up, number, there):
    song = compose(line_up, number, stage=Stage(frozenset(there), drums=False))
    assert {part.instrument for part in song.parts} <= there
    if "other" in LINE_UPS[line_up]:
        assert "other" in song.stems


@few
@given(st.integers(0, 10_000))
def test_drums_are_on_the_beat(number):
    song = compose("drums", number, stage=FULL)
    grid, (part,) = song.frame.grid, song.parts
    steps = np.array(
        [grid.time_s(bar, step) for bar in range(song.frame.bars + 1) for step in range(grid.steps_per_bar)]
    )
    away = np.array([np.abs(steps + LEAD_IN_S - hit.start_s).min() for hit in part.hits])
    assert away.max() < 0.036  # a habit of 15 ms, a slip of 12, and 8 of the band's own
    assert np.median(away) < 0.02


@pytest.mark.parametrize("line_up", ["band", "ensemble"])
def test_eighty_songs_differ(line_up):
    songs = songs_of(line_up)
    assert len({part.instrument for song in songs for part in song.parts}) > 55
    assert len({song.style for song in songs}) > 12
    assert len({song.frame.key.tonic for song in songs}) == 12
    assert len({song.frame.key.mode for song in songs}) == 4
    assert len({song.frame.grid.meter for song in songs}) >= 3
    assert len({song.frame.chords for song in songs}) == 80
    assert len({song.room for song in songs}) > 18
    tempi = [song.frame.grid.tempo_bpm for song in songs]
    assert max(tempi) > 1.9 * min(tempi)
    assert len({round(tempo) for tempo in tempi}) > 40
    assert len({tuple((s.name, s.bars) for s in song.frame.sections) for song in songs}) > 25


def test_soloists_duos_and_ensembles_take_turns():
    songs = songs_of("ensemble")
    alone = [song for song in songs if song.style == "solo"]
    assert len(alone) > 8
    assert all(len(song.parts) == 1 for song in alone)
    assert sum(song.style == "duo" for song in songs) > 4
    assert sum(len(song.parts) > 2 for song in songs) > 15


def test_leads_carry_the_tune_in_many_bands():
    songs = songs_of("band")
    leads = [part for song in songs for part in song.parts if part.role == "lead"]
    assert len(leads) > 15
    assert len({part.instrument for part in leads}) > 10
    assert sum(bool(part.bends) for part in leads) > 5


def test_no_instrument_imitates_a_voice():
    assert not {instrument.program for instrument in INSTRUMENTS.values()} & {52, 53, 54, 85, 91}
    named = {name for role in STYLES.values() for r in role.roles for name in r.instruments}
    named |= {name for ensemble in ENSEMBLES.values() for player in ensemble.players for name in player}
    named |= {name for names in (*DUO, SOLO, BASSES) for name in names}
    assert named <= set(INSTRUMENTS)
    played = [name for e in ENSEMBLES.values() for player in e.players for name in player]
    assert not set(BASSES) & {*played, *SOLO, *DUO[0], *DUO[1]}


def test_patterns_fill_a_bar_of_sixteenths():
    for lines in GROOVES.values():
        assert set(lines) <= set(PIECES)
        assert all(len(line) == 16 and set(line) <= set("XxoO.") for line in lines.values())
    assert all(len(figure) == 16 and set(figure) <= set("R583 7A.,") for figure in BASS_FIGURES.values())
    assert all(len(figure) == 16 and set(figure) <= set("Xx.,") for figure in CHORD_FIGURES.values())
    for style in STYLES.values():
        assert set(style.grooves) <= set(GROOVES)
        assert set(style.figures) <= set(BASS_FIGURES)
        assert all(set(role.figures) <= set(CHORD_FIGURES) for role in style.roles)


def test_figures_hold_and_stop():
    assert strokes("R..R,.8.") == [(0, 3, "R"), (3, 1, "R"), (6, 2, "8")]
    assert octave_into(61, 40, 52) == 49
    assert shaped((0, 4, 7), 60, "close") == (55, 60, 64)
    root, fifth, octave = shaped((9, 0, 4), 57, "power")
    assert (fifth - root, octave - root, root % 12) == (7, 12, 9)


@few
@given(
    st.lists(
        st.builds(Note, st.floats(0, 5), st.floats(0.03, 4), st.sampled_from([60.0, 62.0]), st.just(0.5)),
        min_size=1,
        max_size=30,
    )
)
def test_a_pitch_that_is_struck_again_has_ended(notes):
    played = unpiled(tuple(notes))
    assert played
    for pitch in {note.pitch for note in played}:
        line = [note for note in played if note.pitch == pitch]
        assert all(a.start_s + a.seconds < b.start_s for a, b in pairwise(line))
    assert {note.start_s for note in played} <= {note.start_s for note in notes}


def test_players_are_loose_but_not_lost():
    notes = tuple(Note(0.5 * k, 0.4, 60.0, 0.6) for k in range(40))
    part = Part("lead", "other", "flute", notes)
    played = perform(part, seconds=30.0, looseness_s=0.01, rng=np.random.default_rng(0))
    late = np.array([a.start_s - b.start_s for a, b in zip(played.notes, notes, strict=True)])
    assert 0.001 < late.std() < 0.012
    assert np.abs(late - LEAD_IN_S).max() < 0.046
    assert np.std([note.level for note in played.notes]) > 0.01
    exact = perform(part, seconds=30.0, looseness_s=0.0, rng=np.random.default_rng(0))
    assert np.allclose([note.start_s for note in exact.notes], [note.start_s + LEAD_IN_S for note in notes])


def test_what_begins_at_the_very_end_is_left_out():
    hits = (Hit(1.0, "kick", 0.9), Hit(2.95, "snare", 0.9))
    played = perform(
        Part("drums", "drums", "kit", hits=hits), seconds=3.0, looseness_s=0.0, rng=np.random.default_rng(0)
    )
    assert [hit.piece for hit in played.hits] == ["kick"]


@pytest.mark.parametrize(
    ("file", "piece"),
    [
        ("ForzeeStereo/Kick-3.wav", "kick"),
        ("a/bassdrum-4mics-br-stereo-soft2.flac", "kick"),
        ("VP Snare 1.flac", "snare"),
        ("SnareOffRim-4.wav", "rim"),
        ("stick_Woody.flac", "rim"),
        ("hihat-open-1.flac", "open_hat"),
        ("hihat-closed-4.flac", "hat"),
        ("SabianHatPedal-Hard.wav", "pedal_hat"),
        ("CrashRide18Bell-1.wav", "bell"),
        ("crash20i__crash.flac", "crash"),
        ("RideBow-0.wav", "ride"),
        ("PearlTomFloor-Softest.wav", "tom_low"),
        ("TomHigh-1.wav", "tom_high"),
        ("tom_02.flac", "tom_mid"),
        ("29800__stomachache__3.wav", None),
        ("beats_07-18.flac", None),
    ],
)
def test_file_names_tell_the_drum(file, piece):
    assert piece_of(file) == piece


def test_takes_of_a_drum_belong_together():
    assert drum_of("kit/SnareOff-3.wav") == drum_of("kit/SnareOff-0.wav") == "SnareOff"
    assert drum_of("PearlKick-Softest.wav") == drum_of("PearlKick-Hardest.wav")
    assert drum_of("Snare-1.wav") != drum_of("SnareOff-1.wav")


def test_a_small_kit_does_what_it_can():
    there = frozenset({"kick", "snare", "hat"})
    assert struck("clap", there) == "snare"
    assert struck("ride", there) == "hat"
    assert struck("conga_low", there) is None
    for keys in (GM_KEYS, AVL_KEYS):
        assert all(0 <= key < 128 for choices in keys.values() for key in choices)
        assert all(struck(piece, frozenset(keys)) for piece in ("kick", "snare", "crash", "tom_low", "clap"))
    assert set(SUBSTITUTES) <= set(PIECES)
