"""Tracks that are sections of longer files: their own samples, never their neighbours'."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.audio.corpus import Corpus, Track, load_corpus
from tonewright.audio.handles import read_at_rate
from tonewright.audio.sources.manifest import MANIFEST, Piece, write_manifest
from tonewright.audio.windows import FixedWindows, Windows, WindowSettings
from tonewright.errors import AudioError, CorpusError

RATE = 8000
LENGTHS = (3000, 9000, 801, 20000, 1)


def noise(frames: int, channels: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (frames, channels))


def save(path: Path, samples: np.ndarray, subtype: str = "PCM_16") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, samples, RATE, subtype=subtype)
    return path


def section(path: Path, start: int, frames: int, channels: int, **more: object) -> Track:
    name = f"{path.stem}/{start}"
    stems = {"mixture": str(path)}
    return Track(
        **{  # type: ignore[arg-type]
            **{"name": name, "song": name, "stems": stems, "sample_rate": RATE, "channels": channels},
            **{"frames": frames, "split": "train", "start": start},
            **more,
        }
    )


def shape(**changes: object) -> WindowSettings:
    return WindowSettings(**{"seconds": 0.25, "sample_rate": RATE, "channels": 2, **changes})  # type: ignore[arg-type]


def sections_and_files(folder: Path, name: str, subtype: str, channels: int) -> tuple[Corpus, Corpus]:
    """The same pieces twice: as sections of one file, and each in a file of its own."""
    pieces = [noise(frames, channels, seed) for seed, frames in enumerate(LENGTHS)]
    joined = save(folder / f"joined{name}", np.concatenate(pieces), subtype)
    starts = np.cumsum([0, *LENGTHS])
    within, apart = [], []
    for index, piece in enumerate(pieces):
        alone = save(folder / f"{index}{name}", piece, subtype)
        within.append(section(joined, int(starts[index]), len(piece), channels))
        apart.append(section(alone, 0, len(piece), channels))
    return Corpus.from_tracks(within), Corpus.from_tracks(apart)


@pytest.mark.parametrize("rate", [RATE, 11025, 44100, 3000])
@pytest.mark.parametrize(
    ("name", "subtype", "channels"),
    [(".wav", "PCM_16", 1), (".wav", "PCM_16", 2), (".wav", "PCM_24", 2), (".flac", "PCM_16", 1)],
)
def test_a_section_is_what_a_file_of_its_own_would_be(
    tmp_path: Path, name: str, subtype: str, channels: int, rate: int
) -> None:
    within, apart = sections_and_files(tmp_path, name, subtype, channels)
    for out in (1, 2):
        wanted = shape(sample_rate=rate, channels=out)
        ours, theirs = (Windows(c, wanted, seed=3, length=40) for c in (within, apart))
        fixed = [FixedWindows(corpus, wanted, length=40) for corpus in (within, apart)]
        for index in range(40):
            assert np.array_equal(ours[0, index]["mixture"], theirs[0, index]["mixture"])
            assert np.array_equal(fixed[0][index]["mixture"], fixed[1][index]["mixture"])
        drawn = {ours.place((0, index)).track.name for index in range(40)}
        assert len(drawn) >= 3


@settings(deadline=None, max_examples=60)
@given(data=st.data(), rate=st.sampled_from([RATE, 11025, 6000, 48000]))
def test_neighbours_are_never_heard(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, rate: int
) -> None:
    """Loud on both sides of a faint section: one loud sample, or its echo in a filter, would show."""
    path = tmp_path_factory.getbasetemp() / "loud-faint-loud.wav"
    if not path.exists():
        loud, faint = np.full((4000, 1), 0.99), 1e-3 * noise(5000, 1, 0) / 0.5
        save(path, np.concatenate([loud, faint, loud]), "FLOAT")
    whole = 5000 * rate // RATE
    start = data.draw(st.integers(0, whole - 1))
    frames = data.draw(st.integers(1, whole - start))
    part = read_at_rate(str(path), start=start, frames=frames, sample_rate=rate, section=(4000, 5000))
    assert part.shape == (1, frames)
    assert np.abs(part).max() < 2e-3
    assert np.abs(part).max() > 0


def test_stems_of_a_section_stay_aligned(tmp_path: Path) -> None:
    """Each sample tells its own place, in two arrays of which one is longer."""
    ramp = np.arange(30000)[:, None] / 2**16
    stems = {
        "vocals": str(save(tmp_path / "a.wav", ramp, "FLOAT")),
        "drums": str(save(tmp_path / "b.wav", ramp[:25000] + 0.25, "FLOAT")),
    }
    track = section(tmp_path / "a.wav", 7000, 9000, 1, stems=stems)
    wanted = shape(channels=1, stems=("vocals", "drums"))
    windows = Windows(Corpus.from_tracks([track]), wanted, seed=0, length=30)
    for index in range(30):
        start, sounds = windows.place((0, index)).start, windows[0, index]
        assert 0 <= start <= 7000
        np.testing.assert_array_equal(sounds["vocals"][0], ((7000 + start + np.arange(2000)) / 2**16))
        np.testing.assert_allclose(sounds["drums"] - sounds["vocals"], 0.25, atol=1e-6)


def test_a_file_that_shrinks_loses_the_sections_behind_its_end(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    within, _ = sections_and_files(tmp_path, ".wav", "PCM_16", 2)
    windows = Windows(within, shape(), seed=0, length=60)
    before = {index: windows[0, index]["mixture"] for index in range(60)}
    places = {index: windows.place((0, index)) for index in range(60)}
    path = Path(within.tracks[0].stems["mixture"])
    whole, _ = soundfile.read(path, always_2d=True)
    save(path, whole[: sum(LENGTHS[:2])])
    with caplog.at_level(logging.WARNING, logger="tonewright"):
        after = {index: windows[0, index]["mixture"] for index in range(60)}
    assert len(caplog.records) == 1
    assert str(path) in caplog.text
    assert "shorter" in caplog.text
    kept = {index for index, place in places.items() if place.track in within.tracks[:2]}
    assert 10 < len(kept) < 50
    for index in range(60):
        assert np.array_equal(before[index], after[index]) == (index in kept)
        assert windows.place((0, index)).track in within.tracks[:2]


@pytest.mark.parametrize("rate", [RATE, 11025])
@pytest.mark.parametrize("left", [0, 2, 2999, 3000])
def test_a_file_that_ends_at_or_before_the_section_is_an_error(tmp_path: Path, left: int, rate: int) -> None:
    path = save(tmp_path / "x.wav", noise(left, 1, 0))
    with pytest.raises(AudioError, match=r"x\.wav: is shorter than when it was indexed"):
        read_at_rate(str(path), start=0, frames=1, sample_rate=rate, section=(3000, 500))


def piece(name: str, part: str, path: str, start: int, frames: int, **more: object) -> Piece:
    values = {
        **{"name": name, "song": name, "part": part, "labels": (), "path": path, "stems": ("mixture",)},
        **{"start": start, "frames": frames, "sample_rate": RATE, "channels": 1, "source_rate": RATE},
        **{"bandwidth_hz": 3500.0, "level_db": -20.0, "gain_db": 0.0, "clipped": 0.0, "package": "p"},
        **{"version": "1", "file": name, "licence": "CC0-1.0", "author": ""},
        **more,
    }
    return Piece(**values)  # type: ignore[arg-type]


def test_pieces_of_a_pool_are_read_from_their_places(tmp_path: Path) -> None:
    samples = noise(12000, 1, 0)
    save(tmp_path / "voices" / "a.wav", samples)
    pieces = [piece(f"a/{n}", "voices", "voices/a.wav", 3000 * n, 3000) for n in range(4)]
    missing = piece("a/beyond", "voices", "voices/a.wav", 11000, 2000)
    write_manifest(tmp_path / MANIFEST, [*pieces, missing])
    opened: list[tuple[int, int]] = []
    corpus = load_corpus(tmp_path, progress=lambda done, total: opened.append((done, total)))
    assert opened == [(1, 1)]  # the file that all of them share
    assert [track.name for track in corpus.tracks] == ["a/0", "a/1", "a/2", "a/3"]
    assert [one.reason for one in corpus.unreadable] == ["is too short to hold a/beyond; make it anew"]
    windows = Windows(corpus, shape(channels=1), seed=0, length=20)
    stored, _ = soundfile.read(tmp_path / "voices" / "a.wav", dtype="float32")
    for index in range(20):
        track, start, *_ = windows.place((0, index))
        assert track.labels == ("voices",)
        assert track.bandwidth_hz == 3500
        begin = track.start + start
        assert np.array_equal(windows[0, index]["mixture"][0], stored[begin : begin + 2000])


def test_when_no_section_is_left_the_error_says_so(tmp_path: Path) -> None:
    path = save(tmp_path / "x.wav", noise(1000, 1, 0))
    gone = replace(section(path, 0, 500, 1), start=5000)
    with pytest.raises(CorpusError, match=r"unreadable .*is shorter than when it was indexed"):
        Windows(Corpus.from_tracks([gone]), shape(), seed=0, length=1)[0, 0]
