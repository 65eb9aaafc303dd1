"""Shards: the sound whole and once, the same bytes however they were made, nothing of others touched."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import textwrap
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.corpus import Corpus, Track, load_corpus, scan_corpus
from tonewright.audio.files import probe, read
from tonewright.audio.members import table_of
from tonewright.audio.shards import (
    ShardSettings,
    ShardSummary,
    load_entries,
    pieces,
    plan_shards,
    write_shards,
    writing,
)
from tonewright.audio.shards import job as job_room
from tonewright.audio.shards.index import INDEX, read_shards
from tonewright.audio.sources.manifest import LICENCES
from tonewright.audio.sources.shelves import ShelfWriter, publish
from tonewright.errors import AudioError, CorpusError, OutputError, UsageError

RATE = 8_000
SPLITS = ("train", "validation", "test")


def whole_numbers(frames: int, channels: int, seed: int) -> np.ndarray:
    """16-bit noise, (frames, channels), full scale included."""
    return np.random.default_rng(seed).integers(-(2**15), 2**15, (frames, channels), np.int16)


def save(path: Path, samples: np.ndarray, *, rate: int = RATE, subtype: str = "PCM_16") -> str:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, rate, subtype=subtype)
    return str(path)


def track(name: str, stems: dict[str, str], **changes: object) -> Track:
    known = [soundfile.info(path) for path in stems.values()]
    values = {
        "name": name,
        "song": name,
        "stems": stems,
        "sample_rate": known[0].samplerate,
        "channels": max(info.channels for info in known),
        "frames": min(info.frames for info in known),
        "split": "train",
        **changes,
    }
    return Track(**values)  # type: ignore[arg-type]


def songs(folder: Path, lengths: tuple[int, ...], **changes: object) -> Corpus:
    """Tracks of one file each."""
    tracks = []
    for number, frames in enumerate(lengths):
        path = save(folder / f"{number}.wav", whole_numbers(frames, 2, number))
        tracks.append(track(f"song {number}", {"mixture": path}, **changes))
    return Corpus.from_tracks(tracks, root=folder)


def shard(
    corpus: Corpus, folder: Path, *, jobs: int = 1, force: bool = False, **changes: object
) -> ShardSummary:
    plan = plan_shards(corpus, ShardSettings(**changes))  # type: ignore[arg-type]
    return write_shards(plan, folder, jobs=jobs, overwrite=force)


def content(folder: Path) -> dict[str, str]:
    """Name to hash of everything that is not hidden."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.iterdir()
        if not path.name.startswith(".")
    }


def joined(folder: Path) -> dict[tuple[str, str], np.ndarray]:
    """(track, stem) to its pieces in the order of time, end to end, in whole numbers: (channels, time)."""
    found: dict[tuple[str, str], list] = defaultdict(list)
    for entry in load_entries(folder):
        for stem in entry.members:
            samples = read(f"{folder}/{entry.path(stem)}").samples
            assert samples.shape[1] == entry.frames
            found[entry.track, stem].append((entry.start, samples))
    whole = {}
    for key, parts in found.items():
        parts.sort(key=lambda part: part[0])
        ends = np.cumsum([samples.shape[1] for _, samples in parts])
        assert [start for start, _ in parts] == [0, *ends[:-1]], "pieces follow one another, none twice"
        whole[key] = np.rint(np.concatenate([samples for _, samples in parts], axis=1) * 2**15).astype(
            np.int32
        )
    return whole


# What is in them


lists = st.lists(
    st.tuples(
        st.integers(1, 3_000),
        st.sets(st.sampled_from(["mixture", "Drums & Bass", "vocals", "drums-bass"]), min_size=1),
        st.sampled_from(SPLITS),
        st.sampled_from([1, 2]),
    ),
    min_size=1,
    max_size=4,
)


