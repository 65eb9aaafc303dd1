"""``tonewright filters apply``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tonewright.cli.filters.models import NumbersCommand, run_option
from tonewright.errors import OutputError, UsageError

if TYPE_CHECKING:
    from tonewright.filters import Bank

WRITTEN = (".wav", ".flac", ".ogg")


@click.command("apply", cls=NumbersCommand)
@click.argument("bank", type=click.Path())
@click.argument("files", metavar="FILES|FOLDER...", nargs=-1, required=True, type=click.Path())
@click.option(
    "-o",
    "--output",
    required=True,
    type=click.Path(),
    help="Sound file to write (.wav, .flac, .ogg); of several sounds, a folder.",
)
@click.option(
    "--mix",
    default=1.0,
    show_default=True,
    type=click.FloatRange(0, 1),
    help="0 is the sound as it is, 1 the filtered sound alone.",
)
@click.option(
    "--level",
    default="bank",
    show_default=True,
    type=click.Choice(["bank", "keep"]),
    help="keep leaves each sound as loud as it was.",
)
@run_option
@click.option("--force", is_flag=True, help="Overwrite the outputs.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    bank: str,
    files: tuple[str, ...],
    output: str,
    mix: float,
    level: str,
    run_folder: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Write sounds as they are through BANK: a bank's JSON file, or the numbers of a model's knobs.

    The filters are designed for each file's rate; length, rate and channels stay.

    \b
    Example:
      tonewright filters apply bank.json song.wav -o song.filtered.wav --mix 0.5
      tonewright filters apply 0.5,-1,0,1.2 drums -o drums-filtered --level keep
    """
    from tonewright.cli.filters.models import read_bank, tell
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.cli.sounds import each, finish, sound_files

    paths = sound_files(files)
    targets = placed(paths, files, output)
    filters, warnings = read_bank(bank, run_folder)
    tell(warnings)
    done = 0

    def work(path: Path) -> dict[str, Any]:
        nonlocal done
        done += 1
        title = "filtering" if len(paths) == 1 else f"filtering {done} of {len(paths)}"
        with progress_bar(title) as progress:
            made = applied(filters, path, targets[path], mix=mix, level=level, force=force, progress=progress)
        if not as_json:
            click.echo(made["output"])
        return made

    results, failed = each(paths, work)
    if as_json:
        print_json({"sounds": results, "failed": failed, "warnings": warnings})
    finish(failed)


def placed(paths: Sequence[Path], words: Sequence[str], output: str) -> dict[Path, Path]:
    """Where each sound goes: into one file, or under its own name into a folder."""
    target = Path(output)
    into_file = len(words) == 1 and not Path(words[0]).is_dir() and not target.is_dir()
    if into_file:
        if target.suffix.lower() not in WRITTEN:
            raise UsageError(f"-o {output}: name a sound file that ends in {', '.join(WRITTEN)}")
        return {paths[0]: target}
    if target.suffix.lower() in WRITTEN:
        raise UsageError(f"-o {output}: {len(paths)} sounds do not go into one file; name a folder")
    if target.exists() and not target.is_dir():
        raise OutputError(f"{target}: is a file; name a folder for the sounds")
    folders = [Path(word) for word in words if Path(word).is_dir()]
    made: dict[Path, Path] = {}
    inputs = {path.resolve() for path in paths}
    for path in paths:
        above = next((folder for folder in folders if path.is_relative_to(folder)), path.parent)
        place = target / path.relative_to(above)
        if place.suffix.lower() not in WRITTEN:
            place = place.with_name(f"{place.name}.wav")
        if place in made.values():
            raise UsageError(
                f"-o {output}: two sounds would be {place}; filter them into folders of their own"
            )
        if place.resolve() in inputs:
            raise UsageError(f"-o {output}: {place} is one of the sounds; choose another folder")
        made[path] = place
    return made


def applied(
    bank: Bank, path: Path, target: Path, *, mix: float, level: str, force: bool, progress: Any
) -> dict[str, Any]:
    """Filter one sound."""
    from tonewright.audio.files import probe
    from tonewright.filters import apply_file

    if target.exists() and not force and not target.samefile(path):
        raise OutputError(f"{target}: exists already; choose another name, or replace it with --force")
    if level == "keep":
        from tonewright.filters.levels import as_loud_file

        bank = as_loud_file(bank, path, progress=progress)
    apply_file(path, target, bank, mix=mix, overwrite=force, progress=progress)
    info = probe(target)
    return {
        "file": str(path),
        "output": str(target),
        "seconds": info.seconds,
        "sample_rate": info.sample_rate,
        "channels": info.channels,
        "level_db": bank.level_db,
    }
