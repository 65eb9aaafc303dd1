"""The part of a pool that sings: its speech, sung."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import os
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.bandwidth import bandwidth_hz
from tonewright.audio.clips import resample
from tonewright.audio.processes import deaf_to_interrupts
from tonewright.audio.sources.levelling import levelling_gain_db
from tonewright.audio.sources.manifest import Piece
from tonewright.audio.sources.shelves import (
    SAMPLE_RATE,
    ShelfWriter,
    publish,
    read_facts,
    read_shelf,
    shelf_names,
)
from tonewright.audio.sources.singing.phrases import Phrase, phrases, speak, stream_seed
from tonewright.audio.sources.singing.resinging import resing
from tonewright.audio.sources.singing.score import NoVoiceError, SingingSettings
from tonewright.audio.sources.singing.world import check_installed
from tonewright.errors import CorpusError, UsageError

Progress = Callable[[int, int], None]

SHELF_S = 600.0
# Seconds of song that a second of speech gives, about, for plans.
_STRETCH = 2.0
_FORMAT = 1
_FULL_SCALE = 1 - 2.0**-15


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What is to be sung on one shelf."""

    name: str
    package: str
    version: str
    phrases: tuple[Phrase, ...]

    def fingerprint(self) -> str:
        """Differs where what would be sung differs."""
        plan = [
            [phrase.seed] + [[excerpt.piece.name, excerpt.part, excerpt.parts] for excerpt in phrase.excerpts]
            for phrase in self.phrases
        ]
        made_with = [_FORMAT, self.version, dataclasses.asdict(SingingSettings()), plan]
        return hashlib.blake2b(json.dumps(made_with).encode(), digest_size=16).hexdigest()


@dataclass(frozen=True, slots=True)
class _Song:
    """A phrase that was sung."""

    samples: np.ndarray
    bandwidth_hz: float
    level_db: float
    gain_db: float


def add_singing(
    pool: str | os.PathLike[str],
    *,
    hours: float,
    seed: int = 0,
    jobs: int | None = None,
    progress: Progress | None = None,
) -> int:
    """Sing the speech of a pool, as shelves of its part "singing", and publish them in its manifest.

    Each package of voices gives song in proportion to its speech. A phrase is of one speaker and of one
    split, and has the song, the licence and the author of its pieces. Shelves that were made before in the
    same way are kept; more hours continue where fewer ended.

    Parameters
    ----------
    pool : folder of a pool with shelves of voices
    hours : about how much song there is to be, in all
    seed : of everything drawn
    jobs : processes; all cores where not given. The bytes are the same for any number
    progress : called with (done, total) phrases

    Returns
    -------
    number of pieces that the part "singing" holds

    Raises
    ------
    CorpusError
        If the pool has no speech that can be sung.
    MissingExtraError
        If pyworld is not installed.
    """
    if not 0 < hours < np.inf:
        raise UsageError(f"hours of singing are more than 0; got {hours}")
    check_installed()
    folder = Path(pool)
    plan = list(_plan(folder, hours, seed))
    total = sum(len(shelf.phrases) for shelf in plan)
    if not total:
        raise CorpusError(f"{folder}: the pool has no speech to sing; make it with the part voices")
    missing = [shelf for shelf in plan if not _is_done(folder, shelf)]
    done = total - sum(len(shelf.phrases) for shelf in missing)
    report = progress or (lambda done, total: None)
    report(done, total)
    with ExitStack() as stack:
        songs = _sung(folder, missing, jobs, stack)
        for shelf in missing:
            _write(folder, shelf, songs, lambda sung, done=done: report(done + sung, total))
            done += len(shelf.phrases)
    return sum(piece.part == "singing" for piece in publish(folder))


