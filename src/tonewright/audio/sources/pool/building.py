"""A pool of real sound: packages fetched, decoded, judged, and laid down as arrays with a manifest.

::

    POOL/manifest.csv                 every piece: source, licence, author, rate, bandwidth, level
    POOL/left-out.csv                 every file that was refused, and why
    POOL/pool.json                    what it was made with, and what became of each source
    POOL/LICENCES.md                  who made what under which licence
    POOL/<part>/<shelf>.wav           the pieces of a source one after another: see `shelves`
    POOL/index/<shelf>.csv, .json     the rows of a shelf; without them it is not complete
    POOL/soundfonts/                  banks, for whoever plays them
    POOL/downloads/                   packages, while they are in hand

Each source becomes one shelf, in the order of the catalogue. A pool that was interrupted goes on with the
first shelf that is not complete, and comes out the same, to the byte, for any number of processes.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tonewright.audio.sources.catalogue import Licences, Size, Source, choose
from tonewright.audio.sources.manifest import PARTS, Piece
from tonewright.audio.sources.packages import SourceError, discard, lacking
from tonewright.audio.sources.pool.fetching import Fetching
from tonewright.audio.sources.pool.records import DOWNLOADS, ShelfState, check_folder, prepared, write_records
from tonewright.audio.sources.pool.shelf import make_shelf, state_of
from tonewright.audio.sources.pool.workers import Workers
from tonewright.audio.sources.shelves import publish
from tonewright.errors import OutputError, UsageError

FETCHED_PARTS = PARTS[:3]
MOST_HOURS = 10_000  # of singing, of songs
# Of each track of music; of those with stems less, for all of them are in memory at once.
_EXCERPT_S, _STEMS_EXCERPT_S = 180.0, 120.0
# Megabytes on disk for one of download: unpacked, and laid down.
_UNPACKED = 1.5
_GROWTH = {"g722": 13.0, "stems": 9.0, "soundfont": 2.3, "bank": 1.0}
_SUNG_MB, _SONGS_MB = 330.0, 2300.0  # an hour of singing; an hour of songs with their stems
_GROWTH_OF_PART = {"voices": 4.0, "music": 9.0, "instruments": 7.0}

Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class PoolSummary:
    """What a pool holds, and what became of each source that was asked for.

    Parameters
    ----------
    folder : of the pool
    shelves : one a source, in order
    pieces : every row of the manifest
    lacking : what the machine has not, and the sources that are lost without it
    """

    folder: Path
    shelves: tuple[ShelfState, ...]
    pieces: tuple[Piece, ...]
    lacking: dict[str, tuple[str, ...]]

    @property
    def missing(self) -> tuple[ShelfState, ...]:
        """Sources that are not in it, each with its reason."""
        return tuple(state for state in self.shelves if state.state != "complete")


@dataclass(frozen=True)
class Plan:
    """What is to be fetched for a pool.

    Parameters
    ----------
    sources : asked for, in order
    there : names of those that are complete already
    download_mb, disk_mb : for the rest that can be had, 10⁶ bytes; the disk includes packages in hand
    lacking : as in `PoolSummary`
    """

    sources: tuple[Source, ...]
    there: frozenset[str]
    download_mb: float
    disk_mb: float
    lacking: dict[str, tuple[str, ...]]

    @property
    def lost(self) -> dict[str, str]:
        """Sources that this machine cannot have, each with what it would need."""
        return {name: need for need, names in self.lacking.items() for name in names}


def plan_pool(
    folder: str | os.PathLike[str],
    *,
    only: Collection[str] = FETCHED_PARTS,
    size: Size = "small",
    licences: Licences = "permissive",
    sing_hours: float = 0.0,
    song_hours: float = 0.0,
    overwrite: bool = False,
) -> Plan:
    """What `build_pool` would fetch, or the error with which it would refuse; nothing is written.

    Parameters
    ----------
    folder, only, size, licences, sing_hours, song_hours, overwrite : as for `build_pool`
    """
    root = Path(folder).expanduser().resolve()
    _check_makers(root, only, sing_hours, song_hours)
    sources = tuple(_cut(source) for source in choose(only=only, size=size, licences=licences))
    check_folder(root, licences=licences, overwrite=overwrite)
    there = frozenset(source.name for source in sources if not overwrite and state_of(root, source))
    plan = Plan(sources, there, 0.0, 0.0, lacking([item for item in sources if item.name not in there]))
    wanted = [source for source in sources if source.name not in {*there, *plan.lost}]
    packages = {source.package: source.megabytes for source in wanted}
    download = sum(packages.values())
    arrays = sum(source.megabytes * _growth(source) for source in wanted)
    unpacked = _UNPACKED * sum(sorted(packages.values())[-3:])
    made = max(0.0, _SUNG_MB * sing_hours - _megabytes(root / "singing"))
    made += max(0.0, _SONGS_MB * song_hours - _megabytes(root / "songs"))
    return replace(plan, download_mb=download, disk_mb=download + arrays + unpacked + made)


def build_pool(
    folder: str | os.PathLike[str],
    *,
    only: Collection[str] = FETCHED_PARTS,
    size: Size = "small",
    licences: Licences = "permissive",
    sing_hours: float = 0.0,
    song_hours: float = 0.0,
    jobs: int | None = None,
    keep_downloads: bool = False,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> PoolSummary:
    """Fetch packages of real sound and make a pool of them, or go on with one that was begun.

    A package that cannot be had costs that package; the next run tries it again.

    Parameters
    ----------
    folder : of the pool; made where it is missing
    only : parts, of "voices", "music" and "instruments"
    size : "small", below 700 MB of download, or "full"
    licences : "permissive" or "any"
    sing_hours : of speech re-sung onto melodies
    song_hours : of songs composed for the sampled instruments
    jobs : processes; None for one a core
    keep_downloads : do not remove packages when they are done
    overwrite : make a pool that is there anew
    progress : called with (done, total)

    Raises
    ------
    OutputError
        If the folder holds something else, or the disk is full or too small.
    SourceError
        If nothing at all could be had.
    """
    root = Path(folder).expanduser().resolve()
    options: dict[str, Any] = {
        "only": [part for part in FETCHED_PARTS if part in only],
        "size": size,
        "licences": licences,
        "sing_hours": sing_hours,
        "song_hours": song_hours,
    }
    choose(only=only, size=size, licences=licences)  # says what is wrong before anything is written
    _check_makers(root, only, sing_hours, song_hours)
    with _in_words(root, anew=overwrite), prepared(root, options, overwrite=overwrite):
        plan = plan_pool(root, **options, overwrite=overwrite)
        _check_room(root, plan)
        states = _shelves(root, plan, jobs=jobs, keep_downloads=keep_downloads, progress=progress)
        pieces = publish(root)
        write_records(root, pieces, states, options)
        if not pieces:
            raise SourceError(f"{root}: nothing could be had; {_reasons(states)}")
        if sing_hours > 0 or song_hours > 0:
            pieces = _with_made(root, sing_hours, song_hours, jobs, progress)
            write_records(root, pieces, states, options)
    return PoolSummary(root, states, pieces, plan.lacking)


def _shelves(
    root: Path, plan: Plan, *, jobs: int | None, keep_downloads: bool, progress: Progress | None
) -> tuple[ShelfState, ...]:
    """Make the shelves that are not there; gives the state of all."""
    wanted = [source for source in plan.sources if source.name not in {*plan.there, *plan.lost}]
    downloads, counted = root / DOWNLOADS, _Counted([source.megabytes for source in wanted], progress)
    made = {
        source.name: ShelfState(source.name, source.part, source.package, reason=f"needs {need}")
        for source in plan.sources
        if (need := plan.lost.get(source.name))
    }
    with Fetching(wanted, downloads) as fetching, Workers(jobs) as workers:
        for number, source in enumerate(wanted):
            try:
                made[source.name] = make_shelf(root, source, fetching.get(source), workers, counted.told)
            except SourceError as error:
                made[source.name] = ShelfState(source.name, source.part, source.package, reason=str(error))
            fetching.done()
            counted.next()
            if not keep_downloads and made[source.name].state == "complete":
                discard(source, downloads, pending=wanted[number + 1 :])
    if not keep_downloads and all(state.state == "complete" for state in made.values()):
        shutil.rmtree(downloads, ignore_errors=True)
    states = (made.get(source.name) or state_of(root, source) for source in plan.sources)
    return tuple(state for state in states if state is not None)


class _Counted:
    """Progress over sources of different size."""

    def __init__(self, sizes: Sequence[float], progress: Progress | None) -> None:
        self._sizes, self._progress, self._done = list(sizes), progress, 0
        self._total = max(1, round(1000 * sum(sizes)))

    def told(self, done: int, total: int) -> None:
        """So much of the source in hand."""
        if self._progress is not None:
            share = self._sizes[self._done] * done / total if self._done < len(self._sizes) else 0.0
            before = sum(self._sizes[: self._done])
            self._progress(min(self._total, round(1000 * (before + share))), self._total)

    def next(self) -> None:
        """The source in hand is done."""
        self._done += 1
        self.told(0, 1)


def _cut(source: Source) -> Source:
    """A source of tracks with the pool's length of excerpt."""
    if source.excerpt_seconds is None:
        return source
    return replace(source, excerpt_seconds=_STEMS_EXCERPT_S if source.stems else _EXCERPT_S)


