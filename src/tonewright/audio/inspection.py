"""What is in a corpus and what is wrong with it: levels, clipping, silence, offset, duplicates."""

from __future__ import annotations

import os
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

import numpy as np

from tonewright.audio.corpus import Corpus, Track, Unreadable, scan_corpus
from tonewright.audio.files import SoundReader
from tonewright.audio.metering import FileReport, Meter
from tonewright.errors import AudioError

__all__ = ["FileReport", "Inspection", "Spread", "Totals", "inspect", "report_of"]

FORMAT = 2
_BLOCK_FRAMES = 65_536


@dataclass(frozen=True)
class Spread:
    """How a quantity is distributed over files: quantiles 0, 5 %, 50 %, 95 % and 1."""

    lowest: float
    low: float
    median: float
    high: float
    highest: float


@dataclass(frozen=True)
class Totals:
    """A corpus in sums: numbers of files, by property and by flaw."""

    files: int
    seconds: float
    sample_rates: Mapping[int, int]
    channels: Mapping[int, int]
    encodings: Mapping[str, int]
    rms_db: Spread | None
    peak_db: Spread | None
    bandwidth_hz: Spread | None
    seconds_by_label: Mapping[str, float]
    clipped: int
    silent: int
    off_centre: int
    nonfinite: int
    duplicates: int
    unreadable: int


@dataclass(frozen=True)
class Inspection:
    """The state of a corpus: a row a file (or section of one), what could not be read, and the sums."""

    root: str
    layout: str
    files: tuple[FileReport, ...]
    unreadable: tuple[Unreadable, ...]
    totals: Totals

    def as_dict(self) -> dict[str, Any]:
        """Plain values, ready for JSON."""
        return {"format": FORMAT, **_plain(asdict(self))}


def inspect(
    source: Corpus | str | os.PathLike[str],
    *,
    layout: str = "auto",
    jobs: int = 1,
    progress: Callable[[int, int], None] | None = None,
) -> Inspection:
    """Read every sound of a corpus from end to end and say what it is like.

    Parameters
    ----------
    source : a corpus or its folder
    layout : how to read the folder
    jobs : files read at a time; −1 for one a core
    progress : called with (done, total)

    Raises
    ------
    CorpusError
        If the folder is missing or holds no file that is sound by its name.
    """
    corpus = source if isinstance(source, Corpus) else scan_corpus(source, layout=layout)
    sounds = list(_sounds(corpus))
    reports: list[FileReport] = []
    unreadable = list(corpus.unreadable)
    with closing(_in_order(sounds, jobs)) as results:
        for done, result in enumerate(results, start=1):
            if isinstance(result, FileReport):
                reports.append(result)
            elif isinstance(result, Unreadable):
                unreadable.append(result)
            if progress is not None:
                progress(done, len(sounds))
    files = _marked_duplicates(reports)
    totals = _totals(files, len(unreadable))
    return Inspection(str(corpus.root), corpus.layout, files, tuple(unreadable), totals)


class _Sound(NamedTuple):
    """What is read for one row."""

    path: str
    name: str
    track: str
    labels: tuple[str, ...]
    section: tuple[int, int] | None


def _sounds(corpus: Corpus) -> Iterator[_Sound]:
    """Each file once; where several tracks share a file, each section of it."""
    uses = Counter(path for track in corpus.tracks for path in set(track.stems.values()))
    prefix = f"{corpus.root}/"
    for track in corpus.tracks:
        for stem, path in track.stems.items():
            whole = uses[path] == 1 and track.start == 0
            # What was decoded lies in the cache, and goes by the name of its track.
            in_root = whole and path.startswith(prefix)
            name = path.removeprefix(prefix) if in_root else _section_name(track, stem)
            yield _Sound(path, name, track.name, track.labels, None if whole else (track.start, track.frames))


def _section_name(track: Track, stem: str) -> str:
    return track.name if len(track.stems) == 1 else f"{track.name} ({stem})"


