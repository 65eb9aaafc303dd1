"""Public sets as they are unpacked: names to tracks, labels and splits, and what lacks."""

from __future__ import annotations

import re
import shutil
import unicodedata
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.corpus import load_corpus, scan_corpus
from tonewright.audio.files import Clip, write
from tonewright.audio.layouts import LAYOUTS, Listing, TrackFiles
from tonewright.audio.layouts.gtzan import GENRES, GtzanLayout
from tonewright.audio.layouts.irmas import INSTRUMENTS, TAGS, IrmasLayout
from tonewright.audio.layouts.musdb import STEMS, Musdb18HqLayout, Musdb18Layout, known_songs, song_key
from tonewright.errors import CorpusError

OFFICIAL_VALIDATION = (
    *("Actions - One Minute Smile", "Clara Berry And Wooldog - Waltz For My Victims"),
    *("Johnny Lokke - Promises & Lies", "Patrick Talbot - A Reason To Leave", "Triviul - Angelsaint"),
    *("Alexander Ross - Goodbye Bolero", "Fergessen - Nos Palpitants", "Leaf - Summerghost"),
    *("Skelpolu - Human Mistakes", "Young Griffo - Pennies", "ANiMAL - Rockshow"),
    *("James May - On The Line", "Meaxic - Take A Step", "Traffic Experiment - Sirens"),
)
PREFIXES = ("", "set/", "set/set/")
words = st.text(st.characters(codec="utf-8", exclude_characters="/\\\n\r\0"), min_size=1, max_size=20).filter(
    lambda text: text.strip(". ") == text
)


def listing(*files: str, root: str = "/corpus") -> Listing:
    return Listing(Path(root), tuple(sorted(files)))


def named(layout: str, *files: str, root: str = "/corpus") -> list[TrackFiles]:
    return list(LAYOUTS[layout].find(listing(*files, root=root)))


def seen_as(*files: str, root: str = "/corpus") -> str:
    found = listing(*files, root=root)
    return next(name for name, layout in LAYOUTS.items() if layout.detect(found))


def put(path: Path, *, frames: int = 600, channels: int = 1, seed: int | None = None) -> Path:
    number = zlib.crc32(str(path).encode()) if seed is None else seed
    noise = np.random.default_rng(number).uniform(-0.5, 0.5, (channels, frames)).astype(np.float32)
    write(path, Clip(noise, 8_000), overwrite=True)
    return path


def hq(song: str, *, folder: str = "train", before: str = "", stems: tuple[str, ...] = STEMS) -> list[str]:
    return [f"{before}{folder}/{song}/{stem}.wav" for stem in stems]


class TestMusdbNames:
    def test_the_set_has_150_songs_and_14_of_them_are_for_validation(self) -> None:
        songs = known_songs()
        assert len(songs) == 150
        assert {key for key, song in songs.items() if song.validation} == {
            song_key(name) for name in OFFICIAL_VALIDATION
        }
        assert {song.genre for song in songs.values()} == {
            *("country", "electronic", "heavy metal", "jazz", "pop", "pop/rock", "rap", "reggae", "rock"),
            "singer/songwriter",
        }

    @given(st.sampled_from(OFFICIAL_VALIDATION), st.sampled_from("_-. "), st.booleans())
    def test_a_name_is_known_whatever_became_of_its_signs(self, name: str, sign: str, upper: bool) -> None:
        changed = re.sub(r"[&']", sign, name)
        assert known_songs()[song_key(changed.upper() if upper else changed)].validation

    @given(words)
    def test_both_forms_of_an_accent_are_one_name(self, name: str) -> None:
        assert song_key(unicodedata.normalize("NFD", name)) == song_key(unicodedata.normalize("NFC", name))


