"""Members of archives are sound files like any other, and nothing but names in their archive."""

from __future__ import annotations

import errno
import io
import os
import pickle
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio.copies import content_digest
from tonewright.audio.files import SoundReader, probe, read, stream
from tonewright.audio.handles import HandleCache, open_reader, read_at_rate
from tonewright.audio.inspection import report_of
from tonewright.audio.members import find_member, open_bytes, open_member, scan, size_of, split_member
from tonewright.audio.pcm import WavReader
from tonewright.errors import AudioError

RATE = 22_050
KINDS = {
    "a.wav": {"subtype": "PCM_16"},
    "b.wav": {"subtype": "PCM_24"},
    "c.wav": {"subtype": "FLOAT"},
    "d.flac": {"subtype": "PCM_16"},
    "e.ogg": {"subtype": "VORBIS"},
    "f.mp3": {"subtype": "MPEG_LAYER_III"},
    "g.aiff": {"subtype": "PCM_16"},
    "h.wav": {"subtype": "PCM_U8"},
}


def noise(frames: int = 30_000, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, 2))


def pack(tar: Path, members: dict[str, bytes], **options: object) -> Path:
    with tarfile.open(tar, "w", **options) as archive:  # type: ignore[call-overload]
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return tar


def wav(seed: int = 0, frames: int = 3_000) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, noise(frames, seed), RATE, format="WAV", subtype="PCM_16")
    return file.getvalue()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of many kinds, and an archive of the same files."""
    place = tmp_path_factory.mktemp("members")
    for number, (name, options) in enumerate(KINDS.items()):
        soundfile.write(place / name, noise(seed=number), RATE, **options)
    pack(place / "all.tar", {f"in/{name}": (place / name).read_bytes() for name in KINDS})
    return place


# Sound


@pytest.mark.parametrize("name", KINDS)
def test_a_member_reads_as_its_file_does(folder: Path, name: str) -> None:
    path, member = folder / name, f"{folder}/all.tar!in/{name}"
    info, same = probe(member), probe(path)
    assert (info.frames, info.sample_rate, info.channels) == (same.frames, RATE, 2)
    assert (info.container, info.encoding) == (same.container, same.encoding)
    whole = read(path).samples
    assert np.array_equal(read(member).samples, whole)
    assert np.array_equal(
        read(Path(member), start=12_345, frames=777).samples, read(path, start=12_345, frames=777).samples
    )
    assert np.array_equal(np.concatenate(list(stream(member, block_frames=7_000)), axis=1), whole)
    assert np.array_equal(open_reader(member).part(20_000, 500), open_reader(str(path)).part(20_000, 500))
    assert content_digest(member) == content_digest(str(path))
    report, expected = report_of(member), report_of(path)
    assert report.digest == expected.digest  # type: ignore[union-attr]
    assert report.path == member
    with open_bytes(member) as file:
        assert file.read() == path.read_bytes()
    assert size_of(member) == path.stat().st_size


def test_plain_wav_is_read_from_its_place_in_the_archive(folder: Path) -> None:
    for name in ("a.wav", "b.wav", "c.wav"):
        assert isinstance(open_reader(f"{folder}/all.tar!in/{name}"), WavReader)


def test_parts_at_another_rate_and_in_sections(folder: Path) -> None:
    for name in ("a.wav", "d.flac"):
        both = [
            read_at_rate(path, start=500, frames=900, sample_rate=16_000, section=(2_000, 9_000))
            for path in (f"{folder}/all.tar!in/{name}", f"{folder}/{name}")
        ]
        assert np.array_equal(*both)


def test_threads_read_one_member_at_once(folder: Path) -> None:
    cache = HandleCache()
    for name in ("a.wav", "d.flac"):
        member, whole = f"{folder}/all.tar!in/{name}", read(folder / name).samples
        starts = list(range(0, 28_000, 700))
        with ThreadPoolExecutor(4) as pool:
            parts = pool.map(lambda start, m=member: cache.reader(m).part(start, 2_000), starts)
            assert all(np.array_equal(p, whole[:, s : s + 2_000]) for s, p in zip(starts, parts, strict=True))


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="the system does not list open files")
def test_no_descriptor_stays_open(folder: Path) -> None:
    for _ in range(2):  # the first opens what Python opens once
        before = sum(1 for _ in Path("/proc/self/fd").iterdir())
        readers = []
        for name in KINDS:
            reader = SoundReader(f"{folder}/all.tar!in/{name}")
            reader.read(start=5, frames=5)
            reader.close()
            readers.append(reader)
            open_reader(f"{folder}/all.tar!in/{name}").part(0, 5)
            with pytest.raises(AudioError):
                read(f"{folder}/all.tar!in/{name}", start=40_000, frames=1)
        after = sum(1 for _ in Path("/proc/self/fd").iterdir())
    assert after == before


# Names


def test_names_are_looked_up_and_never_followed(tmp_path: Path) -> None:
    """A folder with the archive's name and the mark leads nowhere, whatever the member is called."""
    (tmp_path / "secret.wav").write_bytes(wav(1))
    (tmp_path / "x.tar!").mkdir()
    pack(tmp_path / "x.tar", {"/../secret.wav": wav(2), "../secret.wav": wav(3), "a.wav": wav(4)})
    expected = {"/../secret.wav": 2, "../secret.wav": 3, "a.wav": 4}
    for name, seed in expected.items():
        found = read(f"{tmp_path}/x.tar!{name}").samples
        assert np.array_equal(found, soundfile.read(io.BytesIO(wav(seed)), dtype="float32")[0].T)
    for name in ("/secret.wav", "/./../secret.wav", "../../secret.wav", ""):
        with pytest.raises(AudioError, match="no member of this name"):
            read(f"{tmp_path}/x.tar!{name}")


