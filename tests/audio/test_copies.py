"""Two copies of a sound under two names: found by content, and kept in one split."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio import index
from tonewright.audio.copies import joined_songs
from tonewright.audio.corpus import Corpus, Track, load_corpus, split_of
from tonewright.audio.files import Clip, write
from tonewright.audio.sources.manifest import MANIFEST, Piece, write_manifest

RATE = 8_000


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TONEWRIGHT_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "corpus"


@pytest.fixture
def read_files(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files of which something was decoded, in order."""
    names: list[str] = []
    for name in ("glimpse", "content_digest"):
        real = getattr(index, name)
        monkeypatch.setattr(index, name, lambda path, real=real: names.append(Path(path).name) or real(path))
    return names


def noise(seed: int, frames: int = 20_000, channels: int = 1) -> np.ndarray:
    generator = np.random.default_rng(seed)
    return (generator.integers(-9_000, 9_000, (channels, frames)) / 2**15).astype(np.float32)


def put(path: Path, samples: np.ndarray, *, encoding: str = "pcm16") -> Path:
    write(path, Clip(samples, RATE), encoding=encoding, overwrite=True)
    return path


def splits(corpus: Corpus) -> dict[str, str]:
    return {track.name: track.split for track in corpus.tracks}


class TestFinding:
    def test_a_copy_counts_as_the_song_of_the_first_by_name(self, root: Path) -> None:
        for number in range(20):
            put(root / f"b{number}.wav", noise(number))
            (root / "a").mkdir(exist_ok=True)
            shutil.copy(root / f"b{number}.wav", root / "a" / f"{number}.wav")
        put(root / "alone.wav", noise(99))
        corpus = load_corpus(root)
        assert corpus.copies == tuple(sorted((f"b{number}", f"a/{number}") for number in range(20)))
        songs = {track.name: track.song for track in corpus.tracks}
        assert all(songs[f"b{number}"] == f"a/{number}" for number in range(20))
        assert songs["alone"] == "alone"
        found = splits(corpus)
        assert all(found[copy] == found[first] == split_of(first) for copy, first in corpus.copies)
        assert any(split_of(copy) != split_of(first) for copy, first in corpus.copies), "nothing had to move"

    @pytest.mark.parametrize(
        ("suffix", "encoding"), [(".flac", "pcm16"), (".flac", "pcm24"), (".wav", "float")]
    )
    def test_in_another_format(self, root: Path, suffix: str, encoding: str) -> None:
        put(root / "masters" / "x.wav", noise(1, channels=2))
        put(root / "web" / f"y{suffix}", noise(1, channels=2), encoding=encoding)
        assert load_corpus(root).copies == (("web/y", "masters/x"),)

    def test_three_of_one(self, root: Path) -> None:
        for name in "cab":
            put(root / f"{name}.wav", noise(1))
        assert load_corpus(root).copies == (("b", "a"), ("c", "a"))

    @pytest.mark.parametrize("place", [5_000, 10_000, 15_000])
    def test_a_difference_where_it_is_looked_for(self, root: Path, place: int) -> None:
        changed = noise(1)
        changed[0, place] += 0.25
        put(root / "a.wav", noise(1))
        put(root / "b.wav", changed)
        assert load_corpus(root).copies == ()

    def test_another_rate_or_number_of_channels_is_another_sound(self, root: Path) -> None:
        put(root / "a.wav", noise(1))
        put(root / "b.wav", np.repeat(noise(1), 2, axis=0))
        write(root / "c.wav", Clip(noise(1), 2 * RATE), encoding="pcm16")
        assert load_corpus(root).copies == ()

    @pytest.mark.parametrize("value", [0.0, 0.1])
    @pytest.mark.parametrize("frames", [1, 100, 20_000])
    def test_silence_is_no_song(self, root: Path, value: float, frames: int) -> None:
        for name in "ab":
            put(root / f"{name}.wav", np.full((2, frames), value, np.float32))
        assert load_corpus(root).copies == ()

    @pytest.mark.parametrize("middle", [False, True])
    def test_mostly_silent_sounds_are_compared_whole(self, root: Path, middle: bool) -> None:
        for name, place in (("a", 2_000), ("b", 2_000), ("c", 7_000), ("d", 18_000)):
            samples = np.zeros((1, 20_000), np.float32)
            samples[0, place] = 0.5
            if middle:
                samples[0, 10_000] = 0.5
            put(root / f"{name}.wav", samples)
        assert load_corpus(root).copies == (("b", "a"),)

    @settings(max_examples=25, deadline=None)
    @given(
        st.lists(st.lists(st.sampled_from([-0.5, 0.0, 0.25]), min_size=3, max_size=3), min_size=2, max_size=6)
    )
    def test_short_sounds_are_copies_if_they_are_equal(
        self, tmp_path_factory: pytest.TempPathFactory, sounds: list[list[float]]
    ) -> None:
        root = tmp_path_factory.mktemp("short")
        for number, values in enumerate(sounds):
            put(root / f"{number}.wav", np.array([values], np.float32))
        expected = []
        for number, values in enumerate(sounds):
            first = sounds.index(values)
            if first < number and len(set(values)) > 1:
                expected.append((str(number), str(first)))
        assert load_corpus(root).copies == tuple(expected)

    def test_a_file_that_breaks_off_is_no_copy_and_no_error(self, root: Path) -> None:
        content = put(root / "a.flac", noise(1, frames=60_000)).read_bytes()
        for name in "bc":
            (root / f"{name}.flac").write_bytes(content[: len(content) // 3])
        corpus = load_corpus(root)
        assert (len(corpus), corpus.copies) == (3, ())

    def test_sections_of_one_file_are_not_compared(self, root: Path) -> None:
        put(root / "voices" / "x.wav", np.tile(noise(1), 2))
        pieces = [
            Piece(
                name=f"x/{number}",
                song=f"x/{number}",
                part="voices",
                labels=("speech",),
                path="voices/x.wav",
                stems=("mixture",),
                start=20_000 * number,
                frames=20_000,
                sample_rate=RATE,
                channels=1,
                source_rate=RATE,
                bandwidth_hz=4_000.0,
                level_db=-20.0,
                gain_db=0.0,
                clipped=0.0,
                package="x",
                version="1",
                file=f"{number}.wav",
                licence="CC0-1.0",
                author="",
            )
            for number in range(2)
        ]
        write_manifest(root / MANIFEST, pieces)
        corpus = load_corpus(root)
        assert (corpus.layout, len(corpus), corpus.copies) == ("pool", 2, ())


class TestStems:
    def put_song(self, root: Path, place: str, **seeds: int) -> None:
        for stem, seed in seeds.items():
            put(root / place / f"{stem}.wav", noise(seed))

    def test_the_mixture_tells(self, root: Path) -> None:
        self.put_song(root, "train/A", mixture=1, drums=2)
        self.put_song(root, "train/B", mixture=1, drums=3)
        self.put_song(root, "train/C", mixture=4, drums=2)
        assert load_corpus(root).copies == (("train/B", "train/A"),)

    def test_all_stems_tell_where_there_is_no_mixture(self, root: Path) -> None:
        self.put_song(root, "train/A", drums=2, bass=1)
        self.put_song(root, "train/B", drums=2, bass=1)
        self.put_song(root, "train/C", drums=2, bass=5)
        self.put_song(root, "train/D", drums=2, vocals=1)
        assert load_corpus(root).copies == (("train/B", "train/A"),)

    def test_the_test_split_keeps_its_songs_and_draws_their_copies(self, root: Path) -> None:
        for number in range(6):
            self.put_song(root, f"train/A {number}", mixture=number, drums=1)
            self.put_song(root, f"test/Z {number}", mixture=number, drums=1)
        self.put_song(root, "train/Leaf - Summerghost", mixture=77, drums=1)
        self.put_song(root, "train/Leaf - Wicked", mixture=77, drums=1)
        corpus = load_corpus(root)
        assert len(corpus.copies) == 7
        found = splits(corpus)
        assert {found[f"{place} {number}"] for place in ("train/A", "test/Z") for number in range(6)} == {
            "test"
        }
        assert found["train/Leaf - Wicked"] == found["train/Leaf - Summerghost"] == "validation"


class TestSongs:
    names = st.lists(st.sampled_from("stuvw"), min_size=2, max_size=12)

    @given(names, st.data())
    def test_songs_that_hang_together_take_the_name_of_the_first_track(
        self, songs: list[str], data: st.DataObject
    ) -> None:
        tracks = [Track(f"{n:02}", song, {}, RATE, 1, 9, "train") for n, song in enumerate(songs)]
        numbers = st.integers(0, len(songs) - 1)
        drawn = data.draw(st.lists(st.tuples(numbers, numbers), max_size=8))
        copies = [(f"{max(pair):02}", f"{min(pair):02}") for pair in drawn if pair[0] != pair[1]]
        joined = joined_songs(tracks, copies)
        # The same by spreading along the links until nothing changes.
        group = {song: {song} for song in songs}
        for _ in songs:
            for copy, first in copies:
                together = group[songs[int(copy)]] | group[songs[int(first)]]
                group.update((song, together) for song in together)
        named = sorted({name for pair in copies for name in pair})
        assert set(joined) == {songs[int(name)] for name in named}
        for song, leader in joined.items():
            assert leader == next(songs[int(name)] for name in named if songs[int(name)] in group[song])

    def test_other_excerpts_of_a_song_come_along(self, root: Path) -> None:
        folder = root / "IRMAS-TrainingData" / "cel"
        for song in range(8):
            for excerpt in (1, 2):
                put(folder / f"[cel][cla]{song:04}__{excerpt}.wav", noise(10 * song + excerpt))
        shutil.copy(folder / "[cel][cla]0000__2.wav", folder / "[cel][cla]0007__3.wav")
        corpus = load_corpus(root)
        moved = [track for track in corpus.tracks if "]0007__" in track.name]
        assert len(moved) == 3
        assert {(track.song, track.split) for track in moved} == {("0000", split_of("0000", test=0.0))}


class TestCost:
    def test_only_sounds_of_one_length_are_read(self, root: Path, read_files: list[str]) -> None:
        for number in range(5):
            put(root / f"{number}.wav", noise(number, frames=9_000 + number))
        load_corpus(root)
        assert read_files == []

    def test_what_a_glimpse_tells_apart_is_not_read_further(self, root: Path, read_files: list[str]) -> None:
        for number in range(5):
            put(root / f"{number}.wav", noise(number))
        load_corpus(root)
        assert sorted(read_files) == [f"{number}.wav" for number in range(5)]

    def test_is_remembered_with_the_file(self, root: Path, read_files: list[str]) -> None:
        for name in "ab":
            put(root / f"{name}.wav", noise(1))
        first = load_corpus(root)
        assert read_files == ["a.wav", "b.wav"] * 2
        read_files.clear()
        assert load_corpus(root) == first
        assert read_files == []
        put(root / "b.wav", noise(2))
        assert load_corpus(root).copies == ()
        assert read_files == ["b.wav"]
        assert load_corpus(root, refresh=True).copies == ()
        assert read_files == ["b.wav", "a.wav", "b.wav"]