@pytest.mark.parametrize("layout", ["musdb18", "musdb18hq"])
class TestMusdb:
    def files(self, layout: str, song: str, folder: str, before: str = "") -> list[str]:
        if layout == "musdb18":
            return [f"{before}{folder}/{song}.stem.mp4"]
        return hq(song, folder=folder, before=before)

    def test_official_splits_and_genres(self, layout: str) -> None:
        names = [path for song in OFFICIAL_VALIDATION for path in self.files(layout, song, "train")]
        names += self.files(layout, "Leaf - Wicked", "train") + self.files(layout, "Mu - Too Bright", "test")
        found = {track.song: track for track in named(layout, *names)}
        assert {found[song].split for song in OFFICIAL_VALIDATION} == {"validation"}
        assert (found["Leaf - Wicked"].split, found["Mu - Too Bright"].split) == ("train", "test")
        assert found["ANiMAL - Rockshow"].labels == ("rap",)
        assert all(tuple(track.stems) == STEMS for track in found.values())

    def test_songs_of_others_go_by_their_hash_and_not_to_the_test_split(self, layout: str) -> None:
        (track,) = named(layout, *self.files(layout, "Me - My song", "train"))
        assert (track.split, track.test_share, track.labels) == (None, 0.0, ())
        (track,) = named(layout, *self.files(layout, "Me - My song", "test"))
        assert track.split == "test"

    @pytest.mark.parametrize("before", PREFIXES)
    def test_is_found_where_it_was_unpacked_into_a_folder(self, layout: str, before: str) -> None:
        names = self.files(layout, "S", "train", before) + self.files(layout, "T", "test", before)
        assert seen_as(*names) == layout
        assert [(t.name, t.song) for t in named(layout, *names)] == [
            (f"{before}test/T", "T"),
            (f"{before}train/S", "S"),
        ]

    def test_the_root_may_be_one_of_its_folders(self, layout: str) -> None:
        names = [path.removeprefix("train/") for path in self.files(layout, "S", "train")]
        (track,) = named(layout, *names, root="/sets/train")
        assert (track.name, track.song, track.split) == ("train/S", "S", None)

    def test_what_lies_deeper_or_among_other_things_is_not_the_set(self, layout: str) -> None:
        top = self.files(layout, "S", "train")
        assert [t.song for t in named(layout, *top, *self.files(layout, "D", "train", "dry/"))] == ["S"]
        others = [f"album/{number}.wav" for number in range(20)]
        assert seen_as(*self.files(layout, "S", "train", "projects/"), *others) == "folder"

    def test_what_lacks(self, layout: str) -> None:
        musdb = Musdb18Layout() if layout == "musdb18" else Musdb18HqLayout()
        own = named(layout, *self.files(layout, "Me - My song", "train"))
        assert list(musdb.missing(own)) == []
        three = [*OFFICIAL_VALIDATION[:2], "Leaf - Wicked"]
        names = [path for song in three for path in self.files(layout, song, "train")]
        assert list(musdb.missing(named(layout, *names))) == [
            "train: 3 of 100 songs are here",
            "test: none of 50 songs are here",
        ]

    @settings(max_examples=40)
    @given(st.sets(words, min_size=1, max_size=4))
    def test_any_name_is_a_song(self, layout: str, names: set[str]) -> None:
        found = named(layout, *[path for name in names for path in self.files(layout, name, "train")])
        assert {track.song for track in found} == names
        assert len({track.name for track in found}) == len(names)


class TestMusdb18:
    def test_stems_are_the_streams_of_one_file(self) -> None:
        (track,) = named("musdb18", "train/S.stem.mp4", "train/S.jpg", "train/other.mp4", "S.stem.mp4")
        assert track.container == "train/S.stem.mp4"
        assert dict(track.stems) == dict.fromkeys(STEMS, "train/S.stem.mp4")

    def test_is_seen_from_inside_as_the_other_edition_is_where_hardly_anything_else_is(self) -> None:
        assert seen_as("S.stem.mp4", root="/sets/test") == "musdb18"
        stems = ("S/bass.wav", "S/drums.wav")
        assert seen_as(*stems, root="/sets/test") == "musdb18hq"
        assert seen_as(*stems, "a.wav", "b.wav", root="/sets/test") == "folder"
        assert seen_as(*stems, root="/sets/songs") == "folder"

    def test_stems_that_only_some_songs_have(self) -> None:
        layout = Musdb18HqLayout()
        files = [*hq("S"), *hq("T", stems=("mixture", "bass"))]
        assert list(layout.missing(named("musdb18hq", *files))) == [
            "drums is not there in 1 of 2 songs",
            "other is not there in 1 of 2 songs",
            "vocals is not there in 1 of 2 songs",
        ]
        no_mixtures = [*hq("S", stems=STEMS[1:]), *hq("T", stems=STEMS[1:])]
        assert list(layout.missing(named("musdb18hq", *no_mixtures))) == []


tags = st.tuples(
    st.sampled_from(sorted(INSTRUMENTS)),
    st.sampled_from(["", "dru", "nod"]),
    st.sampled_from(["cou_fol", "cla", "pop_roc", "lat_sou", "jaz_blu"]),
)