def test_a_file_may_have_the_mark_in_its_name(tmp_path: Path) -> None:
    place = tmp_path / "old.tar!new"
    place.mkdir()
    (place / "song.tar!1.wav").write_bytes(wav())
    assert split_member(place / "song.tar!1.wav") is None
    assert find_member(place / "song.tar!1.wav") is None
    assert read(place / "song.tar!1.wav").frames == 3_000
    pack(place / "y.tar", {"b.tar!c.wav": wav(5)})
    assert split_member(f"{place}/y.tar!b.tar!c.wav") == (f"{place}/y.tar", "b.tar!c.wav")
    assert read(f"{place}/y.tar!b.tar!c.wav").frames == 3_000


@pytest.mark.parametrize("style", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT, tarfile.USTAR_FORMAT])
def test_long_and_foreign_names(tmp_path: Path, style: int) -> None:
    names = ["ä/日本.wav", f"{'d' * 90}/{'e' * 60}.wav"]
    pack(tmp_path / "x.tar", {name: wav(number) for number, name in enumerate(names)}, format=style)
    for number, name in enumerate(names):
        expected = soundfile.read(io.BytesIO(wav(number)), dtype="float32")[0].T
        assert np.array_equal(read(f"{tmp_path}/x.tar!{name}").samples, expected)


