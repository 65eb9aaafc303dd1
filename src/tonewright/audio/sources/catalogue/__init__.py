"""What is in the pool: packages with recordings, their files, licences and labels.

Every pattern, licence and amount was looked up in the packages of Debian 12 and in those of the
project tonejs-instruments.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import get_args

from tonewright.audio.sources.catalogue.instruments import INSTRUMENTS
from tonewright.audio.sources.catalogue.music import MUSIC
from tonewright.audio.sources.catalogue.source import Licences, Size, Source
from tonewright.audio.sources.catalogue.voices import VOICES
from tonewright.audio.sources.manifest import PARTS
from tonewright.errors import UsageError, nearest

__all__ = ["CATALOGUE", "Licences", "Size", "Source", "choose", "download_megabytes"]

CATALOGUE: tuple[Source, ...] = (*VOICES, *MUSIC, *INSTRUMENTS)


def choose(
    *, only: Collection[str] = PARTS[:3], size: Size = "small", licences: Licences = "permissive"
) -> tuple[Source, ...]:
    """The sources of a pool, in the order of the catalogue.

    Parameters
    ----------
    only : parts, of "voices", "music" and "instruments"
    size : "small" or "full"
    licences : "permissive" for CC0, CC BY, CC BY-SA, BSD, MIT and the public domain alone, "any" for
        GPL and GFDL too

    Raises
    ------
    UsageError
        If there is no such part, size or choice of licences.
    """
    parts = PARTS[:3]
    _check("part", only, parts)
    _check("size", (size,), get_args(Size))
    _check("choice of licences", (licences,), get_args(Licences))
    return tuple(
        replace(source, licences=licences)
        for source in CATALOGUE
        if source.part in only and size in (source.size, "full") and (source.permissive or licences == "any")
    )


def download_megabytes(sources: Collection[Source]) -> float:
    """Megabytes (10⁶ bytes) to be fetched for some sources; a package of several counts once."""
    return sum({source.package: source.megabytes for source in sources}.values())


def _check(what: str, given: Collection[str], known: tuple[str, ...]) -> None:
    for name in given:
        if name not in known:
            raise UsageError(f"there is no {what} {name!r}; {nearest(name, known)}")