@settings(deadline=None, max_examples=20)
@given(
    corpus=lists,
    seconds=st.sampled_from([0.0, 0.1, 0.37, 1.0]),
    encoding=st.sampled_from(["flac", "wav", "keep"]),
    shard_mb=st.sampled_from([0.001, 0.05, 10.0]),
    seed=st.integers(0, 5),
)
def test_pieces_of_a_song_are_the_song_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory,
    corpus: list,
    seconds: float,
    encoding: str,
    shard_mb: float,
    seed: int,
) -> None:
    place = tmp_path_factory.mktemp("pieces")
    tracks, sources = [], {}
    for number, (frames, stems, split, channels) in enumerate(corpus):
        paths = {}
        for depth, stem in enumerate(sorted(stems)):
            samples = whole_numbers(frames + depth, channels, 10 * number + depth)  # stems of unequal length
            paths[stem] = save(place / f"{number} {stem}.{('wav', 'flac')[number % 2]}", samples)
            sources[f"song {number}", stem] = samples[:frames].T
        tracks.append(track(f"song {number}", paths, split=split, labels=("rock", f"label {number}")))
    options = {"seconds": seconds, "encoding": encoding, "shard_mb": shard_mb, "seed": seed}
    summary = shard(Corpus.from_tracks(tracks), place / "out", **options)
    found = joined(place / "out")
    assert found.keys() == sources.keys()
    for key, samples in found.items():
        assert np.array_equal(samples, sources[key]), key
    entries = load_entries(place / "out")
    assert len({entry.key for entry in entries}) == len({entry.name for entry in entries}) == summary.samples
    for entry in entries:
        original = tracks[int(entry.track.removeprefix("song "))]
        assert (entry.split, entry.song, entry.labels) == (original.split, original.song, original.labels)
        assert entry.shard.startswith(f"{original.split}-")
        assert not seconds or entry.frames <= seconds * RATE  # type: ignore[operator]
        assert (entry.sample_rate, entry.channels) == (RATE, original.channels)
    shutil.rmtree(place)


def test_keeping_a_file_that_is_longer_than_its_track(tmp_path: Path) -> None:
    """Only a whole file is copied; of a section, as the pool has them, no more than the section."""
    samples = whole_numbers(9_000, 1, 0)
    path = save(tmp_path / "shelf.wav", samples)
    sections = [track(f"piece {n}", {"mixture": path}, start=3_000 * n, frames=3_000) for n in range(3)]
    for encoding in ("keep", "flac", "wav"):
        shard(Corpus.from_tracks(sections), tmp_path / encoding, encoding=encoding)
        found = joined(tmp_path / encoding)
        for n in range(3):
            assert np.array_equal(found[f"piece {n}", "mixture"], samples[3_000 * n : 3_000 * (n + 1)].T)


def test_pieces_are_few_and_equally_long(tmp_path: Path) -> None:
    shard(songs(tmp_path / "in", (8_001, 8_000, 100)), tmp_path / "out", seconds=0.5)
    lengths = defaultdict(list)
    for entry in load_entries(tmp_path / "out"):
        lengths[entry.track].append(entry.frames)
    assert {name: sorted(found) for name, found in lengths.items()} == {
        "song 0": [2_667, 2_667, 2_667],
        "song 1": [4_000, 4_000],
        "song 2": [100],
    }


