"""Corpora: the same tracks in the same splits, remembered and refreshed."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio import index
from tonewright.audio.corpus import SPLITS, Corpus, Track, load_corpus, scan_corpus, split_of
from tonewright.audio.files import Clip, write
from tonewright.errors import CorpusError, UsageError


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    cache = tmp_path / "cache"
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(cache))
    return cache


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were opened."""
    names: list[str] = []
    real = index.probe

    def probe(path: Path):
        names.append(Path(path).name)
        return real(path)

    monkeypatch.setattr(index, "probe", probe)
    return names


def put(path: Path, *, frames: int = 100, channels: int = 1, sample_rate: int = 8_000) -> Path:
    write(path, Clip(np.full((channels, frames), 0.1, np.float32), sample_rate), overwrite=True)
    return path


def band(root: Path, songs: int = 2) -> None:
    for number in range(songs):
        for stem in ("mixture", "drums", "vocals"):
            put(root / "train" / f"Song {number}" / f"{stem}.wav", channels=2)
            put(root / "test" / f"Song {number} live" / f"{stem}.wav", channels=2)


class TestSplit:
    @settings(max_examples=200)
    @given(st.text(min_size=1))
    def test_depends_on_the_name_alone(self, song: str) -> None:
        assert split_of(song) in SPLITS
        assert split_of(song) == split_of(song)
        assert split_of(unicodedata.normalize("NFD", song)) == split_of(unicodedata.normalize("NFC", song))

    def test_stays_what_it_is(self) -> None:
        # A change here would move songs between train and test in every corpus that people have.
        songs = [f"Artist {number} - Title" for number in range(12)]
        assert "".join(split_of(song)[1] for song in songs) == "errarrrrearr"

    @pytest.mark.parametrize(
        ("validation", "test"), [(0.1, 0.1), (0.25, 0.05), (0.0, 0.5), (0.0, 0.0), (0.5, 0.5)]
    )
    def test_shares(self, validation: float, test: float) -> None:
        found = [split_of(f"song {n}", validation=validation, test=test) for n in range(20_000)]
        assert found.count("validation") / 20_000 == pytest.approx(validation, abs=0.012)
        assert found.count("test") / 20_000 == pytest.approx(test, abs=0.012)

    @settings(max_examples=100)
    @given(st.text(min_size=1), st.floats(0, 0.5), st.floats(0, 0.5))
    def test_a_larger_share_only_adds(self, song: str, small: float, more: float) -> None:
        if split_of(song, test=small / 2, validation=0) == "test":
            assert split_of(song, test=(small + more) / 2, validation=0) == "test"

    @pytest.mark.parametrize(("validation", "test"), [(-0.1, 0.1), (0.6, 0.6), (float("nan"), 0.1)])
    def test_shares_that_are_none(self, validation: float, test: float) -> None:
        with pytest.raises(UsageError, match="add up to at most 1"):
            split_of("song", validation=validation, test=test)

    @settings(max_examples=10, deadline=None)
    @given(st.sets(st.integers(0, 99), min_size=1, max_size=6), st.sets(st.integers(100, 199), max_size=6))
    def test_adding_files_moves_no_song(
        self, tmp_path_factory: pytest.TempPathFactory, before: set[int], added: set[int]
    ) -> None:
        root = tmp_path_factory.mktemp("growing")
        source = put(root / "0 0.wav")
        for number in before:
            shutil.copy(source, root / f"{number}.wav")
        first = {track.song: track.split for track in load_corpus(root).tracks}
        for number in added:
            (root / f"{number % 3}").mkdir(exist_ok=True)
            shutil.copy(source, root / f"{number % 3}" / f"{number}.wav")
        second = {track.song: track.split for track in load_corpus(root).tracks}
        assert len(second) == len(first) + len(added)
        assert {song: second[song] for song in first} == first

    def test_splits_partition_a_corpus(self, root: Path) -> None:
        source = put(root / "0.wav")
        for number in range(1, 60):
            shutil.copy(source, root / f"{number}.wav")
        corpus = load_corpus(root)
        parts = [corpus.split(name) for name in SPLITS]
        assert sorted(track.name for part in parts for track in part.tracks) == sorted(
            track.name for track in corpus.tracks
        )
        assert all(len(part) for part in parts)
        with pytest.raises(UsageError, match="no split 'valid'"):
            corpus.split("valid")

    def test_stems_and_formats_of_a_song_share_it(self, root: Path) -> None:
        for number in range(10):
            put(root / f"{number}.wav")
            put(root / f"{number}.flac")
        splits: dict[str, set[str]] = {}
        for track in load_corpus(root).tracks:
            splits.setdefault(track.song, set()).add(track.split)
        assert len(splits) == 10
        assert all(len(found) == 1 for found in splits.values())


