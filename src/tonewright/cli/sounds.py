"""What commands on sound files share: files and folders of them, going on after a bad one, cells."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from tonewright.errors import CorpusError, TonewrightError


def sound_files(words: Sequence[str]) -> list[Path]:
    """The files, each once, and those sound files that lie in the folders, in the order of their names."""
    from tonewright.audio.layouts.base import SUFFIXES

    found: dict[Path, None] = {}
    for word in words:
        path = Path(word)
        inside = [path]
        if path.is_dir():
            inside = sorted(
                file
                for file in path.rglob("*")
                if file.suffix.lower() in SUFFIXES and file.is_file() and not hidden(file.relative_to(path))
            )
            if not inside:
                raise CorpusError(f"{path}: there is no sound file in this folder")
        found |= dict.fromkeys(inside)
    return list(found)


def hidden(path: Path) -> bool:
    """Whether a file or a folder above it is hidden."""
    return any(part.startswith(".") for part in path.parts)


def each(
    files: Sequence[Path], work: Callable[[Path], dict[str, Any]]
) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """What `work` gives for each file, and the failures; a bad file among several costs a line."""
    results: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    for file in files:
        try:
            results.append(work(file))
        except (TonewrightError, OSError) as error:
            reason = worded(error, file)
            if len(files) == 1:
                if reason == str(error) or isinstance(error, OSError):
                    raise
                raise type_of(error)(reason) from error
            click.echo(f"error: {reason}", err=True)
            failed.append({"file": str(file), "reason": reason})
    return results, failed


def worded(error: Exception, file: Path) -> str:
    """The error in one line that names the file."""
    words = " ".join(str(error).split()).removeprefix("the response: ").removeprefix("this sound: ")
    return words if str(file) in words else f"{file}: {words}"


def type_of(error: Exception) -> type[TonewrightError]:
    """An exception that takes one sentence and gives the same exit code."""
    from tonewright.errors import UsageError

    return UsageError if isinstance(error, UsageError) else TonewrightError


def cell(value: float | None, form: str) -> str:
    """A number in words, a dash where it could not be measured."""
    return "–" if value is None or not math.isfinite(value) else form.format(value)


def finish(failed: Sequence[Any]) -> None:
    """Leave with exit code 1 where something failed."""
    if failed:
        raise click.exceptions.Exit(1)
