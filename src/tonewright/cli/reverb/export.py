"""``tonewright reverb export``."""

from __future__ import annotations

from pathlib import Path

import click

from tonewright.errors import UsageError
from tonewright.reverb.exports.formats import FORMATS, SUFFIXES


@click.command("export")
@click.argument("fdn", type=click.Path())
@click.option(
    "--to", default=None, type=click.Choice(FORMATS), help="What to write; else by the ending of -o."
)
@click.option(
    "-o", "--output", default=None, type=click.Path(), help="File to write; else the network's name, here."
)
@click.option("--force", is_flag=True, help="Overwrite the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(fdn: str, to: str | None, output: str | None, force: bool, as_json: bool) -> None:
    """Write FDN, a network's JSON file or a fit's folder, as something that another tool loads.

    \b
    faust   a .dsp program: faust2jack, faust2juce, the web IDE …
    cpp     one header without dependencies
    matlab  a function for MATLAB and Octave
    wav     the impulse response, for any convolution reverb
    json    the network itself

    \b
    Example:
      tonewright reverb export hall-reverb --to faust
      tonewright reverb export plate.json -o Plate.hpp
    """
    from tonewright.cli.show import print_json
    from tonewright.reverb import export, load_network

    if to is None and output is None:
        raise UsageError(f"say what to write: --to {', '.join(FORMATS)}, or -o with an ending")
    network = load_network(fdn)
    target = Path(output) if output is not None else default_output(fdn, str(to))
    path = export(network, target, to=to, overwrite=force)
    if as_json:
        print_json({"output": str(path), "bytes": path.stat().st_size})
    else:
        click.echo(path)


def default_output(fdn: str, to: str) -> Path:
    """A file here, named for the network; for MATLAB in letters that it takes."""
    from tonewright.reverb.files import NETWORK_NAME, network_path

    path = network_path(fdn).absolute()
    name = path.parent.name if path.name == NETWORK_NAME else path.stem
    if to == "matlab":
        name = "".join(letter if letter.isascii() and letter.isalnum() else "_" for letter in name).strip("_")
        name = name if name[:1].isalpha() else f"reverb_{name}"
    return Path(f"{name}{SUFFIXES[to][0]}")
