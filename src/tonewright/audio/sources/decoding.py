"""The raw sounds of a fetched package, one after another, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tonewright.audio.sources.catalogue import Source
from tonewright.audio.sources.packages import Fetched


@dataclass(frozen=True, kw_only=True)
class RawSound:
    """A sound as its package holds it: not trimmed, not levelled, at its own rate.

    Parameters
    ----------
    name : short and unlike any other of its source, such as "digits/7"
    file : its path in the package; a note of a bank is "path/of/bank.sf2:name of the note"
    samples : (channels, frames), float32; of a sound with stems, their sum
    sample_rate : Hz, as the file states it
    licence : an SPDX name where there is one
    author : where known, else ""
    labels : each without spaces, such as ("speech", "fr", "june")
    song : what decides its split, unlike those of other packages
    stems : aligned sounds of equal length, "mixture" among them; None where there is but one
    """

    name: str
    file: str
    samples: np.ndarray
    sample_rate: int
    licence: str
    author: str
    labels: tuple[str, ...]
    song: str
    stems: Mapping[str, np.ndarray] | None = None


@dataclass(frozen=True)
class Refused:
    """A file that was found and left out.

    Parameters
    ----------
    file : its path in the package
    reason : in words, without the path
    seconds : its length, where known
    """

    file: str
    reason: str
    seconds: float = 0.0


def sounds(source: Source, fetched: Fetched) -> Iterator[RawSound | Refused]:
    """The sounds of a source, in the order of their paths.

    What its patterns leave out is passed over in silence. Files under a licence that is not asked
    for, and files that are no sound, are given as `Refused`.

    Parameters
    ----------
    source : as chosen; its `licences` say what is left out
    fetched : its package

    Raises
    ------
    SourceError
        If none of the package's files is among those of the source, or a decoder is missing.
    """
    raise NotImplementedError


def banks(source: Source, fetched: Fetched) -> tuple[Path, ...]:
    """The soundfonts (.sf2, .sf3) of a source, for whoever plays them; none for most sources."""
    raise NotImplementedError