def test_only_regular_files_are_members(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for kind, name in (
            (tarfile.SYMTYPE, "link.wav"),
            (tarfile.CHRTYPE, "device.wav"),
            (tarfile.DIRTYPE, "d.wav"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert list(scan(tmp_path / "x.tar")) == []
    for name in ("link.wav", "device.wav", "d.wav"):
        with pytest.raises(AudioError, match="no member of this name"):
            probe(f"{tmp_path}/x.tar!{name}")


def test_of_two_members_with_one_name_the_last_counts(tmp_path: Path) -> None:
    with tarfile.open(tmp_path / "x.tar", "w") as archive:
        for seed in (1, 2):
            info = tarfile.TarInfo("a.wav")
            info.size = len(wav(seed))
            archive.addfile(info, io.BytesIO(wav(seed)))
    expected = soundfile.read(io.BytesIO(wav(2)), dtype="float32")[0].T
    assert np.array_equal(read(f"{tmp_path}/x.tar!a.wav").samples, expected)


# Damage


def fails(path: Path | str, words: str) -> None:
    """Every way to read says the same, in one line that names archive and member."""
    for attempt in (probe, read, lambda p: open_reader(str(p)), lambda p: list(stream(p, block_frames=100))):
        with pytest.raises(AudioError, match=words) as caught:
            attempt(path)
        assert str(caught.value).startswith(f"{path}: ")
        assert "\n" not in str(caught.value)
        assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_an_archive_that_is_cut(tmp_path: Path) -> None:
    whole = pack(tmp_path / "whole.tar", {"a.wav": wav(1), "b.wav": wav(2), "c.wav": wav(3)}).read_bytes()
    place = find_member(f"{tmp_path}/whole.tar!b.wav")
    assert place is not None
    for name, end, words in (
        ("data", place.offset + 1_000, f"cut short: 1000 of the member's {place.size} bytes"),
        ("header", place.offset - 300, "no member of this name; the archive is cut short"),
        ("first", 100, "no member of this name; the archive is cut short"),
        ("empty", 0, "no member of this name; the archive is cut short"),
    ):
        tar = tmp_path / f"{name}.tar"
        tar.write_bytes(whole[:end])
        fails(f"{tar}!b.wav", words)
        if end > 1_000:
            assert np.array_equal(read(f"{tar}!a.wav").samples, read(f"{tmp_path}/whole.tar!a.wav").samples)


def test_an_archive_with_a_damaged_header(tmp_path: Path) -> None:
    tar = pack(tmp_path / "x.tar", {"a.wav": wav(1), "b.wav": wav(2)})
    place = find_member(f"{tar}!b.wav")
    assert place is not None
    data = bytearray(tar.read_bytes())
    data[place.offset - 500] ^= 0xFF
    tar.write_bytes(data)
    os.utime(tar, ns=(0, 0))
    fails(f"{tar}!b.wav", "no member of this name; the archive is cut short, damaged or no tar")
    assert read(f"{tar}!a.wav").frames == 3_000


def test_a_disk_that_fails_is_an_error_that_names_the_member(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tar = pack(tmp_path / "x.tar", {"a.wav": wav()})
    read(f"{tar}!a.wav")  # its place is known from now on

    def fail(*_: object) -> bytes:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, "pread", fail)
    monkeypatch.setattr(os, "preadv", fail)
    with pytest.raises(AudioError, match=r"x\.tar!a\.wav: "):
        open_reader(f"{tar}!a.wav")


def test_what_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "x.tar").write_bytes(wav())
    fails(f"{tmp_path}/x.tar!a.wav", "no tar archive")
    fails(f"{tmp_path}/missing.tar!a.wav", "there is no such file")
    (tmp_path / "d.tar").mkdir()
    fails(f"{tmp_path}/d.tar!a.wav", "there is no such file")


def test_members_that_are_no_sound(tmp_path: Path) -> None:
    data = wav()
    tar = pack(
        tmp_path / "x.tar", {"empty.wav": b"", "text.wav": b"once upon " * 99, "short.wav": data[:2_000]}
    )
    fails(f"{tar}!empty.wav", "is empty")
    fails(f"{tar}!text.wav", "is not a sound file that can be read")
    with pytest.raises(AudioError, match="is truncated: its header promises 3000 frames"):
        read(f"{tar}!short.wav")


def test_an_archive_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tar = pack(tmp_path / "x.tar", {"a.wav": wav()})

    def refuse(*arguments: object, **options: object) -> int:
        raise PermissionError(13, "Permission denied")

    find_member(f"{tar}!a.wav")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(AudioError, match="archive cannot be opened"):
        open_member(f"{tar}!a.wav")


def test_an_archive_that_changes_is_looked_at_again(tmp_path: Path) -> None:
    cache, tar = HandleCache(), tmp_path / "x.tar"
    pack(tar, {"a.wav": wav(1)})
    first = cache.reader(f"{tar}!a.wav").part(0, 100)
    pack(tar, {"other.wav": wav(3), "a.wav": wav(2)})
    second = cache.reader(f"{tar}!a.wav").part(0, 100)
    assert np.array_equal(second, soundfile.read(io.BytesIO(wav(2)), dtype="float32")[0].T[:, :100])
    assert not np.array_equal(first, second)
    tar.unlink()
    with pytest.raises(AudioError, match="there is no such file"):
        cache.reader(f"{tar}!a.wav")


def test_an_archive_cut_while_a_handle_is_open(tmp_path: Path) -> None:
    tar = pack(tmp_path / "x.tar", {"a.wav": wav(frames=50_000)})
    reader = open_reader(f"{tar}!a.wav")
    os.truncate(tar, 5_000)
    with pytest.raises(AudioError, match="truncated"):
        reader.part(0, 50_000)
