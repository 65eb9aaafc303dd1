"""``tonewright data check``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tonewright.audio.inspection import FileReport, Totals

MOST_ROWS = 50


@click.command("check")
@click.argument("folder", type=click.Path())
@click.option("--layout", default="auto", show_default=True, help="How the folder is laid out.")
@click.option("--jobs", default=None, type=click.IntRange(1), help="Files read at a time; default all cores.")
@click.option("--json", "as_json", is_flag=True, help="Print every file and the sums as JSON.")
def command(folder: str, layout: str, jobs: int | None, as_json: bool) -> None:
    """Read every file in FOLDER from end to end: lengths, levels, clipping, silence, DC, duplicates, damage.

    \b
    Example:
      tonewright data check songs
    """
    from tonewright.audio.inspection import inspect
    from tonewright.cli.show import print_json, print_table, progress_bar

    with progress_bar("checking") as progress:
        found = inspect(folder, layout=layout, jobs=jobs or -1, progress=progress)
    if as_json:
        print_json(found.as_dict())
        return
    print_table(f"{folder} ({found.layout})", ("what", "value"), list(total_rows(found.totals)))
    flawed = [(item, flaws_of(item)) for item in found.files]
    rows = [(flat_name(item.path, found.root), words) for item, words in flawed if words]
    rows += [(flat_name(item.path, found.root), f"unreadable: {item.reason}") for item in found.unreadable]
    if rows:
        print_table("", ("file", "what"), rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        click.echo(f"and {len(rows) - MOST_ROWS} more; all of them: tonewright data check {folder} --json")


def total_rows(totals: Totals) -> Iterator[tuple[str, str]]:
    """The sums in words."""
    yield "files", str(totals.files)
    yield "hours", f"{totals.seconds / 3600:.2f}"
    for title, counts in (
        ("rates", totals.sample_rates),
        ("channels", totals.channels),
        ("encodings", totals.encodings),
    ):
        yield (
            title,
            ", ".join(f"{value} ({count})" for value, count in sorted(counts.items(), key=lambda x: -x[1])),
        )
    for title, spread in (("level (RMS)", totals.rms_db), ("peak", totals.peak_db)):
        if spread:
            yield (
                title,
                f"{spread.median:.1f} dBFS in the middle, {spread.low:.1f} to {spread.high:.1f} for 9 of 10",
            )
    flaws = ("clipped", "silent", "off_centre", "nonfinite", "duplicates", "unreadable")
    for name in flaws:
        yield (
            name.replace("off_centre", "with DC").replace("nonfinite", "with NaN"),
            str(getattr(totals, name)),
        )


def flaws_of(item: FileReport) -> str:
    """What is wrong with a file, in words; nothing where nothing is."""
    words = (
        (item.silent, "silent"),
        (item.clipped_runs, f"clipped in {item.clipped_runs} places"),
        (item.off_centre, f"DC of {100 * item.dc_offset:+.1f} % of full scale"),
        (item.nonfinite, f"{item.nonfinite} samples are NaN or infinite"),
        (item.duplicate_of, f"the same sound as {item.duplicate_of}"),
    )
    return "; ".join(text for true, text in words if true)


def flat_name(path: str, root: str) -> str:
    """A path as seen from the corpus."""
    return path.removeprefix(str(root)).lstrip("/")