class TestTracks:
    def test_folder(self, root: Path) -> None:
        put(root / "a" / "x.flac", frames=80, channels=2, sample_rate=16_000)
        put(root / "-y ü.wav", frames=4_000)
        corpus = load_corpus(root)
        assert (corpus.layout, len(corpus), corpus.stem_names) == ("folder", 2, ("mixture",))
        first, second = corpus.tracks
        assert (first.name, first.frames, first.channels, first.sample_rate) == ("-y ü", 4_000, 1, 8_000)
        assert second.stems == {"mixture": str(root / "a" / "x.flac")}
        assert (second.frames, second.channels, second.sample_rate) == (80, 2, 16_000)
        assert corpus.seconds == pytest.approx(0.5 + 0.005)

    def test_musdb18hq(self, root: Path) -> None:
        band(root, songs=30)
        put(root / "rooms" / "hall.wav")
        corpus = load_corpus(root)
        assert corpus.layout == "musdb18hq"
        assert corpus.stem_names == ("mixture", "drums", "vocals")
        assert {track.song for track in corpus.split("test").tracks} == {f"Song {n} live" for n in range(30)}
        rest = corpus.split("train").tracks + corpus.split("validation").tracks
        assert {track.song for track in rest} == {f"Song {n}" for n in range(30)}
        assert 0 < len(corpus.split("validation")) < 10

    def test_the_folder_layout_on_request(self, root: Path) -> None:
        band(root, songs=1)
        assert len(load_corpus(root, layout="folder")) == 6
        assert len(load_corpus(root)) == 2

    def test_length_is_that_of_the_shortest_stem(self, root: Path) -> None:
        put(root / "train" / "S" / "drums.wav", frames=100, channels=2)
        put(root / "train" / "S" / "bass.wav", frames=90, channels=1)
        (track,) = load_corpus(root).tracks
        assert (track.frames, track.channels) == (90, 2)

    def test_stems_of_different_rates_are_left_out(self, root: Path) -> None:
        band(root, songs=1)
        put(root / "train" / "Odd" / "drums.wav", sample_rate=44_100)
        put(root / "train" / "Odd" / "bass.wav", sample_rate=48_000)
        corpus = load_corpus(root)
        assert "Odd" not in {track.song for track in corpus.tracks}
        (odd,) = corpus.unreadable
        assert odd.path == str(root / "train" / "Odd")
        assert odd.reason == "its stems differ in sample rate: drums 44100 Hz, bass 48000 Hz"

    def test_a_stem_that_cannot_be_read(self, root: Path) -> None:
        band(root, songs=1)
        (root / "train" / "Song 0" / "drums.wav").write_text("not a sound")
        corpus = load_corpus(root)
        (track,) = (track for track in corpus.tracks if track.song == "Song 0")
        assert tuple(track.stems) == ("mixture", "vocals")
        assert [track.song for track in corpus.having(("drums", "vocals")).tracks] == ["Song 0 live"]
        assert len(corpus.unreadable) == 1

    def test_can_be_sent_to_other_processes(self, root: Path) -> None:
        band(root, songs=1)
        corpus = load_corpus(root)
        assert pickle.loads(pickle.dumps(corpus)) == corpus
        assert len({hash(track) for track in corpus.tracks}) == 2

    def test_made_of_tracks(self) -> None:
        track = Track("n", "s", {"mixture": "/n.wav"}, 8_000, 1, 4_000, "test")
        corpus = Corpus.from_tracks([track])
        assert corpus.split("test").tracks == (track,)
        assert corpus.seconds == 0.5

    def test_layouts_that_are_none(self, root: Path) -> None:
        put(root / "a.wav")
        with pytest.raises(UsageError, match="did you mean musdb18hq"):
            load_corpus(root, layout="musdb18-hq")
        with pytest.raises(CorpusError, match="no sound files in the layout 'musdb18hq'"):
            load_corpus(root, layout="musdb18hq")


