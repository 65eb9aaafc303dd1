"""``tonewright timbre report``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from tonewright.errors import OutputError, UsageError

if TYPE_CHECKING:
    from tonewright.timbre.analysis.projection import MapKind


@click.command("report")
@click.argument("table", type=click.Path())
@click.option("-o", "--output", default=None, help="HTML file; beside the table, of its name, if not given.")
@click.option("--force", is_flag=True, help="Overwrite the page.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON.")
@click.option(
    "--map",
    "map_kind",
    default="pca",
    show_default=True,
    type=click.Choice(["pca", "umap"]),
    help="How sounds become points; umap needs the extra of that name.",
)
@click.option("--sounds", default=None, type=click.Path(), help="Where the sounds lie, if they were moved.")
@click.option(
    "--threshold",
    default=0.8,
    show_default=True,
    type=float,
    help="Share of a descriptor's ranking that the others must explain before it may be left out.",
)
def command(
    table: str,
    output: str | None,
    force: bool,
    as_json: bool,
    map_kind: MapKind,
    sounds: str | None,
    threshold: float,
) -> None:
    """Write the TABLE that tonewright timbre has made as one HTML page.

    How the descriptors are spread, which of them tell the same and which few stand for all, outliers and what
    makes each one so, and a map of the sounds, with players. This is what to look at before choosing
    descriptors for a loss.

    \b
    Example:
      tonewright timbre songs -o songs.csv
      tonewright timbre report songs.csv
    """
    from tonewright.cli.show import print_json
    from tonewright.report.timbre_page import write_page
    from tonewright.timbre.analysis import analyse_table, read_measurements

    page = placed(table, output, sounds, force=force)
    analysis = analyse_table(read_measurements(table), subset_threshold=threshold, map_kind=map_kind)
    write_page(analysis, table=Path(table), path=page, root=sounds, overwrite=force)
    if as_json:
        print_json({"report": str(page), **analysis.as_dict()})
    else:
        click.echo(page)


def placed(table: str, output: str | None, sounds: str | None, *, force: bool) -> Path:
    """Where the page goes; refused before the work where it cannot, or where there are no sounds."""
    page = Path(table).with_suffix(".html") if output is None else Path(output)
    if page.suffix != ".html":
        raise UsageError(f"-o {output}: name a file that ends in .html")
    if page.exists() and not force:
        raise OutputError(f"{page}: exists already; choose another name, or replace it with --force")
    if sounds is not None and not Path(sounds).is_dir():
        raise UsageError(f"--sounds {sounds}: there is no such folder")
    return page
