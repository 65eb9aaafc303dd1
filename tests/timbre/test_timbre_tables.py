"""Tables of many sounds: what is written comes back, and only what is new is done again."""

from __future__ import annotations

import csv
import json
import math
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tonewright.audio.files import Clip, read, write
from tonewright.errors import CorpusError, MissingExtraError, OutputError, TonewrightError, UsageError
from tonewright.timbre import description
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS
from tonewright.timbre.tables import Summary, describe_files, read_rows, read_table, write_table
from tonewright.timbre.tables.settings import Settings

ENDINGS = (".csv", ".jsonl", ".parquet")


class Described:
    """Stands for `describe_file`, and remembers what it was asked for: a file's peak is all its values."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.stop_after = math.inf

    def __call__(self, path: str, *, mode: str = "corrected", raw: bool = False) -> Description:
        clip = read(path)
        if len(self.paths) >= self.stop_after:
            raise KeyboardInterrupt
        self.paths.append(Path(path).name)
        peak = float(np.abs(clip.samples).max())
        values = dict.fromkeys((*DESCRIPTORS, *EXTRAS), peak) | {"warmth": math.nan}
        reasons = {"warmth": "no segment has a spectral peak"}
        return Description(values, clip.seconds, clip.sample_rate, clip.channels, mode, reasons)  # type: ignore[arg-type]

    def taken(self) -> list[str]:
        """What was described since this was asked last."""
        paths, self.paths = sorted(self.paths), []
        return paths


@pytest.fixture
def described(monkeypatch: pytest.MonkeyPatch) -> Described:
    stand_in = Described()
    monkeypatch.setattr(description, "describe_file", stand_in)
    return stand_in


def sound(path: Path, level: float) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, Clip(np.full((1, 100), level), 8000), encoding="float", overwrite=True)
    return path


@pytest.fixture
def songs(tmp_path: Path) -> Path:
    """Six sounds in two folders, of which d.wav is text."""
    folder = tmp_path / "songs"
    for number, name in enumerate(("b.wav", "a.wav", "deep/c.wav", "deep/d.wav", "deep/e.wav", "f.wav")):
        sound(folder / name, (number + 1) / 8)
    (folder / "deep/d.wav").write_text("this is no sound")
    (folder / "notes.txt").write_text("neither")
    return folder


def rows_of(made: Summary) -> list[dict[str, Any]]:
    assert made.output is not None
    return list(read_rows(made.output))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_table_has_a_row_a_file_in_their_order(songs: Path, described: Described, ending: str) -> None:
    made = describe_files([songs], songs.parent / f"out{ending}")
    rows = rows_of(made)
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


def test_without_an_output_the_rows_are_given(songs: Path, described: Described) -> None:
    made = describe_files([songs / "f.wav", songs / "a.wav", songs / "f.wav"])
    assert [row["brightness"] for row in made.rows] == [6 / 8, 2 / 8]
    assert list(songs.parent.iterdir()) == [songs]


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_second_run_does_only_what_is_new(songs: Path, described: Described, ending: str) -> None:
    output = songs.parent / f"out{ending}"
    describe_files([songs], output)
    before = rows_of(describe_files([songs], output))
    described.taken()
    sound(songs / "b.wav", 0.9)  # changed
    sound(songs / "deep/new.wav", 0.8)
    (songs / "f.wav").rename(songs / "deep" / "renamed.wav")
    shutil.copy(songs / "a.wav", songs / "copy.wav")
    (songs / "deep/e.wav").unlink()
    made = describe_files([songs], output)
    assert described.taken() == ["b.wav", "new.wav"]
    values = {os.path.relpath(row["file"], songs): row["depth"] for row in rows_of(made)}
    assert math.isnan(values.pop("deep/d.wav"))
    assert values == {
        "a.wav": 2 / 8,
        "b.wav": float(np.float32(0.9)),
        "copy.wav": 2 / 8,
        "deep/c.wav": 3 / 8,
        "deep/new.wav": float(np.float32(0.8)),
        "deep/renamed.wav": 6 / 8,
    }
    assert (made.files, made.described, made.reused) == (7, 2, 5)
    old, new = (
        [row for row in rows if Path(row["file"]).name in ("a.wav", "c.wav", "d.wav")]
        for rows in (before, rows_of(made))
    )
    assert repr(old) == repr(new)


def test_a_table_that_was_moved_with_its_sounds_is_known_by_their_bytes(
    songs: Path, described: Described
) -> None:
    describe_files([songs], songs.parent / "out.csv")
    described.taken()
    elsewhere = songs.parent / "elsewhere"
    elsewhere.mkdir()
    shutil.move(songs, elsewhere / "songs")
    shutil.move(songs.parent / "out.csv", elsewhere / "out.csv")
    made = describe_files([elsewhere / "songs"], elsewhere / "out.csv")
    assert described.taken() == []
    assert {Path(row["file"]).parts[-2] for row in rows_of(made)} == {"songs", "deep"}
    assert rows_of(made)[0]["file"] == str(elsewhere / "songs/a.wav")
    # Now it is known by stamps again, without reading.
    made = describe_files([elsewhere / "songs"], elsewhere / "out.csv")
    assert (made.reused, made.described) == (6, 0)


def test_the_same_name_at_another_place_is_another_file(
    songs: Path, described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = songs.parent / "other"
    sound(other / "songs/a.wav", 0.7)
    status = (songs / "a.wav").stat()
    os.utime(other / "songs/a.wav", ns=(status.st_atime_ns, status.st_mtime_ns))
    output = songs.parent / "out.csv"
    monkeypatch.chdir(songs.parent)
    describe_files(["songs/a.wav"], output)
    monkeypatch.chdir(other)
    assert rows_of(describe_files(["songs/a.wav"], output))[0]["depth"] == float(np.float32(0.7))


@pytest.mark.parametrize("ending", ENDINGS)
def test_what_was_interrupted_goes_on(songs: Path, described: Described, ending: str) -> None:
    output = songs.parent / f"out{ending}"
    described.stop_after = 2
    with pytest.raises(KeyboardInterrupt, match="2 of 6 files are kept"):
        describe_files([songs], output)
    assert not output.exists()
    assert described.taken() == ["a.wav", "b.wav"]
    journal = output.with_name(f"{output.name}.journal")
    with journal.open("ab") as file:
        file.write(b'["torn", "by a ki')
    described.stop_after = math.inf
    made = describe_files([songs], output)
    assert described.taken() == ["c.wav", "e.wav", "f.wav"]
    assert (made.described, made.reused) == (4, 2)
    assert not journal.exists()
    whole = rows_of(describe_files([songs], output.with_stem("whole")))
    assert [str(row) for row in rows_of(made)] == [str(row) for row in whole]


def test_a_journal_of_an_earlier_table_and_the_table_go_together(songs: Path, described: Described) -> None:
    output = songs.parent / "out.csv"
    describe_files([songs], output)
    for name in ("g.wav", "h.wav"):
        sound(songs / name, 0.01)
    described.taken()
    described.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        describe_files([songs], output)
    assert len(rows_of(Summary(output, Settings(), 0, 0, 0, ()))) == 6  # the old table is still there
    described.stop_after = math.inf
    assert described.taken() == ["g.wav"]
    # g.wav and h.wav hold the same bytes.
    assert len(rows_of(describe_files([songs], output))) == 8
    assert described.taken() == []


@pytest.mark.parametrize("length", [0, 1, 40, 100])
def test_a_header_that_was_cut_short_is_none(songs: Path, described: Described, length: int) -> None:
    output = songs.parent / "out.csv"
    described.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        describe_files([songs], output)
    journal = output.with_name("out.csv.journal")
    journal.write_bytes(journal.read_bytes()[:length])
    described.stop_after = math.inf
    assert describe_files([songs], output).files == 6
    assert not journal.exists()


def test_other_settings_are_refused_until_they_are_forced(songs: Path, described: Described) -> None:
    output = songs.parent / "out.csv"
    describe_files([songs], output)
    text = output.read_bytes()
    for options in ({"mode": "classic"}, {"raw": True}):
        with pytest.raises(OutputError, match=r"other settings.*--force"):
            describe_files([songs], output, **options)  # type: ignore[arg-type]
        assert output.read_bytes() == text
    assert sorted(path.name for path in songs.parent.iterdir()) == ["out.csv", "songs"]
    described.taken()
    made = describe_files([songs], output, mode="classic", overwrite=True)
    assert len(described.taken()) == 5
    assert {row["settings"] for row in rows_of(made)} == {"classic, revision 2"}
    described.stop_after = 0
    with pytest.raises(KeyboardInterrupt):
        describe_files([songs], songs.parent / "new.csv")


def test_an_unfinished_table_of_other_settings_is_refused(songs: Path, described: Described) -> None:
    output = songs.parent / "out.csv"
    described.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        describe_files([songs], output)
    described.stop_after = math.inf
    with pytest.raises(OutputError, match=r"begun with other settings.*--force"):
        describe_files([songs], output, mode="classic")
    described.taken()
    describe_files([songs], output, mode="classic", overwrite=True)
    assert len(described.taken()) == 5


def test_what_was_forced_and_interrupted_goes_on_without_force(songs: Path, described: Described) -> None:
    output = songs.parent / "out.csv"
    describe_files([songs], output)
    described.taken()
    described.stop_after = 2
    with pytest.raises(KeyboardInterrupt, match="without --force"):
        describe_files([songs], output, mode="classic", overwrite=True)
    described.taken()
    described.stop_after = math.inf
    made = describe_files([songs], output, mode="classic")
    assert len(described.taken()) == 3
    assert {row["settings"] for row in rows_of(made)} == {"classic, revision 2"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "name,price\nbread,3\n",
        "file,hardness\na.wav,3\n",
        "a\0b",
        '"open',
    ],
    ids=["empty", "another", "bare", "binary", "broken"],
)
def test_what_is_no_table_is_not_overwritten(songs: Path, described: Described, text: str) -> None:
    output = songs.parent / "out.csv"
    output.write_text(text)
    if text:
        with pytest.raises(OutputError, match="--force"):
            describe_files([songs], output)
        assert output.read_text() == text
    describe_files([songs], output, overwrite=True)
    assert len(list(read_rows(output))) == 6


def test_a_column_of_somebody_else_is_not_dropped(songs: Path, described: Described) -> None:
    output = songs.parent / "out.csv"
    rows = rows_of(describe_files([songs], output))
    write_table(output, [{**row, "liked": "yes"} for row in rows], overwrite=True)
    with pytest.raises(OutputError, match=r"liked.*--force"):
        describe_files([songs], output)


def test_a_failure_that_may_pass_is_tried_again(
    songs: Path, described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    output = songs.parent / "out.csv"

    def troubled(path: str, **options: Any) -> Description:
        if path.endswith("c.wav"):
            raise MemoryError("Unable to allocate 3 GiB")
        return described(path, **options)

    monkeypatch.setattr(description, "describe_file", troubled)
    made = describe_files([songs], output)
    assert dict(made.failed)[str(songs / "deep/c.wav")] == "MemoryError: Unable to allocate 3 GiB"
    described.taken()
    monkeypatch.setattr(description, "describe_file", described)
    made = describe_files([songs], output)
    assert described.taken() == ["c.wav"]
    assert [Path(path).name for path, _ in made.failed] == ["d.wav"]


def test_what_every_file_would_meet_stops_the_run(
    songs: Path, described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    def lacking(path: str, **options: Any) -> Description:
        raise ModuleNotFoundError("No module named 'numba'", name="numba")

    monkeypatch.setattr(description, "describe_file", lacking)
    with pytest.raises(ModuleNotFoundError):
        describe_files([songs], songs.parent / "out.csv")
    assert list(songs.parent.iterdir()) == [songs]


def test_missing_files_and_foreign_sound_cost_a_row(songs: Path, described: Described) -> None:
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


def test_one_process_makes_a_table_at_a_time(songs: Path, described: Described) -> None:
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
def test_names_that_are_no_text_survive(tmp_path: Path, described: Described, ending: str) -> None:
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
    rows = rows_of(describe_files([tmp_path / "sounds"], output))
    found = {Path(row["file"]).name for row in rows}
    lost = {"caf\N{REPLACEMENT CHARACTER}.wav"} if ending == ".parquet" else {os.fsdecode(b"caf\xe9.wav")}
    assert found == {*names[:4], *lost}
    described.taken()
    assert describe_files([tmp_path / "sounds"], output).reused == 5
    assert described.taken() == []


numbers = st.one_of(st.floats(allow_nan=True, allow_infinity=False), st.just(math.nan))
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=20)


def test_a_word_in_a_column_of_numbers_is_named(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("file,depth\na.wav,1\nb.wav,deep\n")
    with pytest.raises(TonewrightError, match=r"words\.csv: .*column depth: 'deep' is no number"):
        read_table(tmp_path / "words.csv")


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=st.lists(st.tuples(texts, numbers, st.integers(1, 2**40), texts), min_size=1, max_size=5))
@pytest.mark.parametrize("ending", ENDINGS)
def test_what_is_written_is_read(tmp_path: Path, ending: str, rows: list[tuple]) -> None:
    names = ("file", "hardness", "sample_rate", "notes")
    path = tmp_path / f"table{ending}"
    table = [dict(zip(names, row, strict=True)) for row in rows]
    write_table(path, table, overwrite=True)
    assert repr(list(read_rows(path))) == repr(table)
    columns = read_table(path).columns
    assert tuple(columns) == names
    assert repr(list(read_table(path).rows())) == repr(table)


def test_a_table_reads_as_other_programs_write_it(tmp_path: Path) -> None:
    path = tmp_path / "by_hand.csv"
    path.write_text("\ufefffile,label,hardness\na.wav,good,\nb.wav,,3.5\n", encoding="utf-8")
    table = read_table(path)
    assert table.columns["file"] == ["a.wav", "b.wav"]
    assert table.columns["label"] == ["good", ""]
    assert math.isnan(table.columns["hardness"][0])
    assert table.columns["hardness"][1] == 3.5
    path = tmp_path / "sparse.jsonl"
    path.write_text('{"file": "a.wav"}\n{"file": "b.wav", "depth": 2}\n{"file": "c.wav", "depth": null}\n')
    depths = read_table(path).columns["depth"]
    assert math.isnan(depths[0])
    assert depths[1] == 2
    assert math.isnan(depths[2])


def test_csv_and_json_lines_are_plain(songs: Path, described: Described) -> None:
    for ending in (".csv", ".jsonl"):
        describe_files([songs], songs.parent / f"out{ending}")
    with (songs.parent / "out.csv").open(newline="") as file:
        cells = list(csv.DictReader(file))
    lines = [json.loads(line) for line in (songs.parent / "out.jsonl").read_text().splitlines()]
    assert cells[0]["warmth"] == ""
    assert lines[0]["warmth"] is None
    assert float(cells[0]["hardness"]) == lines[0]["hardness"] == 2 / 8


@pytest.mark.parametrize(
    ("name", "error"),
    [
        ("missing.csv", TonewrightError),
        ("table.txt", UsageError),
        ("folder.csv", TonewrightError),
        ("ragged.csv", TonewrightError),
        ("text.jsonl", TonewrightError),
        ("text.parquet", TonewrightError),
        ("words.csv", TonewrightError),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, name: str, error: type[Exception]) -> None:
    (tmp_path / "folder.csv").mkdir()
    (tmp_path / "ragged.csv").write_text("file,hardness\na.wav\n")
    (tmp_path / "words.csv").write_text("file,hardness\na.wav,much\n")
    for text in ("text.jsonl", "text.parquet"):
        (tmp_path / text).write_text("words")
    with pytest.raises(error, match=name):
        read_table(tmp_path / name)


def test_parquet_without_pyarrow_is_refused_before_the_work(
    songs: Path, described: Described, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(MissingExtraError, match=r"tonewright\[timbre\]"):
        describe_files([songs], songs.parent / "out.parquet")
    assert described.taken() == []


def test_a_failed_write_leaves_the_old_table(songs: Path, described: Described) -> None:
    def rows() -> Iterator[dict[str, Any]]:
        yield {"file": "a.wav", "depth": 1.0}
        raise RuntimeError

    path = songs.parent / "table.csv"
    write_table(path, [{"file": "old"}])
    with pytest.raises(RuntimeError):
        write_table(path, rows(), overwrite=True)
    assert path.read_text() == "file\nold\n"
    with pytest.raises(OutputError):
        write_table(path, [{"file": "new"}])


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
