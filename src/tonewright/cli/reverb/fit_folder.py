"""Where a fit goes: a folder of a network, its response and a page, whole or not at all."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright import __version__
from tonewright.cli.outputs import whole_folder
from tonewright.errors import OutputError, UsageError
from tonewright.reverb.exports.formats import SUFFIXES

if TYPE_CHECKING:
    from tonewright.reverb.fitting.result import Fit

# Endings that nobody gives a folder.
OTHER_SUFFIXES = (".html", ".flac", ".ogg", ".png")
RESPONSE, REPORT = "response.wav", "report.html"


def place(files: Sequence[Path], output: str | None, *, force: bool) -> dict[Path, Path]:
    """Where each response's fit goes; refused before any work where it cannot."""
    if output is None:
        targets = {file: Path(f"{file.stem}-reverb") for file in files}
    elif len(files) == 1:
        targets = {files[0]: Path(output)}
    elif output.lower().endswith(".json"):
        raise UsageError(f"-o {output}: {len(files)} responses do not go into one file; name a folder")
    else:
        targets = {file: Path(output) / file.stem for file in files}
    if len(files) == 1:
        check_target(files[0], targets, force=force)
    return targets


def check_target(file: Path, targets: Mapping[Path, Path], *, force: bool) -> Path:
    """The place of one fit, which must be free."""
    target = targets[file]
    above = next(folder for folder in target.absolute().parents if folder.exists())
    if not above.is_dir():
        raise OutputError(f"{target}: cannot be written: {above} is a file; choose another -o")
    if not os.access(above, os.W_OK):
        raise OutputError(f"{target}: cannot be written: {above} is read-only; choose another -o")
    first = next(other for other, place in targets.items() if place == target)
    if first != file:
        raise OutputError(f"{file}: would go to {target} as {first} does; fit it with an -o of its own")
    if single(target):
        if target.exists() and not force:
            raise OutputError(f"{target}: exists already; choose another name, or replace it with --force")
    elif target.is_dir():
        if any(target.iterdir()) and not force:
            raise OutputError(f"{target}: exists already; choose another -o, or replace it with --force")
    elif target.suffix.lower() in (
        *OTHER_SUFFIXES,
        *(ending for ends in SUFFIXES.values() for ending in ends),
    ):
        raise UsageError(
            f"-o {target}: a fit is a folder, or a .json file; tonewright reverb export makes the rest"
        )
    elif target.exists():
        raise OutputError(f"{target}: is a file; a fit goes into a folder, or into a file that ends in .json")
    return target


def single(target: Path) -> bool:
    """Whether the network alone is wanted."""
    return target.suffix.lower() == ".json"


def write_fit(
    made: Fit,
    target: Path,
    *,
    settings: Mapping[str, Any],
    assumptions: Sequence[str],
    report: bool,
    force: bool,
) -> dict[str, str | None]:
    """Write a fit; gives the paths by what they hold."""
    from tonewright.reverb.files import NETWORK_NAME, save_network

    notes = {
        "made_by": f"tonewright {__version__}, reverb fit",
        **settings,
        "figures": made.figures,
        "assumptions": list(assumptions),
    }
    if single(target):
        save_network(target, made.network, notes=notes, overwrite=force)
        return {"output": str(target), "network": str(target), "response": None, "report": None}
    with whole_folder(target, overwrite=force) as folder:
        save_network(folder / NETWORK_NAME, made.network, notes=notes)
        write_response(made, folder / RESPONSE)
        if report:
            from tonewright.report.reverb_page import reverb_report

            reverb_report(made, folder / REPORT, title=str(settings["response"]))
    if not report:  # an earlier fit's page would tell of another network
        (target / REPORT).unlink(missing_ok=True)
    return {
        "output": str(target),
        "network": str(target / NETWORK_NAME),
        "response": str(target / RESPONSE),
        "report": str(target / REPORT) if report else None,
    }


def write_response(made: Fit, path: Path) -> None:
    """What the network answers to an impulse, as float32."""
    import numpy as np

    from tonewright.audio.files import Clip, write

    write(path, Clip(np.asarray(made.response, dtype=np.float32), made.sample_rate), encoding="float")