def _growth(source: Source) -> float:
    return _GROWTH.get(source.decoder, _GROWTH_OF_PART[source.part])


def _check_room(root: Path, plan: Plan) -> None:
    """An `OutputError` where the disk cannot hold what is to come."""
    free = shutil.disk_usage(root).free / 1e6
    if free < plan.disk_mb:
        raise OutputError(
            f"{root}: needs about {plan.disk_mb / 1000:.1f} GB and the disk has {free / 1000:.1f} GB free;"
            " free some, choose another disk, or fewer parts (--only)"
        )


def _megabytes(folder: Path) -> float:
    return sum(path.stat().st_size for path in folder.glob("*")) / 1e6


def _check_makers(root: Path, only: Collection[str], sing_hours: float, song_hours: float) -> None:
    """Say at once what singing and songs lack, and not after an hour."""
    if not (0 <= sing_hours <= MOST_HOURS and 0 <= song_hours <= MOST_HOURS):
        raise UsageError(f"hours to be made are 0 to {MOST_HOURS}; got {sing_hours:g} and {song_hours:g}")
    for hours, part, kept, option in (
        (sing_hours, "voices", "voices", "--sing"),
        (song_hours, "instruments", "soundfonts", "--songs"),
    ):
        if hours > 0 and part not in only and not (root / kept).is_dir():
            raise UsageError(f"{option} is made of the pool's {part}, which it lacks; add {part} to --only")
    if sing_hours > 0:
        from tonewright.audio.sources.singing.world import check_installed

        check_installed()
    if song_hours > 0:
        from tonewright.audio.sources.ensemble.midi import require_mido
        from tonewright.audio.sources.ensemble.synthesizer import find_fluidsynth

        require_mido()
        find_fluidsynth()


