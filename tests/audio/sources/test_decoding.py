"""Raw sounds of packages: excerpts, stems, G.722, licences, and what is no sound."""

from __future__ import annotations

import dataclasses
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio.files import Clip, probe, read, write
from tonewright.audio.sources import g722
from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.decoding import RawSound, Refused, sounds
from tonewright.audio.sources.packages import Fetched, SourceError
from tonewright.errors import AudioError

RATE = 8000
COPYRIGHT = """\
Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/

Files: *
Copyright: 2001, The Team
License: GPL-2+

Files: data/free*.wav
Copyright: 2002, Anna
License: CC-BY-3.0
"""
needs_ffmpeg = pytest.mark.skipif(shutil.which("ffmpeg") is None, reason="ffmpeg is not on this machine")


def noise(frames: int, *, channels: int = 1, seed: int = 0) -> np.ndarray:
    """Noise that 16 bits hold exactly, (channels, frames)."""
    values = np.random.default_rng(seed).integers(-8000, 8000, (channels, frames))
    return (values / 2**15).astype(np.float32)


class Package:
    """A package as it lies unpacked."""

    def __init__(self, folder: Path) -> None:
        self.fetched = Fetched(folder, "1.0", 1)
        self.root = folder / "usr/share/game"
        self.root.mkdir(parents=True)

    def sound(self, name: str, samples: np.ndarray, *, rate: int = RATE) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        write(path, Clip(samples, rate), encoding="pcm16" if path.suffix in (".wav", ".flac") else None)
        return path

    def copyright(self, text: str = COPYRIGHT) -> None:
        path = self.fetched.folder / "usr/share/doc/game/copyright"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


@pytest.fixture
def package(tmp_path: Path) -> Package:
    return Package(tmp_path / "package")


def source(**changes: object) -> Source:
    plain = Source(
        name="game",
        package="game",
        manager="apt",
        part="music",
        size="small",
        megabytes=1.0,
        root="usr/share/game",
        files=("**/*.wav", "**/*.ogg", "**/*.flac"),
        labels=("folk",),
        licence="CC0-1.0",
        author="Anna",
    )
    return dataclasses.replace(plain, **changes)


def one(found: list[RawSound | Refused]) -> RawSound:
    (sound,) = found
    assert isinstance(sound, RawSound)
    return sound


def test_a_sound_is_as_its_package_holds_it(package):
    samples = noise(900, channels=2)
    package.sound("deep/one.wav", samples)
    raw = one(list(sounds(source(), package.fetched)))
    np.testing.assert_array_equal(raw.samples, samples)
    assert (raw.name, raw.file) == ("deep/one", "usr/share/game/deep/one.wav")
    assert (raw.sample_rate, raw.licence, raw.author) == (RATE, "CC0-1.0", "Anna")
    assert (raw.labels, raw.song, raw.stems) == (("folk",), "game/deep/one", None)


def test_sounds_come_in_the_order_of_their_paths_under_names_unlike_each_other(package):
    for name in ("b.wav", "a.wav", "a.flac", "sub/a.wav"):
        package.sound(name, noise(100))
    names = [raw.name for raw in sounds(source(), package.fetched) if isinstance(raw, RawSound)]
    assert names == ["a.flac", "a.wav", "b", "sub/a"]


@pytest.mark.parametrize(
    ("frames", "start", "count"),
    [(8 * RATE, 2 * RATE, 3 * RATE), (int(3.5 * RATE), int(0.5 * RATE), 3 * RATE), (RATE, 0, RATE)],
)
def test_an_excerpt_begins_at_one_quarter_and_stays_within_the_track(package, frames, start, count):
    samples = noise(frames)
    package.sound("a.wav", samples)
    raw = one(list(sounds(source(excerpt_seconds=3.0), package.fetched)))
    np.testing.assert_array_equal(raw.samples, samples[:, start : start + count])


def test_an_excerpt_of_a_lossy_file_is_that_part_of_it(package):
    path = package.sound("a.ogg", noise(6 * 44_100), rate=44_100)
    raw = one(list(sounds(source(excerpt_seconds=1.0), package.fetched)))
    part = read(path, start=66_150, frames=44_100)
    np.testing.assert_array_equal(raw.samples, part.samples)


