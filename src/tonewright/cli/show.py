"""What commands share: progress bars, tables, JSON."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tonewright.audio.files import Clip


@contextmanager
def progress_bar(title: str) -> Iterator[Callable[[int, int], None] | None]:
    """A function (done, total) that moves a bar on standard error; None where there is no terminal."""
    if not sys.stderr.isatty():
        yield None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(title, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)


def override_word(key: str, value: str) -> str:
    """A word for the shell that sets a key of a configuration to this text, whatever is in it."""
    import re
    import shlex

    plain = re.fullmatch(r"[A-Za-z./][\w./-]*", value, re.ASCII)
    if not plain or value.lower() in ("null", "true", "false", "inf", "nan"):
        # In quotes, backslashes count as such only before a quote.
        value = '"' + re.sub(r'(\\*)("|$)', r"\1\1\2", value).replace('"', r"\"").replace("${", r"\${") + '"'
    return shlex.quote(f"{key}={value}")


def print_json(value: Any) -> None:
    """One JSON document on standard output; numbers that JSON lacks become null."""
    plain = finite(value)
    text = json.dumps(plain, ensure_ascii=False, indent=2, default=str)
    if any("\ud800" <= letter <= "\udfff" for letter in text):  # names of files that are no UTF-8
        text = json.dumps(plain, indent=2, default=str)
    click.echo(text)


def finite(value: Any) -> Any:
    """The same with NaN and infinities as None, all the way down."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(key): finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return value


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> None:
    """A table on standard output; plain columns where it is no terminal."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(title=Text(title), title_justify="left", box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="left" if column in ("file", "what", "reason", "value") else "right")
    for row in rows:
        table.add_row(*(Text(str(cell)) for cell in row))
    wide = None if sys.stdout.isatty() else 200
    Console(width=wide).print(table)


def draw_example(sounds: Sequence[tuple[str, Clip]]) -> Figure:
    """Spectrograms of the first two sounds and their difference, for the examples of a training."""
    from tonewright.report.figures import comparison

    (first, reference), (second, estimate) = sounds[:2]
    return comparison(reference, estimate, labels=(first, second))
