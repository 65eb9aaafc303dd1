"""Spectra of a corpus, computed once."""

from __future__ import annotations

import hashlib
import json
import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from tonewright.audio.corpus import Corpus, load_corpus
from tonewright.audio.index import cache_folder
from tonewright.audio.jobs import LostJobError, run_jobs
from tonewright.audio.weighting import known, label_of
from tonewright.errors import CorpusError, UsageError, nearest
from tonewright.filters.spectra.grids import Grid, grid_of
from tonewright.filters.spectra.measuring import Measured, Sound, batches, measured, nothing, sounds_of
from tonewright.filters.spectra.sounds import FLOOR_DB
from tonewright.filters.spectra.store import FORMAT, Store, key_of, read_store, write_store
from tonewright.learning.config import DataConfig, TrainConfig
from tonewright.learning.material import Told, check_stems, choose, ensure_data, heard, split_corpus

SPLITS = ("train", "validation")
_KEEP_EVERY_S = 30.0
# What one process measures before others have started.
_ONE_PROCESS_SOUNDS, _ONE_PROCESS_SECONDS = 1000, 2000.0
_log = logging.getLogger("tonewright")

Progress = Callable[[int, int], None]


@dataclass(frozen=True, eq=False)
class SpectraSet:
    """Spectra of many sounds.

    Attributes
    ----------
    values : (count, points) float32, mapped from a file: `Spectrum.magnitude_db` of each
    levels_db : (count,) float32
    names : of each; pieces of one long sound have its name and "@" with the second at which they begin
    grid : where they were taken
    shares : (count,) how often each is to be drawn, as ratios; None where all count alike
    """

    values: np.ndarray
    levels_db: np.ndarray
    names: tuple[str, ...]
    grid: Grid
    shares: np.ndarray | None = None

    def __len__(self) -> int:
        """Number of spectra."""
        return len(self.names)


def load_spectra(
    config: TrainConfig, split: str = "train", *, progress: Progress | None = None
) -> SpectraSet:
    """Spectra of the sounds of one split.

    They are computed once for a corpus and settings, kept in the user's cache folder ($TONEWRIGHT_CACHE
    overrides it), and computed anew for files whose size or time of change is another. Sounds longer than
    one and a half times ``data.seconds`` are cut into consecutive pieces of that length. What cannot be read
    and what is silent is left out, with a line in the log, and so is what no proportion names where there are
    ``data.proportions``.

    Parameters
    ----------
    config : ``system`` says what a spectrum is, ``data`` what is heard
    split : "train" or "validation"; where songs are too few to set some aside, both are everything
    progress : called with (done, total) while sounds are measured

    Raises
    ------
    CorpusError
        If there is no sound that has a spectrum.
    UsageError
        If stems or labels are asked for that there are not.
    """
    if split not in SPLITS:
        raise UsageError(f"there is no split '{split}' to learn from; {nearest(split, SPLITS)}")
    return load_splits(config, (split,), progress=progress)[0]


def load_splits(
    config: TrainConfig, splits: Sequence[str] = SPLITS, *, progress: Progress | None = None
) -> list[SpectraSet]:
    """As `load_spectra`, of several splits; what is left out is told once."""
    data, system = config.data, config.system
    if not data.seconds > 0:
        raise UsageError(f"data.seconds is {data.seconds:g}; pieces of sound have a length")
    corpus = _corpus(data)
    training, validation = split_corpus(corpus)
    first = list(sounds_of(training.tracks, data.stems))
    # Where songs are too few both are the same.
    second = [] if training is validation else list(sounds_of(validation.tracks, data.stems))
    told = progress or Told(corpus.root)
    store, kept = _known(store_path(corpus, config), (*first, *second), config, told)
    _tell_left_out(corpus.root, kept)
    rows = sum(len(item) for _, item in kept[: len(first)])
    found = []
    for split in splits:
        part = slice(None) if not second else slice(None, rows) if split == "train" else slice(rows, None)
        chosen = kept[: len(first)] if split == "train" or not second else kept[len(first) :]
        names = tuple(name for sound, item in chosen for name in _names(sound, item))
        if not names:
            reason = next((f": {sound.name}: {item.reason}" for sound, item in chosen), "")
            raise CorpusError(f"{corpus.root}: none of its sounds for {split} has a spectrum{reason}")
        shares = _shares(chosen, data.proportions)
        found.append(SpectraSet(store.values[part], store.levels_db[part], names, grid_of(system), shares))
    return found


