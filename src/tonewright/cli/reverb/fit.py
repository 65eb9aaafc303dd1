"""``tonewright reverb fit``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tonewright.reverb.config import QUALITIES, SIZES

if TYPE_CHECKING:
    from tonewright.reverb.fitting.result import Fit


@click.command("fit")
@click.argument("responses", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--output",
    default=None,
    type=click.Path(),
    help="Folder to write, or a .json file for the network alone; NAME-reverb here if not given. Several "
    "responses get a folder each inside it.",
)
@click.option(
    "--size", default="16", show_default=True, type=click.Choice([str(n) for n in SIZES]), help="Delay lines."
)
@click.option(
    "--quality",
    default="standard",
    show_default=True,
    type=click.Choice(QUALITIES),
    help="How long to search.",
)
@click.option(
    "--budget",
    default=None,
    type=click.FloatRange(0, min_open=True),
    help="Seconds after which to stop searching.",
)
@click.option("--report/--no-report", default=True, show_default=True, help="The page to see and hear it on.")
@click.option(
    "--seed", default=0, show_default=True, type=click.IntRange(0), help="Another seed, another network."
)
@click.option("--force", is_flag=True, help="Overwrite what an earlier fit wrote.")
@click.option("--json", "as_json", is_flag=True, help="Print the results as JSON.")
def command(
    responses: tuple[str, ...],
    output: str | None,
    size: str,
    quality: str,
    budget: float | None,
    report: bool,
    seed: int,
    force: bool,
    as_json: bool,
) -> None:
    """Fit a network to each impulse response of RESPONSES, sound files or folders of them.

    Writes the network, what it answers to an impulse, and a page to see and hear both on. A stereo response
    gives a network of two outputs.

    \b
    Example:
      tonewright reverb fit hall.wav -o hall --size 16
      tonewright reverb fit rooms -o fits --quality draft
    """
    from tonewright.cli.reverb.fit_folder import place
    from tonewright.cli.show import print_json
    from tonewright.cli.sounds import each, finish, sound_files

    files = sound_files(responses)
    targets = place(files, output, force=force)

    def work(file: Path) -> dict[str, Any]:
        result, made = fitted(
            file,
            targets,
            size=int(size),
            quality=quality,
            budget=budget,
            report=report,
            seed=seed,
            force=force,
        )
        if not as_json:
            show(file, made, result)
        return result

    results, failed = each(files, work)
    if as_json:
        print_json({"fits": results, "failed": failed})
    finish(failed)


def fitted(
    file: Path,
    targets: dict[Path, Path],
    *,
    size: int,
    quality: str,
    budget: float | None,
    report: bool,
    seed: int,
    force: bool,
) -> tuple[dict[str, Any], Fit]:
    """Fit one response and write what comes of it."""
    from tonewright.cli.reverb.fit_folder import check_target, write_fit
    from tonewright.cli.reverb.responses import read_response
    from tonewright.cli.show import progress_bar
    from tonewright.reverb import fit

    target = check_target(file, targets, force=force)
    clip, left_out = read_response(file)
    with progress_bar(f"fitting {file.name}") as progress:
        made = fit(clip, size=size, quality=quality, budget_s=budget, seed=seed, progress=progress)
    settings = {"response": file.name, "size": size, "quality": quality, "seed": seed}
    said = [*left_out, *made.assumptions]
    written = write_fit(made, target, settings=settings, assumptions=said, report=report, force=force)
    result = {
        "file": str(file),
        **written,
        "seconds": made.seconds,
        "figures": made.figures,
        "bands": bands(made),
        "assumptions": said,
    }
    return result, made


def bands(made: Fit) -> list[dict[str, float | None]]:
    """Decay and clarity in each octave, the mean of the channels, of the room and of the fit."""
    rows = []
    for index, hz in enumerate(made.room_analysis.bands_hz):
        row: dict[str, float | None] = {"hz": float(hz)}
        for key in ("decay_s", "edt_s", "c80_db"):
            for name, analysis in (("room", made.room_analysis), ("fit", made.analysis)):
                row[f"{name}_{key}"] = mean(getattr(analysis, key)[:, index])
        rows.append(row)
    return rows


def mean(values: Sequence[float]) -> float | None:
    """The mean of what is a number."""
    import numpy as np

    finite = np.asarray(values)[np.isfinite(values)]
    return float(finite.mean()) if finite.size else None


def show(file: Path, made: Fit, result: dict[str, Any]) -> None:
    """The table of decay times, what was assumed, and where it all lies."""
    from tonewright.cli.show import print_table
    from tonewright.cli.sounds import cell
    from tonewright.reverb.analysis.tables import band_name

    columns = ("Hz", "decay s", "fitted s", "error %", "EDT s", "fitted s", "C80 dB", "fitted dB")
    rows = []
    for band in result["bands"]:
        room, fit = band["room_decay_s"], band["fit_decay_s"]
        error = None if not room or fit is None else 100 * (fit / room - 1)
        rows.append(
            (
                band_name(band["hz"]),
                cell(room, "{:.2f}"),
                cell(fit, "{:.2f}"),
                cell(error, "{:+.1f}"),
                cell(band["room_edt_s"], "{:.2f}"),
                cell(band["fit_edt_s"], "{:.2f}"),
                cell(band["room_c80_db"], "{:.1f}"),
                cell(band["fit_c80_db"], "{:.1f}"),
            )
        )
    network = made.network
    click.echo(f"{file}: {network.lines} delay lines, {network.outputs} out, fitted in {made.seconds:.1f} s")
    print_table("", columns, rows)
    for words in result["assumptions"]:
        click.echo(f"note: {words}")
    click.echo(result["output"])
