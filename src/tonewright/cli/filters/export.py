"""``tonewright filters export``."""

from __future__ import annotations

from pathlib import Path

import click

from tonewright.cli.filters.models import NumbersCommand, run_option
from tonewright.errors import UsageError
from tonewright.filters.exports.formats import FORMATS, SUFFIXES


@click.command("export", cls=NumbersCommand)
@click.argument("bank", type=click.Path())
@click.option(
    "--to", default=None, type=click.Choice(FORMATS), help="What to write; else by the ending of -o."
)
@click.option(
    "-o", "--output", default=None, type=click.Path(), help="File to write; else the bank's name, here."
)
@click.option(
    "--rate",
    default=44100,
    show_default=True,
    type=click.IntRange(1),
    help="Sample rate of the coefficients in csv and sos.",
)
@run_option
@click.option("--force", is_flag=True, help="Overwrite the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    bank: str,
    to: str | None,
    output: str | None,
    rate: int,
    run_folder: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write BANK, its JSON file or the numbers of a model's knobs, as something that another tool loads.

    \b
    faust  a .dsp program: faust2jack, faust2juce, the web IDE …
    cpp    one header without dependencies
    apo    text for Equalizer APO and what else reads it (series banks)
    sos    second-order sections for SciPy and MATLAB
    csv    a table of the filters with their coefficients
    json   the bank itself

    \b
    Example:
      tonewright filters export bank.json --to faust
      tonewright filters export match.json -o match.txt
    """
    from tonewright.cli.filters.models import are_numbers, read_bank, tell
    from tonewright.cli.show import print_json
    from tonewright.filters import export

    if to is None and output is None:
        raise UsageError(f"say what to write: --to {', '.join(FORMATS)}, or -o with an ending")
    found, warnings = read_bank(bank, run_folder)
    if output is None:
        stem = "bank" if are_numbers(bank) else Path(bank).stem
        output = f"{stem}{SUFFIXES[str(to)][0]}"
    tell(warnings)
    if Path(output).exists() and not are_numbers(bank) and Path(output).samefile(bank):
        raise UsageError(f"-o {output}: is the bank itself; choose another name")
    path = export(found, output, format=to, sample_rate=rate, overwrite=force)
    if as_json:
        print_json({"output": str(path), "bytes": path.stat().st_size, "warnings": warnings})
    else:
        click.echo(path)
