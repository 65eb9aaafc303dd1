"""What is in the pool: packages with recordings, their files, licences and labels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from tonewright.audio.sources.catalogue.source import Licences, Size, Source
from tonewright.audio.sources.manifest import PARTS
from tonewright.errors import UsageError, nearest

__all__ = ["CATALOGUE", "Source", "choose", "download_megabytes"]

CATALOGUE: tuple[Source, ...] = ()


def choose(
    *, only: Collection[str] = PARTS[:3], size: Size = "small", licences: Licences = "permissive"
) -> tuple[Source, ...]:
    """The sources of a pool, in the order of the catalogue.

    Parameters
    ----------
    only : parts, of "voices", "music" and "instruments"
    size : "small" or "full"
    licences : "permissive" for CC0, CC BY, CC BY-SA, BSD and MIT alone, "any" for GPL and GFDL too

    Raises
    ------
    UsageError
        If there is no such part, size or choice of licences.
    """
    raise NotImplementedError


def download_megabytes(sources: Collection[Source]) -> float:
    """Megabytes (10⁶ bytes) to be fetched for some sources; a package of several counts once."""
    raise NotImplementedError
