"""Tables of many sounds, made again: only what is new is done, and what was there is kept or refused."""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tonewright.errors import OutputError
from tonewright.timbre import description
from tonewright.timbre.description import Description
from tonewright.timbre.tables import Summary, describe_files, read_rows, write_table
from tonewright.timbre.tables.settings import Settings

ENDINGS = (".csv", ".jsonl", ".parquet")
Sound = Callable[[Path, float], Path]


def rows_of(made: Summary) -> list[dict[str, Any]]:
    assert made.output is not None
    return list(read_rows(made.output))


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_second_run_does_only_what_is_new(songs: Path, sound: Sound, described: Any, ending: str) -> None:
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


def test_a_table_that_was_moved_with_its_sounds_is_known_by_their_bytes(songs: Path, described: Any) -> None:
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
    songs: Path, sound: Sound, described: Any, monkeypatch: pytest.MonkeyPatch
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
def test_what_was_interrupted_goes_on(songs: Path, described: Any, ending: str) -> None:
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


def test_a_journal_of_an_earlier_table_and_the_table_go_together(
    songs: Path, sound: Sound, described: Any
) -> None:
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
def test_a_header_that_was_cut_short_is_none(songs: Path, described: Any, length: int) -> None:
    output = songs.parent / "out.csv"
    described.stop_after = 1
    with pytest.raises(KeyboardInterrupt):
        describe_files([songs], output)
    journal = output.with_name("out.csv.journal")
    journal.write_bytes(journal.read_bytes()[:length])
    described.stop_after = math.inf
    assert describe_files([songs], output).files == 6
    assert not journal.exists()


def test_other_settings_are_refused_until_they_are_forced(songs: Path, described: Any) -> None:
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


def test_an_unfinished_table_of_other_settings_is_refused(songs: Path, described: Any) -> None:
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


def test_what_was_forced_and_interrupted_goes_on_without_force(songs: Path, described: Any) -> None:
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
def test_what_is_no_table_is_not_overwritten(songs: Path, described: Any, text: str) -> None:
    output = songs.parent / "out.csv"
    output.write_text(text)
    if text:
        with pytest.raises(OutputError, match="--force"):
            describe_files([songs], output)
        assert output.read_text() == text
    describe_files([songs], output, overwrite=True)
    assert len(list(read_rows(output))) == 6


def test_a_column_of_somebody_else_is_not_dropped(songs: Path, described: Any) -> None:
    output = songs.parent / "out.csv"
    rows = rows_of(describe_files([songs], output))
    write_table(output, [{**row, "liked": "yes"} for row in rows], overwrite=True)
    with pytest.raises(OutputError, match=r"liked.*--force"):
        describe_files([songs], output)


def test_a_failure_that_may_pass_is_tried_again(
    songs: Path, described: Any, monkeypatch: pytest.MonkeyPatch
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
