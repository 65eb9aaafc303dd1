"""What `tonewright data index` says of public sets, of copies and of what it leaves out."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from tonewright.audio.files import Clip, write
from tonewright.cli import main
from tonewright.cli.data.index import MOST_LINES


def index(capsys: pytest.CaptureFixture, *arguments: object) -> str:
    with pytest.raises(SystemExit) as exit_:
        main(["data", "index", *map(str, arguments)])
    assert exit_.value.code == 0
    return capsys.readouterr().out


def put(path: Path, seed: int) -> Path:
    noise = np.random.default_rng(seed).uniform(-0.5, 0.5, (1, 5_000)).astype(np.float32)
    write(path, Clip(noise, 8_000))
    return path


def test_a_set_of_which_little_is_there(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    folder = tmp_path / "gtzan" / "genres_original"
    put(folder / "pop" / "pop.00001.wav", 1)
    put(folder / "metal" / "metal.00040.wav", 2)
    shutil.copy(folder / "metal" / "metal.00040.wav", folder / "metal" / "metal.00061.wav")
    (folder / "jazz").mkdir()
    (folder / "jazz" / "jazz.00054.wav").write_bytes(b"broken")
    lines = index(capsys, tmp_path / "gtzan").splitlines()
    assert lines[0] == f"{tmp_path}/gtzan (gtzan)"
    assert "labels: metal (2), pop (1)" in lines
    (missing,) = (line for line in lines if line.startswith("missing: "))
    assert missing.startswith(
        "missing: 4 of 1000 excerpts are here (of 100 each: jazz 1, metal 2, pop 1; nothing"
    )
    assert "the same sound: metal.00061 and metal.00040; they count as one song" in lines
    (left_out,) = (line for line in lines if line.startswith("left out: "))
    assert "jazz.00054.wav" in left_out
    assert "many copies of GTZAN hold this very file broken" in left_out


def test_many_of_a_kind_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    first = put(tmp_path / "000.wav", 1)
    for number in range(1, MOST_LINES + 6):
        shutil.copy(first, tmp_path / f"{number:03}.wav")
        (tmp_path / f"bad {number:03}.wav").write_text("no sound")
    lines = index(capsys, tmp_path).splitlines()
    assert sum(line.startswith("the same sound: ") for line in lines) == MOST_LINES + 1
    assert "the same sound: 5 more; all of them with --json" in lines
    assert "left out: 5 more; all of them with --json" in lines
    found = json.loads(index(capsys, tmp_path, "--json"))
    assert found["copies"] == [{"name": f"{n:03}", "first": "000"} for n in range(1, MOST_LINES + 6)]
    assert len(found["unreadable"]) == MOST_LINES + 5
    assert found["missing"] == []
    assert {track["song"] for track in found["tracks"]} == {"000"}


def test_stems_in_mp4_out_of_their_folders(tmp_path: Path, capsys: pytest.CaptureFixture) -> None:
    put(tmp_path / "a.wav", 1)
    (tmp_path / "A - B.stem.mp4").touch()
    assert ".stem.mp4 is read in folders named train and test, by the layout 'musdb18'" in index(
        capsys, tmp_path
    )


@pytest.mark.parametrize("name", ["musdb18", "musdb18hq", "irmas", "gtzan"])
def test_every_set_has_a_configuration_of_its_layout(name: str) -> None:
    from tonewright.learning.compose import compose_config

    config = compose_config("codec", [f"data={name}", "data.root=/sets"])
    assert (config.data.layout, config.data.root, config.data.generate) == (name, "/sets", False)