@pytest.mark.parametrize(
    ("subtype", "suffix", "encoding", "expected"),
    [
        ("PCM_24", "wav", "flac", ("FLAC", "PCM_24")),
        ("PCM_24", "wav", "wav", ("WAV", "PCM_24")),
        ("FLOAT", "wav", "wav", ("WAV", "FLOAT")),
        ("FLOAT", "wav", "flac", ("FLAC", "PCM_24")),
        ("PCM_U8", "wav", "wav", ("WAV", "PCM_16")),
        ("PCM_16", "aiff", "keep", ("WAV", "PCM_16")),
        ("PCM_24", "flac", "keep", ("FLAC", "PCM_24")),
        ("FLOAT", "wav", "keep", ("WAV", "FLOAT")),
        ("VORBIS", "ogg", "flac", ("FLAC", "PCM_16")),
    ],
)
def test_no_precision_is_lost_that_can_be_kept(
    tmp_path: Path, subtype: str, suffix: str, encoding: str, expected: tuple[str, str]
) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (6_000, 1))
    path = save(tmp_path / f"a.{suffix}", samples, subtype=subtype)
    shard(
        Corpus.from_tracks([track("a", {"mixture": path})]), tmp_path / "out", encoding=encoding, seconds=0.5
    )
    source, parts = read(path).samples, []
    for entry in sorted(load_entries(tmp_path / "out"), key=lambda entry: entry.start):
        member = f"{tmp_path}/out/{entry.path('mixture')}"
        assert (probe(member).container, probe(member).encoding) == expected
        parts.append(read(member).samples)
    step = {"PCM_16": 2.0**-15, "PCM_24": 2.0**-23, "FLOAT": 0}[expected[1]]
    assert np.abs(np.concatenate(parts, axis=1) - source).max() <= step / 2


def test_kept_files_are_copied_to_the_byte_and_lossy_ones_uncut(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).uniform(-0.5, 0.5, (20_000, 2))
    lossy = save(tmp_path / "a.ogg", samples, subtype="VORBIS")
    short = save(tmp_path / "b.flac", samples[:1_000])
    tracks = [track("a", {"mixture": lossy}), track("b", {"mixture": short})]
    shard(Corpus.from_tracks(tracks), tmp_path / "out", encoding="keep", seconds=0.5)
    members = {}
    for tar in (tmp_path / "out").glob("*.tar"):
        with tarfile.open(tar) as archive:
            members |= {m.name.split(".", 1)[1]: archive.extractfile(m).read() for m in archive if m.isfile()}  # type: ignore[union-attr]
    assert members["mixture.ogg"] == Path(lossy).read_bytes()
    assert members["mixture.flac"] == Path(short).read_bytes()


def test_the_order_is_scattered_and_seeded(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (4_000,) * 30)
    orders = []
    for seed in (0, 0, 1):
        folder = tmp_path / f"{len(orders)}"
        shard(corpus, folder, seed=seed, seconds=0.25)
        orders.append([entry.name for entry in load_entries(folder)])
    assert orders[0] == orders[1]
    assert orders[0] != orders[2]
    assert sorted(orders[0]) == sorted(orders[2])
    # Neighbours of a song are about as far apart as any two samples: 60 / 3 on average.
    gaps = [abs(orders[0].index(f"song {n}@0") - orders[0].index(f"song {n}@2000")) for n in range(30)]
    assert 12 < np.mean(gaps) < 28


@pytest.mark.parametrize("encoding", ["flac", "wav"])
def test_shards_are_about_as_large_as_asked(tmp_path: Path, encoding: str) -> None:
    """Also where FLAC needs little room: here a fifth of the samples'."""
    tracks = []
    for number in range(40):
        samples = np.random.default_rng(number).integers(-8, 9, (16_000, 2), np.int16)
        path = save(tmp_path / "in" / f"{number}.wav", samples)
        tracks.append(track(f"{number}", {"mixture": path}))
    plan = plan_shards(Corpus.from_tracks(tracks), ShardSettings(encoding=encoding, shard_mb=0.2))
    summary = write_shards(plan, tmp_path / "out", jobs=1)
    assert 0.8 * plan.size < summary.bytes <= 1.2 * plan.size
    sizes = [path.stat().st_size for path in sorted((tmp_path / "out").glob("*.tar"))]
    assert len(sizes) > 2
    assert all(0.1e6 < size < 0.22e6 for size in sizes[:-1])


