"""``tonewright filters encode``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from tonewright.cli.filters.models import run_option
from tonewright.cli.filters.pictures import picture_option

if TYPE_CHECKING:
    import numpy as np

    from tonewright.filters import FilterModel, Knob

FORMAT = 1
KIND = "tonewright filter encodings"


class Drawn(NamedTuple):
    """What a picture shows of a sound.

    Attributes
    ----------
    name : of its file
    z : (latent,) its numbers
    frequencies_hz : (points,)
    target_db, achieved_db : (points,) its spectrum, and the response of its bank at the nearest level
    """

    name: str
    z: list[float]
    frequencies_hz: np.ndarray
    target_db: np.ndarray
    achieved_db: np.ndarray


@click.command("encode")
@click.argument("files", metavar="FILES|FOLDER...", nargs=-1, required=True, type=click.Path())
@run_option
@click.option("-o", "--output", default=None, type=click.Path(), help="Table to write: .csv or .json.")
@picture_option
@click.option("--force", is_flag=True, help="Overwrite the outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print everything as JSON.")
def command(
    files: tuple[str, ...],
    run_folder: str | None,
    output: str | None,
    picture: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Say with which numbers, and which filters, a trained model describes sounds.

    The numbers are the knobs of decode. A file that cannot be described costs a line.

    \b
    Example:
      tonewright filters encode kick.wav snare.wav
      tonewright filters encode drums --run runs/filters/mine -o drums.csv --picture drums.png
    """
    from tonewright.cli.filters.models import load_model
    from tonewright.cli.filters.pictures import free_picture
    from tonewright.cli.outputs import free_output
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.cli.sounds import each, finish, sound_files

    paths = sound_files(files)
    target = None if output is None else free_output(output, ".csv", ".json", force=force)
    drawn = free_picture(picture, force=force)
    model = load_model(run_folder)
    kept: list[Drawn] = []
    done = 0

    def work(path: Path) -> dict[str, Any]:
        nonlocal done
        done += 1
        if progress:
            progress(done, len(paths))
        row, drawing = described(path, model)
        kept.append(drawing)
        return row

    with progress_bar("encoding") as progress:
        rows, failed = each(paths, work)
    written = []
    if target and rows:
        write_rows(target, rows, model.knobs, force=force)
        written.append(str(target))
    if drawn and kept:
        draw(kept, model.knobs, drawn, force=force)
        written.append(str(drawn))
    if as_json:
        print_json({**document(rows, model.knobs), "failed": failed, "written": written})
    else:
        show(rows, model.knobs) if target is None else None
        for name in written:
            click.echo(name)
    finish(failed)


def described(path: Path, model: FilterModel) -> tuple[dict[str, Any], Drawn]:
    """A sound's numbers, its filters and how far they are from it; and the two spectra."""
    import numpy as np

    from tonewright.filters.spectra import FLOOR_DB, log_spectral_distance

    z, level_db, spectrum = model.encode_file(path)
    decoded = model.decode(z).magnitude_db
    decoded = np.maximum(decoded, decoded.max() - FLOOR_DB)  # as spectra are
    weights = model.grid.weights
    decoded = decoded + weights @ (spectrum.magnitude_db - decoded)
    row = {
        "file": str(path),
        "level_db": float(level_db),
        "z": [float(value) for value in z],
        "distance_db": float(log_spectral_distance(spectrum.magnitude_db, decoded, weights=weights)),
        "bank": model.bank(z).as_dict(),
    }
    return row, Drawn(path.name, row["z"], spectrum.frequencies_hz, spectrum.magnitude_db, decoded)


def document(rows: Sequence[Mapping[str, Any]], knobs: Sequence[Knob]) -> dict[str, Any]:
    """Encodings as JSON holds them."""
    return {"format": FORMAT, "kind": KIND, "knobs": [knob.name for knob in knobs], "sounds": list(rows)}


def write_rows(
    target: Path, rows: Sequence[Mapping[str, Any]], knobs: Sequence[Knob], *, force: bool
) -> None:
    """The table, in the format of its ending, whole or not at all."""
    import json

    from tonewright.audio.files import atomic_output
    from tonewright.cli.show import finite

    with atomic_output(target, overwrite=force) as temporary:
        if target.suffix.lower() == ".json":
            text = json.dumps(finite(document(rows, knobs)), indent=1) + "\n"
            temporary.write_text(text, encoding="ascii")
        else:
            write_csv(temporary, rows, knobs)


def write_csv(path: Path, rows: Sequence[Mapping[str, Any]], knobs: Sequence[Knob]) -> None:
    """A sound a line: its level, the knobs, the distance, then frequency, Q and gain of each filter."""
    import csv

    filters = len(rows[0]["bank"]["filters"])
    names = [f"filter_{n}_{part}" for n in range(1, filters + 1) for part in ("hz", "q", "gain")]
    header = [
        "file",
        "level_db",
        *(column(at, knob) for at, knob in enumerate(knobs, 1)),
        "distance_db",
        *names,
    ]
    with path.open("w", newline="", encoding="utf-8", errors="surrogateescape") as file:
        table = csv.writer(file)
        table.writerow(header)
        for row in rows:
            parts = [
                value
                for one in row["bank"]["filters"]
                for value in (one["frequency_hz"], one["q"], one["gain"])
            ]
            table.writerow([row["file"], row["level_db"], *row["z"], row["distance_db"], *parts])


def column(number: int, knob: Knob) -> str:
    """The name of a knob's column."""
    return f"z{number}_{knob.name.replace(' ', '_')}"


def show(rows: Sequence[Mapping[str, Any]], knobs: Sequence[Knob]) -> None:
    """The table on the terminal, without the filters."""
    from tonewright.cli.filters.models import knob_names
    from tonewright.cli.show import print_table

    if not rows:
        return
    cells = [
        (
            row["file"],
            *(f"{value:.2f}" for value in row["z"]),
            f"{row['level_db']:.1f}",
            f"{row['distance_db']:.1f}",
        )
        for row in rows
    ]
    print_table("", ("file", *knob_names(knobs), "level dB", "off by dB"), cells)


def draw(kept: Sequence[Drawn], knobs: Sequence[Knob], path: Path, *, force: bool) -> None:
    """The picture of the first sounds."""
    import numpy as np

    from tonewright.filters import plot_encodings

    plot_encodings(
        [one.name for one in kept],
        np.array([one.z for one in kept]),
        path,
        frequencies_hz=kept[0].frequencies_hz,
        target_db=np.stack([one.target_db for one in kept]),
        achieved_db=np.stack([one.achieved_db for one in kept]),
        knobs=[knob.name for knob in knobs],
        title="Sounds, and the banks that stand for them",
        overwrite=force,
    )
