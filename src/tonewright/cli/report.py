"""``tonewright report``."""

from __future__ import annotations

import click


@click.command("report")
@click.argument("run_folder", type=click.Path())
@click.option("-o", "--output", default=None, help="HTML file; report.html in the run folder if not given.")
@click.option("--force", is_flag=True, help="Overwrite the page.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(run_folder: str, output: str | None, force: bool, as_json: bool) -> None:
    """Write a run as one HTML page: losses, pictures, sounds.

    \b
    Example:
      tonewright report runs/codec/first
    """
    from tonewright.cli.show import print_json
    from tonewright.learning.runs import open_run
    from tonewright.report import run_report

    if output is not None and not output.endswith(".html"):
        raise click.UsageError(f"-o {output}: name a file that ends in .html")
    run = open_run(run_folder)
    page = run_report(run.folder, path=output, overwrite=force)
    if as_json:
        print_json({"report": str(page)})
    else:
        click.echo(page)