def test_a_long_track_that_is_taken_whole_is_bounded(package):
    rate = 100
    package.sound("a.wav", noise(400 * rate), rate=rate)
    raw = one(list(sounds(source(), package.fetched)))
    assert raw.samples.shape == (1, 300 * rate)


@pytest.mark.parametrize("content", [b"", b"This is not music.", b"OggS" + bytes(200), b"RIFF"])
def test_what_is_no_sound_is_refused_and_the_rest_goes_on(package, content):
    package.sound("b.wav", noise(100))
    (package.root / "a.ogg").write_bytes(content)
    refused, kept = sounds(source(), package.fetched)
    assert isinstance(refused, Refused)
    assert refused.file == "usr/share/game/a.ogg"
    assert refused.reason
    assert isinstance(kept, RawSound)


def test_a_stream_without_its_end_is_read_as_it_was_published(package):
    path = package.sound("a.ogg", noise(4 * 44_100), rate=44_100)
    whole = read(path).samples
    data = path.read_bytes()
    path.write_bytes(data[: data.rindex(b"OggS")])
    with pytest.raises(AudioError, match="truncated"):
        probe(path)
    raw = one(list(sounds(source(), package.fetched)))
    frames = raw.samples.shape[1]
    assert 0.5 * whole.shape[1] < frames < whole.shape[1]
    # Vorbis overlaps its blocks: what comes before the last of them is the same.
    np.testing.assert_allclose(raw.samples[:, : frames - 4096], whole[:, : frames - 4096], atol=1e-6)


def test_samples_that_are_no_numbers_are_refused(package):
    samples = np.zeros((100, 1), np.float32)
    samples[50] = np.nan
    soundfile.write(package.root / "a.wav", samples, RATE, subtype="FLOAT")
    (refused,) = sounds(source(), package.fetched)
    assert isinstance(refused, Refused)
    assert "NaN" in refused.reason


def test_links_are_not_followed(package, tmp_path):
    package.sound("a.wav", noise(100))
    outside = Package(tmp_path / "outside").sound("secret.wav", noise(100, seed=1))
    (package.root / "b.wav").symlink_to(outside)
    (package.root / "folder").symlink_to(outside.parent, target_is_directory=True)
    assert one(list(sounds(source(), package.fetched))).name == "a"


def test_files_that_are_left_out_are_passed_over_and_a_package_without_the_wanted_is_an_error(package):
    package.sound("silence/1.wav", noise(100))
    package.sound("7.wav", noise(100))
    assert one(list(sounds(source(without=("silence/*",)), package.fetched))).name == "7"
    with pytest.raises(SourceError, match=r"^game: none of its files is \*\.opus in usr/share/game"):
        list(sounds(source(files=("*.opus",)), package.fetched))


def test_licences_and_authors_come_from_the_copyright_file(package):
    package.copyright()
    package.sound("free-1.wav", noise(100))
    package.sound("other.wav", noise(100))
    asked = source(licence="", author="", published=(("^usr/share/game/", "data/"),))
    refused, kept = sounds(asked, package.fetched)
    assert isinstance(kept, RawSound)
    assert (kept.licence, kept.author) == ("CC-BY-3.0", "Anna")
    assert refused == Refused("usr/share/game/other.wav", "is under GPL-2.0-or-later")
    every = list(sounds(dataclasses.replace(asked, licences="any"), package.fetched))
    assert [(raw.licence, raw.author) for raw in every if isinstance(raw, RawSound)] == [
        ("CC-BY-3.0", "Anna"),
        ("GPL-2.0-or-later", "The Team"),
    ]


def test_a_file_that_the_copyright_file_forgets_is_under_no_known_licence(package):
    package.copyright(COPYRIGHT.replace("Files: *", "Files: src/*"))
    package.sound("a.wav", noise(100))
    (refused,) = sounds(source(licence="", published=(("^", ""),)), package.fetched)
    assert refused == Refused("usr/share/game/a.wav", "is under no licence that is known")


def test_a_package_that_lost_its_copyright_file_is_an_error(package):
    package.sound("a.wav", noise(100))
    with pytest.raises(SourceError, match="does not say who made what"):
        list(sounds(source(published=(("^", ""),)), package.fetched))


