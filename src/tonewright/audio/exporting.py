"""What every text that is exported shares: its format, safe names, exact numbers, templates."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

import numpy as np

from tonewright.errors import UsageError, nearest

LONGEST_NAME = 64


def checked_format(path: Path, to: str | None, suffixes: Mapping[str, tuple[str, ...]]) -> str:
    """The format that is wanted, refused where the file's ending says another.

    Parameters
    ----------
    path : the file to write
    to : the format's name; None goes by the ending, the longest that fits
    suffixes : the formats and the endings of their files
    """
    name = path.name.lower()
    if to is None:
        found = [
            (len(ending), known)
            for known, endings in suffixes.items()
            for ending in endings
            if name.endswith(ending)
        ]
        if not found:
            known = ", ".join(endings[0] for endings in suffixes.values())
            raise UsageError(f"{path}: the ending says no format; end it in one of {known}")
        return max(found)[1]
    if to not in suffixes:
        raise UsageError(f"there is no export to '{to}'; {nearest(to, suffixes)}")
    if not name.endswith(suffixes[to]):
        raise UsageError(f"{path}: an export to {to} ends in {suffixes[to][0]}")
    return to


def plain_name(path: Path, *, otherwise: str) -> str:
    """The file's name without its ending, with nothing in it that a comment or a string could trip over."""
    name = re.sub(r"[^A-Za-z0-9 ._+-]+", "_", path.stem)[:LONGEST_NAME].strip(" ._")
    return name or otherwise


def class_name(path: Path, *, otherwise: str) -> str:
    """A name for a class: capital first, letters and digits only."""
    words = re.findall(r"[A-Za-z0-9]+", plain_name(path, otherwise=otherwise))
    name = "".join(word[0].upper() + word[1:] for word in words)
    return name if name and name[0].isalpha() else f"{otherwise.capitalize()}{name}"


def number(value: float) -> str:
    """A number that reads back exactly."""
    return repr(float(value))


def numbers(values: np.ndarray, *, width: int = 100, indent: str = "  ") -> str:
    """Numbers with commas between, in lines of at most about `width`."""
    lines, line = [], ""
    words = [str(int(v)) if np.issubdtype(values.dtype, np.integer) else number(v) for v in values.ravel()]
    for word in words:
        if line and len(line) + len(word) > width:
            lines.append(line)
            line = ""
        line += f"{word}, "
    lines.append(line.rstrip(", "))
    return f"\n{indent}".join(part.rstrip() for part in lines)


def counted(count: int, thing: str) -> str:
    """A number of things: "1 filter", "2 filters"."""
    return f"{count} {thing}{'' if count == 1 else 's'}"


def filled(package: str, template: str, values: Mapping[str, object]) -> str:
    """A template of a package's folder with every @KEY@ replaced."""
    text = files(package).joinpath(template).read_text(encoding="utf-8")
    return re.sub(r"@([A-Z_0-9]+)@", lambda found: str(values[found[1]]), text)