def test_adding_a_song_moves_no_other(tmp_path: Path) -> None:
    names = []
    for count in (12, 13):
        corpus = songs(tmp_path / f"in {count}", (1_000,) * count)
        shard(corpus, tmp_path / f"{count}")
        names.append([entry.name for entry in load_entries(tmp_path / f"{count}")])
    assert [name for name in names[1] if name != "song 12"] == names[0]


def test_members_are_nobodys_and_the_index_knows_where_they_lie(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (3_000, 5_000, 400), labels=("a", "b c"), bandwidth_hz=3_500.0)
    shard(corpus, tmp_path / "out", seconds=0.25, shard_mb=0.01)
    described = list(read_shards(tmp_path / "out"))
    assert len(described) > 2
    for item in described:
        tar = tmp_path / "out" / item["name"]
        data = tar.read_bytes()
        assert (len(data), f"sha256:{hashlib.sha256(data).hexdigest()}") == (item["bytes"], item["checksum"])
        with tarfile.open(tar) as archive:
            infos = {info.name: info for info in archive}
        for info in infos.values():
            assert (info.uid, info.gid, info.uname, info.gname, info.mtime, info.mode) == (
                0,
                0,
                "",
                "",
                0,
                0o644,
            )
        for sample in item["samples"]:
            for stem, (rest, offset, size) in sample["stems"].items():
                info = infos[f"{sample['key']}.{rest}"]
                assert (info.offset_data, info.size, stem) == (offset, size, "mixture")
            info = infos[f"{sample['key']}.json"]
            known = json.loads(data[info.offset_data : info.offset_data + info.size])
            assert known["labels"] == ["a", "b c"]
            assert (known["split"], known["sample_rate"], known["channels"]) == ("train", RATE, 2)
            assert (known["song"], known["start"]) == (sample["song"], sample["start"])
            assert known["bandwidth_hz"] == 3_500.0
    loaded = load_corpus(tmp_path / "out")
    assert {t.bandwidth_hz for t in loaded.tracks} == {3_500.0}


# A corpus like any other