def test_a_typed_licence_stands_only_while_the_package_says_so(package):
    package.sound("a.wav", noise(100))
    asked = source(evidence=("usr/share/doc/game/copyright", "free for all of you"))
    package.copyright("Everything here is free\n for all  of you.")
    assert one(list(sounds(asked, package.fetched))).licence == "CC0-1.0"
    package.copyright("All rights reserved.")
    with pytest.raises(SourceError, match=r"^game: .*copyright does not say 'free for all of you'"):
        list(sounds(asked, package.fetched))


def test_authors_by_file_where_a_package_names_them_in_prose(package):
    for name in ("anna-1.wav", "ben-1.wav"):
        package.sound(name, noise(100))
    asked = source(author="somebody", authors=(("anna-*", "Anna Alpha"),))
    found = [raw for raw in sounds(asked, package.fetched) if isinstance(raw, RawSound)]
    assert [raw.author for raw in found] == ["Anna Alpha", "somebody"]


def songs(**changes: object) -> Source:
    stems = (("guitar", "guitar.wav"), ("backing", "song.wav"))
    return source(decoder="stems", stems=stems, song="{folder}", **changes)


def test_stems_of_a_song_are_aligned_and_sum_to_the_mixture(package):
    guitar, backing = noise(8 * RATE, channels=2, seed=1), noise(8 * RATE + 50, channels=2, seed=2)
    package.sound("The Song/guitar.wav", guitar)
    package.sound("The Song/song.wav", backing)
    raw = one(list(sounds(songs(excerpt_seconds=3.0), package.fetched)))
    part = slice(2 * RATE, 5 * RATE)
    assert raw.stems is not None
    assert list(raw.stems) == ["mixture", "guitar", "backing"]
    np.testing.assert_array_equal(raw.stems["guitar"], guitar[:, part])
    np.testing.assert_array_equal(raw.stems["backing"], backing[:, part])
    np.testing.assert_array_equal(raw.samples, guitar[:, part] + backing[:, part])
    np.testing.assert_array_equal(raw.samples, raw.stems["mixture"])
    assert (raw.name, raw.song) == ("The Song", "game/The Song")
    assert raw.file == "usr/share/game/The Song"


def test_a_mono_stem_goes_with_a_stereo_one(package):
    guitar, backing = noise(500, seed=1), noise(500, channels=2, seed=2)
    package.sound("x/guitar.wav", guitar)
    package.sound("x/song.wav", backing)
    raw = one(list(sounds(songs(), package.fetched)))
    np.testing.assert_array_equal(raw.samples, guitar + backing)


def test_a_stem_that_ends_before_its_time_stays_in_step(package):
    guitar, backing = noise(60 * RATE, seed=1), noise(60 * RATE, seed=2)
    package.sound("x/guitar.wav", guitar)
    path = package.root / "x/song.mp3"
    soundfile.write(path, backing.T, RATE)
    whole = read(path).samples
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 8 // 10])
    stems = (("guitar", "guitar.wav"), ("backing", "song.mp3"))
    asked = dataclasses.replace(songs(excerpt_seconds=40.0), files=("**/*.wav", "**/*.mp3"), stems=stems)
    raw = one(list(sounds(asked, package.fetched)))
    assert raw.stems is not None
    frames = raw.samples.shape[1]
    assert 30 * RATE < frames < 40 * RATE
    part = slice(15 * RATE, 15 * RATE + frames)
    np.testing.assert_array_equal(raw.stems["guitar"], guitar[:, part])
    # What comes before the break, but for the last blocks, is the same.
    heard, published = raw.stems["backing"][0, :-RATE], whole[0, part][:-RATE]
    assert np.corrcoef(heard, published)[0, 1] > 0.99


def test_songs_that_lack_a_stem_or_hold_a_broken_one_are_refused(package):
    for song in ("a", "b", "c", "d"):
        package.sound(f"{song}/song.wav", noise(500))
    package.sound("b/guitar.wav", noise(500), rate=2 * RATE)
    (package.root / "c/guitar.wav").write_bytes(b"nothing")
    package.sound("d/guitar.wav", noise(500))
    found = list(sounds(songs(), package.fetched))
    reasons = {item.file[-1]: item.reason for item in found if isinstance(item, Refused)}
    assert set(reasons) == {"a", "b", "c"}
    assert reasons["a"] == "has no guitar.wav"
    assert reasons["b"] == f"guitar.wav and the other stems differ in rate: [{RATE}, {2 * RATE}]"
    assert reasons["c"].startswith("guitar.wav is not a sound file")
    assert isinstance(found[-1], RawSound)


