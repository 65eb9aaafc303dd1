"""A table of timbre as wide as a terminal: what does not fit is shortened or put away, and said."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import click
from rich.cells import cell_len

# Cells that a name keeps, and that stand between two columns.
NAME, GAP = 20, 2
SHORT = {"hardness": "hard", "brightness": "bright", "roughness": "rough", "sharpness": "sharp"}
SHORT |= {"boominess": "boom", "warmth": "warm"}
# What others tell best goes first: sharpness goes with brightness, boominess with depth.
EXPENDABLE = ("sharpness", "boominess", "roughness", "reverb", "warmth", "depth", "hardness")
TIMES = "reverberation times"


class Column(NamedTuple):
    """A column, its head first.

    Parameters
    ----------
    name : of what it holds
    cells : in words
    """

    name: str
    cells: Sequence[str]

    @property
    def width(self) -> int:
        """Cells on a terminal."""
        return max(map(cell_len, self.cells))


def print_columns(columns: Sequence[Column]) -> None:
    """Print a table, the first column of which holds names; all of it where it is no terminal."""
    left_out: list[str] = []
    if sys.stdout.isatty():
        columns, left_out = fitted(columns, shutil.get_terminal_size().columns)
    widths = [column.width for column in columns]
    for number, cells in enumerate(zip(*(column.cells for column in columns), strict=True)):
        spaces = [" " * (width - cell_len(cell)) for cell, width in zip(cells, widths, strict=True)]
        rest = (space + cell for cell, space in zip(cells[1:], spaces[1:], strict=True))
        line = (" " * GAP).join([cells[0] + spaces[0], *rest])
        click.echo(click.style(line, bold=True) if number == 0 else line)
    if left_out:
        words = "a wider terminal or a table (-o table.csv) shows all"
        click.echo(f"left out for want of room: {', '.join(left_out)}; {words}")


def fitted(columns: Sequence[Column], width: int) -> tuple[list[Column], list[str]]:
    """Columns that fit into so many cells, and what was left out, in words.

    Heads are shortened first, then names down to 20 cells, then columns are put away.
    """
    names, *rest = columns
    if names.width <= room(rest, width):
        return list(columns), []
    steps = list(narrower(rest))
    least = min(names.width, NAME)
    rest, left_out = next((step for step in steps if least <= room(step[0], width)), steps[-1])
    most = max(room(rest, width), 1)
    if names.width > most:
        left_out = [*left_out, "parts of names"]
    return [Column(names.name, [shortened(cell, most) for cell in names.cells]), *rest], left_out


def room(rest: Sequence[Column], width: int) -> int:
    """Cells that other columns leave for names."""
    return width - sum(column.width + GAP for column in rest)


def narrower(columns: Sequence[Column]) -> Iterator[tuple[list[Column], list[str]]]:
    """Columns in less and less room, each time with what was left out."""
    now = [Column(one.name, [SHORT.get(one.name, one.cells[0]), *one.cells[1:]]) for one in columns]
    yield now, []
    times = any(" " in cell for one in now if one.name == "reverb" for cell in one.cells[1:])
    now = [
        Column(one.name, [cell.partition(" ")[0] for cell in one.cells]) if one.name == "reverb" else one
        for one in now
    ]
    left_out = [TIMES] if times else []
    yield now, left_out
    for name in EXPENDABLE:
        if any(one.name == name for one in now):
            now = [one for one in now if one.name != name]
            left_out = [*(one for one in left_out if (one, name) != (TIMES, "reverb")), name]
            yield now, left_out


def shortened(name: str, most: int) -> str:
    """A name in at most so many cells: the end of its path, or both ends of the last part of it."""
    if cell_len(name) <= most:
        return name
    last = name.rpartition("/")[2]
    if cell_len(last) < most:
        return "…" + ending(name, most - 1)
    begin = (most - 1) // 2
    return beginning(last, begin) + "…" + ending(last, most - 1 - begin)


def beginning(text: str, most: int) -> str:
    """The first letters, in at most so many cells."""
    count = 0
    while count < len(text) and cell_len(text[: count + 1]) <= most:
        count += 1
    return text[:count]


def ending(text: str, most: int) -> str:
    """The last letters, in at most so many cells."""
    start = len(text)
    while start > 0 and cell_len(text[start - 1 :]) <= most:
        start -= 1
    return text[start:]
