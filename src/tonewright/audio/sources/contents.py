"""Which files of a fetched package belong to a source, who made each, and under which licence."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.catalogue.source import matches
from tonewright.audio.sources.licences import Terms, permissive, read_copyright, terms_of
from tonewright.audio.sources.packages import Fetched, SourceError


@dataclass(frozen=True)
class SourceFile:
    """A file of a source.

    Parameters
    ----------
    place : where it lies
    path : below the root of the source
    file : in the package
    name : short, unlike those of the source's other files
    licence, author : "" where they are not known
    allowed : whether its licence is among those asked for
    """

    place: Path
    path: str
    file: str
    name: str
    licence: str
    author: str
    allowed: bool


def files_of(source: Source, fetched: Fetched) -> list[SourceFile]:
    """The files of a source with their terms, by path.

    Raises
    ------
    SourceError
        If there are none, or the package does not say any more what the catalogue takes from it.
    """
    _check_evidence(source, fetched)
    root = fetched.folder / source.root
    paths = sorted(path for path in _walk(root) if source.holds(path))
    if not paths:
        raise SourceError(
            f"{source.package}: none of its files is {', '.join(source.files)} in {source.root}"
        )
    terms: tuple[Terms, ...] = ()
    if source.published:
        terms = read_copyright(fetched.folder / "usr/share/doc" / source.package / "copyright")
        if not terms:
            raise SourceError(f"{source.package}: its copyright file does not say who made what")
    stems = Counter(str(PurePosixPath(path).with_suffix("")) for path in paths)
    found = []
    for path in paths:
        file, plain = f"{source.root}/{path}", str(PurePosixPath(path).with_suffix(""))
        name = plain if stems[plain] == 1 else path
        licence, author = _terms(source, path, file, terms)
        allowed = source.licences == "any" or permissive(licence)
        found.append(SourceFile(root / path, path, file, name, licence, author, allowed))
    return found


def _walk(root: Path) -> Iterator[str]:
    """Paths of the files below a folder, with "/"; links are passed over, for they may lead out of it."""
    for folder, _, names in os.walk(root):
        for name in names:
            place = Path(folder, name)
            if place.is_file() and not place.is_symlink():
                yield place.relative_to(root).as_posix()


def _terms(source: Source, path: str, file: str, terms: tuple[Terms, ...]) -> tuple[str, str]:
    """Licence and author of a file."""
    if not terms:
        author = next((who for pattern, who in source.authors if matches(path, pattern)), source.author)
        return source.licence, author
    for expression, replacement in source.published:
        file = re.sub(expression, replacement, file)
    found = terms_of(file, terms)
    return (source.licence, source.author) if found is None else (found.licence, found.authors)


def _check_evidence(source: Source, fetched: Fetched) -> None:
    """See that the package still says what the catalogue takes from it."""
    if source.evidence is None:
        return
    file, phrase = source.evidence
    try:
        text = (fetched.folder / file).read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    if " ".join(phrase.split()) not in " ".join(text.split()):
        raise SourceError(
            f"{source.package}: {file} does not say {phrase!r}, from which its licence ({source.licence}) was"
            " known; it is left out"
        )
