"""``tonewright filters fit``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tonewright.cli.filters.pictures import picture_option

if TYPE_CHECKING:
    from tonewright.filters.fitting import Fit


@click.command("fit")
@click.argument("file", type=click.Path())
@click.option(
    "--filters", "count", default=16, show_default=True, type=click.IntRange(1, 64), help="How many."
)
@click.option(
    "--kind",
    default="parallel",
    show_default=True,
    type=click.Choice(["parallel", "series"]),
    help="parallel: band-passes side by side; series: bells and shelves of an equaliser.",
)
@click.option("--phase", is_flag=True, help="Fit the phase as well, of an impulse response.")
@click.option(
    "--reference", default=None, type=click.Path(), help="Make FILE sound like this: the bank goes between."
)
@click.option(
    "-o",
    "--output",
    default=None,
    type=click.Path(),
    help="Bank to write: .json; NAME-bank.json if not given.",
)
@picture_option
@click.option("--force", is_flag=True, help="Overwrite the outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    file: str,
    count: int,
    kind: str,
    phase: bool,
    reference: str | None,
    output: str | None,
    picture: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Fit a bank to the spectrum of FILE, without a model; or to what FILE lacks to sound like a reference.

    \b
    Example:
      tonewright filters fit cabinet.wav --filters 24 -o cabinet.json --picture cabinet.png
      tonewright filters fit voice.wav --reference studio.wav --kind series -o match.json
      tonewright filters apply match.json voice.wav -o voice.matched.wav
      tonewright filters export match.json --to apo
    """
    from tonewright.cli.filters.pictures import free_picture
    from tonewright.cli.outputs import free_output
    from tonewright.cli.show import print_json
    from tonewright.filters.bank_files import save_bank

    target = free_output(output or f"{Path(file).stem}-bank.json", ".json", force=force)
    drawn = free_picture(picture, force=force)
    began = time.monotonic()
    fit = fitted(file, count=count, kind=kind, phase=phase, reference=reference)
    seconds = time.monotonic() - began
    notes = {"sound": Path(file).name, "error_db": fit.error_db}
    notes |= {"reference": Path(reference).name} if reference else {}
    save_bank(target, fit.bank, notes=notes, overwrite=force)
    if drawn:
        draw(fit, drawn, Path(file).name, reference, force=force)
    if as_json:
        print_json(result(fit, target, drawn, seconds))
        return
    words = "side by side" if kind == "parallel" else "one after another"
    click.echo(f"{fit.bank.filters} filters {words}, {fit.error_db:.2f} dB off, in {seconds:.1f} s")
    for path in filter(None, (target, drawn)):
        click.echo(path)