class TestIndex:
    def test_files_are_opened_once(self, root: Path, opened: list[str]) -> None:
        put(root / "a.wav")
        put(root / "b.wav")
        first = load_corpus(root)
        assert sorted(opened) == ["a.wav", "b.wav"]
        assert load_corpus(root) == first
        assert len(opened) == 2
        load_corpus(root, refresh=True)
        assert len(opened) == 4

    def test_what_changed_is_opened_again(self, root: Path, opened: list[str]) -> None:
        changed = put(root / "a.wav", frames=100)
        put(root / "b.wav")
        load_corpus(root)
        opened.clear()
        put(changed, frames=50)
        assert [track.frames for track in load_corpus(root).tracks] == [50, 100]
        assert opened == ["a.wav"]

    def test_a_change_that_keeps_the_size(self, root: Path, opened: list[str]) -> None:
        path = put(root / "a.wav", sample_rate=8_000)
        load_corpus(root)
        put(path, sample_rate=9_000)
        os.utime(path, ns=(1, 1))
        assert load_corpus(root).tracks[0].sample_rate == 9_000

    def test_moved_and_deleted_files(self, root: Path, own_cache: Path) -> None:
        put(root / "a.wav")
        put(root / "b.wav")
        put(root / "c.wav")
        load_corpus(root)
        (root / "a.wav").unlink()
        (root / "sub").mkdir()
        (root / "b.wav").rename(root / "sub" / "b.wav")
        assert [track.name for track in load_corpus(root).tracks] == ["c", "sub/b"]
        (cached,) = own_cache.rglob("*.json")
        assert b"a.wav" not in cached.read_bytes()

    def test_lies_outside_the_corpus(self, root: Path, own_cache: Path) -> None:
        put(root / "a.wav")
        load_corpus(root)
        assert [path.name for path in root.rglob("*")] == ["a.wav"]
        assert len(list(own_cache.rglob("*.json"))) == 1

    def test_is_in_the_users_cache_where_nothing_else_is_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.delenv("TONEWRIGHT_CACHE")
        monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
        assert index.cache_folder() == Path("/somewhere/tonewright")

    @settings(max_examples=25, deadline=None)
    @given(st.data())
    def test_survives_any_damage(self, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
        root = tmp_path_factory.mktemp("damaged")
        put(root / "a.wav")
        expected = load_corpus(root)
        cached = index.index_path(root)
        content = bytearray(cached.read_bytes())
        if data.draw(st.booleans(), label="cut"):
            content = content[: data.draw(st.integers(0, len(content) - 1))]
        else:
            content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
        cached.write_bytes(content)
        assert load_corpus(root) == expected

    def test_of_another_format_is_made_anew(self, root: Path, opened: list[str]) -> None:
        put(root / "a.wav")
        load_corpus(root)
        cached = index.index_path(root)
        header, body = cached.read_bytes().split(b"\n", 1)
        cached.write_bytes(
            json.dumps({**json.loads(header), "format": index.FORMAT + 1}).encode() + b"\n" + body
        )
        load_corpus(root)
        assert opened == ["a.wav", "a.wav"]
        assert json.loads(cached.read_bytes().split(b"\n", 1)[0])["format"] == index.FORMAT

    def test_that_cannot_be_kept_costs_only_time(
        self, root: Path, own_cache: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        put(root / "a.wav")
        own_cache.write_text("a file where a folder should be")
        assert len(load_corpus(root)) == 1
        assert "could not be kept" in caplog.text

    def test_an_interruption_keeps_what_was_done(self, root: Path, opened: list[str]) -> None:
        for name in "abcd":
            put(root / f"{name}.wav")

        def stop_at_two(done: int, total: int) -> None:
            if done == 2:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            load_corpus(root, progress=stop_at_two)
        opened.clear()
        assert len(load_corpus(root)) == 4
        assert opened == ["c.wav", "d.wav"]

    def test_what_could_not_be_read_is_tried_again(self, root: Path) -> None:
        put(root / "a.wav")
        bad = root / "b.wav"
        bad.write_bytes(b"x" * 100)
        os.utime(bad, ns=(5, 5))
        assert len(load_corpus(root).unreadable) == 1
        good = put(root / "a.wav").read_bytes()
        bad.write_bytes(good)
        os.utime(bad, ns=(5, 5))
        assert len(load_corpus(root)) == 2

    def test_progress(self, root: Path) -> None:
        for number, name in enumerate("abc"):
            put(root / f"{name}.wav", frames=100 + number)
        calls: list[tuple[int, int]] = []
        load_corpus(root, progress=lambda done, total: calls.append((done, total)))
        assert calls == [(1, 3), (2, 3), (3, 3)]

    def test_two_corpora_do_not_meet(self, root: Path, tmp_path: Path) -> None:
        put(root / "a.wav", frames=100)
        put(tmp_path / "other" / "a.wav", frames=70)
        assert load_corpus(root).tracks[0].frames == 100
        assert load_corpus(tmp_path / "other").tracks[0].frames == 70

    def test_a_link_to_a_corpus_is_that_corpus(self, root: Path, tmp_path: Path, opened: list[str]) -> None:
        put(root / "a.wav")
        (tmp_path / "link").symlink_to(root)
        assert load_corpus(tmp_path / "link") == load_corpus(root)
        assert opened == ["a.wav"]


class TestNothingToUse:
    def test_missing_folder(self, root: Path) -> None:
        with pytest.raises(CorpusError, match="there is no such folder"):
            load_corpus(root)

    def test_a_file_for_a_folder(self, tmp_path: Path) -> None:
        path = put(tmp_path / "a.wav")
        with pytest.raises(CorpusError, match="is a file; name its folder"):
            load_corpus(path)

    def test_no_audio(self, root: Path) -> None:
        root.mkdir()
        (root / "notes.txt").write_text("nothing here")
        with pytest.raises(CorpusError, match="no sound files in it"):
            load_corpus(root)

    def test_only_bad_audio(self, root: Path) -> None:
        root.mkdir()
        (root / "a.wav").write_text("not a sound")
        with pytest.raises(
            CorpusError, match=r"none of its 1 sound files can be read; the first: .*a\.wav: is not"
        ):
            load_corpus(root)
        assert len(scan_corpus(root).unreadable) == 1

    def test_only_formats_that_are_not_read(self, root: Path) -> None:
        root.mkdir()
        (root / "a.m4a").write_bytes(b"x")
        with pytest.raises(CorpusError, match=r"\.m4a is not read; convert it"):
            load_corpus(root)
