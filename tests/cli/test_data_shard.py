"""``tonewright data shard``: from songs to shards to windows, in words and in JSON."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tonewright.audio.corpus import load_corpus
from tonewright.audio.shards import ShardWindows
from tonewright.audio.windows import WindowSettings
from tonewright.cli import main


def run(capsys: pytest.CaptureFixture, *arguments: object) -> tuple[int, str, str]:
    """Call the command line in this process; its exit code, output and errors."""
    with pytest.raises(SystemExit) as exit_:
        main([str(argument) for argument in arguments])
    captured = capsys.readouterr()
    code = exit_.value.code
    return (code if isinstance(code, int) else 0), captured.out, captured.err


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Six songs of a second, and one that is broken."""
    place = tmp_path / "songs"
    place.mkdir()
    for number in range(7):
        samples = np.random.default_rng(number).uniform(-0.5, 0.5, (8_000, 1))
        soundfile.write(place / f"{number}.wav", samples, 8_000)
    os.truncate(place / "6.wav", 3_000)
    return place


def test_songs_become_shards(songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    out = tmp_path / "shards"
    code, printed, told = run(
        capsys, "data", "shard", songs, "-o", out, "--seconds", "0.5", "--encoding", "wav"
    )
    assert code == 0
    assert "12 samples in" in told
    assert "GB are free" in told
    lines = printed.splitlines()
    assert lines[0].startswith(f"{out}: 12 samples, 0.00 h, 0.00 GB in ")
    assert lines[1].startswith("left out: 6.wav: is truncated")
    assert len(lines) == 2
    corpus = load_corpus(out)
    assert {track.song: track.split for track in corpus.tracks} == {
        track.song: track.split for track in load_corpus(songs).tracks
    }
    settings = WindowSettings(seconds=0.1, sample_rate=8_000, channels=1)
    assert ShardWindows(corpus, settings, seed=0, length=2)[0, 0]["mixture"].shape == (1, 800)
    code, printed, _ = run(capsys, "data", "index", out, "--json")
    assert (code, len(json.loads(printed)["tracks"])) == (0, 12)


def test_json_and_a_second_call(songs: Path, tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    arguments = (
        "data",
        "shard",
        songs,
        "-o",
        tmp_path / "shards",
        "--json",
        "--jobs",
        2,
        "--shard-mb",
        "0.01",
    )
    code, printed, _ = run(capsys, *arguments)
    first = json.loads(printed)
    assert code == 0
    assert (first["samples"], first["kept"], first["seconds"]) == (6, 0, 6.0)
    assert first["bytes"] == sum(path.stat().st_size for path in (tmp_path / "shards").glob("*.tar"))
    assert [name for name, _ in first["left_out"]] == ["6.wav"]
    code, printed, _ = run(capsys, *arguments)
    assert (code, json.loads(printed)) == (0, first | {"kept": first["shards"]})
    code, _, told = run(capsys, *arguments, "--seed", 1)
    assert code == 1
    assert "choose another folder, or make them anew with --force" in told
    code, printed, _ = run(capsys, *arguments, "--seed", 1, "--force")
    assert (code, json.loads(printed)["kept"]) == (0, 0)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("songs",), 2, "--output"),
        (("songs", "-o", "x", "--encoding", "mp3"), 2, "mp3"),
        (("songs", "-o", "x", "--shard-mb", "0"), 2, "shard-mb"),
        (("songs", "-o", "x", "--seconds", "-1"), 2, "seconds"),
        (("nowhere", "-o", "x"), 1, "there is no such folder"),
        (("songs", "-o", "songs"), 1, "which is to be packed"),
    ],
)
def test_wrong_use_is_one_line(
    arguments: tuple[str, ...],
    code: int,
    words: str,
    songs: Path,
    capsys: pytest.CaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(songs.parent)
    found, printed, told = run(capsys, "data", "shard", *arguments)
    assert (found, printed) == (code, "")
    errors = [line for line in told.splitlines() if line.startswith("error: ")]
    assert len(errors) == 1
    assert words in errors[0]
    assert sorted(path.name for path in songs.parent.iterdir()) == ["songs"]


def test_help_has_an_example(capsys: pytest.CaptureFixture) -> None:
    code, printed, _ = run(capsys, "data", "shard", "--help")
    assert code == 0
    assert "tonewright data shard songs -o shards" in printed
