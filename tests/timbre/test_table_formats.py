"""Files of tables: what is written is read, whoever wrote it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tonewright.errors import OutputError, TonewrightError, UsageError
from tonewright.timbre.tables import read_rows, read_table, write_table

ENDINGS = (".csv", ".jsonl", ".parquet")


numbers = st.one_of(st.floats(allow_nan=True, allow_infinity=False), st.just(math.nan))
texts = st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0\r"), max_size=20)


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


def test_a_word_in_a_column_of_numbers_is_named(tmp_path: Path) -> None:
    (tmp_path / "words.csv").write_text("file,depth\na.wav,1\nb.wav,deep\n")
    with pytest.raises(TonewrightError, match=r"words\.csv: .*column depth: 'deep' is no number"):
        read_table(tmp_path / "words.csv")


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


def test_a_failed_write_leaves_the_old_table(songs: Path, described: Any) -> None:
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
