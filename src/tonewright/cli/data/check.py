"""``tonewright data check``."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tonewright.errors import OutputError, UsageError

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus
    from tonewright.audio.inspection import FileReport, Inspection, Totals

MOST_ROWS = 50
MOST_LABELS = 12


@click.command("check")
@click.argument("folder", type=click.Path())
@click.option("--layout", default="auto", show_default=True, help="How the folder is laid out.")
@click.option("--jobs", default=None, type=click.IntRange(1), help="Files read at a time; default all cores.")
@click.option("--report", default=None, help="Write an HTML page with figures and twenty excerpts to hear.")
@click.option("--force", is_flag=True, help="Overwrite the page.")
@click.option("--json", "as_json", is_flag=True, help="Print every file and the sums as JSON.")
def command(
    folder: str, layout: str, jobs: int | None, report: str | None, force: bool, as_json: bool
) -> None:
    """Read every sound in FOLDER from end to end: lengths, levels, bandwidths, clipping, silence, DC,
    duplicates, damage. A pool gets its report.html anew; of other folders --report writes one.

    \b
    Example:
      tonewright data check songs --report songs.html
    """
    from tonewright.audio.corpus import scan_corpus
    from tonewright.audio.inspection import inspect
    from tonewright.cli.show import print_json, print_table, progress_bar

    page = page_of(report, force)
    with progress_bar("looking") as progress:
        corpus = scan_corpus(folder, layout=layout, progress=progress)
    with progress_bar("checking") as progress:
        found = inspect(corpus, jobs=jobs or -1, progress=progress)
    rows = [(item.name, words) for item in found.files if (words := flaws_of(item))]
    rows += [(flat_name(item.path, found.root), f"unreadable: {item.reason}") for item in found.unreadable]
    page = write_report(found, corpus, rows, page, force)
    if as_json:
        print_json(found.as_dict() | {"report": page and str(page)})
        return
    print_table(f"{folder} ({found.layout})", ("what", "value"), list(total_rows(found.totals)))
    if rows:
        print_table("", ("file", "what"), rows[:MOST_ROWS])
    if len(rows) > MOST_ROWS:
        click.echo(f"and {len(rows) - MOST_ROWS} more; all of them: tonewright data check {folder} --json")
    if page:
        click.echo(page)


def page_of(report: str | None, force: bool) -> Path | None:
    """Where the page goes, refused before the work where it cannot."""
    if report is None:
        return None
    if not report.endswith(".html"):
        raise UsageError(f"--report {report}: name a file that ends in .html")
    if Path(report).exists() and not force:
        raise OutputError(f"{report}: exists already; choose another name, or replace it with --force")
    return Path(report)


def write_report(
    found: Inspection, corpus: Corpus, flaws: list[tuple[str, str]], page: Path | None, force: bool
) -> Path | None:
    """The page, where one was asked for or the folder is a pool, whose report.html belongs to it.

    A pool that cannot be written, such as one that several people share, is checked all the same.
    """
    from tonewright.audio.sources.manifest import MANIFEST, read_manifest
    from tonewright.report import corpus_report

    pool = found.layout == "pool"
    if page is None and not pool:
        return None
    pieces = read_manifest(corpus.root / MANIFEST) if pool else ()
    target, overwrite = (page, force) if page else (corpus.root / "report.html", True)
    try:
        return corpus_report(found, corpus, path=target, flaws=flaws, pieces=pieces, overwrite=overwrite)
    except OutputError as error:
        if page:
            raise
        logging.getLogger("tonewright").warning("%s; --report FILE.html writes the page elsewhere", error)
        return None


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
    if totals.bandwidth_hz:
        spread = totals.bandwidth_hz
        yield (
            "bandwidth",
            f"{spread.median / 1000:.1f} kHz in the middle, {spread.low / 1000:.1f} to "
            f"{spread.high / 1000:.1f} for 9 of 10",
        )
    if totals.seconds_by_label:
        minutes = sorted(totals.seconds_by_label.items(), key=lambda item: -item[1])[:MOST_LABELS]
        yield "minutes by label", ", ".join(f"{name} {seconds / 60:.1f}" for name, seconds in minutes)
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
