"""``tonewright filters fit``."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tonewright.cli.filters.pictures import picture_option

if TYPE_CHECKING:
    from tonewright.filters import Fit


@click.command("fit")
@click.argument("file", type=click.Path())
@click.option(
    "--filters", "count", default=16, show_default=True, type=click.IntRange(1, 128), help="How many."
)
@click.option(
    "--kind",
    default=None,
    type=click.Choice(["parallel", "series"]),
    help="parallel: band-passes side by side; series: shelves and bells of an equaliser. Parallel if not "
    "given, and with a reference series.",
)
@click.option(
    "--order",
    default=1,
    show_default=True,
    type=click.IntRange(1, 16),
    help="Equal band-passes in a row that make one filter of a parallel bank.",
)
@click.option("--phase", is_flag=True, help="FILE is an impulse response: fit its phase as well.")
@click.option(
    "--reference", default=None, type=click.Path(), help="Give FILE the tone of this sound instead."
)
@click.option(
    "-o",
    "--output",
    default=None,
    type=click.Path(),
    help="Bank to write, .json; else NAME-bank.json.",
)
@picture_option
@click.option("--force", is_flag=True, help="Overwrite the outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    file: str,
    count: int,
    kind: str | None,
    order: int,
    phase: bool,
    reference: str | None,
    output: str | None,
    picture: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Fit a bank to the spectrum of FILE, without a model; or one through which FILE has a reference's tone.

    \b
    Example:
      tonewright filters fit cabinet.wav --filters 24 -o cabinet.json --picture cabinet.png
      tonewright filters fit voice.wav --reference studio.wav -o match.json
      tonewright filters apply match.json voice.wav -o voice.matched.wav
      tonewright filters export match.json --to apo
    """
    from tonewright.audio.files import probe
    from tonewright.cli.filters.pictures import free_picture
    from tonewright.cli.outputs import free_output
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.filters import fit, plot_fit, save_bank

    for name in filter(None, (file, reference)):
        probe(name)
    target = free_output(output or f"{Path(file).stem}-bank.json", ".json", force=force)
    drawn = free_picture(picture, force=force)
    began = time.monotonic()
    with progress_bar("fitting") as progress:
        made = fit(
            file, filters=count, kind=kind, order=order, phase=phase, reference=reference, progress=progress
        )
    seconds = time.monotonic() - began
    save_bank(target, made.bank, notes=notes(made, file, reference), overwrite=force)
    if drawn:
        title = Path(file).name if reference is None else f"{Path(file).name} to {Path(reference).name}"
        plot_fit(made, drawn, title=title, overwrite=force)
    if as_json:
        print_json(result(made, target, drawn, seconds))
    else:
        show(made, seconds)
        for path in filter(None, (target, drawn)):
            click.echo(path)


def notes(made: Fit, file: str, reference: str | None) -> dict[str, Any]:
    """What a bank's file says of where the bank comes from."""
    from tonewright import __version__

    found = {"made_by": f"tonewright {__version__}, filters fit", "sound": Path(file).name}
    if reference is not None:
        found["reference"] = Path(reference).name
    return {**found, "error_db": made.error_db, "assumptions": list(made.assumptions)}


def show(made: Fit, seconds: float) -> None:
    """How near it comes, and what was assumed."""
    words = "side by side" if made.bank.kind == "parallel" else "one after another"
    off = f"{made.error_db:.2f} dB"
    if made.phase_error_degrees is not None:
        off += f" and {made.phase_error_degrees:.0f}° of phase"
    click.echo(f"{counted(made)} {words}, {off} off, fitted in {seconds:.1f} s")
    for sentence in made.assumptions:
        click.echo(f"note: {sentence}")


def counted(made: Fit) -> str:
    """The number of filters in words."""
    from tonewright.audio.exporting import counted as of_things

    return of_things(made.bank.filters, "filter")


def result(made: Fit, target: Path, drawn: Path | None, seconds: float) -> dict[str, Any]:
    """The same for machines."""
    return {
        "output": str(target),
        "picture": drawn and str(drawn),
        "seconds": seconds,
        "error_db": made.error_db,
        "phase_error_degrees": made.phase_error_degrees,
        "sample_rate": made.sample_rate,
        "assumptions": list(made.assumptions),
        "bank": made.bank.as_dict(),
    }
