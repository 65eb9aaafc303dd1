"""Tables of timbre on a terminal and as pictures."""

from __future__ import annotations

import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby, islice
from operator import itemgetter
from pathlib import Path
from typing import Any

import click

from tonewright.cli.timbre.columns import Column, print_columns
from tonewright.timbre.names import DESCRIPTORS
from tonewright.timbre.tables import Summary, read_rows
from tonewright.timbre.tables.finding import printable
from tonewright.timbre.tables.settings import ORIGIN

MOST_NAMES = 3
MOST_NOTES = 40


def show_rows(made: Summary) -> None:
    """The rows as a table, and what was noted under it."""
    start = ("start_s",) if made.settings.window_s else ()
    header = ["file", *(name.replace("_s", " s") for name in start), *DESCRIPTORS]
    columns = zip(*(cells(row, start) for row in made.rows), strict=True)
    print_columns([Column(head, [head, *column]) for head, column in zip(header, columns, strict=True)])
    notes = list(noted(made.rows))
    for words in notes[:MOST_NOTES]:
        click.echo(f"note: {words}")
    if len(notes) > MOST_NOTES:
        click.echo(f"and {len(notes) - MOST_NOTES} more notes; -o writes a table with all of them")


def cells(row: Mapping[str, Any], start: Sequence[str]) -> list[str]:
    """A row in words."""
    numbers = [number(row[name]) for name in (*start, *DESCRIPTORS[:-1])]
    return [printable(row["file"]), *numbers, reverb(row)]


def number(value: float) -> str:
    """A number with one decimal, a dash where there is none."""
    return f"{value:.1f}" if math.isfinite(value) else "–"


def reverb(row: Mapping[str, Any]) -> str:
    """Whether a sound is reverberant, and its reverberation time where that is known."""
    if not math.isfinite(row["reverb"]):
        return "–"
    time = f" {row['reverb_time_s']:.2f} s" if math.isfinite(row["reverb_time_s"]) else ""
    return ("yes" if row["reverb"] >= 0.5 else "no") + time


def noted(rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """What was noted, each with the files that it was noted of."""
    files: dict[str, dict[str, None]] = {}
    for row in rows:
        if row["notes"]:
            files.setdefault(row["notes"], {})[row["file"]] = None
    for words, names in files.items():
        shown = ", ".join(map(printable, list(names)[:MOST_NAMES]))
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        yield f"{shown}{more}: {words}"


def show_summary(made: Summary, picture: Path | None) -> None:
    """What was written."""
    known = f", {made.reused} of them known before" if made.reused else ""
    click.echo(f"{made.output}: {made.files} file{'s' * (made.files != 1)}{known}")
    if made.kept:
        click.echo(f"kept as they were: {rows_of(made.kept)} not asked for; --force begins anew without them")
    if made.gone:
        click.echo(f"no longer in it: {rows_of(made.gone)} gone from the folders")
    if picture:
        click.echo(picture)


def rows_of(count: int) -> str:
    """So many files, in words that a participle can follow."""
    return f"the rows of {count} file{'s' * (count != 1)}"


def as_dict(made: Summary, picture: Path | None) -> dict[str, Any]:
    """The same for machines; the rows where they were not written."""
    rows = [{name: value for name, value in row.items() if name not in ORIGIN} for row in made.rows]
    return {
        "output": made.output and str(made.output),
        "picture": picture and str(picture),
        "settings": made.settings.words,
        "files": made.files,
        "described": made.described,
        "reused": made.reused,
        "kept": made.kept,
        "gone": made.gone,
        "failed": [{"file": file, "reason": reason} for file, reason in made.failed],
    } | ({"rows": rows} if made.output is None else {})


def draw(made: Summary, picture: Path) -> Path | None:
    """The picture of a table of windows, of the first sounds asked for; None where none was described."""
    from tonewright.audio.files import atomic_output
    from tonewright.timbre.along import Along
    from tonewright.timbre.along_picture import MOST_SOUNDS, plot_along

    assert made.output is not None
    sounds: dict[str, Along] = {}
    groups = groupby(read_rows(made.output), key=itemgetter("file"))
    for file, rows in islice(groups, made.kept, None):
        described = [row for row in rows if math.isfinite(row["start_s"])]
        if described:
            sounds[file] = Along.from_rows(described)
        if len(sounds) == MOST_SOUNDS:
            break
    if not sounds:
        return None
    good = made.files - len(made.failed)
    short = {Path(file).name: sound for file, sound in sounds.items()}
    sounds = short if len(short) == len(sounds) else sounds
    title = next(iter(sounds)) if good == 1 else ""
    if good > len(sounds):
        click.echo(f"{picture}: the first {len(sounds)} of {good} sounds are drawn", err=True)
    with atomic_output(picture, overwrite=True) as temporary, warnings.catch_warnings():
        # Letters of names that the font lacks are drawn as boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from font", UserWarning)
        plot_along(sounds, title=title).savefig(temporary)
    return picture
