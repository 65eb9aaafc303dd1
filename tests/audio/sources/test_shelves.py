"""Shelves of a pool: whole or not at all, read back as they were written, damage noticed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.corpus import load_corpus
from tonewright.audio.sources.manifest import MANIFEST, Piece, read_manifest
from tonewright.audio.sources.shelves import (
    ShelfWriter,
    publish,
    read_facts,
    read_piece,
    read_shelf,
    shelf_names,
)
from tonewright.audio.windows import Windows, WindowSettings
from tonewright.errors import CorpusError, UsageError

FACTS = {
    "labels": ("speech", "en", "some one"),
    "source_rate": 16_000,
    "bandwidth_hz": 7953.125,
    "level_db": -23.25,
    "gain_db": 3.25,
    "clipped": 0.0,
    "file": "usr/share/a, b.g722",
    "licence": "CC-BY-3.0",
    "author": "Zoë “Z” Doe",
}


def noise(frames: int, *, channels: int = 1, seed: int = 0) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal((channels, frames))).astype(np.float32)


def fill(pool: Path, shelf: str, *sounds: np.ndarray, part: str = "voices", channels: int = 1) -> list[Piece]:
    with ShelfWriter(pool, part=part, shelf=shelf, package=shelf, version="1", channels=channels) as writer:
        for number, sound in enumerate(sounds):
            writer.add({"mixture": sound}, name=f"{shelf}/{number}", song=f"{shelf}/{number}", **FACTS)
    return writer.pieces


def test_pieces_are_read_back_to_a_step_of_16_bits(tmp_path: Path) -> None:
    sounds = [noise(frames, seed=frames) for frames in (44_100, 1, 3000)]
    fill(tmp_path, "talk", *sounds)
    pieces = publish(tmp_path)
    assert [piece.start for piece in pieces] == [0, 44_100, 44_101]
    for piece, sound in zip(pieces, sounds, strict=True):
        read = read_piece(tmp_path, piece)
        assert read.shape == sound.shape
        assert np.abs(read - sound).max() <= 2.0**-16


@settings(deadline=None, max_examples=10)
@given(values=st.lists(st.integers(-32768, 32767), min_size=1, max_size=50))
def test_integers_are_kept_as_they_are(tmp_path_factory: pytest.TempPathFactory, values: list[int]) -> None:
    pool = tmp_path_factory.mktemp("pool")
    (piece,) = fill(pool, "exact", np.array([values], np.int16))
    assert (read_piece(pool, piece) * 32768).tolist() == [values]


def test_manifest_is_all_shelves_by_part_and_name(tmp_path: Path) -> None:
    fill(tmp_path, "b", noise(100), part="music")
    fill(tmp_path, "z", noise(100), part="voices")
    fill(tmp_path, "a", noise(100), part="music")
    pieces = publish(tmp_path)
    assert [piece.name for piece in pieces] == ["z/0", "a/0", "b/0"]
    assert read_manifest(tmp_path / MANIFEST) == pieces
    assert pieces[0].labels == ("speech", "en", "some-one")
    assert (pieces[0].author, pieces[0].file, pieces[0].bandwidth_hz) == (
        FACTS["author"],
        FACTS["file"],
        pytest.approx(FACTS["bandwidth_hz"], rel=1e-5),
    )


def test_mono_pieces_of_a_stereo_shelf_lie_apart(tmp_path: Path) -> None:
    wide, narrow = noise(500, channels=2), noise(400)
    first, second = fill(tmp_path, "band", wide, narrow, part="music", channels=2)
    assert (first.path, first.channels) == ("music/band.wav", 2)
    assert (second.path, second.channels, second.start) == ("music/band.mono.wav", 1, 0)
    assert read_piece(tmp_path, first).shape == (2, 500)
    assert read_piece(tmp_path, second).shape == (1, 400)


def test_stems_are_aligned(tmp_path: Path) -> None:
    stems = ("mixture", "drums")
    with ShelfWriter(
        tmp_path, part="songs", shelf="s", package="s", version="1", channels=2, stems=stems
    ) as writer:
        for number in range(2):
            sounds = {stem: noise(300, channels=2, seed=number + 10 * (stem == "drums")) for stem in stems}
            piece = writer.add(sounds, name=f"s/{number}", song=f"s/{number}", **FACTS)
    assert piece.stem_paths() == {"mixture": "songs/s.mixture.wav", "drums": "songs/s.drums.wav"}
    for stem in stems:
        assert np.abs(read_piece(tmp_path, piece, stem) - sounds[stem]).max() <= 2.0**-16
    with pytest.raises(UsageError, match="no stem 'bass'"):
        read_piece(tmp_path, piece, "bass")


def test_a_corpus_of_the_pool_gives_finite_windows(tmp_path: Path) -> None:
    fill(tmp_path, "talk", *(noise(40_000 + 7000 * seed, seed=seed) for seed in range(6)))
    fill(tmp_path, "tune", noise(90_000, channels=2, seed=9), part="music", channels=2)
    publish(tmp_path)
    corpus = load_corpus(tmp_path)
    assert corpus.layout == "pool"
    assert len(corpus) == 7
    assert {track.labels[0] for track in corpus.tracks} == {"voices", "music"}
    assert all(track.bandwidth_hz == pytest.approx(7953.12) for track in corpus.tracks)
    windows = Windows(corpus, WindowSettings(seconds=0.5, sample_rate=44_100, channels=1), seed=1, length=12)
    for number in range(12):
        window = windows[0, number]["mixture"]
        assert np.isfinite(window).all()
        assert 0.05 < window.std() < 0.2


def test_an_error_leaves_nothing_and_the_old_shelf_stays(tmp_path: Path) -> None:
    fill(tmp_path, "talk", noise(1000))
    before = publish(tmp_path)
    writer = ShelfWriter(tmp_path, part="voices", shelf="talk", package="talk", version="2")

    def fail() -> None:
        with writer:
            writer.add({"mixture": noise(50)}, name="x", song="x", **FACTS)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert publish(tmp_path) == before
    assert sorted(path.name for path in (tmp_path / "voices").iterdir()) == ["talk.wav"]


def test_a_shelf_without_an_index_is_not_there(tmp_path: Path) -> None:
    fill(tmp_path, "talk", noise(1000))
    (tmp_path / "index" / "talk.csv").unlink()
    assert read_shelf(tmp_path, "talk") is None
    assert shelf_names(tmp_path) == ()
    assert publish(tmp_path) == ()


def test_an_empty_shelf_is_complete(tmp_path: Path) -> None:
    fill(tmp_path, "nothing")
    assert read_shelf(tmp_path, "nothing") == ()
    assert publish(tmp_path) == ()


def test_facts_are_kept(tmp_path: Path) -> None:
    facts = {"refused": []}
    with ShelfWriter(tmp_path, part="voices", shelf="t", package="t", version="1", facts=facts):
        facts["refused"].append(["a.wav", 1.5, "is silent"])
    assert read_facts(tmp_path, "t") == facts
    with pytest.raises(CorpusError, match=r"other\.json"):
        read_facts(tmp_path, "other")


@pytest.mark.parametrize("damage", ["cut", "gone", "garbage", "stereo", "index"])
def test_damage_is_noticed(tmp_path: Path, damage: str) -> None:
    fill(tmp_path, "talk", noise(5000), noise(5000, seed=1))
    array, index = tmp_path / "voices" / "talk.wav", tmp_path / "index" / "talk.csv"
    if damage == "cut":
        array.write_bytes(array.read_bytes()[:-6000])
    elif damage == "gone":
        array.unlink()
    elif damage == "garbage":
        array.write_bytes(b"no sound" * 5000)
    elif damage == "stereo":
        fill(tmp_path / "other", "talk", noise(5000, channels=2), channels=2)
        array.write_bytes((tmp_path / "other/voices/talk.wav").read_bytes())
    else:
        index.write_text(index.read_text(encoding="utf-8")[:-30], encoding="utf-8")
    named = "talk.csv" if damage == "index" else "talk.wav"
    with pytest.raises(CorpusError, match=named):
        read_shelf(tmp_path, "talk")
    with pytest.raises(CorpusError, match=named):
        publish(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"part": "noises"}, "no part"),
        ({"shelf": "../x"}, "no name"),
        ({"shelf": ".x"}, "no name"),
        ({"channels": 3}, "1 or 2 channels"),
        ({"stems": ("drums",)}, "mixture"),
    ],
)
def test_wrong_use_is_said(tmp_path: Path, change: dict, words: str) -> None:
    options = {"part": "voices", "shelf": "s", "package": "p", "version": "1"} | change
    with pytest.raises(UsageError, match=words):
        ShelfWriter(tmp_path, **options)


def test_wrong_pieces_are_said(tmp_path: Path) -> None:
    with ShelfWriter(tmp_path, part="voices", shelf="s", package="p", version="1") as writer:
        writer.add({"mixture": noise(10)}, name="a", song="a", **FACTS)
        with pytest.raises(UsageError, match="already"):
            writer.add({"mixture": noise(10)}, name="a", song="a", **FACTS)
        with pytest.raises(UsageError, match="stems"):
            writer.add({"drums": noise(10)}, name="b", song="b", **FACTS)
        with pytest.raises(UsageError, match="no samples"):
            writer.add({"mixture": noise(0)}, name="c", song="c", **FACTS)
    assert len(publish(tmp_path)) == 1
