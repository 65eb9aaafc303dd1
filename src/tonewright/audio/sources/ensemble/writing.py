"""Songs into a pool, shelf by shelf."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.bandwidth import bandwidth_hz
from tonewright.audio.processes import deaf_to_interrupts
from tonewright.audio.sources.ensemble.banks import Banks, find_banks
from tonewright.audio.sources.ensemble.composing import LINE_UPS, song_seconds
from tonewright.audio.sources.ensemble.midi import require_mido
from tonewright.audio.sources.ensemble.playing import play, song_key
from tonewright.audio.sources.ensemble.sampler import SAMPLE_RATE
from tonewright.audio.sources.ensemble.synthesizer import find_fluidsynth
from tonewright.audio.sources.ensemble.voices import Singer, can_sing, find_singers
from tonewright.audio.sources.levelling import active_level_db
from tonewright.audio.sources.shelves import ShelfWriter, read_shelf, shelf_names
from tonewright.errors import UsageError

Progress = Callable[[int, int], None]

FORMAT = "1"
SONGS_PER_SHELF = 8
_MOST_HOURS = 10_000
# How often a shelf is for each line-up; "sung" needs voices, and "band" takes its place without.
_SHARES = {
    "band": 0.26,
    "sung": 0.24,
    "ensemble": 0.24,
    "quiet": 0.08,
    "drums": 0.08,
    "rhythm": 0.06,
    "bass": 0.04,
}


@dataclass(frozen=True, slots=True)
class PlannedShelf:
    """Songs that are written together, all of one line-up, so that they have the same stems.

    Parameters
    ----------
    line_up : a key of `LINE_UPS`
    number : among the shelves of the line-up
    seed : of all songs
    size : how many songs
    """

    line_up: str
    number: int
    seed: int
    size: int

    @property
    def name(self) -> str:
        """Unlike that of any other shelf: line-up, seed, number."""
        return f"{self.line_up}-{self.seed}-{self.number:04d}"

    @property
    def songs(self) -> range:
        """Numbers of its songs among all of the line-up."""
        return range(self.size * self.number, self.size * (self.number + 1))

    @property
    def seconds(self) -> float:
        """Length of all its songs."""
        return sum(song_seconds(self.line_up, song, seed=self.seed) for song in self.songs)


def plan(hours: float, seed: int, line_ups: tuple[str, ...]) -> tuple[PlannedShelf, ...]:
    """Shelves for so many hours, line-ups taking turns by their shares.

    The beginning of the plan for more hours is the plan for fewer.

    Parameters
    ----------
    hours : at least
    seed : of all songs
    line_ups : those that can be played
    """
    counts = dict.fromkeys(line_ups, 0)
    total = sum(_SHARES[line_up] for line_up in line_ups)
    shelves: list[PlannedShelf] = []
    seconds = 0.0
    while seconds < 3600 * hours:
        due = {name: _SHARES[name] / total * (len(shelves) + 1) - count for name, count in counts.items()}
        line_up = max(due, key=lambda name: due[name])
        shelves.append(PlannedShelf(line_up, counts[line_up], seed, SONGS_PER_SHELF))
        counts[line_up] += 1
        seconds += shelves[-1].seconds
    return tuple(shelves)


def playable_line_ups(banks: Banks, *, singing: bool) -> tuple[str, ...]:
    """Line-ups of which every stem can be played, and sung."""
    stage = banks.stage
    there = {
        "other": bool(stage.instruments),
        "bass": stage.has_bass,
        "drums": stage.drums,
        "vocals": singing,
    }
    return tuple(name for name in _SHARES if all(there[stem] for stem in LINE_UPS[name]))


def add_songs(
    pool: str | os.PathLike[str],
    *,
    hours: float,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Write songs for the sampled instruments of a pool, with stems, until there are so many hours of them.

    They are composed in many styles, for bands with and without voices, ensembles, soloists and drums
    alone, played by the pool's soundfonts, notes and kits, and mixed in rooms of their own. A song has the
    stems that sound in it, out of drums, bass, other and vocals, and "mixture", their exact sum.

    Shelves that are there already are kept; the same pool and seed give the same bytes for any number of
    jobs. The manifest is not touched: `shelves.publish` writes it.

    Parameters
    ----------
    pool : its folder, with soundfonts in it
    hours : of song, at least; whole shelves of eight songs are written
    seed : of everything, 0 or more
    jobs : processes; None for one a core
    progress : called with (done, total) in songs

    Returns
    -------
    songs of this seed and length that are in the pool now

    Raises
    ------
    UsageError
        If hours or seed make no sense.
    CorpusError
        If the pool has no soundfont.
    SynthesizerError
        If fluidsynth is missing or fails.
    MissingExtraError
        If mido is not installed.
    """
    if not 0 <= hours <= _MOST_HOURS or seed < 0:
        raise UsageError(
            f"songs take hours of 0 to {_MOST_HOURS} and a seed of 0 or more; got {hours:g}, {seed}"
        )
    folder = Path(pool)
    find_fluidsynth()
    require_mido()
    banks, singers = _players(folder)
    shelves = plan(hours, seed, playable_line_ups(banks, singing=bool(singers)))
    total = SONGS_PER_SHELF * len(shelves)
    done = total - SONGS_PER_SHELF * len(
        missing := [shelf for shelf in shelves if not _is_done(folder, shelf)]
    )
    for _ in _written(folder, missing, banks, singers, jobs):
        done += SONGS_PER_SHELF
        if progress is not None:
            progress(done, total)
    return total


