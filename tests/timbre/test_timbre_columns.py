"""The table of timbre on terminals of all widths."""

from __future__ import annotations

import math
import sys
from pathlib import Path
from typing import Any

import click
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from tonewright.audio.files import Clip, write
from tonewright.cli import main
from tonewright.cli.timbre.columns import Column, fitted, shortened
from tonewright.timbre import description
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS, EXTRAS

NAMES = [
    "songs/one-shots/kicks/kick_with_room_01.wav",
    "songs/one-shots/kicks/kick_with_room_02.wav",
    "a.wav",
]


def table(*names: str, windows: bool = False) -> list[Column]:
    cells = {name: ["100.0"] * len(names) for name in DESCRIPTORS} | {"reverb": ["yes 0.45 s"] * len(names)}
    start = [Column("start s", ["start s", *["120.5"] * len(names)])] if windows else []
    return [
        Column("file", ["file", *names]),
        *start,
        *(Column(head, [head, *cells[head]]) for head in DESCRIPTORS),
    ]


def width_of(columns: list[Column]) -> int:
    return sum(column.width for column in columns) + 2 * (len(columns) - 1)


def test_all_is_shown_where_there_is_room() -> None:
    columns = table(*NAMES)
    assert fitted(columns, width_of(columns)) == (columns, [])


def test_heads_are_shortened_first() -> None:
    columns = table(*NAMES)
    found, left_out = fitted(columns, width_of(columns) - 1)
    assert left_out == []
    assert found[0] == columns[0]
    assert [column.cells[1:] for column in found] == [column.cells[1:] for column in columns]
    assert [column.cells[0] for column in found[1:4]] == ["hard", "depth", "bright"]


@pytest.mark.parametrize("windows", [False, True])
def test_on_80_cells_names_can_be_told(windows: bool) -> None:
    found, left_out = fitted(table(*NAMES, windows=windows), 80)
    names = found[0].cells[1:]
    assert width_of(found) <= 80
    assert found[0].width >= 20
    assert len(set(names)) == 3
    assert all(name.endswith(("01.wav", "02.wav", "a.wav")) for name in names)
    assert "parts of names" in left_out
    assert [column.name for column in found][-1] == "reverb"


@given(
    names=st.lists(st.text(st.characters(exclude_categories=("C", "M", "Z")), min_size=1), min_size=1),
    width=st.integers(33, 300),
)
def test_any_width_is_kept_to(names: list[str], width: int) -> None:
    columns = table(*names)
    found, left_out = fitted(columns, width)
    assert width_of(found) <= width
    assert found[0].width >= min(columns[0].width, 20) - 1  # a letter of two cells may not fill the last
    missing = {column.name for column in columns} - {column.name for column in found}
    assert missing == {name for name in left_out if name in DESCRIPTORS}
    assert ("parts of names" in left_out) == (found[0] != columns[0])
    assert not {"reverb", "reverberation times"} <= set(left_out)


@pytest.mark.parametrize(
    ("name", "most", "short"),
    [
        ("a.wav", 5, "a.wav"),
        ("folder/kick.wav", 12, "…er/kick.wav"),
        ("folder/kick-in-a-room.wav", 11, "kick-….wav"),
        ("中文中文/中文.wav", 10, "…/中文.wav"),
        ("中文中文中文.wav", 9, "中文….wav"),
    ],
)
def test_names_keep_their_ends(name: str, most: int, short: str) -> None:
    found = shortened(name, most)
    assert cell_len(found) <= most
    assert found.startswith(short.partition("…")[0])
    assert found.endswith(short.rpartition("…")[2])


def test_the_command_says_what_was_left_out(
    tmp_path: Path, capsys: pytest.CaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def describe_file(path: str, **options: Any) -> Description:
        values = dict.fromkeys((*DESCRIPTORS, *EXTRAS), 100.0) | {"reverb": 1.0, "reverb_time_s": math.nan}
        return Description(values, 1.0, 8000, 1, options["mode"])

    monkeypatch.setattr(description, "describe_file", describe_file)
    monkeypatch.chdir(tmp_path)
    for name in NAMES:
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        write(name, Clip(np.zeros((1, 100)), 8000))

    def lines(width: int) -> list[str]:
        monkeypatch.setenv("COLUMNS", str(width))
        monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
        with pytest.raises(SystemExit):
            main(["timbre", *NAMES, "--jobs", "1"])
        return click.unstyle(capsys.readouterr().out).splitlines()

    narrow, wide = lines(60), lines(150)
    assert len(wide) == 4
    assert wide[0].split() == ["file", *DESCRIPTORS]
    assert all(name in line for name, line in zip(NAMES, wide[1:], strict=True))
    assert all(cell_len(line) <= 60 for line in narrow[:4])
    assert "kick_with_room_01.wav" in narrow[1]
    assert narrow[4].startswith("left out for want of room: ")
    assert "sharpness" in narrow[4]
    assert "-o table.csv" in narrow[4]
    monkeypatch.setenv("COLUMNS", "60")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: False)
    with pytest.raises(SystemExit):
        main(["timbre", *NAMES, "--jobs", "1"])
    assert capsys.readouterr().out.splitlines()[:4] == wide
