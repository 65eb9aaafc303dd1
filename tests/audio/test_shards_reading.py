"""Shards read: streams that are complete and resume, windows decided by their key, tars of strangers."""

from __future__ import annotations

import io
import json
import logging
import os
import pickle
import tarfile
from collections import Counter
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.augment import Chain, Gain, Remix, Tempo
from tonewright.audio.corpus import Corpus, Track, load_corpus
from tonewright.audio.files import read
from tonewright.audio.layouts import list_files
from tonewright.audio.layouts.shards import ShardsLayout
from tonewright.audio.shards import (
    ShardSettings,
    ShardStream,
    ShardWindows,
    load_entries,
    plan_shards,
    write_shards,
)
from tonewright.audio.shards.entries import split_by_name, split_key
from tonewright.audio.shards.windows import GROUP_SHARDS, Visits
from tonewright.audio.windows import Windows, WindowSettings
from tonewright.errors import AudioError, CorpusError, UsageError

RATE = 8_000


def noise(frames: int, channels: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels))


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Twenty songs of two stems in all splits, of equal length."""
    place = tmp_path_factory.mktemp("songs")
    tracks = []
    for number in range(20):
        stems = {}
        for seed, stem in enumerate(("mixture", "vocals")):
            path = place / f"{number} {stem}.wav"
            soundfile.write(path, noise(4_000, 2, 10 * number + seed), RATE)
            stems[stem] = str(path)
        split = "train" if number < 16 else "validation" if number < 18 else "test"
        tracks.append(Track(f"song {number}", f"song {number}", stems, RATE, 2, 4_000, split))
    return Corpus.from_tracks(tracks)


@pytest.fixture(scope="module")
def folder(source: Corpus, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Forty pieces in a dozen shards."""
    place = tmp_path_factory.mktemp("shards") / "out"
    write_shards(plan_shards(source, ShardSettings(seconds=0.25, shard_mb=0.065)), place, jobs=1)
    assert 10 < len(list(place.glob("train-*.tar"))) < 20
    return place


def names(stream: ShardStream) -> list[str]:
    return [entry.name for entry in stream.entries()]


# Streams


