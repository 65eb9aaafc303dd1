"""Which model a command means, and what the numbers on its command line say."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from tonewright.errors import RunError, UsageError

if TYPE_CHECKING:
    from tonewright.filters import Bank, FilterModel, Knob

RUNS = Path("runs", "filters")
MODEL_FILE = "model.msgpack"
HOW_TO_TRAIN = "train one with: tonewright train filters data=folder data.root=YOUR/SOUNDS"

_MINUS = re.compile(r"-\.?\d(\S*,.*|[\d.e]*)")

run_option = click.option(
    "--run", "run_folder", default=None, type=click.Path(), help="Run of the model; else the newest here."
)


class NumbersCommand(click.Command):
    """A command that takes ``-1,0.5`` for numbers and not for an option."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put a space before numbers that begin with a minus."""
        return super().parse_args(ctx, [f" {word}" if _MINUS.fullmatch(word) else word for word in args])


def load_model(run_folder: str | None) -> FilterModel:
    """The model of a run: of the one that is named, or of the newest finished one below here."""
    from tonewright.filters import load

    return load(newest_run() if run_folder is None else run_folder)


def newest_run() -> Path:
    """The finished run under ``runs/filters`` that was written to last."""
    finished = {path.parent for path in RUNS.glob(f"*/{MODEL_FILE}")}
    finished |= {path.parents[1] for path in RUNS.glob(f"*/checkpoints/{MODEL_FILE}")}
    if not finished:
        state = "holds no finished run" if RUNS.is_dir() else "there is no trained model here"
        raise RunError(f"{RUNS}: {state}; {HOW_TO_TRAIN}, or name a run with --run")
    return max(finished, key=lambda folder: max(path.stat().st_mtime for path in folder.rglob(MODEL_FILE)))


def are_numbers(word: str) -> bool:
    """Whether a word is meant as numbers: with commas between them, or a single one, and no file."""
    return not Path(word).exists() and bool(
        re.fullmatch(r"\s*[-+.\d].*,.*|.*,\s*[-+.\d].*|\s*[-+.\d]+", word)
    )


def numbers(word: str, *, name: str = "--z") -> list[float]:
    """0.5,-1,0,1.2 as numbers, refused in words."""
    found = []
    for part in word.strip().split(","):
        try:
            value = float(part)
        except ValueError:
            raise UsageError(
                f"{name} {word.strip()}: '{part.strip()[:40]}' is no number; give numbers with commas "
                "between, such as 0.5,-1,0,1.2"
            ) from None
        if not math.isfinite(value):
            raise UsageError(
                f"{name} {word.strip()}: {part.strip()} is no place on a knob; give finite numbers"
            )
        found.append(value)
    return found


def knob_numbers(word: str, model: FilterModel, *, name: str = "--z") -> tuple[list[float], list[str]]:
    """The numbers for a model, and warnings where one lies beyond what it learned."""
    found, knobs = numbers(word, name=name), model.knobs
    if len(found) != len(knobs):
        names = ", ".join(knob_names(knobs))
        counted = f"{len(found)} number{'s' * (len(found) != 1)}"
        raise UsageError(f"{name} {word.strip()}: {counted} for {len(knobs)} knobs: {names}")
    return found, beyond(found, knobs)


def knob_names(knobs: Sequence[Knob]) -> list[str]:
    """Numbers and names: "1 brightness" and so on."""
    return [f"{number} {knob.name}" for number, knob in enumerate(knobs, 1)]


def beyond(values: Sequence[float], knobs: Sequence[Knob]) -> list[str]:
    """A sentence for each number beyond the range of its knob."""
    return [
        f"knob {name} is {value:g}, beyond the {knob.low:g} to {knob.high:g} that the model learned: what "
        "comes is stable, but nothing it has heard"
        for value, knob, name in zip(values, knobs, knob_names(knobs), strict=True)
        if not knob.low <= value <= knob.high
    ]


def read_bank(word: str, run_folder: str | None = None) -> tuple[Bank, list[str]]:
    """The bank of a file, or the one that numbers stand for, and warnings."""
    from tonewright.filters import load_bank

    if not are_numbers(word):
        return load_bank(word), []
    numbers(word, name="the bank")
    model = load_model(run_folder)
    values, warnings = knob_numbers(word, model, name="the bank")
    return model.bank(values), warnings


def tell(sentences: Sequence[str]) -> None:
    """Notes on standard error."""
    for words in sentences:
        click.echo(f"note: {words}", err=True)