def _plan(pool: Path, hours: float, seed: int) -> Iterator[_Shelf]:
    """The shelves that make up so many hours, package by package."""
    shelves: dict[str, list[Piece]] = defaultdict(list)
    for name in shelf_names(pool):
        shelves[name] += [piece for piece in read_shelf(pool, name) or () if piece.part == "voices"]
    speech_s = sum(piece.seconds for pieces in shelves.values() for piece in pieces)
    for name, pieces in shelves.items():
        if not pieces:
            continue
        wanted_s = hours * 3600 * sum(piece.seconds for piece in pieces) / speech_s
        found, seconds, number = [], 0.0, 0
        for phrase in phrases(pieces, seed=stream_seed(name, seed)):
            found.append(phrase)
            seconds += _STRETCH * phrase.seconds
            if seconds >= min(SHELF_S, wanted_s):
                yield _Shelf(f"{name}-sung-{number:03d}", pieces[0].package, pieces[0].version, tuple(found))
                wanted_s, number = wanted_s - seconds, number + 1
                found, seconds = [], 0.0
            if wanted_s <= 0:
                break


def _is_done(pool: Path, shelf: _Shelf) -> bool:
    try:
        complete = read_shelf(pool, shelf.name) is not None
        return complete and read_facts(pool, shelf.name).get("made_with") == shelf.fingerprint()
    except CorpusError:
        return False  # damaged: made again


def _sung(pool: Path, shelves: list[_Shelf], jobs: int | None, stack: ExitStack) -> Iterator[_Song | str]:
    """The songs of all phrases in order, or why there is none."""
    from joblib import Parallel, cpu_count, delayed

    workers = min(jobs or cpu_count(), sum(len(shelf.phrases) for shelf in shelves))
    tasks = (delayed(_sing)(pool, phrase) for shelf in shelves for phrase in shelf.phrases)
    parallel = Parallel(n_jobs=max(1, workers), return_as="generator")
    with deaf_to_interrupts():
        songs: Any = parallel(tasks)
    stack.callback(_stop, songs)
    return songs


def _stop(songs: Any) -> None:
    """End the workers, without joblib's advice where they are stopped half-way."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*cancelled", category=UserWarning)
        songs.close()


def _sing(pool: Path, phrase: Phrase) -> _Song | str:
    try:
        sung = resing(speak(pool, phrase), sample_rate=phrase.sample_rate, seed=phrase.seed)
    except NoVoiceError as error:
        return str(error)
    samples = resample(sung.samples, from_rate=sung.sample_rate, to_rate=SAMPLE_RATE)
    level_db = 10 * np.log10(np.mean(np.square(samples, dtype=np.float64)))
    gain_db = levelling_gain_db(samples, sample_rate=SAMPLE_RATE)
    samples *= np.float32(10 ** (gain_db / 20))
    return _Song(
        np.clip(samples, -_FULL_SCALE, _FULL_SCALE),
        bandwidth_hz(samples, sample_rate=SAMPLE_RATE),
        float(level_db),
        gain_db,
    )


def _write(pool: Path, shelf: _Shelf, songs: Iterator[_Song | str], report: Callable[[int], None]) -> None:
    """Write a shelf of as many songs as it has phrases."""
    facts: dict[str, Any] = {"made_with": shelf.fingerprint(), "phrases": len(shelf.phrases), "unsung": 0}
    with ShelfWriter(
        pool, part="singing", shelf=shelf.name, package=shelf.package, version=shelf.version, facts=facts
    ) as writer:
        for number, phrase in enumerate(shelf.phrases):
            song = next(songs)
            if isinstance(song, str):
                facts["unsung"] += 1
            else:
                _add(writer, f"{shelf.name}/{number:03d}", phrase, song)
            report(number + 1)


def _add(writer: ShelfWriter, name: str, phrase: Phrase, song: _Song) -> None:
    source = phrase.piece
    writer.add(
        {"mixture": song.samples},
        name=name,
        song=source.song,
        labels=("singing", *source.labels[1:]),
        source_rate=phrase.sample_rate,
        bandwidth_hz=song.bandwidth_hz,
        level_db=song.level_db,
        gain_db=song.gain_db,
        clipped=0.0,
        file=" + ".join(dict.fromkeys(excerpt.piece.file for excerpt in phrase.excerpts)),
        licence=source.licence,
        author=source.author,
    )
