"""``tonewright filters morph``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from tonewright.cli.filters.models import NumbersCommand, run_option
from tonewright.errors import OutputError, UsageError

if TYPE_CHECKING:
    from tonewright.audio.files import Clip
    from tonewright.filters import FilterModel
    from tonewright.filters.morphing import Morph, Place

PICTURE = "morph.png"
STEP = "step-"
MOST_STEPS = 64
NOISE_SECONDS, MOST_SECONDS = 2.0, 60.0
_PEAK = 0.98
_FILES = (".wav", ".flac", ".ogg", ".json", ".png", ".svg", ".pdf")


@click.command("morph", cls=NumbersCommand)
@click.argument("a", type=click.Path())
@click.argument("b", type=click.Path())
@click.option(
    "--steps",
    default=8,
    show_default=True,
    type=click.IntRange(2, MOST_STEPS),
    help="Banks, the two ends among them.",
)
@click.option("-o", "--output", required=True, type=click.Path(), help="Folder to write.")
@click.option(
    "--through", default=None, type=click.Path(), help="Sound to hear through every step; noise if not given."
)
@run_option
@click.option("--force", is_flag=True, help="Overwrite an earlier morph in the folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
def command(
    a: str,
    b: str,
    steps: int,
    output: str,
    through: str | None,
    run_folder: str | None,
    force: bool,
    as_json: bool,
) -> None:
    """Go from A to B in steps: sound files, banks (.json), or numbers of a model's knobs (0.5,-1,0,1.2).

    Writes a sound and a bank for every step, all sounds equally loud, and one strip of pictures. Two banks
    turn into one another filter by filter, without a model; everything else goes through the model's numbers,
    and so do two banks where --run names one.

    \b
    Example:
      tonewright filters morph kick.wav voice.wav --steps 8 -o kick-to-voice
      tonewright filters morph dark.json bright.json -o opening --through song.wav
      tonewright filters morph -1,0,0,0 1,0,0,0 -o knob-1
    """
    from tonewright.cli.filters.models import load_model, tell
    from tonewright.cli.outputs import whole_folder
    from tonewright.cli.show import print_json, progress_bar
    from tonewright.filters.morphing import morph

    folder = free_folder(output, force=force, inputs=[word for word in (a, b, through) if word])
    heard, notes = beginning(through) if through else (noise(), [])
    needs_model = run_folder is not None or not (is_bank(a) and is_bank(b))
    model = load_model(run_folder) if needs_model else None
    (first, said_a), (last, said_b) = place(a, "A", model), place(b, "B", model)
    tell([*notes, *said_a, *said_b])
    way = morph(model, first, last, steps=steps)
    with whole_folder(folder, overwrite=force) as temporary, progress_bar("morphing") as progress:
        stems = write_steps(way, heard, temporary, progress=progress)
        draw(way, temporary / PICTURE, names=(Path(a.strip()).name, Path(b.strip()).name))
    remove_others(folder, stems)
    if as_json:
        print_json(
            {"output": str(folder), "picture": str(folder / PICTURE), "steps": rows(way, folder, stems)}
        )
    else:
        click.echo(folder)


def is_bank(word: str) -> bool:
    """Whether a word names a bank's file."""
    return Path(word).suffix.lower() == ".json"


def place(word: str, name: str, model: FilterModel | None) -> tuple[Place, list[str]]:
    """What a word means: a bank, numbers, or a sound; and warnings."""
    from tonewright.cli.filters.models import are_numbers, knob_numbers
    from tonewright.filters import load_bank

    if is_bank(word):
        return load_bank(word), []
    assert model is not None
    if are_numbers(word):
        return knob_numbers(word, model, name=name)
    return model.encode_file(word).z, []


def beginning(name: str) -> tuple[Clip, list[str]]:
    """The first minute of a sound, and words where there is more."""
    from tonewright.audio.files import probe, read

    info = probe(name)
    frames = min(info.frames, round(MOST_SECONDS * info.sample_rate))
    notes = [f"{name}: of {info.seconds:.0f} s the first {MOST_SECONDS:g} s are taken"]
    return read(name, frames=frames), notes * (frames < info.frames)


def noise() -> Clip:
    """White noise, the same each time."""
    import numpy as np

    from tonewright.audio.files import Clip

    samples = 0.1 * np.random.default_rng(0).standard_normal((1, round(NOISE_SECONDS * 44100)))
    return Clip(samples, 44100)


def free_folder(output: str, *, force: bool, inputs: Sequence[str] = ()) -> Path:
    """The folder to write, refused before the work where it is a file, holds something, or an input."""
    folder = Path(output)
    if folder.exists() and not folder.is_dir():
        raise OutputError(f"{folder}: is a file; name a folder")
    if folder.suffix.lower() in _FILES:
        raise UsageError(f"-o {output}: a morph is sounds, banks and a picture; name a folder")
    if folder.is_dir() and any(folder.iterdir()) and not force:
        raise OutputError(f"{folder}: exists already; choose another -o, or replace it with --force")
    for word in inputs:
        path = Path(word)
        if path.name.startswith(STEP) and path.resolve().parent == folder.resolve():
            raise UsageError(f"-o {output}: {word} lies there and would be overwritten; choose another -o")
    return folder


def write_steps(way: Morph, heard: Clip, folder: Path, *, progress: Any) -> list[str]:
    """A sound and a bank for each step, the sounds turned down alike so that none clips; gives the names."""
    from tonewright.audio.files import Clip, write
    from tonewright.filters import save_bank
    from tonewright.filters.levels import as_loud

    loud, peak = [], 0.0
    for number, bank in enumerate(way.banks, 1):
        loud.append(as_loud(bank, heard))
        peak = max(peak, float(abs(loud[-1].apply(heard).samples).max(initial=0.0)))
        if progress:
            progress(number, 2 * len(way.banks))
    gain = min(1.0, _PEAK / peak) if peak else 1.0
    stems = [f"{STEP}{number:02d}" for number in range(1, len(way.banks) + 1)]
    for number, (stem, bank) in enumerate(zip(stems, loud, strict=True), 1):
        write(folder / f"{stem}.wav", Clip(gain * bank.apply(heard).samples, heard.sample_rate))
        save_bank(folder / f"{stem}.json", way.banks[number - 1])
        if progress:
            progress(len(way.banks) + number, 2 * len(way.banks))
    return stems


def draw(way: Morph, path: Path, *, names: Sequence[str]) -> None:
    """The strip of pictures."""
    from tonewright.filters import plot_morph

    labels = [f"{100 * position:.0f} %" for position in way.positions]
    plot_morph(way.banks, path, labels=labels, title=f"{names[0]} to {names[1]}")


def remove_others(folder: Path, stems: Sequence[str]) -> None:
    """Steps of an earlier and longer morph would pass for those of this one."""
    for ending in (".wav", ".json"):
        for path in folder.glob(f"{STEP}[0-9][0-9]{ending}"):
            if path.stem not in stems:
                path.unlink()


def rows(way: Morph, folder: Path, stems: Sequence[str]) -> list[dict[str, Any]]:
    """The steps for machines."""
    return [
        {
            "position": float(way.positions[at]),
            "z": None if way.z is None else way.z[at].tolist(),
            "sound": str(folder / f"{stem}.wav"),
            "bank": str(folder / f"{stem}.json"),
        }
        for at, stem in enumerate(stems)
    ]
