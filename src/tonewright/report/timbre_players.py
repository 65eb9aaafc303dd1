"""Sounds of a table to hear: which are worth it, where they lie, and short equally loud parts of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np

from tonewright.audio.clips import resample
from tonewright.audio.files import Clip
from tonewright.audio.reading import SoundReader
from tonewright.errors import AudioError
from tonewright.report.pictures import finite
from tonewright.timbre.analysis import Analysis, Measurements

SECONDS = 4.0
NOT_FOUND = ": not found"
_LEVEL = 0.1
_PEAK = 0.9
_MOST_HZ = 48000
_SAME = 0.2


def typical(analysis: Analysis, *, count: int = 2) -> list[int]:
    """Rows of the sounds nearest to the middle of every descriptor, none of them all but the same."""
    z = analysis.standard
    apart = np.square(z - np.nanmedian(z, axis=0)).sum(axis=1)
    order = np.argsort(np.where(np.isnan(apart), np.inf, apart), kind="stable")
    found: list[int] = []
    for row in order[: 10 * count]:
        if np.isfinite(apart[row]) and all(np.linalg.norm(z[row] - z[other]) > _SAME for other in found):
            found.append(int(row))
    return found[:count]


def corners(analysis: Analysis, *, without: Iterable[int] = ()) -> list[tuple[str, int]]:
    """The sounds farthest left, right, down and up on the map that are no outliers, as (where, row)."""
    plane = analysis.projection.coordinates
    inside = np.all(np.isfinite(plane), axis=1)
    ordinary = inside & ~np.isin(np.arange(len(plane)), [*analysis.strangeness.rows(), *without])
    inside = ordinary if ordinary.any() else inside
    found: dict[int, list[str]] = {}
    for axis, sides in enumerate((("left", "right"), ("bottom", "top"))):
        for side, sign in zip(sides, (-1, 1), strict=True):
            row = int(np.argmax(np.where(inside, sign * plane[:, axis], -np.inf)))
            found.setdefault(row, []).append(side)
    return [(" and ".join(sides), row) for row, sides in found.items()]


def players(
    sounds: Measurements, rows: Sequence[int], *, table: Path, root: Path | None = None
) -> tuple[list[tuple[int, Clip]], list[str]]:
    """Short parts of some sounds, and what is wrong with those that cannot be heard.

    Parameters
    ----------
    sounds : the table
    rows : which of it
    table : the table's file
    root : the folder of the sounds, where they were moved

    Returns
    -------
    (row, clip) of those that were found and can be read; words on the others
    """
    heard, silent = [], []
    for row in rows:
        path = located(sounds.files[row], table=table, root=root)
        if path is None:
            silent.append(f"{sounds.files[row]}{NOT_FOUND}")
            continue
        try:
            heard.append((row, excerpt(path, start_s=sounds.start_s[row], seconds=sounds.seconds[row])))
        except AudioError as error:
            silent.append(str(error))
    return heard, silent


def located(file: str, *, table: Path, root: Path | None = None) -> Path | None:
    """Where a file of a table is: as it is named, from here or from the table; else somewhere under `root`.

    Under `root` its whole path is tried first, then less and less of it from the front.
    """
    parts = [part for part in Path(file).parts if part != Path(file).anchor]
    places = [] if root is None else [root.joinpath(*parts[first:]) for first in range(len(parts))]
    places += [Path(file), table.parent / file]
    return next((place for place in places if place.is_file()), None)


def excerpt(path: Path, *, start_s: float = np.nan, seconds: float = np.nan) -> Clip:
    """At most four seconds of a sound, mono, as loud as the others: RMS 0.1, or peak 0.9 if that is less.

    A piece is taken from its start; a whole file from its start if it is short, else from its middle.

    Parameters
    ----------
    path : the file
    start_s, seconds : the piece of it; NaN for the whole file
    """
    with SoundReader(path, allow_nonfinite=True) as reader:
        rate, total = reader.info.sample_rate, reader.info.frames
        most = round(SECONDS * rate)
        if np.isnan(start_s):
            start = 0 if total <= 2 * most else (total - most) // 2
            length = total
        else:
            start = min(max(0, round(start_s * rate)), max(0, total - 1))
            length = most if np.isnan(seconds) else max(1, round(seconds * rate))
        samples = reader.read(start=start, frames=min(most, length, total - start))
    samples = finite(samples).mean(axis=0, keepdims=True)
    if rate > _MOST_HZ:
        samples, rate = resample(samples, from_rate=rate, to_rate=_MOST_HZ), _MOST_HZ
    return Clip(_faded(samples, rate) * _gain(samples), rate)


def _gain(samples: np.ndarray) -> np.float32:
    level = float(np.sqrt(np.mean(np.square(samples, dtype=np.float64)))) if samples.size else 0.0
    peak = float(np.abs(samples).max(initial=0.0))
    return np.float32(min(_LEVEL / level, _PEAK / peak) if level and peak else 1.0)


def _faded(samples: np.ndarray, rate: int) -> np.ndarray:
    """The same with its last 10 ms going to nothing, so that a cut does not click."""
    length = min(samples.shape[1], rate // 100)
    faded = samples.copy()
    faded[:, samples.shape[1] - length :] *= np.linspace(1.0, 0.0, length, dtype=np.float32)
    return faded
