"""``tonewright reverb render``."""

from __future__ import annotations

import click


@click.command("render")
@click.argument("fdn", type=click.Path())
@click.argument("file", type=click.Path())
@click.option(
    "-o", "--output", required=True, type=click.Path(), help="Sound file to write (.wav, .flac, .ogg)."
)
@click.option(
    "--mix",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="0 is the sound as it is, 1 the reverb alone.",
)
@click.option("--tail/--no-tail", default=True, show_default=True, help="Let it ring, or keep the length.")
@click.option("--force", is_flag=True, help="Overwrite the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(fdn: str, file: str, output: str, mix: float, tail: bool, force: bool, as_json: bool) -> None:
    """Write FILE as it sounds through FDN, a network's JSON file or a fit's folder: any rate, any length.

    \b
    Example:
      tonewright reverb render hall-reverb drums.wav -o drums-in-the-hall.wav --mix 0.3
    """
    from tonewright.audio.files import probe
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.reverb import load_network, render_file

    network = load_network(fdn)
    with progress_bar("rendering") as progress:
        path = render_file(file, output, network, mix=mix, tail=tail, overwrite=force, progress=progress)
    if as_json:
        info = probe(path)
        print_json(
            {
                "output": str(path),
                "seconds": info.seconds,
                "sample_rate": info.sample_rate,
                "channels": info.channels,
            }
        )
    else:
        click.echo(path)
