"""What is in a corpus and what is wrong with it: levels, clipping, silence, offset, duplicates."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.corpus import Corpus, Unreadable, scan_corpus
from tonewright.audio.files import SoundInfo, SoundReader
from tonewright.dsp.levels import db_from_amplitude
from tonewright.errors import AudioError

FORMAT = 1
SILENT_PEAK_DB = -60.0
OFFSET_LIMIT = 0.01
# One step of 16 bits below full scale is the highest positive value of a 16-bit file.
FULL_SCALE = 1 - 2.0**-15
CLIPPED_SAMPLES = 3
_BLOCK_FRAMES = 65_536


@dataclass(frozen=True)
class FileReport:
    """What one sound file is like.

    Parameters
    ----------
    path : absolute
    seconds, sample_rate, channels, container, encoding : its format
    rms_db, peak_db : over all channels, dB below full scale, not under −120
    clipped_runs : how often a channel stays at full scale for three samples or more
    silent : whether the peak is under −60 dB
    dc_offset : the mean of the channel where it is farthest from 0
    nonfinite : number of NaN and infinite samples; they count as 0 in the levels
    digest : hash of the rate and the samples as float32
    duplicate_of : path of an earlier file with the same digest
    """

    path: str
    seconds: float
    sample_rate: int
    channels: int
    container: str
    encoding: str
    rms_db: float
    peak_db: float
    clipped_runs: int
    silent: bool
    dc_offset: float
    nonfinite: int
    digest: str
    duplicate_of: str | None = None

    @property
    def off_centre(self) -> bool:
        """Whether the offset is worth a word: more than 1 % of full scale."""
        return abs(self.dc_offset) > OFFSET_LIMIT


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
    clipped: int
    silent: int
    off_centre: int
    nonfinite: int
    duplicates: int
    unreadable: int


@dataclass(frozen=True)
class Inspection:
    """The state of a corpus: a row a file, what could not be read, and the sums."""

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
    """Read every file of a corpus from end to end and say what it is like.

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
    from joblib import Parallel, delayed

    corpus = source if isinstance(source, Corpus) else scan_corpus(source, layout=layout)
    paths = list(dict.fromkeys(path for track in corpus.tracks for path in track.stems.values()))
    # Decoding, arithmetic and hashing leave the interpreter free, so that threads suffice.
    workers = Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
    reports: list[FileReport] = []
    unreadable = list(corpus.unreadable)
    for done, result in enumerate(workers(delayed(report_of)(path) for path in paths), start=1):
        if isinstance(result, FileReport):
            reports.append(result)
        elif isinstance(result, Unreadable):
            unreadable.append(result)
        if progress is not None:
            progress(done, len(paths))
    files = _marked_duplicates(reports)
    totals = _totals(files, len(unreadable))
    return Inspection(str(corpus.root), corpus.layout, files, tuple(unreadable), totals)


def report_of(path: str | Path) -> FileReport | Unreadable:
    """Read one file in blocks, in memory that does not grow with its length."""
    try:
        with SoundReader(path, allow_nonfinite=True) as reader:
            meter = _Meter(reader.info)
            for block in reader.blocks(_BLOCK_FRAMES):
                meter.add(block)
            return meter.report()
    except AudioError as error:
        return Unreadable(os.fspath(path), error.reason)


class _Meter:
    """Running sums over the blocks of one file."""

    def __init__(self, info: SoundInfo) -> None:
        self._info = info
        self._hash = hashlib.blake2b(f"{info.sample_rate} {info.channels} ".encode(), digest_size=16)
        self._sums = np.zeros(info.channels)
        self._squares = 0.0
        self._peak = 0.0
        self._nonfinite = 0
        self._runs = [_Runs() for _ in range(info.channels)]

    def add(self, block: np.ndarray) -> None:
        """Take in one block (channels, time)."""
        # Adding 0 turns −0 into +0: they sound the same.
        self._hash.update((np.ascontiguousarray(block.T) + np.float32(0)).data)
        finite = np.isfinite(block)
        if not finite.all():
            self._nonfinite += int(block.size - finite.sum())
            block = np.where(finite, block, np.float32(0))
        self._sums += block.sum(axis=1, dtype=np.float64)
        wide = block.astype(np.float64)
        self._squares += float(np.vdot(wide, wide))
        sizes = np.abs(block)
        self._peak = max(self._peak, float(sizes.max()))
        for runs, channel in zip(self._runs, sizes >= FULL_SCALE, strict=True):
            runs.add(channel)

    def report(self) -> FileReport:
        """The sums as a report."""
        info = self._info
        rms = (self._squares / (info.frames * info.channels)) ** 0.5
        means = self._sums / info.frames
        peak_db = float(db_from_amplitude(np.asarray(self._peak)))
        return FileReport(
            path=info.path,
            seconds=info.seconds,
            sample_rate=info.sample_rate,
            channels=info.channels,
            container=info.container,
            encoding=info.encoding,
            rms_db=float(db_from_amplitude(np.asarray(rms))),
            peak_db=peak_db,
            clipped_runs=sum(runs.count() for runs in self._runs),
            silent=peak_db < SILENT_PEAK_DB,
            dc_offset=float(means[np.abs(means).argmax()]),
            nonfinite=self._nonfinite,
            digest=self._hash.hexdigest(),
        )


class _Runs:
    """Counts runs of full-scale samples in one channel that comes in blocks."""

    def __init__(self) -> None:
        self._finished = 0
        self._open = 0

    def add(self, full: np.ndarray) -> None:
        """Take in one block (time,) of truth values."""
        if not full.any():
            self._close()
            return
        edges = np.flatnonzero(np.diff(full.astype(np.int8), prepend=0, append=0))
        lengths = edges[1::2] - edges[::2]
        if full[0]:
            lengths[0] += self._open
            self._open = 0
        self._close()
        if full[-1]:
            self._open = int(lengths[-1])
            lengths = lengths[:-1]
        self._finished += int((lengths >= CLIPPED_SAMPLES).sum())

    def count(self) -> int:
        """Runs so far, the one that reaches the end included."""
        return self._finished + (self._open >= CLIPPED_SAMPLES)

    def _close(self) -> None:
        self._finished += self._open >= CLIPPED_SAMPLES
        self._open = 0


def _marked_duplicates(reports: Iterable[FileReport]) -> tuple[FileReport, ...]:
    first: dict[str, str] = {}
    marked = []
    for report in reports:
        original = first.setdefault(report.digest, report.path)
        marked.append(report if original == report.path else replace(report, duplicate_of=original))
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