def test_shards_are_a_corpus_with_the_songs_and_splits_stored(tmp_path: Path) -> None:
    for number in range(6):
        place = tmp_path / "in" / ("test" if number > 3 else "train") / f"Artist - Song {number}"
        for seed, stem in enumerate(("mixture", "drums", "vocals")):
            save(place / f"{stem}.wav", whole_numbers(20_000, 2, 10 * number + seed))
    source = load_corpus(tmp_path / "in")
    assert source.layout == "musdb18hq"
    shard(source, tmp_path / "out", seconds=1.0)
    corpus = load_corpus(tmp_path / "out")
    assert corpus.layout == "shards"
    assert {t.song: t.split for t in corpus.tracks} == {t.song: t.split for t in source.tracks}
    assert corpus.stem_names == source.stem_names
    assert len(corpus) == 3 * len(source)
    assert sum(t.frames for t in corpus.tracks) == sum(t.frames for t in source.tracks)
    again = load_corpus(tmp_path / "out")
    assert again == corpus
    tar = next((tmp_path / "out").glob("train-*.tar"))
    os.truncate(tar, tar.stat().st_size // 2)
    os.utime(tar, ns=(0, 1))
    cut = scan_corpus(tmp_path / "out")
    assert cut.unreadable, "an archive that is cut is noticed, though its index is as it was"
    assert all(tar.name in item.path for item in cut.unreadable)


def test_shards_of_shards_are_the_shards_of_the_songs(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (8_000, 4_000, 1_000, 300))
    shard(corpus, tmp_path / "whole", seconds=0)
    shard(corpus, tmp_path / "halves", seconds=0.5)
    shard(corpus, tmp_path / "direct", seconds=0.25)
    for first in ("whole", "halves"):
        shard(load_corpus(tmp_path / first), tmp_path / f"from {first}", seconds=0.25)
        names = [
            [(e.name, e.track, e.start, e.frames, e.track_frames) for e in load_entries(tmp_path / place)]
            for place in ("direct", f"from {first}")
        ]
        assert names[0] == names[1]
        both = joined(tmp_path / "direct"), joined(tmp_path / f"from {first}")
        assert all(np.array_equal(both[0][key], both[1][key]) for key in both[0])


# However they are made


def test_the_same_bytes_for_any_number_of_jobs(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (5_000,) * 12)
    for jobs in (1, 4):
        shard(corpus, tmp_path / f"{jobs}", jobs=jobs, seconds=0.25, shard_mb=0.02)
    assert content(tmp_path / "1") == content(tmp_path / "4")
    assert len(content(tmp_path / "1")) > 5


def stopping(after: int, how: Callable[[], None]) -> Callable[[int, int], None]:
    def progress(done: int, total: int) -> None:
        if done == after:
            how()

    return progress


def test_a_job_that_was_stopped_goes_on(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (5_000,) * 12)
    plan = plan_shards(corpus, ShardSettings(seconds=0.25, shard_mb=0.02))
    write_shards(plan, tmp_path / "straight", jobs=1)

    def interrupt() -> None:
        raise KeyboardInterrupt

    folder = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        write_shards(plan, folder, jobs=1, progress=stopping(20, interrupt))
    there = content(folder)
    assert 0 < len(there) < len(plan.shards)
    assert INDEX not in there
    assert not [path for path in folder.iterdir() if path.name.startswith(".tonewright")], (
        "nothing half written"
    )
    times = {name: (folder / name).stat().st_mtime_ns for name in there}
    seen: list[tuple[int, int]] = []
    summary = write_shards(plan, folder, jobs=2, progress=lambda *counts: seen.append(counts))
    assert content(folder) == content(tmp_path / "straight")
    assert summary.kept == len(there)
    assert times == {name: (folder / name).stat().st_mtime_ns for name in there}, "finished shards are kept"
    assert seen[-1] == (seen[-1][1], seen[-1][1])
    assert seen[-1][1] < plan.samples
    # Once more: nothing is left to do; a shard that was lost is made again.
    assert write_shards(plan, folder).kept == len(plan.shards)
    (folder / plan.shards[1].name).unlink()
    assert write_shards(plan, folder).kept == len(plan.shards) - 1
    assert content(folder) == content(tmp_path / "straight")


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system cannot kill a process")
def test_a_job_that_was_killed_goes_on(tmp_path: Path) -> None:
    for n in range(8):
        save(tmp_path / "in" / f"{n}.wav", whole_numbers(5_000, 1, n))
    script = """
        import os, signal, sys
        from tonewright.audio.corpus import load_corpus
        from tonewright.audio.shards import ShardSettings, plan_shards, write_shards
        plan = plan_shards(load_corpus(sys.argv[1]), ShardSettings(seconds=0.25, shard_mb=0.02))
        stop = int(sys.argv[3])
        kill = lambda done, total: done == stop and os.kill(os.getpid(), signal.SIGKILL)
        write_shards(plan, sys.argv[2], jobs=2, progress=kill)
    """

    def run(folder: str, stop: int) -> int:
        command = [
            sys.executable,
            "-c",
            textwrap.dedent(script),
            str(tmp_path / "in"),
            str(tmp_path / folder),
        ]
        return subprocess.run([*command, str(stop)], check=False).returncode

    assert run("straight", -1) == 0
    assert run("killed", 9) == -signal.SIGKILL
    assert [path.name for path in (tmp_path / "killed").iterdir() if path.name.startswith(".tonewright")]
    assert INDEX not in content(tmp_path / "killed")
    assert run("killed", -1) == 0
    assert content(tmp_path / "killed") == content(tmp_path / "straight")
    assert sorted(path.name for path in (tmp_path / "killed").iterdir() if path.name[0] == ".") == [".shards"]


def test_a_disk_that_fills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    corpus = songs(tmp_path / "in", (5_000,) * 12)
    plan = plan_shards(corpus, ShardSettings(seconds=0.25, shard_mb=0.02))
    write_shards(plan, tmp_path / "straight", jobs=1)
    with monkeypatch.context() as small:
        small.setattr(job_room, "free_bytes", lambda folder: plan.size - 1)
        with pytest.raises(OutputError, match=r"needs about 0\.00 GB, 0\.00 GB are free"):
            write_shards(plan, tmp_path / "out")
    assert not list((tmp_path / "out").glob("*.tar"))
    honest, room = writing._Sink.write, [60]

    def write(self: object, data: bytes) -> int:
        room[0] -= 1
        if room[0] < 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        return honest(self, data)  # type: ignore[arg-type]

    with monkeypatch.context() as full:
        full.setattr(writing._Sink, "write", write)
        with pytest.raises(OutputError, match="the disk is full; the finished shards are kept") as caught:
            write_shards(plan, tmp_path / "out", jobs=1)
    assert str(caught.value).startswith(f"{tmp_path / 'out'}: ")
    done = content(tmp_path / "out")
    assert done.items() < content(tmp_path / "straight").items()
    assert write_shards(plan, tmp_path / "out").kept == len(done)
    assert content(tmp_path / "out") == content(tmp_path / "straight")


# What cannot be read


def test_a_broken_file_costs_a_line_and_not_the_job(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (6_000, 6_000))
    cut = save(tmp_path / "in" / "cut.flac", whole_numbers(40_000, 1, 5))
    mad = save(tmp_path / "in" / "mad.wav", np.full((3_000, 1), np.nan), subtype="FLOAT")
    wide = save(tmp_path / "in" / "wide.wav", whole_numbers(500, 9, 6))
    gone = save(tmp_path / "in" / "gone.wav", whole_numbers(500, 1, 7))
    broken = [track(Path(path).stem, {"mixture": path}) for path in (cut, mad, wide, gone)]
    os.truncate(cut, os.path.getsize(cut) // 2)  # noqa: PTH202
    Path(gone).unlink()
    summary = shard(Corpus.from_tracks([*corpus.tracks, *broken]), tmp_path / "out", seconds=0.5)
    assert {entry.track for entry in load_entries(tmp_path / "out")} == {"song 0", "song 1", "cut"}
    reasons = defaultdict(list)
    for name, reason in summary.left_out:
        reasons[name.split("@")[0]].append(reason)
    assert set(reasons) == {"cut", "mad", "wide", "gone"}
    assert reasons["gone"] == ["there is no such file"]
    assert "NaN" in reasons["mad"][0]
    assert "8 channels" in reasons["wide"][0]
    assert "truncated" in reasons["cut"][0]
    # The parts of a song that can be read stay; those after the damage are left out.
    parts = [entry for entry in load_entries(tmp_path / "out") if entry.track == "cut"]
    assert len(parts) + len(reasons["cut"]) == 10
    assert 3 <= len(parts) <= 5


def test_nothing_to_pack(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="nothing in it to put into shards"):
        plan_shards(Corpus.from_tracks([], root=tmp_path), ShardSettings())
    corpus = songs(tmp_path / "in", (500,))
    plan = plan_shards(corpus, ShardSettings())
    Path(corpus.tracks[0].stems["mixture"]).unlink()
    with pytest.raises(CorpusError, match="none of its sound can be read"):
        write_shards(plan, tmp_path / "out")


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"encoding": "mp3"}, "must be one of flac, wav, keep"),
        ({"seconds": -1}, "0 for whole"),
        ({"seconds": float("nan")}, "0 for whole"),
        ({"seconds": float("inf")}, "0 for whole"),
        ({"shard_mb": 0}, "more than 0"),
        ({"shard_mb": float("inf")}, "finite"),
    ],
)
def test_settings_that_cannot_be_meant(changes: dict, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        ShardSettings(**changes)


def test_a_piece_too_long_for_a_member(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pieces, "_MOST_BYTES", 10_000)
    corpus = songs(tmp_path / "in", (8_000,))
    with pytest.raises(UsageError, match="cut it with --seconds"):
        plan_shards(corpus, ShardSettings(seconds=0, encoding="wav"))
    assert plan_shards(corpus, ShardSettings(seconds=0.25, encoding="wav")).samples == 4


def test_the_licences_of_a_pool_go_with_its_sound(tmp_path: Path) -> None:
    with ShelfWriter(tmp_path / "pool", part="voices", shelf="talk", package="talk", version="1") as shelf:
        sound = whole_numbers(9_000, 1, 0).T
        shelf.add(
            {"mixture": sound},
            name="talk/a",
            song="talk/a",
            labels=("speech", "en"),
            source_rate=44_100,
            bandwidth_hz=2e4,
            level_db=-5.0,
            gain_db=0.0,
            clipped=0.0,
            file="a.wav",
            licence="CC-BY-4.0",
            author="someone",
        )
    publish(tmp_path / "pool")
    (tmp_path / "pool" / LICENCES).write_text("CC-BY-4.0: someone\n")
    shard(load_corpus(tmp_path / "pool"), tmp_path / "once")
    shard(load_corpus(tmp_path / "once"), tmp_path / "twice")
    assert (tmp_path / "once" / LICENCES).read_text() == "CC-BY-4.0: someone\n"
    assert (tmp_path / "twice" / LICENCES).read_text() == "CC-BY-4.0: someone\n"
    songs(tmp_path / "in", (2_000,))
    (tmp_path / "in" / LICENCES).write_text("mine")
    shard(load_corpus(tmp_path / "in"), tmp_path / "mine")
    assert not (tmp_path / "mine" / LICENCES).exists(), "only a pool writes such a list"


# Whose folder it is


def test_a_folder_of_others_is_left_alone(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (2_000, 3_000))
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "letter.txt").write_text("dear")
    with pytest.raises(OutputError, match="is not empty"):
        shard(corpus, folder)
    assert [path.name for path in folder.iterdir()] == ["letter.txt"]
    shard(corpus, folder, force=True)
    assert (folder / "letter.txt").read_text() == "dear"
    with pytest.raises(OutputError, match="is a file"):
        shard(corpus, folder / "letter.txt")