class TestIrmas:
    @settings(max_examples=60)
    @given(tags, st.integers(0, 9999), st.integers(1, 3), st.sampled_from(["", "008__", "117__"]))
    def test_training_names(self, tags: tuple[str, str, str], number: int, excerpt: int, prefix: str) -> None:
        instrument, drums, genre = tags
        brackets = "".join(f"[{tag}]" for tag in tags if tag)
        (track,) = named(
            "irmas", f"IRMAS-TrainingData/{instrument}/{prefix}{brackets}{number:04}__{excerpt}.wav"
        )
        assert track.song == f"{number:04}"
        expected = [INSTRUMENTS[instrument], *([TAGS[drums]] if drums else []), TAGS[genre]]
        assert list(track.labels) == expected
        assert (track.split, track.test_share) == (None, 0.0)

    def test_the_clarinet_is_not_the_classical_genre(self) -> None:
        (track,) = named("irmas", "cla/[cla][cla]0226__1.wav")
        assert track.labels == ("clarinet", "classical")

    def test_excerpts_of_a_song_stay_in_one_split(self, tmp_path: Path) -> None:
        for number in range(12):
            for excerpt in (1, 2, 3):
                name = f"cel/[cel][cla]{number:04}__{excerpt}.wav"
                put(tmp_path / "IRMAS-TrainingData" / name, seed=10 * number + excerpt)
        corpus = load_corpus(tmp_path)
        assert (corpus.layout, len(corpus), corpus.copies) == ("irmas", 36, ())
        splits: dict[str, set[str]] = {}
        for track in corpus.tracks:
            splits.setdefault(track.song, set()).add(track.split)
        assert len(splits) == 12
        assert all(len(found) == 1 for found in splits.values())
        assert {split for found in splits.values() for split in found} == {"train", "validation"}

    @settings(max_examples=20, deadline=None)
    @given(name=words, excerpt=st.integers(1, 99), form=st.sampled_from(["NFC", "NFD"]))
    def test_testing_excerpts_with_their_annotations(
        self, tmp_path_factory: pytest.TempPathFactory, name: str, excerpt: int, form: Literal["NFC", "NFD"]
    ) -> None:
        root = tmp_path_factory.mktemp("irmas")
        name = unicodedata.normalize(form, name)[:40] + " x"
        part = root / "IRMAS-TestingData-Part1" / "Part1"
        part.mkdir(parents=True)
        (part / f"{name}-{excerpt}.txt").write_text("gel\t\nvoi\n\n")
        files = [f"IRMAS-TestingData-Part1/Part1/{name}-{excerpt}.{suffix}" for suffix in ("wav", "txt")]
        (track,) = LAYOUTS["irmas"].find(listing(*files, root=str(root)))
        assert (track.song, track.split) == (name, "test")
        assert track.labels == ("electric guitar", "voice")

    def test_testing_excerpts_in_folders_named_by_hand_are_known_by_their_annotations(
        self, tmp_path: Path
    ) -> None:
        for name, text in (("a-1", "pia"), ("b-2", "sax\ncel"), ("speech", "hello world"), ("empty", "")):
            (tmp_path / f"{name}.txt").write_text(text)
        files = [
            f"{name}.{suffix}" for name in ("a-1", "b-2", "speech", "empty") for suffix in ("wav", "txt")
        ]
        found = LAYOUTS["irmas"].find(listing(*files, "loose.wav", root=str(tmp_path)))
        assert [(t.song, t.labels) for t in found] == [("a", ("piano",)), ("b", ("saxophone", "cello"))]

    def test_a_testing_excerpt_without_annotation_is_counted(self) -> None:
        found = named("irmas", "IRMAS-TestingData-Part2/Part2/06 - New Noise-34.wav", "readme.wav")
        assert [(track.song, track.labels, track.split) for track in found] == [
            ("06 - New Noise", (), "test")
        ]
        assert list(IrmasLayout().missing(found)) == [
            "training: none of 6705 excerpts are here",
            "testing: 1 of 2874 excerpts is here",
            "testing: 1 of 1 excerpts have no annotation beside them",
        ]

    @pytest.mark.parametrize("before", ["", "IRMAS-TrainingData/", "irmas/IRMAS-TrainingData/", "mine/"])
    def test_is_seen_whatever_the_folders_are_called(self, before: str) -> None:
        files = [f"{before}cel/[cel][cla]000{number}__1.wav" for number in range(3)]
        assert seen_as(*files) == "irmas"
        assert seen_as(*files, *(f"album/{number}.wav" for number in range(9))) == "folder"

    def test_a_root_called_test_does_not_make_training_excerpts_test_ones(self) -> None:
        (track,) = named("irmas", "cel/[cel][cla]0001__1.wav", root="/home/test")
        assert track.split is None

    def test_names_in_brackets_that_are_no_instruments_are_left_alone(self) -> None:
        assert named("irmas", "[live]0001__1.wav", "[xyz][cla]0001__1.wav", "0001__1.wav") == []
        assert seen_as("[live]0001__1.wav", "[xyz][cla]0001__1.wav") == "folder"

    def test_one_of_several_formats(self) -> None:
        (track,) = named("irmas", "cel/[cel][cla]0001__1.flac", "cel/[cel][cla]0001__1.wav")
        assert track.stems["mixture"].endswith(".wav")


