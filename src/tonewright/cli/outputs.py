"""Single files that a command writes."""

from __future__ import annotations

from pathlib import Path

from tonewright.errors import OutputError, UsageError


def free_output(name: str, *suffixes: str, force: bool, option: str = "-o") -> Path:
    """The file to write, refused before the work where it has another ending or is there already."""
    path = Path(name)
    if path.suffix.lower() not in suffixes:
        raise UsageError(f"{option} {name}: name a file that ends in {', '.join(suffixes)}")
    if path.is_dir():
        raise OutputError(f"{path}: is a folder; name a file")
    if path.exists() and not force:
        raise OutputError(f"{path}: exists already; choose another name, or replace it with --force")
    return path
