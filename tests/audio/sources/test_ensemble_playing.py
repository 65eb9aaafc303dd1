"""From parts to MIDI, through fluidsynth with a bank that the test writes, to songs on shelves."""

from __future__ import annotations

import hashlib
import shutil
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.band.score import Hit, Note
from tonewright.audio.sources.ensemble import add_songs, writing
from tonewright.audio.sources.ensemble.arrangement import Bend, Part, Swell
from tonewright.audio.sources.ensemble.banks import Soundfont, find_banks
from tonewright.audio.sources.ensemble.casting import Cast, cast
from tonewright.audio.sources.ensemble.composing import LINE_UPS, compose
from tonewright.audio.sources.ensemble.instruments import INSTRUMENTS
from tonewright.audio.sources.ensemble.kits import AVL_KEYS, GM_KEYS
from tonewright.audio.sources.ensemble.midi import BLOCK, take_start, write_takes
from tonewright.audio.sources.ensemble.soundfonts import presets
from tonewright.audio.sources.ensemble.synthesizer import SynthesizerError, render
from tonewright.audio.sources.ensemble.writing import PlannedShelf, playable_line_ups, write_shelf
from tonewright.audio.sources.manifest import Piece
from tonewright.audio.sources.shelves import ShelfWriter, publish, read_facts, read_piece
from tonewright.errors import AudioError, CorpusError, UsageError

RATE = 44_100
needs_fluidsynth = pytest.mark.skipif(
    shutil.which("fluidsynth") is None, reason="needs the fluidsynth command"
)
PROGRAMS = ((0, 0), (0, 33), (0, 73), (0, 40), (0, 48), (0, 25))
KIT = (128, 0)
PITCH_KEYS, SAMPLE_KEY, LOOPS, INSTRUMENT, SAMPLE, NO_TRACKING = 43, 58, 54, 41, 53, 56


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def bank_bytes(names: dict[tuple[int, int], str]) -> bytes:
    """A bank of two instruments: a looped sine of 441 Hz, and for drums a click that has no pitch."""
    time = np.arange(RATE // 2) / RATE
    sine = 0.5 * np.sin(2 * np.pi * 441 * time)
    click = 0.9 * np.exp(-time[:4410] * 60) * np.cos(2 * np.pi * 1000 * time[:4410])
    pause = np.zeros(46)
    samples = np.concatenate([sine, pause, click, pause])
    second = len(sine) + len(pause)
    headers = [
        (b"sine", 0, len(sine), 10_000, 20_000, RATE, 69, -4, 0, 1),  # 441 Hz is 4 cents above A4
        (b"click", second, second + len(click), second + 8, second + 4000, RATE, 60, 0, 0, 1),
        (b"EOS", *[0] * 9),
    ]
    ordered = sorted(names)
    preset_rows = b"".join(
        struct.pack("<20sHHHIII", names[preset].encode(), preset[1], preset[0], number, 0, 0, 0)
        for number, preset in enumerate(ordered)
    ) + struct.pack("<20sHHHIII", b"EOP", 0, 0, len(ordered), 0, 0, 0)
    preset_zones = [
        struct.pack("<HH", INSTRUMENT, int(bank == 128 or "4pc" in names[bank, p])) for bank, p in ordered
    ]
    instrument_zones = [
        struct.pack("<HHHH", LOOPS, 1, SAMPLE, 0),
        struct.pack("<HHHH", NO_TRACKING, 0, SAMPLE, 1),
    ]
    end = struct.pack("<HH", 0, 0)
    tables = [
        (b"phdr", preset_rows),
        (b"pbag", b"".join(struct.pack("<HH", k, 0) for k in range(len(ordered) + 1))),
        (b"pmod", bytes(10)),
        (b"pgen", b"".join(preset_zones) + end),
        (b"inst", b"".join(struct.pack("<20sH", n, k) for k, n in enumerate((b"sine", b"click", b"EOI")))),
        (b"ibag", struct.pack("<HHHHHH", 0, 0, 2, 0, 4, 0)),
        (b"imod", bytes(10)),
        (b"igen", b"".join(instrument_zones) + end),
        (b"shdr", b"".join(struct.pack("<20sIIIIIBbHH", *header) for header in headers)),
    ]
    info = (
        chunk(b"ifil", struct.pack("<HH", 2, 1)) + chunk(b"isng", b"EMU8000\0") + chunk(b"INAM", b"tiny\0\0")
    )
    sound = chunk(b"smpl", np.rint(32767 * samples).astype("<i2").tobytes())
    lists = [(b"INFO", info), (b"sdta", sound), (b"pdta", b"".join(chunk(*table) for table in tables))]
    return chunk(b"RIFF", b"sfbk" + b"".join(chunk(b"LIST", kind + content) for kind, content in lists))


def add_bank(pool: Path, name: str, names: dict[tuple[int, int], str]) -> Path:
    path = pool / "soundfonts" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bank_bytes(names))
    return path


