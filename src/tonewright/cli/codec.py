"""``tonewright codec``."""

from __future__ import annotations

import click


@click.group("codec")
def command() -> None:
    """Sound through a trained codec.

    \b
    Example:
      tonewright codec reconstruct song.wav --run runs/codec/first -o song.codec.wav
    """


@command.command("reconstruct")
@click.argument("file", type=click.Path())
@click.option("--run", "run_folder", required=True, help="Run folder of the codec.")
@click.option(
    "-o", "--output", required=True, type=click.Path(), help="Sound file to write (.wav, .flac, .ogg)."
)
@click.option("--force", is_flag=True, help="Overwrite the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def reconstruct(file: str, run_folder: str, output: str, force: bool, as_json: bool) -> None:
    """Write FILE as the codec of a run gives it back: same rate, channels and length, whatever they are.

    \b
    Example:
      tonewright codec reconstruct song.wav --run runs/codec/first -o song.codec.wav
    """
    from tonewright.audio.files import probe
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.codec import load_codec, reconstruct_file

    info = probe(file)
    model = load_codec(run_folder)
    with progress_bar("reconstructing") as progress:
        path = reconstruct_file(file, output, model, overwrite=force, progress=progress)
    if as_json:
        rate = model.config.latent_dims * model.sample_rate / model.config.hop_samples
        print_json({"output": str(path), "seconds": info.seconds, "latent_numbers_per_second": rate})
    else:
        click.echo(path)
