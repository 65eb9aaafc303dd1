"""``tonewright reverb analyse``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tonewright.errors import OutputError, UsageError

if TYPE_CHECKING:
    from tonewright.reverb.analysis import RoomAnalysis

PICTURES = (".png", ".svg", ".pdf")


@click.command("analyse")
@click.argument("responses", nargs=-1, required=True, type=click.Path())
@click.option(
    "--bands", default="octave", show_default=True, type=click.Choice(["octave", "third"]), help="Widths."
)
@click.option(
    "--figure",
    default=None,
    type=click.Path(),
    help="Draw the first channel (.png, .svg, .pdf); of several responses, a folder of pictures.",
)
@click.option("--force", is_flag=True, help="Overwrite the pictures.")
@click.option("--json", "as_json", is_flag=True, help="Print every figure as JSON.")
def command(responses: tuple[str, ...], bands: str, figure: str | None, force: bool, as_json: bool) -> None:
    """Measure the impulse responses of RESPONSES, sound files or folders of them.

    Decay times T20, T30 and EDT, clarity C50 and C80, definition D50, centre time, noise and echo density,
    after ISO 3382-1; what cannot be measured is a dash, with the reason below.

    \b
    Example:
      tonewright reverb analyse hall.wav --figure hall.png
      tonewright reverb analyse rooms --json
    """
    from tonewright.cli.reverb.responses import read_response
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.cli.sounds import each, finish, sound_files
    from tonewright.reverb.analysis import analyse

    files = sound_files(responses)
    pictures = placed_pictures(files, figure, force=force)
    found: list[tuple[Path, RoomAnalysis, list[str]]] = []

    def work(file: Path) -> dict[str, Any]:
        clip, left_out = read_response(file)
        analysis = analyse(clip, bands=bands, name=str(file))
        said = [*left_out, *analysis.warnings]
        found.append((file, analysis, said))
        if file in pictures:
            draw(analysis, pictures[file], label=file.name, force=force)
        if progress:
            progress(len(found), len(files))
        picture = str(pictures[file]) if file in pictures else None
        return {"file": str(file), **analysis.to_dict(), "warnings": said, "figure": picture}

    with progress_bar("analysing") as progress:
        results, failed = each(files, work)
    if as_json:
        print_json({"responses": results, "failed": failed})
    elif len(files) == 1:
        show_one(*found[0])
    elif found:
        show_many(found)
    if not as_json:
        for result in results:
            if result["figure"]:
                click.echo(result["figure"])
    finish(failed)


def placed_pictures(files: Sequence[Path], figure: str | None, *, force: bool) -> dict[Path, Path]:
    """Where each response's picture goes; refused before the work where it cannot."""
    if figure is None:
        return {}
    path = Path(figure)
    if len(files) == 1 and not path.is_dir():
        if path.suffix.lower() not in PICTURES:
            raise UsageError(f"--figure {figure}: name a file that ends in {', '.join(PICTURES)}")
        places = {files[0]: path}
    else:
        if path.suffix.lower() in PICTURES:
            raise UsageError(
                f"--figure {figure}: {len(files)} responses do not go into one picture; name a folder"
            )
        places = {file: path / f"{file.stem}.png" for file in files}
    for file, place in places.items():
        if list(places.values()).count(place) > 1:
            raise UsageError(f"--figure {figure}: two responses are called {file.stem}; draw them one by one")
        if place.exists() and not force:
            raise OutputError(f"{place}: exists already; choose another name, or replace it with --force")
    return places


def draw(analysis: RoomAnalysis, path: Path, *, label: str, force: bool) -> None:
    """The picture of an analysis, of its first channel."""
    from tonewright.audio.files import atomic_output
    from tonewright.reverb import plot

    with atomic_output(path, overwrite=force) as temporary:
        plot(analysis, labels=(label, "")).savefig(temporary)


def show_one(file: Path, analysis: RoomAnalysis, said: Sequence[str]) -> None:
    """Every figure of a response, a table a channel."""
    from tonewright.cli.sounds import cell

    click.echo(f"{file}: {analysis.clip.seconds:.2f} s at {analysis.sample_rate} Hz")
    for channel in range(analysis.channels):
        if analysis.channels > 1:
            click.echo(f"\nchannel {channel + 1}")
        click.echo(analysis.table(channel=channel))
        click.echo(
            f"onset {1000 * analysis.onset_s[channel]:.1f} ms, "
            f"direct over reverberant {cell(analysis.direct_to_reverberant_db[channel], '{:.1f} dB')}, "
            f"as dense as noise after {cell(1000 * analysis.mixing_time_s[channel], '{:.0f} ms')}"
        )
    for words in said:
        click.echo(f"note: {words}")


def show_many(found: Sequence[tuple[Path, RoomAnalysis, Sequence[str]]]) -> None:
    """A row a channel, over all frequencies."""
    from tonewright.cli.show import print_table
    from tonewright.cli.sounds import cell

    rows = []
    for file, analysis, said in found:
        whole = analysis.broadband
        for channel in range(analysis.channels):
            name = str(file) if analysis.channels == 1 else f"{file} ({channel + 1})"
            rows.append(
                (
                    name,
                    cell(whole.decay_s[channel], "{:.2f}"),
                    cell(whole.edt_s[channel], "{:.2f}"),
                    cell(whole.c80_db[channel], "{:.1f}"),
                    cell(100 * whole.d50[channel], "{:.0f}"),
                    cell(analysis.direct_to_reverberant_db[channel], "{:.1f}"),
                    cell(whole.dynamic_range_db[channel], "{:.0f}"),
                    str(len(said)) if said else "",
                )
            )
    columns = ("file", "decay s", "EDT s", "C80 dB", "D50 %", "direct dB", "range dB", "notes")
    print_table("", columns, rows)
    for file, _, said in found:
        for words in said:
            click.echo(f"note: {words if str(file) in words else f'{file}: {words}'}")