def prompts(**changes: object) -> Source:
    return source(decoder="g722", files=("**/*.g722",), **changes)


def ffmpeg(content: bytes, *, source: list[str], target: list[str]) -> bytes:
    command = ["ffmpeg", "-v", "error", *source, "-i", "-", *target, "-"]
    return subprocess.run(command, input=content, capture_output=True, check=True).stdout


def encode(samples: np.ndarray) -> bytes:
    """Samples (time,) at 16 kHz as headerless G.722."""
    raw = np.round(samples * 2**15).astype("<i2").tobytes()
    return ffmpeg(raw, source=["-f", "s16le", "-ar", "16000", "-ac", "1"], target=["-f", "g722"])


def sweep(seconds: float, *, lowest_hz: float) -> np.ndarray:
    time = np.arange(round(seconds * 16_000)) / 16_000
    return 0.5 * np.sin(2 * np.pi * (lowest_hz + 400 * time) * time)


@needs_ffmpeg
def test_g722_comes_back_as_it_went_in(package):
    wanted = {
        f"{number}.g722": sweep(0.4 + 0.1 * number, lowest_hz=200 + 300 * number) for number in range(5)
    }
    for name, samples in wanted.items():
        (package.root / name).write_bytes(encode(samples))
    found = list(sounds(prompts(), package.fetched))
    assert len(found) == 5
    for raw, samples in zip(found, wanted.values(), strict=True):
        assert isinstance(raw, RawSound)
        assert raw.sample_rate == 16_000
        assert raw.samples.shape == (1, 2 * (package.root / f"{raw.name}.g722").stat().st_size)
        # The two filter banks of 24 taps, of coder and decoder, delay it by 22 samples.
        decoded, original = raw.samples[0, 22:], samples[: raw.samples.shape[1] - 22]
        error = decoded - original
        assert 10 * np.log10(np.mean(original**2) / np.mean(error**2)) > 20


@needs_ffmpeg
def test_a_file_of_g722_sounds_the_same_alone_and_after_others(package, tmp_path):
    for name, lowest_hz in (("a", 3000.0), ("b", 150.0)):
        (package.root / f"{name}.g722").write_bytes(encode(sweep(0.5, lowest_hz=lowest_hz)))
    alone = Package(tmp_path / "alone")
    shutil.copy(package.root / "b.g722", alone.root)
    _, second = sounds(prompts(), package.fetched)
    only = one(list(sounds(prompts(), alone.fetched)))
    assert isinstance(second, RawSound)
    np.testing.assert_array_equal(second.samples, only.samples)
    # It would not if they were joined: the decoder goes on with what it has learnt from the first.
    joined = b"".join((package.root / f"{name}.g722").read_bytes() for name in "ab")
    stream = np.frombuffer(ffmpeg(joined, source=["-f", "g722"], target=["-f", "s16le"]), "<i2") / 2**15
    assert np.abs(stream[-only.samples.shape[1] :] - only.samples[0]).max() > 0.01


@needs_ffmpeg
def test_many_files_of_g722_are_decoded_in_order_and_an_empty_one_is_refused(package, monkeypatch):
    monkeypatch.setattr(g722, "_MOST_FILES", 3)
    lengths = [400, 160, 0, 240, 800, 320, 80]
    for number, length in enumerate(lengths):
        (package.root / f"{number}.g722").write_bytes(bytes([number + 1]) * length)
    found = list(sounds(prompts(), package.fetched))
    assert found[2] == Refused("usr/share/game/2.g722", "is empty")
    kept = [raw for raw in found if isinstance(raw, RawSound)]
    assert [raw.samples.shape[1] for raw in kept] == [2 * length for length in lengths if length]


@needs_ffmpeg
def test_an_excerpt_of_g722(package):
    (package.root / "a.g722").write_bytes(encode(sweep(2.0, lowest_hz=300)))
    whole = one(list(sounds(prompts(), package.fetched)))
    part = one(list(sounds(prompts(excerpt_seconds=0.5), package.fetched)))
    np.testing.assert_array_equal(part.samples, whole.samples[:, 8000:16_000])


def test_without_ffmpeg_it_says_what_to_install(package, monkeypatch, tmp_path):
    (package.root / "a.g722").write_bytes(bytes(100))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(SourceError, match="install ffmpeg"):
        list(sounds(prompts(), package.fetched))