@pytest.fixture
def pool(tmp_path: Path) -> Path:
    add_bank(tmp_path, "tiny.sf2", {**{preset: f"p{preset[1]}" for preset in PROGRAMS}, KIT: "Standard"})
    return tmp_path


@pytest.fixture
def font(pool: Path) -> Soundfont:
    return find_banks(pool, ()).soundfonts[0]


def hertz(pitch: float) -> float:
    return 440.0 * 2 ** ((pitch - 69) / 12)


def peak_hz(sound: np.ndarray) -> float:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)), 1 << 18))
    return float(np.argmax(power) * RATE / (1 << 18))


# Banks


def test_presets_are_read_from_a_bank(pool):
    found = presets(pool / "soundfonts" / "tiny.sf2")
    assert set(found) == {*PROGRAMS, KIT}
    assert found[KIT] == "Standard"


@pytest.mark.parametrize(
    "content", [b"", b"RIFFxxxxWAVE", b"no bank at all, but long enough to be read as one"]
)
def test_a_file_that_is_no_bank_is_passed_over(pool, content):
    (pool / "soundfonts" / "broken.sf2").write_bytes(content)
    with pytest.raises(AudioError, match=r"broken\.sf2"):
        presets(pool / "soundfonts" / "broken.sf2")
    assert [bank.path.name for bank in find_banks(pool, ()).soundfonts] == ["tiny.sf2"]


def test_the_stage_is_what_the_banks_can_play(pool):
    stage = find_banks(pool, ()).stage
    assert stage.instruments == {n for n, i in INSTRUMENTS.items() if (0, i.program) in PROGRAMS}
    assert stage.drums
    assert stage.has_bass
    line_ups = playable_line_ups(find_banks(pool, ()), singing=False)
    assert set(line_ups) == set(LINE_UPS) - {"sung"}
    assert "sung" in playable_line_ups(find_banks(pool, ()), singing=True)


def test_a_bank_of_one_drum_kit_is_known_by_its_name(pool):
    add_bank(pool, "drums.sf2", {(0, 0): "Black_Pearl_4pc"})
    drums, tiny = find_banks(pool, ()).soundfonts
    assert drums.kits == {(0, 0)}
    assert not drums.programs
    assert drums.keys is AVL_KEYS
    assert tiny.keys is GM_KEYS


