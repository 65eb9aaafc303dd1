"""What a command writes: single files, and folders that appear whole or not at all."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
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


@contextmanager
def whole_folder(target: Path, *, overwrite: bool) -> Iterator[Path]:
    """A hidden folder beside `target` whose files appear there when the block ends, and not when it fails.

    A new folder appears whole. In one that is there each file does; others in it stay.
    """
    temporary = target.with_name(f".tonewright-{secrets.token_hex(8)}")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary.mkdir()
    except OSError as error:
        raise OutputError(f"{target}: cannot be written ({error.strerror}); choose another -o") from error
    try:
        yield temporary
        if not target.exists():
            temporary.replace(target)
            return
        if not overwrite and any(target.iterdir()):
            raise OutputError(f"{target}: exists already; choose another -o, or replace it with --force")
        for file in sorted(temporary.iterdir()):
            file.replace(target / file.name)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