def _with_made(
    root: Path, sing_hours: float, song_hours: float, jobs: int | None, progress: Progress | None
) -> tuple[Piece, ...]:
    """Add what is made of the recordings, singing and songs; gives the manifest."""
    if sing_hours > 0:
        from tonewright.audio.sources.singing import add_singing

        add_singing(root, hours=sing_hours, jobs=jobs, progress=progress)
    if song_hours > 0:
        from tonewright.audio.sources.ensemble import add_songs

        add_songs(root, hours=song_hours, jobs=jobs, progress=progress)
    return publish(root)


def _reasons(states: Sequence[ShelfState]) -> str:
    return (
        "; ".join(dict.fromkeys(state.reason for state in states if state.reason)) or "no source was chosen"
    )


@contextmanager
def _in_words(root: Path, *, anew: bool) -> Iterator[None]:
    """Say how to go on after what ends a build."""
    onward = f"the same command{' without --force' if anew else ''} goes on from here"
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {onward}") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise OutputError(f"{error.filename or root}: cannot be written ({reason}); {onward}") from error
    except BrokenExecutor as error:
        raise OutputError(
            f"{root}: a process was killed at its work, perhaps for want of memory; {onward};"
            " --jobs sets how many there are"
        ) from error
    except OutputError as error:
        if "disk is full" not in str(error):
            raise
        raise OutputError(f"{error}; {onward} once there is room") from error