def add_notes(pool: Path, labels: dict[str, tuple[str, ...]], shelf: str = "notes") -> tuple[Piece, ...]:
    sine = 0.3 * np.sin(2 * np.pi * 440 * np.arange(RATE // 2) / RATE)[None]
    with ShelfWriter(pool, part="instruments", shelf=shelf, package=shelf, version="1") as writer:
        for name, words in labels.items():
            writer.add(
                {"mixture": sine}, name=f"{shelf}/{name}", song=name, labels=words, source_rate=RATE,
                bandwidth_hz=20e3, level_db=-20.0, gain_db=0.0, clipped=0.0, file=f"{shelf}/{name}.wav",
                licence="CC-BY-3.0", author="Someone",
            )  # fmt: skip
    return tuple(writer.pieces)


def test_recorded_notes_and_kits_are_found_by_their_labels(pool):
    notes = {f"v{name}": ("note", "violin", name) for name in ("G3", "C4", "G4", "C5")}
    few = {"t1": ("note", "trumpet", "A4"), "t2": ("note", "trumpet", "C5")}
    wide = {f"c{name}": ("note", "cello", name) for name in ("C2", "C3", "C4")}
    drums = dict.fromkeys(("Kick-1", "Kick-2", "Snare-1", "HiHatClosed-1", "beats"), ("drum", "Big Kit"))
    banks = find_banks(pool, add_notes(pool, notes | few | wide) + add_notes(pool, drums, "drums"))
    assert set(banks.notes) == {"violin"}
    assert [pitch for pitch, _ in banks.notes["violin"].notes] == [55, 60, 67, 72]
    assert banks.notes["violin"].reaches(52, 76)
    assert not banks.notes["violin"].reaches(50, 70)
    (kit,) = banks.kits
    assert {piece: [len(takes) for takes in drums] for piece, drums in kit.drums.items()} == {
        "kick": [2],
        "snare": [1],
        "hat": [1],
    }


def test_parts_are_cast_among_all_that_can_play_them(pool):
    notes = {f"v{name}": ("note", "violin", name) for name in ("G3", "C4", "G4", "C5")}
    banks = find_banks(pool, add_notes(pool, notes))
    part = Part("tune", "other", "violin", tuple(Note(0.5 * k, 0.4, 60 + k, 0.7) for k in range(6)))
    players = [cast(part, banks, "pop", np.random.default_rng(k)).player for k in range(40)]
    assert 5 < sum(isinstance(player, Soundfont) for player in players) < 35
    bent = replace(part, bends=(Bend(0.1, 0.5),))
    assert all(
        isinstance(cast(bent, banks, "pop", np.random.default_rng(k)).player, Soundfont) for k in range(20)
    )


def test_a_pool_without_instruments_says_what_to_add(tmp_path):
    for _ in range(2):
        with pytest.raises(CorpusError, match="--only instruments"):
            find_banks(tmp_path, ())
        add_bank(tmp_path, "noises.sf2", {(0, 127): "Gun Shot"})


# MIDI


def test_midi_round_trip(tmp_path, font):
    mido = pytest.importorskip("mido")
    notes = (Note(0.1, 0.5, 60, 0.5), Note(0.25, 0.5, 64, 1.0), Note(0.9, 0.3, 60, 0.05))
    tune = Part(
        "lead", "other", "flute", notes, bends=(Bend(0.2, 1.0), Bend(0.3, -2.0)), swells=(Swell(0.1, 0.5),)
    )
    hits = Part(
        "drums",
        "drums",
        "kit",
        hits=(Hit(0.5, "kick", 0.8), Hit(0.6, "kick", 0.4), Hit(0.7, "conga_low", 0.4)),
    )
    frames = RATE + 7
    write_takes(tmp_path / "x.mid", [Cast(tune, font, (0, 73)), Cast(hits, font, KIT)], frames)
    midi = mido.MidiFile(tmp_path / "x.mid")
    assert midi.ticks_per_beat * 1_000_000 / 500_000 == RATE
    (track,) = midi.tracks
    now, sounding, found, programs, wheel = 0, {}, [], [], []
    for message in track:
        now += message.time
        if message.type == "note_on":
            sounding[message.note] = (now, message.velocity)
        elif message.type == "note_off":
            start, velocity = sounding.pop(message.note)
            found.append((message.channel, message.note, start, now, velocity))
        elif message.type == "program_change":
            programs.append((message.channel, message.program, now))
        elif message.type == "pitchwheel":
            wheel.append((now, message.pitch))
    second = take_start(1, frames)
    assert not sounding
    assert second % BLOCK == 0
    assert second > frames
    assert programs == [(0, 73, 0), (9, 0, second)]
    assert wheel == [(round(0.2 * RATE), 4096), (round(0.3 * RATE), -8191)]
    played = sorted((key, start, end) for channel, key, start, end, _ in found if channel == 0)
    wanted = [
        (n.pitch, round(n.start_s * RATE), min(round((n.start_s + n.seconds) * RATE), frames)) for n in notes
    ]
    assert played == sorted(wanted)
    strokes = [(key, start - second) for channel, key, start, _, _ in found if channel == 9]
    assert sorted(strokes, key=lambda stroke: stroke[1]) == [
        (36, round(0.5 * RATE)), (36, round(0.6 * RATE)), (64, round(0.7 * RATE))
    ]  # fmt: skip
    loudness = {start: velocity for _, _, start, _, velocity in found}
    assert loudness[round(0.25 * RATE)] == 127
    assert loudness[round(0.1 * RATE)] > loudness[round(0.9 * RATE)]


# Fluidsynth


@needs_fluidsynth
def test_notes_sound_at_their_pitch_and_time(font):
    notes = tuple(Note(0.4 + 0.6 * k, 0.4, pitch, 0.9) for k, pitch in enumerate((57, 69, 76)))
    (sound,) = render([Cast(Part("lead", "other", "flute", notes), font, (0, 73))], 2 * RATE + RATE // 2)
    assert sound.shape == (2, 2 * RATE + RATE // 2)
    for note in notes:
        begin = round(note.start_s * RATE)
        part = sound[0, begin + 2000 : begin + 16_000]
        assert abs(1200 * np.log2(peak_hz(part) / hertz(note.pitch))) < 3
        near = np.abs(sound[0, begin - 1000 : begin + 1000])
        assert abs(int(np.argmax(near > 0.1 * np.abs(part).max())) - 1000) < 150


@needs_fluidsynth
def test_drums_are_on_the_beat(font):
    hits = tuple(Hit(0.25 + 0.2513 * k, "snare", 0.9) for k in range(8))
    (sound,) = render([Cast(Part("drums", "drums", "kit", hits=hits), font, KIT)], 3 * RATE)
    for hit in hits:
        begin = round(hit.start_s * RATE)
        near = np.abs(sound[0, begin - 500 : begin + 500])
        assert abs(int(np.argmax(near > 0.2 * near.max())) - 500) < 100  # 2.3 ms


@needs_fluidsynth
def test_takes_are_apart_and_a_repetition_is_the_same(font):
    long = Part("pad", "other", "strings", (Note(0.0, 5.0, 60, 0.9),))
    silent_start = Part("lead", "other", "flute", (Note(0.8, 0.1, 72, 0.9),))
    casts = [Cast(long, font, (0, 48)), Cast(silent_start, font, (0, 73)), Cast(long, font, (0, 48))]
    takes = list(render(casts, RATE))
    assert np.abs(takes[0][:, -2000:]).max() > 0.01
    assert np.abs(takes[1][:, : round(0.7 * RATE)]).max() < 1e-4
    again = list(render(casts, RATE))
    assert all(np.array_equal(a, b) for a, b in zip(takes, again, strict=True))


@needs_fluidsynth
def test_bends_and_swells_are_heard(font):
    note = (Note(0.0, 2.0, 69, 0.9),)
    plain = Part("lead", "other", "flute", note)
    bent = replace(plain, bends=(Bend(1.0, 1.0),), swells=(Swell(0.0, 1.0), Swell(1.5, 0.3)))
    first, second = render([Cast(plain, font, (0, 73)), Cast(bent, font, (0, 73))], 2 * RATE)
    late = slice(round(1.1 * RATE), round(1.45 * RATE))
    assert 1200 * np.log2(peak_hz(second[0, late]) / peak_hz(first[0, late])) == pytest.approx(100, abs=4)
    end = slice(round(1.7 * RATE), round(1.9 * RATE))
    assert np.abs(second[0, end]).max() < 0.3 * np.abs(first[0, end]).max()


@needs_fluidsynth
@pytest.mark.parametrize("size", [0, 1000, None])
def test_a_bank_that_is_gone_or_cut_short_is_an_error(font, tmp_path, size):
    gone = replace(font, path=tmp_path / "gone.sf2")
    if size is not None:
        gone.path.write_bytes(font.path.read_bytes()[:size])
    part = Part("lead", "other", "flute", (Note(0.0, 0.5, 69, 0.9),))
    with pytest.raises(SynthesizerError, match=r"gone\.sf2"):
        list(render([Cast(part, gone, (0, 73))], RATE))


def test_without_fluidsynth_its_packages_are_named(pool, monkeypatch):
    monkeypatch.setenv("PATH", str(pool))
    with pytest.raises(SynthesizerError, match=r"package fluidsynth .* fluid-synth"):
        add_songs(pool, hours=0.1)


# Shelves


@needs_fluidsynth
def test_a_shelf_holds_songs_whose_stems_add_up(pool):
    pytest.importorskip("mido")
    banks = find_banks(pool, add_notes(pool, {"x": ("note", "violin", "A4")}))
    shelf = PlannedShelf("band", 0, 5, size=1)
    write_shelf(pool, shelf, banks)
    (piece,) = [piece for piece in publish(pool) if piece.part == "songs"]
    song = compose("band", 0, seed=5, stage=banks.stage)
    assert piece.stems == ("mixture", "drums", "bass", "other")
    assert piece.frames == round(song.seconds * RATE)
    assert piece.labels[:3] == ("song", song.style, "band")
    assert piece.name == f"band-5-0000/0-{song.style}"
    assert piece.licence == "unknown"  # of a bank that no source names
    stems = {stem: read_piece(pool, piece, stem) for stem in piece.stems}
    total = sum(stems[stem] for stem in piece.stems[1:])
    assert np.array_equal(total, stems["mixture"])
    assert all(np.abs(sound).max() > 1e-3 for sound in stems.values())
    assert piece.level_db == pytest.approx(-20, abs=1.5)
    (facts,) = read_facts(pool, shelf.name)["songs"]
    assert facts["tempo_bpm"] == song.frame.grid.tempo_bpm
    assert len(facts["parts"]) == len(song.parts)


def digests(pool: Path) -> dict[str, str]:
    files = sorted((*(pool / "songs").glob("*.wav"), *(pool / "index").glob("*.*")))
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@needs_fluidsynth
def test_the_same_bytes_for_any_number_of_jobs(tmp_path, monkeypatch):
    pytest.importorskip("mido")
    monkeypatch.setattr(writing, "SONGS_PER_SHELF", 1)
    pools = [tmp_path / name for name in ("one", "two")]
    for jobs, folder in enumerate(pools, start=1):
        add_bank(folder, "tiny.sf2", {**{preset: f"p{preset[1]}" for preset in PROGRAMS}, KIT: "Standard"})
        seen: list[tuple[int, int]] = []
        count = add_songs(folder, hours=0.012, seed=2, jobs=jobs, progress=lambda *now, s=seen: s.append(now))
        assert count == len(list((folder / "index").glob("*.csv"))) >= 2
        assert seen == [(k, count) for k in range(1, count + 1)]
    assert digests(pools[0]) == digests(pools[1])
    before = digests(pools[0])
    (pools[0] / "index" / "band-2-0000.csv").unlink()
    assert add_songs(pools[0], hours=0.012, seed=2, jobs=1) == count
    assert digests(pools[0]) == before
    assert add_songs(pools[0], hours=0.0, seed=2) == 0
    with monkeypatch.context() as earlier:
        earlier.setattr(writing, "FORMAT", "0")
        add_songs(pools[0], hours=0.012, seed=2, jobs=1)
    assert digests(pools[0]) != before
    add_songs(pools[0], hours=0.012, seed=2, jobs=1)
    assert digests(pools[0]) == before, "songs that were composed otherwise are written anew"


@pytest.mark.parametrize(("hours", "seed"), [(-1.0, 0), (float("nan"), 0), (1.0, -1), (1e9, 0)])
def test_hours_and_seeds_that_make_no_sense(pool, hours, seed):
    with pytest.raises(UsageError, match="hours"):
        add_songs(pool, hours=hours, seed=seed)
