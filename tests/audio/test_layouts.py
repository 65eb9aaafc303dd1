"""From names of files to tracks."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tonewright.audio.layouts import LAYOUTS, Listing, list_files, split_suffix
from tonewright.audio.layouts.base import is_mostly


def listing(*files: str) -> Listing:
    return Listing(Path("/corpus"), tuple(sorted(files)))


def touch(root: Path, *files: str) -> None:
    for name in files:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()


class TestMusdb18Hq:
    layout = LAYOUTS["musdb18hq"]
    stems = ("mixture", "drums", "bass", "other", "vocals")

    def test_songs_with_their_stems(self) -> None:
        names = [f"{split}/A - {split}/{stem}.wav" for split in ("train", "test") for stem in self.stems]
        found = list(self.layout.find(listing(*names)))
        assert [track.name for track in found] == ["test/A - test", "train/A - train"]
        assert tuple(found[0].stems) == self.stems
        assert found[0].stems["bass"] == "test/A - test/bass.wav"
        assert found[0].split == "test"
        assert found[1].split is None
        assert found[1].test_share == 0

    def test_leaves_what_lies_beside(self) -> None:
        names = (
            *("train/S/drums.wav", "train/S/bass.wav", "train/S/cover.jpg", "train/S/notes.wav"),
            *("dry/train/S/drums.wav", "rooms/hall.wav", "train/loose.wav", "valid/S/drums.wav"),
        )
        assert self.layout.detect(listing(*names))
        (track,) = self.layout.find(listing(*names))
        assert dict(track.stems) == {"drums": "train/S/drums.wav", "bass": "train/S/bass.wav"}

    def test_prefers_wav_where_a_stem_is_there_twice(self) -> None:
        (track,) = self.layout.find(listing("train/S/bass.flac", "train/S/bass.wav", "train/S/drums.FLAC"))
        assert dict(track.stems) == {"drums": "train/S/drums.FLAC", "bass": "train/S/bass.wav"}

    @pytest.mark.parametrize(
        "names",
        [(), ("a.wav",), ("train/S/drums.wav",), ("train/drums.wav", "train/bass.wav"), ("x/S/bass.wav",)],
    )
    def test_is_not_seen_in_other_folders(self, names: tuple[str, ...]) -> None:
        assert not self.layout.detect(listing(*names))

    def test_one_of_its_two_folders_is_seen_by_itself(self) -> None:
        stems = [f"{song}/{stem}.wav" for song in "AB" for stem in self.stems]
        for name, names, expected in (
            ("train", stems, True),
            ("songs", stems, False),
            ("train", [*stems, *(f"{number}.wav" for number in range(20))], False),
        ):
            found = Listing(Path("/corpus", name), tuple(sorted(names)))
            assert self.layout.detect(found) is expected


class TestFolder:
    layout = LAYOUTS["folder"]

    def test_a_track_a_file(self) -> None:
        found = list(self.layout.find(listing("b/c.d/x.FLAC", "a.wav", "notes.txt", "b/x.mp3", "b/wav")))
        assert [(track.name, track.song, dict(track.stems)) for track in found] == [
            ("a", "a", {"mixture": "a.wav"}),
            ("b/c.d/x", "b/c.d/x", {"mixture": "b/c.d/x.FLAC"}),
            ("b/x", "b/x", {"mixture": "b/x.mp3"}),
        ]

    def test_one_song_in_two_formats_is_two_tracks_of_one_song(self) -> None:
        found = list(self.layout.find(listing("a.wav", "a.flac")))
        assert [track.name for track in found] == ["a.flac", "a.wav"]
        assert {track.song for track in found} == {"a"}


def test_every_layout_has_its_name() -> None:
    for name, layout in LAYOUTS.items():
        assert layout.name == name
    assert list(LAYOUTS)[-1] == "folder", "the one that takes everything comes last"


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a/b.WAV", ("a/b", ".wav")),
        ("a.b/c", ("a.b/c", "")),
        ("a/.hidden", ("a/.hidden", "")),
        ("a.tar.gz", ("a.tar", ".gz")),
        ("plain", ("plain", "")),
    ],
)
def test_split_suffix(path: str, expected: tuple[str, str]) -> None:
    assert split_suffix(path) == expected


@pytest.mark.parametrize(("others", "expected"), [(0, True), (1, True), (2, False), (5, False)])
def test_most_of_the_sound(others: int, expected: bool) -> None:
    names = [
        "a.wav",
        "b.stem.mp4",
        *(f"{number}.flac" for number in range(others)),
        "x.txt",
        "y.mp4",
        "z.jpg",
    ]
    assert is_mostly(listing(*names), ["a.wav", "b.stem.mp4", "a.wav"]) is expected


class TestListing:
    def test_is_recursive_sorted_and_skips_hidden_names(self, tmp_path: Path) -> None:
        touch(tmp_path, "b/a.wav", "a/deep/er/x.wav", "z.txt", "._z.wav", ".git/a.wav", "a/.DS_Store")
        assert list_files(tmp_path).files == ("a/deep/er/x.wav", "b/a.wav", "z.txt")

    def test_circles_of_links_end(self, tmp_path: Path) -> None:
        touch(tmp_path, "a/x.wav")
        (tmp_path / "a" / "up").symlink_to(tmp_path)
        (tmp_path / "a" / "self").symlink_to(".")
        assert list_files(tmp_path).files == ("a/x.wav",)

    def test_links_are_followed_once_and_after_the_folders(self, tmp_path: Path) -> None:
        root, elsewhere = tmp_path / "root", tmp_path / "elsewhere"
        touch(root, "real/x.wav")
        touch(elsewhere, "y.wav")
        (root / "early").symlink_to(root / "real")
        (root / "first").symlink_to(elsewhere)
        (root / "second").symlink_to(elsewhere)
        (root / "file.wav").symlink_to(elsewhere / "y.wav")
        assert list_files(root).files == ("file.wav", "first/y.wav", "real/x.wav")

    def test_dead_links_and_pipes(self, tmp_path: Path) -> None:
        (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
        (tmp_path / "gone").symlink_to(tmp_path / "nowhere")
        os.mkfifo(tmp_path / "pipe.wav")
        found = list_files(tmp_path)
        assert found.files == ()
        assert found.refused == (("gone.wav", "is a link to nothing"),)

    def test_a_link_to_itself_hides_nothing_else(self, tmp_path: Path) -> None:
        touch(tmp_path, *(f"{letter}.wav" for letter in "abcdefgh"))
        (tmp_path / "self.wav").symlink_to("self.wav")
        (tmp_path / "words").symlink_to("words")
        found = list_files(tmp_path)
        assert found.files == tuple(f"{letter}.wav" for letter in "abcdefgh")
        assert [path for path, _ in found.refused] == ["self.wav"]

    def test_a_folder_that_cannot_be_entered(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        touch(tmp_path, "open/x.wav", "locked/y.wav")
        real = os.scandir

        def scandir(path: Path):
            if Path(path).name == "locked":
                raise PermissionError(13, "Permission denied", str(path))
            return real(path)

        monkeypatch.setattr(os, "scandir", scandir)
        found = list_files(tmp_path)
        assert found.files == ("open/x.wav",)
        assert found.refused == (("locked", "the folder cannot be read (Permission denied)"),)