def _is_done(pool: Path, shelf: PlannedShelf) -> bool:
    """Whether a shelf is there with all its songs, composed as they are now."""
    versions = [piece.version for piece in read_shelf(pool, shelf.name) or ()]
    return versions == [FORMAT] * shelf.size


def _players(pool: Path) -> tuple[Banks, tuple[Singer, ...]]:
    """Who plays and, where this machine can make speech sing, who sings."""
    pieces = tuple(piece for name in shelf_names(pool) for piece in read_shelf(pool, name) or ())
    singers = find_singers(pieces)
    return find_banks(pool, pieces), singers if singers and can_sing() else ()


def _written(
    pool: Path, shelves: list[PlannedShelf], banks: Banks, singers: tuple[Singer, ...], jobs: int | None
) -> Iterator[None]:
    """Write shelves, in processes where that helps; gives way after each."""
    from joblib import Parallel, cpu_count, delayed

    workers = min(jobs or cpu_count(), len(shelves))
    if workers <= 1:
        for shelf in shelves:
            yield write_shelf(pool, shelf, banks, singers)
        return
    tasks = [delayed(_quietly)(write_shelf, pool, shelf, banks, singers) for shelf in shelves]
    with deaf_to_interrupts():
        results: Any = Parallel(n_jobs=workers, return_as="generator_unordered")(tasks)
    yield from results


def _quietly(work: Callable, *arguments: object) -> None:
    # Ctrl-C reaches every process of a terminal; the first one answers it, and ends these.
    if multiprocessing.parent_process() is not None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)
    work(*arguments)


def write_shelf(pool: Path, shelf: PlannedShelf, banks: Banks, singers: tuple[Singer, ...] = ()) -> None:
    """Write one shelf, whole or not at all.

    Parameters
    ----------
    pool : its folder
    shelf : as planned
    banks : what the pool holds to play with
    singers : its speakers
    """
    stems = ("mixture", *LINE_UPS[shelf.line_up])
    with ShelfWriter(
        pool, part="songs", shelf=shelf.name, package="ensemble", version=FORMAT, channels=2, stems=stems
    ) as writer:
        songs = []
        for number in shelf.songs:
            songs.append(_add(writer, shelf, number, banks, singers))
        writer.facts["songs"] = songs


def _add(
    writer: ShelfWriter, shelf: PlannedShelf, number: int, banks: Banks, singers: tuple[Singer, ...]
) -> dict[str, Any]:
    """One song as a piece of its shelf; gives what is known of it."""
    song = play(writer.pool, shelf.line_up, number, seed=shelf.seed, banks=banks, singers=singers)
    style = song.arrangement.style
    silence = np.zeros_like(song.stems["mixture"])
    # 16-bit samples pass through float32 unchanged.
    sounds = {name: song.stems.get(name, silence) / np.float32(32768.0) for name in writer.stems}
    name = f"{shelf.name}/{number - shelf.songs[0]}-{style}"
    writer.add(
        sounds,
        name=name,
        song=song_key(shelf.line_up, number, shelf.seed),
        labels=("song", style, shelf.line_up, *song.leads),
        source_rate=SAMPLE_RATE,
        bandwidth_hz=bandwidth_hz(sounds["mixture"], sample_rate=SAMPLE_RATE),
        level_db=active_level_db(sounds["mixture"], sample_rate=SAMPLE_RATE),
        gain_db=0.0,
        clipped=0.0,
        file=f"{shelf.line_up}/{shelf.seed}/{number}",
        licence=" AND ".join(sorted({right.licence for right in song.rights})),
        author=", ".join(sorted({right.author for right in song.rights if right.author})),
    )
    return {"name": name, **song.facts()}
