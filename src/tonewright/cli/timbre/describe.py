"""``tonewright timbre FILES``."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tonewright.errors import OutputError, TonewrightError, UsageError

if TYPE_CHECKING:
    from tonewright.audio.jobs import Engine
    from tonewright.timbre.names import Mode
    from tonewright.timbre.tables import Summary


SECONDS = click.FloatRange(min=0.0, min_open=True)


@click.command("timbre", no_args_is_help=True)
@click.argument("files", metavar="FILES|FOLDER...", nargs=-1, required=True, type=click.Path(readable=False))
@click.option("-o", "--output", default=None, help="Table to write: .csv, .jsonl or .parquet.")
@click.option(
    "--mode",
    default="corrected",
    show_default=True,
    type=click.Choice(["corrected", "classic"]),
    help="classic repeats the reference implementation.",
)
@click.option("--raw", is_flag=True, help="Leave values below 0 and above 100 as they are.")
@click.option("--window", "window_s", default=None, type=SECONDS, help="A row for every so many seconds.")
@click.option(
    "--hop", "hop_s", default=None, type=SECONDS, help="Seconds between rows; default half a window."
)
@click.option("--jobs", default=None, type=click.IntRange(1), help="Files at a time; default all cores.")
@click.option("--engine", default="processes", show_default=True, type=click.Choice(["processes", "ray"]))
@click.option("--address", default=None, help="Of a Ray cluster; default $RAY_ADDRESS, else this machine.")
@click.option("--force", is_flag=True, help="Begin anew, over whatever is there, and keep none of it.")
@click.option("--json", "as_json", is_flag=True, help="Print the rows, or what was written, as JSON.")
def command(
    files: tuple[str, ...],
    output: str | None,
    mode: Mode,
    raw: bool,
    window_s: float | None,
    hop_s: float | None,
    jobs: int | None,
    engine: Engine,
    address: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Hardness, depth, brightness, roughness, warmth, sharpness and boominess of sounds on a scale of 0 to
    100, whether they are reverberant, and loudness, crest factor, centroid, flatness and rate of onsets.

    A file that cannot be read costs a line. With -o, the same command goes on after any interruption, and
    over a finished table it describes what is new or has changed; rows of files that are not asked for stay,
    unless --force begins anew. With --window, a picture lies beside the table.

    \b
    Example:
      tonewright timbre kick.wav snare.wav
      tonewright timbre songs -o songs.csv --jobs 4
      tonewright timbre song.wav -o song.csv --window 5 --hop 2.5
      tonewright timbre report songs.csv
    """
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.cli.timbre.showing import as_dict, draw, show_rows, show_summary
    from tonewright.timbre.tables import describe_files

    check_words(files)
    picture = picture_of(output, window_s, force=force)
    with progress_bar("describing") as progress:
        made = describe_files(
            files,
            output,
            mode=mode,
            raw=raw,
            window_s=window_s,
            hop_s=hop_s,
            jobs=jobs,
            engine=engine,
            address=address,
            overwrite=force,
            progress=progress,
        )
    drawn = draw(made, picture) if picture else None
    if as_json:
        print_json(as_dict(made, drawn))
    elif made.output is not None:
        show_summary(made, drawn)
    elif len(made.failed) < made.files:
        show_rows(made)
    tell_failures(made)


def tell_failures(made: Summary) -> None:
    """Say how many files could not be described; an error where that is all of them."""
    bad, count = len(made.failed), made.files
    if not bad:
        return
    # Some errors name their file, too.
    failed = [(file, reason.removeprefix(f"{file}: ")) for file, reason in made.failed]
    first, reasons = ": ".join(failed[0]), {reason for _, reason in failed}
    same = f", all for the same reason: {failed[0][1]}" if bad > 1 and len(reasons) == 1 else ""
    if bad == count:
        words = f"none of {bad} files could be described{same or f'; the first: {first}'}"
        raise TonewrightError(first if bad == 1 else words)
    words = f"{bad} of {count} files could not be described{same or '; the reasons are among the notes'}"
    click.echo(words, err=True)


def check_words(files: tuple[str, ...]) -> None:
    """Refuse a first word that is no file and all but the name of a command."""
    from tonewright.cli.timbre import COMMANDS

    near = difflib.get_close_matches(files[0], COMMANDS, n=1, cutoff=0.75)
    if near and not Path(files[0]).exists():
        raise UsageError(f"there is no file and no command '{files[0]}'; did you mean {near[0]}?")


def picture_of(output: str | None, window_s: float | None, *, force: bool) -> Path | None:
    """Where the picture goes, which belongs to the table; refused where there is another one before it."""
    if output is None or window_s is None:
        return None
    table = Path(output)
    picture = table.with_suffix(".png")
    if picture.exists() and not table.exists() and not force:
        raise OutputError(f"{picture}: exists already; choose another name, or replace it with --force")
    return picture
