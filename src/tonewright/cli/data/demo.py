"""``tonewright data demo``."""

from __future__ import annotations

import click


@click.command("demo")
@click.argument("folder", type=click.Path())
@click.option("--songs", default=20, show_default=True, type=click.IntRange(1), help="Number of songs.")
@click.option(
    "--seconds", default=30.0, show_default=True, type=click.FloatRange(2), help="Length of a song."
)
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, another band."
)
@click.option("--jobs", default=None, type=click.IntRange(1), help="Processes; all cores if not given.")
@click.option("--force", is_flag=True, help="Replace a band that is there.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    folder: str, songs: int, seconds: float, seed: int, jobs: int | None, force: bool, as_json: bool
) -> None:
    """Generate the demo band in FOLDER: songs with stems, dry stems, rooms and one-shots.

    \b
    Example:
      tonewright data demo songs --songs 8 --seed 1
    """
    import dataclasses

    from tonewright.audio.band import write_band
    from tonewright.cli.show import print_json, progress_bar

    with progress_bar("generating") as progress:
        summary = write_band(
            folder, songs=songs, seconds=seconds, seed=seed, jobs=jobs, overwrite=force, progress=progress
        )
    if as_json:
        print_json(dataclasses.asdict(summary))
    else:
        click.echo(f"{folder}: {songs} songs of {seconds:g} s with stems, in the layout of MUSDB18-HQ")