def store_path(corpus: Corpus, config: TrainConfig) -> Path:
    """The file that keeps the spectra of a corpus, as a configuration chooses and measures them."""
    data, system = config.data, config.system
    measure = (system.spectrum, system.size, system.n_fft, system.sample_rate, FLOOR_DB, data.seconds)
    drawn = sorted(label for label, share in data.proportions.items() if share > 0)
    choice = (list(data.stems), list(data.labels), data.least_bandwidth_hz, drawn)
    settings = json.dumps([str(corpus.root), corpus.layout, measure, choice, FORMAT])
    digest = hashlib.blake2b(settings.encode(errors="surrogateescape"), digest_size=12).hexdigest()
    return cache_folder() / "spectra" / f"{digest}.bin"


def _corpus(data: DataConfig) -> Corpus:
    root = ensure_data(data)
    found = load_corpus(root, layout=data.layout, progress=Told(root))
    if found.unreadable:
        first = found.unreadable[0]
        _log.warning(
            "%s: %d of its files cannot be read and are left out; the first: %s: %s;"
            " tonewright data check names them all",
            *(found.root, len(found.unreadable), first.path, first.reason),
        )
    corpus = choose(found, data)
    check_stems(corpus, data)
    if data.proportions:
        known(corpus.tracks, data.proportions, root=corpus.root)
    return heard(corpus, data)


def _shares(chosen: Sequence[tuple[Sound, Measured]], proportions: Mapping[str, float]) -> np.ndarray | None:
    """How often each piece is drawn, so that the labels come in their proportions; None where none counts."""
    if not proportions:
        return None
    labels = [
        label_of(sound, proportions)  # pyright: ignore[reportArgumentType] - it has labels as a track has
        for sound, item in chosen
        for _ in range(len(item))
    ]
    counts = Counter(labels)
    shares = np.array([proportions.get(label or "", 0.0) / counts[label] for label in labels])
    return shares if shares.any() else None


def _known(
    path: Path, sounds: Sequence[Sound], config: TrainConfig, progress: Progress
) -> tuple[Store, list[tuple[Sound, Measured]]]:
    """The spectra of all sounds, in their order, and the file that they are mapped from."""
    points = config.system.size
    keys = [key_of(sound) for sound in sounds]
    store = read_store(path, points)
    if store is None or list(store.sounds) != keys:
        known = {} if store is None else dict(store.sounds)
        missing = [sound for key, sound in zip(keys, sounds, strict=True) if key not in known]
        try:
            _measure(path, known, missing, config, progress)
        finally:
            # Also when it is interrupted: what was measured need not be measured again.
            kept = {key: known[key] for key in keys if key in known}
            written = bool(kept) and write_store(path, kept, points)
        store = read_store(path, points) if written else None
        # Another process may have written a moment later, for files that changed in between.
        if store is None or list(store.sounds) != keys:
            store = _in_memory(kept, points)
    return store, [(sound, store.sounds[key]) for key, sound in zip(keys, sounds, strict=True)]


def _measure(
    path: Path, known: dict[str, Measured], missing: Sequence[Sound], config: TrainConfig, progress: Progress
) -> None:
    """Add what is not known, keeping it from time to time."""
    system, data = config.system, config.data
    work = partial(measured, config=system, seconds=data.seconds)
    jobs = max(1, data.workers)
    if len(missing) < _ONE_PROCESS_SOUNDS and sum(s.seconds for s in missing) < _ONE_PROCESS_SECONDS:
        jobs = 1
    done, last = 0, time.monotonic()
    for batch, results in run_jobs(work, batches(missing), jobs=jobs):
        if isinstance(results, LostJobError):
            results = [nothing(str(results), system, lasting=False)] * len(batch)
        elif isinstance(results, Exception):
            raise results
        for sound, item in zip(batch, results, strict=True):
            known[key_of(sound)] = item
        done += len(batch)
        progress(done, len(missing))
        if time.monotonic() - last > _KEEP_EVERY_S:
            write_store(path, known, system.size)
            last = time.monotonic()


def _in_memory(kept: dict[str, Measured], points: int) -> Store:
    items = list(kept.values())
    values = np.concatenate([np.zeros((0, points), np.float32), *(item.values for item in items)])
    return Store(kept, values, np.concatenate([np.zeros(0, np.float32), *(item.levels_db for item in items)]))


def _names(sound: Sound, item: Measured) -> Iterable[str]:
    if len(item) == 1 and not item.starts_s[0]:
        return (sound.name,)
    return (f"{sound.name}@{start:g}" for start in item.starts_s)


def _tell_left_out(root: Path, kept: Sequence[tuple[Sound, Measured]]) -> None:
    out = [(sound, item) for sound, item in kept if not len(item)]
    if out:
        sound, item = out[0]
        _log.warning(
            "%s: %d of %d sounds have no spectrum and are left out; the first: %s: %s",
            *(root, len(out), len(kept), sound.parts[0][0], item.reason),
        )