def _in_order(sounds: Iterable[_Sound], jobs: int) -> Generator[FileReport | Unreadable | None]:
    """What each sound is like, in their order.

    Decoding, arithmetic and hashing leave the interpreter free, so that threads suffice. Where it is broken
    off they end with the block that they read: a thread that is inside compiled code while the interpreter
    ends would abort the process.
    """
    import joblib

    workers = joblib.effective_n_jobs(jobs)
    stopped, waiting = Event(), deque[Future[FileReport | Unreadable | None]]()
    with ThreadPoolExecutor(workers) as pool:
        try:
            for sound in sounds:
                waiting.append(pool.submit(_report_of, sound, stopped))
                if len(waiting) > 4 * workers:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            stopped.set()
            pool.shutdown(wait=False, cancel_futures=True)


def report_of(path: str | Path) -> FileReport | Unreadable:
    """Read one file in blocks, in memory that does not grow with its length."""
    result = _report_of(_Sound(os.fspath(path), os.fspath(path), os.fspath(path), (), None), Event())
    assert result is not None
    return result


def _report_of(sound: _Sound, stopped: Event) -> FileReport | Unreadable | None:
    """What a sound is like; None where it was broken off."""
    path, name, track, labels, section = sound
    start, frames = section or (0, None)
    try:
        with SoundReader(path, allow_nonfinite=True) as reader:
            meter = Meter(reader.info, name=name, track=track, labels=labels, section=section)
            for block in reader.blocks(_BLOCK_FRAMES, start=start, frames=frames):
                if stopped.is_set():
                    return None
                meter.add(block)
            return meter.report()
    except AudioError as error:
        return Unreadable(path, error.reason)


def _seconds_by_label(files: Iterable[FileReport]) -> dict[str, float]:
    """Length by first label: the parts of a pool, genres, instruments."""
    seconds: dict[str, float] = {}
    for report in files:
        if report.labels:
            seconds[report.labels[0]] = seconds.get(report.labels[0], 0.0) + report.seconds
    return seconds


def _marked_duplicates(reports: Iterable[FileReport]) -> tuple[FileReport, ...]:
    """The reports, copies of a sound marked; a stem that is all there is of its own mixture is none."""
    first: dict[str, FileReport] = {}
    marked = []
    for report in reports:
        original = first.setdefault(report.digest, report)
        copy = original.track != report.track
        marked.append(replace(report, duplicate_of=original.name) if copy else report)
    return tuple(marked)


def _totals(files: tuple[FileReport, ...], unreadable: int) -> Totals:
    return Totals(
        files=len(files),
        seconds=sum(report.seconds for report in files),
        sample_rates=_counted(report.sample_rate for report in files),
        channels=_counted(report.channels for report in files),
        encodings=_counted(f"{report.container} {report.encoding}" for report in files),
        rms_db=_spread([report.rms_db for report in files]),
        peak_db=_spread([report.peak_db for report in files]),
        bandwidth_hz=_spread([report.bandwidth_hz for report in files]),
        seconds_by_label=_seconds_by_label(files),
        clipped=sum(report.clipped_runs > 0 for report in files),
        silent=sum(report.silent for report in files),
        off_centre=sum(report.off_centre for report in files),
        nonfinite=sum(report.nonfinite > 0 for report in files),
        duplicates=sum(report.duplicate_of is not None for report in files),
        unreadable=unreadable,
    )


def _counted(values: Iterable[Any]) -> dict[Any, int]:
    """How often each value occurs, in order of the values."""
    return dict(sorted(Counter(values).items()))


def _spread(values: list[float]) -> Spread | None:
    if not values:
        return None
    return Spread(*(float(value) for value in np.quantile(values, (0, 0.05, 0.5, 0.95, 1))))


def _plain(value: Any) -> Any:
    """Lists for tuples, text for keys."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(inner) for inner in value]
    return value
