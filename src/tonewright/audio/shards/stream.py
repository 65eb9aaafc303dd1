"""Samples in the order of the shards, each read once: for long passes over sound that no memory holds."""

from __future__ import annotations

import hashlib
import logging
import os
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.corpus import split_of
from tonewright.audio.handles import open_reader
from tonewright.audio.shards.entries import load_entries
from tonewright.audio.shards.index import SPLITS, Entry
from tonewright.errors import AudioError, CorpusError, UsageError, nearest

_log = logging.getLogger("tonewright")


@dataclass(frozen=True, eq=False)
class Sample:
    """One sample, decoded.

    Parameters
    ----------
    entry : what the shards say of it
    sounds : stem to samples (channels, time), float32
    sample_rate : Hz
    """

    entry: Entry
    sounds: dict[str, np.ndarray]
    sample_rate: int


class ShardStream:
    """The samples of a folder of shards, each once.

    The shards of the split are put into an order drawn from (seed, epoch); their samples follow one another
    as they lie. Of this row of N, worker w of W takes the samples from ⌊w N / W⌋ to ⌊(w + 1) N / W⌋ − 1, so
    that the workers together have each of them once. Its part runs through a buffer: it is filled with the
    first `shuffle_buffer` samples; then one of them, drawn from (seed, epoch, worker), is given and the next
    takes its place; what is left at the end is given in random order. The buffer holds places, not sound: in
    memory there is one sample at a time.

    A sample that cannot be read is logged and left out; it counts in `position` all the same.

    Parameters
    ----------
    folder : of the shards
    split : "train", "validation" or "test"; None for all
    seed, epoch : any integers; decide the order
    worker, workers : this worker and their number. With R ranks of K workers each, worker k of rank r is
        r K + k of R K
    start : samples of this worker's part to pass over: those before a stop
    shuffle_buffer : how many samples to draw from; 1 for the order in which they lie
    stems : which stems to decode; None for all. Samples that lack one are not in the row
    """

    def __init__(
        self,
        folder: str | os.PathLike[str],
        *,
        split: str | None = "train",
        seed: int = 0,
        epoch: int = 0,
        worker: int = 0,
        workers: int = 1,
        start: int = 0,
        shuffle_buffer: int = 64,
        stems: Sequence[str] | None = None,
    ) -> None:
        if split is not None and split not in SPLITS:
            raise UsageError(f"there is no split {split!r}; {nearest(split, SPLITS)}")
        if not 0 <= worker < workers:
            raise UsageError(f"worker {worker} is none of {workers}: they count from 0")
        if start < 0 or shuffle_buffer < 1:
            raise UsageError(f"start is {start} and shuffle_buffer {shuffle_buffer}: at least 0 and 1")
        self.folder, self.split, self.seed, self.epoch = Path(folder), split, seed, epoch
        self.worker, self.workers, self.shuffle_buffer = worker, workers, shuffle_buffer
        self.stems = None if stems is None else tuple(stems)
        self.position = start
        self._row = _row(load_entries(folder), split, self.stems, self._order)
        if not self._row:
            raise CorpusError(f"{folder}: {_lack(split, self.stems)}")
        first, end = (number * len(self._row) // workers for number in (worker, worker + 1))
        self._part = self._row[first:end]

    def __len__(self) -> int:
        """Samples of this worker's part, wherever it is entered."""
        return len(self._part)

    def __iter__(self) -> Iterator[Sample]:
        """The samples from `position` on."""
        for entry in self.entries():
            self.position += 1
            try:
                sample = self._decoded(entry)
            except AudioError as error:
                _log.warning("%s; the sample is left out", error)
                continue
            yield sample

    def entries(self) -> Iterator[Entry]:
        """What `iter` would decode, from `position` on, without decoding it."""
        numbers = random.Random(_seed(self.seed, self.epoch, self.worker))
        start = self.position
        for count, entry in enumerate(_buffered(self._part, self.shuffle_buffer, numbers)):
            if count >= start:
                yield entry

    def state(self) -> dict[str, Any]:
        """Where it stands: ``ShardStream(folder, **state)`` goes on with the next sample."""
        return {
            "split": self.split,
            "seed": self.seed,
            "epoch": self.epoch,
            "worker": self.worker,
            "workers": self.workers,
            "start": self.position,
            "shuffle_buffer": self.shuffle_buffer,
            "stems": None if self.stems is None else list(self.stems),
        }

    def _order(self, shard: str) -> bytes:
        """Where a shard comes in this epoch."""
        return hashlib.blake2b(f"{self.seed} {self.epoch} {shard}".encode(), digest_size=8).digest()

    def _decoded(self, entry: Entry) -> Sample:
        sounds: dict[str, np.ndarray] = {}
        rates = set()
        for stem in entry.members if self.stems is None else self.stems:
            reader = open_reader(f"{self.folder}/{entry.path(stem)}")
            frames = reader.frames if entry.frames is None else entry.frames
            if frames > reader.frames:
                raise AudioError(reader.path, f"holds {reader.frames} frames; its index says {frames}")
            sounds[stem] = reader.part(0, frames)
            rates.add(reader.sample_rate)
        if len(rates) > 1:
            raise AudioError(f"{self.folder}/{entry.shard}", f"{entry.name}: its stems differ in sample rate")
        return Sample(entry, sounds, rates.pop())


def _row(entries: Sequence[Entry], split: str | None, stems: Sequence[str] | None, order: Any) -> list[Entry]:
    """The samples wanted, shard after shard."""
    shards: dict[str, list[Entry]] = {}
    for entry in entries:
        wanted = split in (None, entry.split or split_of(entry.song))
        if wanted and all(stem in entry.members for stem in stems or ()):
            shards.setdefault(entry.shard, []).append(entry)
    return [entry for shard in sorted(shards, key=order) for entry in shards[shard]]


def _buffered(part: Sequence[Entry], size: int, numbers: random.Random) -> Iterator[Entry]:
    """The samples through a buffer of a size, of which a random one is given each time."""
    held: list[Entry] = []
    for entry in part:
        if len(held) < size:
            held.append(entry)
            continue
        place = int(numbers.random() * size)
        held[place], given = entry, held[place]
        yield given
    while held:
        place = int(numbers.random() * len(held))
        held[place], held[-1] = held[-1], held[place]
        yield held.pop()


def _seed(*words: int) -> int:
    """One number of several."""
    return int.from_bytes(hashlib.blake2b(" ".join(map(str, words)).encode(), digest_size=8).digest(), "big")


def _lack(split: str | None, stems: Sequence[str] | None) -> str:
    """What is missing."""
    which = f" of the split {split}" if split else ""
    return f"no sample{which}" + (f" has all of the stems {', '.join(stems)}" if stems else " in it")
