"""Notes of SoundFont 2 banks, which the tests write byte by byte."""

from __future__ import annotations

import dataclasses
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.decoding import RawSound, Refused, banks, sounds
from tonewright.audio.sources.packages import Fetched
from tonewright.audio.sources.soundfont import Preset, SoundFont, note_name
from tonewright.errors import AudioError

MONO, RIGHT, LEFT, ROM, COMPRESSED = 1, 2, 4, 0x8001, 0x11
RATE = 8000


@dataclass
class Sample:
    """A sample and how one instrument plays it."""

    name: str
    samples: np.ndarray
    key: int = 60
    override: int | None = None
    kind: int = MONO
    link: int = 0
    rate: int = RATE
    preset: tuple[int, int, str] | None = (0, 0, "Grand Piano")


def tone(seconds: float = 0.2, seed: int = 0, rate: int = RATE) -> np.ndarray:
    return np.random.default_rng(seed).integers(-30_000, 30_000, round(seconds * rate), dtype=np.int16)


def chunk(name: bytes, content: bytes) -> bytes:
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def generators(*pairs: tuple[int, int]) -> bytes:
    return b"".join(struct.pack("<HH", operator, amount) for operator, amount in pairs)


def bank_bytes(samples: list[Sample], *, extra: bytes = b"") -> bytes:
    """A bank with one instrument and one preset for each preset that is named."""
    presets = list(dict.fromkeys(sample.preset for sample in samples if sample.preset is not None))
    data, shdr = b"", b""
    for sample in samples:
        start = len(data) // 2
        data += sample.samples.astype("<i2").tobytes() + bytes(2 * 46)
        shdr += struct.pack(
            "<20sIIIIIBbHH",
            sample.name.encode("latin-1"),
            start,
            start + sample.samples.size,
            start,
            start,
            sample.rate,
            sample.key,
            -7,
            sample.link,
            sample.kind,
        )
    inst = ibag = igen = phdr = pbag = pgen = b""
    for number, (bank, program, name) in enumerate(presets):
        phdr += struct.pack("<20sHHHIII", name.encode(), program, bank, len(pbag) // 4, 0, 0, 0)
        # A global zone before the one that names the instrument.
        for zone in (((8, 1200),), ((41, number),)):
            pbag += struct.pack("<HH", len(pgen) // 4, 0)
            pgen += generators(*zone)
        inst += struct.pack("<20sH", name.encode(), len(ibag) // 4)
        for index, sample in enumerate(samples):
            if sample.preset == (bank, program, name):
                ibag += struct.pack("<HH", len(igen) // 4, 0)
                own = () if sample.override is None else ((58, sample.override),)
                igen += generators((43, 0x7F00), *own, (53, index))
    phdr += struct.pack("<20sHHHIII", b"EOP", 0, 0, len(pbag) // 4, 0, 0, 0)
    inst += struct.pack("<20sH", b"EOI", len(ibag) // 4)
    pbag += struct.pack("<HH", len(pgen) // 4, 0)
    ibag += struct.pack("<HH", len(igen) // 4, 0)
    tables = {
        b"phdr": phdr,
        b"pbag": pbag,
        b"pmod": bytes(10),
        b"pgen": pgen + bytes(4),
        b"inst": inst,
        b"ibag": ibag,
        b"imod": bytes(10),
        b"igen": igen + bytes(4),
        b"shdr": shdr + struct.pack("<20s26x", b"EOS"),
    }
    body = chunk(b"LIST", b"INFO" + chunk(b"INAM", b"Tests\0"))
    body += chunk(b"LIST", b"sdta" + chunk(b"smpl", data) + extra)
    body += chunk(b"LIST", b"pdta" + b"".join(chunk(name, table) for name, table in tables.items()))
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"sfbk" + body


def write_bank(folder: Path, *samples: Sample, extra: bytes = b"", name: str = "bank.sf2") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bank_bytes(list(samples), extra=extra))
    return path


def test_notes_have_their_samples_rates_and_pitches(tmp_path):
    one = Sample("A4 soft", tone(seed=1), key=69)
    two = Sample("C named by its zone", tone(seed=2, rate=22_050), key=60, override=49, rate=22_050)
    with SoundFont(write_bank(tmp_path, one, two)) as bank:
        assert [(note.name, note.pitch, note.sample_rate) for note in bank.notes] == [
            ("A4 soft", "A4", RATE),
            ("C named by its zone", "C#3", 22_050),
        ]
        assert [note.root_key for note in bank.notes] == [69, 49]
        assert [note.correction_cents for note in bank.notes] == [-7, -7]
        assert bank.notes[0].seconds == pytest.approx(0.2)
        for note, sample in zip(bank.notes, (one, two), strict=True):
            read = bank.read(note)
            assert read.dtype == np.float32
            np.testing.assert_array_equal(read[0] * 2**15, sample.samples)


def test_the_lower_bits_of_24_are_left_out(tmp_path):
    sample = Sample("x", tone())
    plain = write_bank(tmp_path, sample)
    fine = write_bank(
        tmp_path, sample, extra=chunk(b"sm24", bytes(sample.samples.size + 46)), name="fine.sf2"
    )
    with SoundFont(plain) as one, SoundFont(fine) as other:
        np.testing.assert_array_equal(one.read(one.notes[0]), other.read(other.notes[0]))


@pytest.mark.parametrize("linked", [True, False])
def test_left_and_right_are_one_sound(tmp_path, linked):
    left = Sample("Piano C4(L)", tone(0.25, seed=1), kind=LEFT, link=1 if linked else 0)
    right = Sample("Piano C4(R)", tone(0.2, seed=2), kind=RIGHT, link=0)
    other = Sample("Piano D4(L)", tone(seed=3), kind=LEFT, link=7)
    with SoundFont(write_bank(tmp_path, left, right, other)) as bank:
        assert [(note.name, len(note.start)) for note in bank.notes] == [("Piano C4", 2), ("Piano D4(L)", 1)]
        pair = bank.read(bank.notes[0])
        frames = right.samples.size  # the shorter of them
        np.testing.assert_array_equal(pair[0] * 2**15, left.samples[:frames])
        np.testing.assert_array_equal(pair[1] * 2**15, right.samples)


def test_sides_of_unlike_rates_are_no_pair(tmp_path):
    left = Sample("C4 L", tone(seed=1), kind=LEFT, link=1)
    right = Sample("C4 R", tone(seed=2), kind=RIGHT, link=0, rate=RATE // 2)
    with SoundFont(write_bank(tmp_path, left, right)) as bank:
        assert [len(note.start) for note in bank.notes] == [1, 1]


def test_rom_and_tiny_loops_are_passed_over(tmp_path):
    rom, loop, kept = Sample("rom", tone(), kind=ROM), Sample("loop", tone(0.09)), Sample("kept", tone(0.11))
    with SoundFont(write_bank(tmp_path, rom, loop, kept)) as bank:
        assert [note.name for note in bank.notes] == ["kept"]
        np.testing.assert_array_equal(bank.read(bank.notes[0])[0] * 2**15, kept.samples)


def test_two_samples_of_one_name_get_two(tmp_path):
    with SoundFont(write_bank(tmp_path, Sample("kick", tone()), Sample("kick", tone()))) as bank:
        assert [note.name for note in bank.notes] == ["kick", "kick (2)"]


def test_presets_and_families(tmp_path):
    kit = Sample("snare", tone(), preset=(128, 0, "Standard"))
    choir = Sample("aah", tone(), preset=(0, 52, "Ahh Choir"))
    violin = Sample("bow", tone(), preset=(0, 40, "Violin"))
    nobody = Sample("unused", tone(), preset=None)
    with SoundFont(write_bank(tmp_path, kit, choir, violin, nobody)) as bank:
        found = {note.name: note.presets for note in bank.notes}
    assert found["snare"] == (Preset(128, 0, "Standard"),)
    assert [found[name][0].family for name in ("snare", "aah", "bow")] == ["drums", "voice", "strings"]
    assert found["unused"] == ()


def test_note_names_follow_the_octaves_of_midi():
    # 440 Hz is A4, and 27.5 Hz, the lowest key of a piano, is A0.
    assert [note_name(key) for key in (69, 21, 60, 61, 0, 127)] == ["A4", "A0", "C4", "C#4", "C-1", "G9"]


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda data: b"", "is no SoundFont 2 bank"),
        (lambda data: b"OggS" + data[4:], "is no SoundFont 2 bank"),
        (lambda data: data[:8] + b"WAVE" + data[12:], "is no SoundFont 2 bank"),
        (lambda data: data[: len(data) // 2], "is truncated"),
        (lambda data: data.replace(b"shdr", b"nope"), "has no 'shdr'"),
        (lambda data: data.replace(b"igen", b"nope"), "has no 'igen'"),
    ],
)
def test_what_is_no_bank_is_refused(tmp_path, spoil, words):
    path = write_bank(tmp_path, Sample("x", tone()))
    path.write_bytes(spoil(path.read_bytes()))
    with pytest.raises(AudioError, match=words):
        SoundFont(path)


def test_a_missing_bank_and_a_compressed_one_are_refused(tmp_path):
    with pytest.raises(AudioError, match="cannot be read"):
        SoundFont(tmp_path / "none.sf2")
    with pytest.raises(AudioError, match="compressed"):
        SoundFont(write_bank(tmp_path, Sample("x", tone(), kind=COMPRESSED)))


def test_samples_outside_the_bank_are_passed_over(tmp_path):
    path = write_bank(tmp_path, Sample("x", tone(seed=1)), Sample("y", tone(seed=2)))
    data = path.read_bytes()
    record = data.index(b"shdr") + 8
    spoiled = data[: record + 24] + struct.pack("<I", 10**9) + data[record + 28 :]
    path.write_bytes(spoiled)
    with SoundFont(path) as bank:
        assert [note.name for note in bank.notes] == ["y"]


@pytest.mark.parametrize("spoiled", [0, 1])
def test_a_side_whose_other_is_outside_the_bank_is_heard_alone(tmp_path, spoiled):
    left = Sample("C4 L", tone(seed=1), kind=LEFT, link=1)
    right = Sample("C4 R", tone(seed=2), kind=RIGHT, link=0)
    path = write_bank(tmp_path, left, right)
    data = bytearray(path.read_bytes())
    place = data.index(b"shdr") + 8 + 46 * spoiled + 20
    start, end = struct.unpack_from("<II", data, place)
    struct.pack_into("<II", data, place, start + 10**6, end + 10**6)
    path.write_bytes(data)
    with SoundFont(path) as bank:
        (note,) = bank.notes
        assert note.name == ("C4 R", "C4 L")[spoiled]
        np.testing.assert_array_equal(bank.read(note)[0] * 2**15, (right, left)[spoiled].samples)


@pytest.fixture
def fluid(tmp_path: Path) -> tuple[Source, Fetched]:
    """A source whose package holds a bank."""
    write_bank(
        tmp_path / "package/usr/share/sounds/sf2",
        Sample("Bow/A4", tone(seed=1), key=69, preset=(0, 40, "Violin")),
        Sample("Snare", tone(seed=2), key=38, preset=(128, 0, "Standard 1")),
        Sample("Aah", tone(seed=3), preset=(0, 52, "Ahh Choir")),
        Sample("Shot", tone(seed=4), preset=(0, 127, "Gun Shot")),
        Sample("Lost", tone(seed=5), key=255, preset=None),
    )
    source = Source(
        name="fluid",
        package="fluid",
        manager="apt",
        part="instruments",
        size="small",
        megabytes=1.0,
        root="usr/share/sounds/sf2",
        files=("*.sf2",),
        song="{instrument}",
        licence="MIT",
        author="Frank",
        decoder="soundfont",
    )
    return source, Fetched(tmp_path / "package", "1", 1)


def test_a_bank_gives_notes_and_drums_with_labels_but_no_voices_and_no_noises(fluid):
    found = list(sounds(*fluid))
    kept = {sound.name: sound for sound in found if isinstance(sound, RawSound)}
    assert {name: (sound.labels, sound.song) for name, sound in kept.items()} == {
        "bank/Bow-A4": (("note", "violin", "A4", "strings"), "fluid/violin"),
        "bank/Snare": (("drum", "standard-1"), "fluid/standard-1"),
        "bank/Lost": (("note", "bank"), "fluid/bank"),
    }
    assert kept["bank/Bow-A4"].file == "usr/share/sounds/sf2/bank.sf2:Bow/A4"
    np.testing.assert_array_equal(kept["bank/Bow-A4"].samples[0] * 2**15, tone(seed=1))
    reasons = {sound.file.split(":")[1]: sound.reason for sound in found if isinstance(sound, Refused)}
    assert reasons == {
        "Aah": "is a voice among instruments (Ahh Choir)",
        "Shot": "is a noise among instruments (Gun Shot)",
    }


def test_a_kit_in_a_bank_of_its_own_is_labelled_by_its_source(fluid):
    source, fetched = fluid
    kit = dataclasses.replace(source, labels=("drum", "{bank}"), song="{bank}")
    kept = [sound for sound in sounds(kit, fetched) if isinstance(sound, RawSound)]
    assert {(sound.labels, sound.song) for sound in kept} == {(("drum", "bank"), "fluid/bank")}


def test_banks_are_told_for_whoever_plays_them(fluid):
    source, fetched = fluid
    path = fetched.folder / "usr/share/sounds/sf2/bank.sf2"
    assert banks(source, fetched) == (path,)
    alone = dataclasses.replace(source, decoder="bank")
    assert banks(alone, fetched) == (path,)
    assert list(sounds(alone, fetched)) == []
    assert banks(dataclasses.replace(source, decoder="sound"), fetched) == ()
    assert banks(dataclasses.replace(source, licence="GPL-2.0-only"), fetched) == ()


def test_a_broken_bank_is_refused_and_no_more(fluid):
    source, fetched = fluid
    (fetched.folder / "usr/share/sounds/sf2/another.sf2").write_bytes(b"nothing")
    first, *rest = sounds(source, fetched)
    assert first == Refused("usr/share/sounds/sf2/another.sf2", "is no SoundFont 2 bank")
    assert len(rest) == 5
