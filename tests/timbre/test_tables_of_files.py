"""Tables of many sounds: a row for every file, or the reason why there is none."""

from __future__ import annotations

import csv
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tonewright.errors import CorpusError, MissingExtraError, OutputError, UsageError
from tonewright.timbre import description
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS
from tonewright.timbre.tables import describe_files, read_rows
from tonewright.timbre.tables.settings import Settings

ENDINGS = (".csv", ".jsonl", ".parquet")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_table_has_a_row_a_file_in_their_order(songs: Path, described: Any, ending: str) -> None:
    made = describe_files([songs], songs.parent / f"out{ending}")
    rows = list(read_rows(songs.parent / f"out{ending}"))
    names = [os.path.relpath(row["file"], songs) for row in rows]
    assert names == ["a.wav", "b.wav", "deep/c.wav", "deep/d.wav", "deep/e.wav", "f.wav"]
    assert tuple(rows[0]) == Settings().columns
    assert [row["hardness"] for row in rows if row["file"] != str(songs / "deep/d.wav")] == [
        2 / 8,
        1 / 8,
        3 / 8,
        5 / 8,
        6 / 8,
    ]
    first, bad = rows[0], rows[3]
    assert (first["seconds"], first["sample_rate"], first["channels"]) == (100 / 8000, 8000, 1)
    assert math.isnan(first["warmth"])
    assert first["notes"] == "warmth: no segment has a spectral peak"
    assert all(math.isnan(bad[name]) for name in ("seconds", "sample_rate", *DESCRIPTORS, *EXTRAS))
    assert bad["notes"]
    assert made.failed == ((str(songs / "deep/d.wav"), bad["notes"]),)
    assert (made.files, made.described, made.reused) == (6, 6, 0)
    assert sorted(path.name for path in songs.parent.iterdir()) == [f"out{ending}", "songs"]


def test_without_an_output_the_rows_are_given(songs: Path, described: Any) -> None:
    made = describe_files([songs / "f.wav", songs / "a.wav", songs / "f.wav"])
    assert [row["brightness"] for row in made.rows] == [6 / 8, 2 / 8]
    assert list(songs.parent.iterdir()) == [songs]


def test_what_every_file_would_meet_stops_the_run(
    songs: Path, described: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(path: str, **options: Any) -> Description:
        raise ModuleNotFoundError("No module named 'numba'", name="numba")

    monkeypatch.setattr(description, "describe_file", lacking)
    with pytest.raises(ModuleNotFoundError):
        describe_files([songs], songs.parent / "out.csv")
    assert list(songs.parent.iterdir()) == [songs]


def test_missing_files_and_foreign_sound_cost_a_row(songs: Path, described: Any) -> None:
    (songs / "g.m4a").write_bytes(b"x")
    (songs / "broken.wav").symlink_to(songs / "nowhere.wav")
    (songs / "folder.wav").mkdir()
    (songs / "empty.wav").touch()
    made = describe_files([songs, songs / "missing.wav"])
    reasons = {Path(path).name: reason for path, reason in made.failed}
    assert reasons.keys() == {"g.m4a", "broken.wav", "empty.wav", "missing.wav", "d.wav"}
    assert "ffmpeg" in reasons["g.m4a"]
    assert made.files == len(made.rows) == 10


def test_folders_without_sound_are_told(tmp_path: Path) -> None:
    with pytest.raises(CorpusError, match="no sound"):
        describe_files([tmp_path], tmp_path / "out.csv")
    assert list(tmp_path.iterdir()) == []


def test_one_process_makes_a_table_at_a_time(songs: Path, described: Any) -> None:
    output = songs.parent / "out.csv"
    refused: list[str] = []

    def progress(done: int, total: int) -> None:
        assert total == 6
        with pytest.raises(OutputError, match="another process") as error:
            describe_files([songs], output)
        refused.append(str(error.value))

    describe_files([songs], output, progress=progress)
    assert len(refused) == 6


@pytest.mark.parametrize("ending", ENDINGS)
def test_names_that_are_no_text_survive(
    tmp_path: Path, sound: Callable[[Path, float], Path], described: Any, ending: str
) -> None:
    names = [
        "plain.wav",
        'a "quoted", name.wav',
        "two\nlines.wav",
        "Ünïcödé ♫.wav",
        os.fsdecode(b"caf\xe9.wav"),
    ]
    for name in names:
        sound(tmp_path / "sounds" / name, 0.25)
    output = tmp_path / f"out{ending}"
    describe_files([tmp_path / "sounds"], output)
    rows = list(read_rows(output))
    found = {Path(row["file"]).name for row in rows}
    lost = {"caf\N{REPLACEMENT CHARACTER}.wav"} if ending == ".parquet" else {os.fsdecode(b"caf\xe9.wav")}
    assert found == {*names[:4], *lost}
    described.taken()
    assert describe_files([tmp_path / "sounds"], output).reused == 5
    assert described.taken() == []


def test_csv_and_json_lines_are_plain(songs: Path, described: Any) -> None:
    for ending in (".csv", ".jsonl"):
        describe_files([songs], songs.parent / f"out{ending}")
    with (songs.parent / "out.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (songs.parent / "out.jsonl").read_text().splitlines()]
    assert cells[0]["warmth"] == ""
    assert lines[0]["warmth"] is None
    assert float(cells[0]["hardness"]) == lines[0]["hardness"] == 2 / 8


def test_parquet_without_pyarrow_is_refused_before_the_work(
    songs: Path, described: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"tonewright\[timbre\]"):
        describe_files([songs], songs.parent / "out.parquet")
    assert described.taken() == []


@pytest.mark.parametrize(
    "options",
    [
        {"window_s": 0.0},
        {"window_s": math.nan},
        {"window_s": 5.0, "hop_s": -1.0},
        {"hop_s": 2.5},
        {"mode": "clasic"},
        {"jobs": 0},
    ],
)
def test_wrong_settings_are_told(songs: Path, options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        describe_files([songs], songs.parent / "out.csv", **options)
    assert list(songs.parent.iterdir()) == [songs]


def test_importing_the_tables_loads_nothing_heavy() -> None:
    code = """
import sys
import tonewright.timbre.tables.describing, tonewright.timbre.along, tonewright.timbre.along_picture
heavy = {"torch", "jax", "librosa", "pandas", "matplotlib", "pyarrow", "ray", "numba"}
assert not heavy & set(sys.modules), heavy & set(sys.modules)
"""
    subprocess.run([sys.executable, "-c", code], check=True)