@settings(deadline=None, max_examples=60)
@given(
    workers=st.integers(1, 40),
    buffer=st.integers(1, 50),
    seed=st.integers(-5, 2**40),
    epoch=st.integers(0, 10**6),
    split=st.sampled_from(["train", "validation", "test", None]),
)
def test_workers_together_have_each_sample_once(
    folder: Path, workers: int, buffer: int, seed: int, epoch: int, split: str | None
) -> None:
    streams = [
        ShardStream(
            folder, split=split, seed=seed, epoch=epoch, worker=worker, workers=workers, shuffle_buffer=buffer
        )
        for worker in range(workers)
    ]
    parts = [names(stream) for stream in streams]
    expected = [entry.name for entry in load_entries(folder) if split in (None, entry.split)]
    assert sorted(name for part in parts for name in part) == sorted(expected)
    assert {len(part) for part in parts} <= {len(expected) // workers, -(-len(expected) // workers)}
    assert [len(part) for part in parts] == [len(stream) for stream in streams]


@settings(deadline=None, max_examples=30)
@given(stop=st.integers(0, 32), buffer=st.integers(1, 40), seed=st.integers(0, 9), worker=st.integers(0, 1))
def test_a_stream_goes_on_where_it_stood(
    folder: Path, stop: int, buffer: int, seed: int, worker: int
) -> None:
    options = {"seed": seed, "worker": worker, "workers": 2, "shuffle_buffer": buffer, "stems": ["vocals"]}
    straight = [sample.entry.name for sample in ShardStream(folder, **options)]
    assert len(straight) == 16
    first, heard = ShardStream(folder, **options), []
    for sample in first:
        if len(heard) == stop:
            break
        heard.append(sample.entry.name)
    stopped = ShardStream(folder, **options)
    for _ in range(min(stop, 16)):
        next(iter(stopped))
    state = json.loads(json.dumps(stopped.state()))
    assert state["start"] == min(stop, 16)
    assert heard + [s.entry.name for s in ShardStream(folder, **state)] == straight
    assert names(ShardStream(folder, start=99, **options)) == []


def test_a_stream_gives_the_sound_of_every_stem(folder: Path, source: Corpus) -> None:
    tracks = {track.name: track for track in source.tracks}
    seen = 0
    for sample in ShardStream(folder, split=None):
        entry = sample.entry
        assert list(sample.sounds) == ["mixture", "vocals"]
        assert sample.sample_rate == RATE
        for stem, samples in sample.sounds.items():
            expected = read(tracks[entry.track].stems[stem], start=entry.start, frames=entry.frames).samples
            assert np.array_equal(samples, expected)
            assert samples.dtype == np.float32
        seen += 1
    assert seen == 40


def test_orders_follow_the_seed_and_the_epoch(folder: Path) -> None:
    orders = {(s, e): names(ShardStream(folder, seed=s, epoch=e)) for s in (0, 1) for e in (0, 1)}
    assert len({tuple(order) for order in orders.values()}) == 4
    assert orders[0, 1] == names(ShardStream(folder, seed=0, epoch=1))


def test_without_a_buffer_samples_come_as_they_lie(folder: Path) -> None:
    lying: dict[str, list[str]] = {}
    for entry in load_entries(folder):
        lying.setdefault(entry.shard, []).append(entry.key)
    shards = []
    for entry in ShardStream(folder, shuffle_buffer=1, seed=3).entries():
        if not shards or shards[-1] != entry.shard:
            shards.append(entry.shard)
        assert entry.key == lying[entry.shard].pop(0)
    assert len(shards) == len(set(shards)), "a shard is read from its beginning to its end, once"


def test_a_sample_comes_no_earlier_than_the_buffer_lets_it(folder: Path) -> None:
    lying = names(ShardStream(folder, shuffle_buffer=1))
    given = names(ShardStream(folder, shuffle_buffer=5))
    assert given != lying
    assert all(place >= lying.index(name) - 4 for place, name in enumerate(given))


def test_a_broken_sample_is_logged_and_left_out(
    folder: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for path in folder.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    tar = tmp_path / "train-00003.tar"
    os.truncate(tar, tar.stat().st_size // 3)
    stream = ShardStream(tmp_path)
    with caplog.at_level(logging.WARNING, "tonewright"):
        heard = [sample.entry.name for sample in stream]
    broken = len(stream) - len(heard)
    assert 0 < broken < 4
    assert len([record for record in caplog.records if "train-00003.tar!" in record.getMessage()]) == broken
    assert stream.position == len(stream), "what cannot be read counts too"


def test_an_index_that_promises_more_than_there_is(
    source: Corpus, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Neither what follows in the archive is heard, nor as much memory taken as a stranger says."""
    plan = plan_shards(source, ShardSettings(seconds=0.25, encoding="wav"))
    write_shards(plan, tmp_path / "out", jobs=1)
    index = tmp_path / "out" / "index.json"
    for frames in (2_001, 2 * 10**12):
        index.write_text(index.read_text().replace('"frames": 2000', f'"frames": {frames}', 1))
        stream, _ = ShardStream(tmp_path / "out", split=None), caplog.clear()
        with caplog.at_level(logging.WARNING, "tonewright"):
            assert len(list(stream)) == len(stream) - 1
        assert f"holds 2000 frames; its index says {frames}" in caplog.text
        index.write_text(index.read_text().replace(f'"frames": {frames}', '"frames": 2000', 1))


@pytest.mark.parametrize(
    ("options", "error", "words"),
    [
        ({"split": "trian"}, UsageError, "did you mean train"),
        ({"worker": 2, "workers": 2}, UsageError, "count from 0"),
        ({"start": -1}, UsageError, "at least 0"),
        ({"shuffle_buffer": 0}, UsageError, "at least 0 and 1"),
        ({"stems": ["drums"]}, CorpusError, "no sample of the split train has all of the stems drums"),
    ],
)
def test_streams_that_cannot_be_meant(folder: Path, options: dict, error: type, words: str) -> None:
    with pytest.raises(error, match=words):
        ShardStream(folder, **options)


def test_a_folder_without_shards(tmp_path: Path) -> None:
    for place in (tmp_path, tmp_path / "missing"):
        with pytest.raises(CorpusError, match="no shards"):
            ShardStream(place)


# Which track a visit goes to


@settings(deadline=None, max_examples=60)
@given(
    sizes=st.lists(st.integers(1, 7), min_size=1, max_size=12),
    seed=st.integers(-3, 2**66),
    start=st.integers(-3, 10**7),
)
def test_tracks_of_equal_weight_are_visited_once_in_every_pass(
    sizes: list[int], seed: int, start: int
) -> None:
    shards = [f"{number}" for number, size in enumerate(sizes) for _ in range(size)]
    visits = Visits(shards, np.full(len(shards), 0.3), seed=seed)
    passes = []
    for number in range(start, start + 3):
        visited = [visits.at(number * len(shards) + n)[0] for n in range(len(shards))]
        assert sorted(visited) == list(range(len(shards)))
        passes.append(visited)
        met = list(dict.fromkeys(shards[track] for track in visited))
        for begin in range(0, len(met), GROUP_SHARDS):
            group = set(met[begin : begin + GROUP_SHARDS])
            places = [place for place, track in enumerate(visited) if shards[track] in group]
            assert places == list(range(places[0], places[0] + len(places))), (
                "a group is left when it is done"
            )
    assert len(shards) < 8 or passes[0] != passes[1]


@settings(deadline=None, max_examples=25)
@given(
    st.lists(st.tuples(st.sampled_from("abcdef"), st.floats(0.05, 1.0)), min_size=1, max_size=30),
    st.integers(0, 9),
)
def test_tracks_are_visited_in_proportion_to_their_weights(tracks: list, seed: int) -> None:
    shards, shares = [shard for shard, _ in tracks], np.array([share for _, share in tracks])
    visits = Visits(shards, shares, seed=seed)
    weights = shares / shares.max()
    passes = 40
    count = round(passes * weights.sum())
    visited = Counter(visits.at(n)[0] for n in range(count))
    for track, weight in enumerate(weights):
        assert (
            abs(visited[track] - passes * weight) < 4
        )  # one for a phase, the rest for a pass that is not over


def test_visits_do_not_depend_on_those_before() -> None:
    shards = [f"{n // 5}" for n in range(200)]
    shares = np.random.default_rng(0).uniform(0.1, 1, 200)
    walked = Visits(shards, shares, seed=1)
    inorder = [walked.at(n)[0] for n in range(900)]
    for n in (899, 3, 450, 0, 300):
        assert Visits(shards, shares, seed=1).at(n)[0] == inorder[n]
        assert walked.at(n)[0] == inorder[n]


# Windows


def shape(**changes: object) -> WindowSettings:
    return WindowSettings(**{"seconds": 0.1, "sample_rate": RATE, "channels": 2, **changes})  # type: ignore[arg-type]


def equal(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return list(one) == list(other) and all(np.array_equal(one[key], other[key]) for key in one)


def test_a_window_is_decided_by_its_key(folder: Path) -> None:
    settings_, augment = (
        shape(stems=("mixture", "vocals")),
        Chain((Gain(), Tempo(), Remix(stems=("vocals",), swap_probability=0.5))),
    )
    corpus = load_corpus(folder).split("train")
    windows = ShardWindows(corpus, settings_, seed=7, length=20, augment=augment)
    keys = [(epoch, index) for epoch in (0, 1, 5) for index in range(20)]
    first = {key: windows[key] for key in keys}
    others = (
        ShardWindows(folder, settings_, seed=7, length=20, augment=augment),
        pickle.loads(pickle.dumps(windows)),
    )
    for key in reversed(keys):
        assert all(equal(other[key], first[key]) for other in others)
        assert {x.shape for x in first[key].values()} == {(2, 800)}
    another = ShardWindows(folder, settings_, seed=8, length=20, augment=augment)
    assert sum(equal(another[key], first[key]) for key in keys) < 3
    with pytest.raises(IndexError):
        windows[0, 20]


@pytest.mark.filterwarnings("ignore:This DataLoader will create")  # on a machine with few cores
@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")  # Python 3.12 on forking beside threads
def test_as_many_workers_as_one_likes(folder: Path) -> None:
    data = pytest.importorskip("torch.utils.data")
    windows = ShardWindows(folder, shape(), seed=1, length=16)
    keys = [[(e, i) for i in range(start, start + 4)] for e in (0, 1) for start in range(0, 16, 4)]
    batches = {
        workers: [
            b["mixture"].numpy() for b in data.DataLoader(windows, batch_sampler=keys, num_workers=workers)
        ]
        for workers in (0, 3)
    }
    assert all(np.array_equal(one, other) for one, other in zip(batches[0], batches[3], strict=True))


def test_windows_hold_what_the_tracks_hold_where_they_say(folder: Path) -> None:
    corpus = load_corpus(folder).split("train")
    windows = ShardWindows(corpus, shape(stems=("mixture", "vocals")), seed=0, length=32)
    visited = []
    for epoch in (0, 1):
        for index in range(32):
            place, window = windows.place((epoch, index)), windows[epoch, index]
            for stem in ("mixture", "vocals"):
                expected = read(place.track.stems[stem], start=place.start, frames=800).samples
                assert np.array_equal(window[stem], expected)
            visited.append(place.track.name)
    everything = sorted(track.name for track in corpus.tracks)
    assert sorted(visited[:32]) == sorted(visited[32:]) == everything, (
        "32 pieces of equal length: once a pass"
    )


def test_a_pass_goes_on_over_epochs(folder: Path) -> None:
    """Epochs of 5 windows walk through the 32 pieces as epochs of 32 do."""
    corpus = load_corpus(folder).split("train")
    long = ShardWindows(corpus, shape(), seed=3, length=32)
    short = ShardWindows(corpus, shape(), seed=3, length=5)
    one = [long.place((0, n)).track.name for n in range(32)] + [
        long.place((1, n)).track.name for n in range(32)
    ]
    other = [short.place(divmod(n, 5)).track.name for n in range(64)]
    assert one == other


def test_few_shards_are_read_at_a_time(folder: Path) -> None:
    windows = ShardWindows(folder, shape(), seed=0, length=32)
    tars = [windows.place((0, n)).track.stems["mixture"].partition("!")[0] for n in range(32)]
    for begin in range(24):
        assert len(set(tars[begin : begin + 8])) <= 2 * GROUP_SHARDS
    assert len(set(tars)) > 3 * GROUP_SHARDS - 4


def test_silent_and_broken_pieces_are_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    tracks = []
    for number in range(12):
        samples = noise(2_000, 1, number) * (number % 3 > 0)
        soundfile.write(tmp_path / f"{number}.wav", samples, RATE)
        stems = {"mixture": str(tmp_path / f"{number}.wav")}
        tracks.append(Track(f"{number}", f"{number}", stems, RATE, 1, 2_000, "train"))
    out = tmp_path / "out"
    write_shards(
        plan_shards(Corpus.from_tracks(tracks), ShardSettings(encoding="wav", shard_mb=0.015)), out, jobs=1
    )
    corpus = load_corpus(out)
    os.truncate(next(out.glob("*.tar")), 5_000)
    windows = ShardWindows(corpus, shape(channels=1), seed=0, length=60)
    with caplog.at_level(logging.WARNING, "tonewright"):
        heard = [windows[0, n]["mixture"] for n in range(60)]
    assert min(float(np.abs(window).max()) for window in heard) > 0.4
    told = [record.getMessage() for record in caplog.records]
    assert told
    assert len(told) == len(set(told)), "a broken file is logged once"
    silent = Corpus.from_tracks([t for t in tracks if int(t.name) % 3 == 0])
    with pytest.raises(CorpusError, match="no usable window"):
        ShardWindows(silent, shape(channels=1, redraws=9), seed=0, length=5)[0, 0]


def test_weighting_and_rates_are_those_of_windows(tmp_path: Path) -> None:
    tracks = []
    for number, (frames, song, label) in enumerate(
        [(8_000, "a", "x"), (2_000, "b", "x"), (2_000, "b", "y"), (2_000, "b", "y")]
    ):
        soundfile.write(tmp_path / f"{number}.wav", noise(frames, 1, number), RATE)
        stems = {"mixture": str(tmp_path / f"{number}.wav")}
        tracks.append(Track(f"{number}", song, stems, RATE, 1, frames, "train", (label,)))
    corpus = Corpus.from_tracks(tracks)

    def shares(**changes: object) -> list[float]:
        both = []
        for kind in (ShardWindows, Windows):
            windows = kind(corpus, shape(channels=1, sample_rate=4_000, **changes), seed=0, length=1_500)
            counts = Counter(int(windows.place((0, n)).track.name) for n in range(1_500))
            both.append([counts[n] / 1_500 for n in range(4)])
        assert np.allclose(*both, atol=0.06)
        return both[0]

    assert np.allclose(shares(), [8 / 14, 2 / 14, 2 / 14, 2 / 14], atol=0.01)
    assert np.allclose(shares(weighting="song"), [1 / 2, 1 / 6, 1 / 6, 1 / 6], atol=0.02)
    assert np.allclose(shares(proportions={"x": 1, "y": 4}), [0.16, 0.04, 0.4, 0.4], atol=0.02)


def test_nothing_to_train_on(folder: Path) -> None:
    with pytest.raises(CorpusError, match="no tracks to train on"):
        ShardWindows(Corpus.from_tracks([]), shape(), seed=0, length=1)
    with pytest.raises(UsageError, match="windows per epoch"):
        ShardWindows(folder, shape(), seed=0, length=0)


# Tars of others


def sound(seed: int, suffix: str = "WAV") -> bytes:
    file = io.BytesIO()
    soundfile.write(file, noise(1_000, 1, seed), RATE, format=suffix)
    return file.getvalue()


def pack(tar: Path, members: Sequence[tuple[str, bytes]]) -> None:
    with tarfile.open(tar, "w") as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))


def test_webdataset_reads_our_shards(folder: Path, source: Corpus) -> None:
    tars = pytest.importorskip("webdataset.tariterators")
    tracks = {track.name: track for track in source.tracks}
    seen = set()
    with ExitStack() as stack:
        # WebDataset itself leaves the files it opens to be closed by chance.
        streams = [stack.enter_context(path.open("rb")) for path in sorted(folder.glob("*.tar"))]
        urls = [{"url": stream.name, "stream": stream} for stream in streams]
        samples = list(tars.group_by_keys(tars.tar_file_expander(urls)))
    for sample in samples:
        known = json.loads(sample["json"])
        assert {key for key in sample if not key.startswith("__")} == {"json", "mixture.flac", "vocals.flac"}
        for stem in ("mixture", "vocals"):
            samples, rate = soundfile.read(
                io.BytesIO(sample[f"{stem}.flac"]), dtype="float32", always_2d=True
            )
            path = tracks[known["track"]].stems[stem]
            expected = read(path, start=known["start"], frames=known["frames"]).samples
            assert np.array_equal(samples.T, expected)
            assert rate == known["sample_rate"]
        seen.add((sample["__key__"], known["name"], known["split"]))
    assert seen == {(entry.key, entry.name, entry.split) for entry in load_entries(folder)}


def test_we_read_shards_that_webdataset_writes(tmp_path: Path) -> None:
    webdataset = pytest.importorskip("webdataset")
    for shard, name in enumerate(("train-000000", "val-000000")):
        with webdataset.TarWriter(str(tmp_path / f"{name}.tar")) as writer:
            for n in range(3):
                known = {"song": f"song {n // 2}", "labels": ["rock"]} if n < 2 else {"title": "?"}
                data = {"__key__": f"{n:04}", "json": known, "wav": sound(10 * shard + n)}
                writer.write(data | ({"vocals.flac": sound(5, "FLAC")} if n == 1 else {}))
    corpus = load_corpus(tmp_path)
    assert corpus.layout == "shards"
    assert [(t.name, t.song, t.labels, t.split, sorted(t.stems)) for t in corpus.tracks] == [
        (f"{name}/{n:04}", song, labels, split, stems)
        for name, split in (("train-000000", "train"), ("val-000000", "validation"))
        for n, song, labels, stems in (
            (0, "song 0", ("rock",), ["mixture"]),
            (1, "song 0", ("rock",), ["mixture", "vocals"]),
            (2, f"{name}/0002", (), ["mixture"]),
        )
    ]
    expected = soundfile.read(io.BytesIO(sound(11)), dtype="float32")[0]
    assert np.array_equal(read(corpus.tracks[4].stems["mixture"]).samples[0], expected)
    assert [sample.sounds["mixture"].shape for sample in ShardStream(tmp_path)] == [(1, 1_000)] * 3
    assert ShardWindows(tmp_path, shape(channels=1), seed=0, length=4)[0, 3]["mixture"].shape == (1, 800)
    # And can be packed anew.
    write_shards(plan_shards(corpus, ShardSettings(seconds=0.1)), tmp_path / "ours")
    assert len(load_corpus(tmp_path / "ours")) == 12


def test_names_that_lead_out_are_nobodys_sample(tmp_path: Path) -> None:
    evil = ["../evil.wav", "/etc/evil.wav", "a/../../evil.wav", "a/../b.wav", "..", ".hidden.wav", "x//y.wav"]
    known = json.dumps(
        {"name": "../../out", "song": ["no"], "labels": "no", "split": "all", "start": -4}
    ).encode()
    pack(
        tmp_path / "data.tar",
        [*((name, sound(0)) for name in evil), ("good/a.b.wav", sound(1)), ("good/a.json", known)],
    )
    (track,) = load_corpus(tmp_path).tracks
    assert track.stems == {"b": f"{tmp_path}/data.tar!good/a.b.wav"}
    assert (track.name, track.labels) == ("data/good/a", ()), "a name that leads out is not taken"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["data.tar"]


@pytest.mark.parametrize(
    ("member", "parts"),
    [
        ("000017.mixture.wav", ("000017", "mixture.wav")),
        ("a.b/000017.wav", ("a.b/000017", "wav")),
        ("./x.json", ("./x", "json")),
        ("README", ("", "")),
        (".wav", ("", "")),
        ("a/.wav", ("", "")),
        ("a.", ("", "")),
        ("../a.wav", ("", "")),
        ("/a.wav", ("", "")),
    ],
)
def test_keys(member: str, parts: tuple[str, str]) -> None:
    assert split_key(member) == parts


def test_splits_by_the_name_of_a_tar() -> None:
    found = {
        name: split_by_name(name)
        for name in ("train-0.tar", "VAL_1.tar", "x/dev.tar", "test3.tar", "trains.tar")
    }
    assert list(found.values()) == ["train", "validation", "validation", "test", None]


def test_a_tar_beside_songs_changes_nothing(tmp_path: Path) -> None:
    pack(tmp_path / "backup.tar", [("a.wav", sound(0))])
    assert ShardsLayout().detect(list_files(tmp_path))
    (tmp_path / "song.wav").write_bytes(sound(1))
    assert not ShardsLayout().detect(list_files(tmp_path))
    assert [track.name for track in load_corpus(tmp_path).tracks] == ["song"]
    pack(tmp_path / "letters.tar", [("a.txt", b"dear")])
    (tmp_path / "song.wav").unlink()
    (tmp_path / "backup.tar").unlink()
    with pytest.raises(CorpusError):
        load_corpus(tmp_path)


def test_a_strangers_tar_that_breaks_off(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pack(tmp_path / "a.tar", [(f"{n}.wav", sound(n)) for n in range(5)])
    data = (tmp_path / "a.tar").read_bytes()
    (tmp_path / "a.tar").write_bytes(data[: 3 * 3_072 + 700])
    with caplog.at_level(logging.WARNING, "tonewright"):
        corpus = load_corpus(tmp_path)
    assert [track.name for track in corpus.tracks] == ["a/0", "a/1", "a/2"]
    assert [item.path for item in corpus.unreadable] == [f"{tmp_path}/a.tar!3.wav"]
    assert "cut short" in corpus.unreadable[0].reason
    assert any("a.tar" in record.getMessage() for record in caplog.records)
    with pytest.raises(AudioError, match="the archive has no member"):
        read(f"{tmp_path}/a.tar!4.wav")