def test_other_settings_and_changed_files_need_force(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (2_000, 3_000, 2_500))
    folder = tmp_path / "out"
    shard(corpus, folder, shard_mb=0.001)
    before = content(folder)
    with pytest.raises(OutputError, match="other settings"):
        shard(corpus, folder, shard_mb=0.001, seed=1)
    assert content(folder) == before
    path = Path(corpus.tracks[1].stems["mixture"])
    save(path, whole_numbers(3_000, 2, 99))
    os.utime(path, ns=(0, 5))
    with pytest.raises(OutputError, match="files that have changed"):
        shard(corpus, folder, shard_mb=0.001)
    assert content(folder) == before
    summary = shard(corpus, folder, force=True)
    assert (summary.kept, set(content(folder))) == (0, {INDEX, "train-00000.tar"}), "old shards are gone"
    assert np.array_equal(joined(folder)["song 1", "mixture"], whole_numbers(3_000, 2, 99).T)
    shutil.rmtree(folder / ".shards")  # as in a copy made by hand
    with pytest.raises(OutputError, match="holds shards;"):
        shard(corpus, folder)


def test_shards_are_not_written_over_what_they_are_made_of(tmp_path: Path) -> None:
    shard(songs(tmp_path / "in", (2_000, 3_000)), tmp_path / "out")
    before = content(tmp_path / "out")
    with pytest.raises(OutputError, match="which is to be packed"):
        shard(load_corpus(tmp_path / "out"), tmp_path / "out", force=True, seed=3)
    assert content(tmp_path / "out") == before