class TestGtzan:
    @pytest.mark.parametrize("folder", ["genres", "genres_original", "Data/genres_original", "mine", ""])
    @pytest.mark.parametrize("suffix", [".au", ".wav", ".WAV"])
    def test_is_seen_whatever_the_folder_is_called(self, folder: str, suffix: str) -> None:
        names = [f"{folder}/{genre}/{genre}.00000{suffix}".lstrip("/") for genre in GENRES]
        assert seen_as(*names) == "gtzan"
        found = named("gtzan", *names)
        assert [(track.name, track.labels) for track in found] == [
            (f"{genre}.00000", (genre,)) for genre in sorted(GENRES)
        ]
        assert all(track.song == track.name and track.split is None for track in found)

    def test_of_two_formats_one_is_taken(self) -> None:
        files = ("genres/pop/pop.00001.au", "genres_original/pop/pop.00001.wav")
        assert seen_as(*files) == "gtzan"
        (track,) = named("gtzan", *files)
        assert track.stems["mixture"] == "genres_original/pop/pop.00001.wav"

    def test_texts_of_its_names_among_other_sound_do_not_make_the_set(self) -> None:
        notes = [f"notes/pop.{number:05}.txt" for number in range(9)]
        assert seen_as("pop.00000.wav", "a.wav", "b.wav", *notes) == "folder"

    @pytest.mark.parametrize("name", ["pop.0001.wav", "pops.00001.wav", "pop.00001.txt", "a pop.00001.wav"])
    def test_other_names_are_left_alone(self, name: str) -> None:
        assert named("gtzan", f"pop/{name}") == []

    def test_what_lacks(self) -> None:
        whole = [f"{genre}/{genre}.{n:05}.wav" for genre in GENRES for n in range(100)]
        assert list(GtzanLayout().missing(named("gtzan", *whole))) == []
        (words,) = GtzanLayout().missing(named("gtzan", *whole[3:150]))
        assert words == (
            "147 of 1000 excerpts are here (of 100 each: blues 97, classical 50;"
            " nothing of country, disco, hiphop, jazz, metal, pop, reggae, rock)"
        )

    def test_the_known_broken_file_is_reported_as_that(self, tmp_path: Path) -> None:
        for number in (53, 55):
            put(tmp_path / "genres" / "jazz" / f"jazz.000{number}.wav")
        for number in (54, 56):
            (tmp_path / "genres" / "jazz" / f"jazz.000{number}.wav").write_bytes(b"no sound")
        corpus = load_corpus(tmp_path)
        assert [track.name for track in corpus.tracks] == ["jazz.00053", "jazz.00055"]
        known, unknown = corpus.unreadable
        assert known.path.endswith("jazz.00054.wav")
        assert "copies of GTZAN hold this very file broken" in known.reason
        assert "GTZAN" not in unknown.reason

    def test_its_own_copies_stay_together(self, tmp_path: Path) -> None:
        folder = tmp_path / "genres_original" / "metal"
        for number in range(30):
            put(folder / f"metal.{number:05}.wav", frames=6000, seed=number)
            shutil.copy(folder / f"metal.{number:05}.wav", folder / f"metal.{number + 50:05}.wav")
        corpus = load_corpus(tmp_path)
        assert corpus.copies == tuple(
            (f"metal.{number + 50:05}", f"metal.{number:05}") for number in range(30)
        )
        splits = {track.name: track.split for track in corpus.tracks}
        assert all(splits[copy] == splits[first] for copy, first in corpus.copies)
        assert set(splits.values()) == {"train", "validation", "test"}


def test_a_layout_that_finds_nothing_says_what_it_looks_like(tmp_path: Path) -> None:
    put(tmp_path / "pop" / "pop.00001.wav")
    with pytest.raises(CorpusError, match=r"no sound files in the layout 'irmas' in it; .* layout 'gtzan'"):
        scan_corpus(tmp_path, layout="irmas")


def test_what_lacks_reaches_the_corpus(tmp_path: Path) -> None:
    put(tmp_path / "pop" / "pop.00001.wav")
    (words,) = load_corpus(tmp_path).missing
    assert words.startswith("1 of 1000 excerpts is here (of 100 each: pop 1; nothing of blues,")
    assert load_corpus(tmp_path, layout="folder").missing == ()
