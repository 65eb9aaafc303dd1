"""The part of a pool that sings: splits, licences and speakers kept; the same bytes however it was made."""

from __future__ import annotations

import importlib.util
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest
from scipy import signal

from tonewright.audio.corpus import load_corpus, split_of
from tonewright.audio.sources.manifest import MANIFEST, Piece, read_manifest
from tonewright.audio.sources.shelves import SAMPLE_RATE, ShelfWriter, read_facts, read_piece
from tonewright.audio.sources.singing import add_singing
from tonewright.errors import CorpusError, MissingExtraError, UsageError

HAS_WORLD = importlib.util.find_spec("pyworld") is not None
needs_world = pytest.mark.skipif(not HAS_WORLD, reason="pyworld, the extra singing, is not installed")


def words(median_hz: float, seed: int) -> np.ndarray:
    """(1, frames) of .9 s at 44.1 kHz: three falling vowels of one resonance, apart from each other."""
    rng = np.random.default_rng(seed)
    time = np.arange(round(0.3 * SAMPLE_RATE)) / SAMPLE_RATE
    swell = np.clip(np.sin(np.pi * (time - 0.05) / 0.22), 0, None)
    parts = []
    for _ in range(3):
        phase = np.cumsum(median_hz * rng.uniform(0.9, 1.1) * (1.1 - time)) / SAMPLE_RATE
        center, radius = rng.uniform(400, 900), 0.99
        poles = [1, -2 * radius * np.cos(2 * np.pi * center / SAMPLE_RATE), radius**2]
        sound = signal.lfilter([1], poles, np.diff(np.floor(phase), prepend=0.0))
        parts.append(0.3 * swell * sound / abs(sound).max())
    return np.concatenate(parts)[None].astype(np.float32)


def make_pool(folder: Path, *, talks: int = 30) -> Path:
    """A pool of two packages: one of two speakers, one with pieces that hold no voice."""
    said = [words(120.0, 0), words(220.0, 1)]
    for package in ("talks", "tales"):
        with ShelfWriter(folder, part="voices", shelf=package, package=package, version="1") as shelf:
            for number in range(talks):
                silent = package == "tales" and number % 10 == 0
                shelf.add(
                    {"mixture": np.zeros((1, 60_000), np.float32) if silent else said[number % 2]},
                    name=f"{package}/{number}",
                    song=f"{package}/{number}",
                    labels=("speech", "la", "julia" if number % 2 else "carla"),
                    source_rate=16_000,
                    bandwidth_hz=5000.0,
                    level_db=-20.0,
                    gain_db=0.0,
                    clipped=0.0,
                    file=f"{number}.wav",
                    licence="CC0-1.0" if package == "talks" else "CC-BY-4.0",
                    author="somebody",
                )
    return folder


@pytest.fixture(scope="module")
def pool(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if not HAS_WORLD:
        pytest.skip("pyworld, the extra singing, is not installed")
    folder = make_pool(tmp_path_factory.mktemp("pool"))
    add_singing(folder, hours=0.03, seed=7, jobs=1)
    return folder


def singing_of(pool: Path) -> list[Piece]:
    return [piece for piece in read_manifest(pool / MANIFEST) if piece.part == "singing"]


def content_of(pool: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(pool)): path.read_bytes() for path in sorted(pool.rglob("*")) if path.is_file()
    }


@needs_world
def test_what_is_sung_keeps_the_split_licence_author_and_speaker_of_what_was_said(pool: Path) -> None:
    said: dict[tuple[str, str], Piece] = {
        (piece.package, piece.file): piece
        for piece in read_manifest(pool / MANIFEST)
        if piece.part == "voices"
    }
    songs = singing_of(pool)
    assert {piece.package for piece in songs} == {"talks", "tales"}
    splits = defaultdict(set)
    for piece in songs:
        sources = [said[piece.package, file] for file in piece.file.split(" + ")]
        assert piece.song in {source.song for source in sources}
        assert {split_of(source.song) for source in sources} == {split_of(piece.song)}
        assert {source.labels[1:] for source in sources} == {piece.labels[1:]}
        assert {(source.licence, source.author) for source in sources} == {(piece.licence, piece.author)}
        assert piece.labels[0] == "singing"
        splits[split_of(piece.song)].update(source.name for source in sources)
    assert not splits["train"] & (splits["validation"] | splits["test"])
    assert len(splits) > 1
    tracks = {track.name: track for track in load_corpus(pool).tracks}
    assert all(tracks[piece.name].split == split_of(piece.song) for piece in songs)


@needs_world
def test_the_pool_gets_about_the_hours_asked_for_at_the_pools_level(pool: Path) -> None:
    songs = singing_of(pool)
    assert 0.5 * 0.03 < sum(piece.seconds for piece in songs) / 3600 < 2 * 0.03
    sound = read_piece(pool, songs[0])
    assert sound.shape == (1, songs[0].frames)
    assert 0.05 < np.sqrt(np.mean(sound**2)) < 0.2
    assert songs[0].source_rate == 16_000
    assert songs[0].bandwidth_hz <= 8200
    unsung = sum(read_facts(pool, Path(path).stem)["unsung"] for path in {piece.path for piece in songs})
    planned = sum(read_facts(pool, Path(path).stem)["phrases"] for path in {piece.path for piece in songs})
    assert len(songs) + unsung == planned


@needs_world
def test_a_second_run_sings_only_what_is_missing(pool: Path) -> None:
    before = content_of(pool)
    lost = next(name for name in before if name.startswith("index/tales-sung") and name.endswith(".csv"))
    (pool / lost).unlink()
    kept = pool / "singing" / "talks-sung-000.wav"
    changed = kept.stat().st_mtime_ns
    steps: list[tuple[int, int]] = []
    count = add_singing(
        pool, hours=0.03, seed=7, jobs=1, progress=lambda done, total: steps.append((done, total))
    )
    assert content_of(pool) == before
    assert kept.stat().st_mtime_ns == changed
    assert steps[0][0] > 0
    assert steps == sorted(steps)
    assert steps[-1][0] == steps[-1][1]
    assert count == len(singing_of(pool))


@needs_world
@pytest.mark.parametrize("jobs", [1, 2])
def test_what_was_stopped_goes_on_to_the_same_bytes_for_any_jobs(
    pool: Path, tmp_path: Path, jobs: int
) -> None:
    other = make_pool(tmp_path / "pool")

    def stop(done: int, total: int) -> None:
        if done == total - 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        add_singing(other, hours=0.03, seed=7, jobs=jobs, progress=stop)
    left = sorted(path.name for path in (other / "singing").iterdir())
    assert left == ["tales-sung-000.wav"]
    add_singing(other, hours=0.03, seed=7, jobs=jobs)
    assert content_of(other) == content_of(pool)


@needs_world
def test_a_pool_without_speech_and_hours_that_are_none_are_errors(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no speech to sing"):
        add_singing(tmp_path, hours=1)
    with pytest.raises(UsageError, match="hours"):
        add_singing(tmp_path, hours=0)


def test_without_pyworld_nothing_is_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "pyworld", None)
    with pytest.raises(MissingExtraError, match=r"tonewright\[singing\]"):
        add_singing(make_pool(tmp_path, talks=2), hours=1)
    assert not (tmp_path / "singing").exists()