def test_two_processes_do_not_share_a_folder(tmp_path: Path) -> None:
    corpus = songs(tmp_path / "in", (2_000,) * 4)
    plan = plan_shards(corpus, ShardSettings())

    def second() -> None:
        with pytest.raises(OutputError, match="another process"):
            write_shards(plan, tmp_path / "out")

    assert write_shards(plan, tmp_path / "out", jobs=1, progress=stopping(2, second)).samples == 4


# The index


def test_an_index_laid_out_anew_still_serves(tmp_path: Path) -> None:
    shard(songs(tmp_path / "in", (4_000, 900)), tmp_path / "out", seconds=0.25, shard_mb=0.01)
    entries, corpus = load_entries(tmp_path / "out"), load_corpus(tmp_path / "out")
    index = tmp_path / "out" / INDEX
    index.write_text(json.dumps(json.loads(index.read_text()), indent=2))
    assert load_entries(tmp_path / "out") == entries
    assert load_corpus(tmp_path / "out", refresh=True) == corpus
    for tar in (tmp_path / "out").glob("*.tar"):
        os.utime(tar, ns=(0, 7))
        assert table_of(tar).indexed


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda text: text.replace('"format": 1', '"format": 99'), "of format 99"),
        (lambda text: text[: len(text) // 2], "cannot be read as an index"),
        (lambda text: text.replace('"train-00000.tar"', '"../train-00000.tar"'), "no name of a shard"),
        (lambda text: text.replace('"frames": ', '"frames": -'), "as it must not"),
        (lambda text: text.replace('"song": "song 0"', '"song": null'), "as it must not"),
        (lambda text: text.replace('"split": "train"', '"split": "all"'), "lacks its split"),
        (lambda text: text.replace('"name": "song 0"', '"name": "../../song"'), "as it must not"),
        (lambda text: text.replace('"mixture":', '"../mixture":'), "as it must not"),
        (lambda text: text.replace('"mixture.flac", ', '"mixture.flac", -'), "as it must not"),
        (lambda text: re.sub(r'("mixture\.flac", )\d+', r"\g<1>100", text), "as it must not"),
        (lambda text: re.sub(r'("mixture\.flac", \d+, )', r"\g<1>-", text), "as it must not"),
    ],
)
def test_an_index_that_is_damaged_or_a_strangers(
    tmp_path: Path, change: Callable[[str], str], words: str
) -> None:
    shard(songs(tmp_path / "in", (4_000,)), tmp_path / "out")
    index = tmp_path / "out" / INDEX
    index.write_text(change(index.read_text()))
    for attempt in (load_entries, load_corpus):
        with pytest.raises(CorpusError, match=words) as caught:
            attempt(tmp_path / "out")
        assert str(caught.value).startswith(str(index))
    index.unlink()
    assert [entry.song for entry in load_entries(tmp_path / "out")] == ["song 0"], (
        "without it, the tars are read"
    )


def test_an_archive_that_is_not_the_one_described(tmp_path: Path) -> None:
    """As large as the index says, but another: no sound is taken from the wrong place."""
    for name, seed in (("one", 0), ("two", 1)):
        corpus = songs(tmp_path / f"in {name}", (3_000,) * 4)
        shard(corpus, tmp_path / name, encoding="wav", seed=seed)
    tar = tmp_path / "one" / "train-00000.tar"
    data = bytearray(tar.read_bytes())
    entry = load_entries(tmp_path / "one")[1]
    data[data.find(f"{entry.key}.mixture.wav".encode())] ^= 1
    tar.write_bytes(data)
    os.utime(tar, ns=(0, 3))
    with pytest.raises(AudioError, match=r"not the one that index\.json"):
        read(f"{tmp_path}/one/{entry.path('mixture')}")
    os.truncate(tar, len(data) - 512)
    (tmp_path / "one" / INDEX).rename(tmp_path / "elsewhere")
    os.utime(tar, ns=(0, 4))
    first = load_entries(tmp_path / "one")[0]
    assert read(f"{tmp_path}/one/{first.path('mixture')}").frames == 3_000
