"""The sound of a training: found, chosen by its labels, divided, cut into windows."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tonewright.audio.corpus import Corpus, load_corpus
from tonewright.audio.remix_sources import has_both, is_mixable
from tonewright.audio.remixes import STEMS, FixedRemixes, Remixes
from tonewright.audio.shards import ShardWindows
from tonewright.audio.sources.manifest import MANIFEST
from tonewright.audio.stems import ACCOMPANIMENT, VOCALS, gives
from tonewright.audio.weighting import label_of
from tonewright.audio.windows import FixedWindows, Windows, WindowSettings
from tonewright.errors import CorpusError, UsageError, nearest
from tonewright.learning.config import DataConfig, TrainConfig

logger = logging.getLogger("tonewright")


ValidationWindows = FixedWindows | FixedRemixes
TELL_SECONDS = 10.0  # between two lines on work that takes long


@dataclass(frozen=True)
class Material:
    """The sound of a run, cut into windows.

    Attributes
    ----------
    training : random windows; keys are (epoch, index)
    validation : fixed windows; keys are indices
    """

    training: Windows | Remixes
    validation: ValidationWindows


class Told:
    """Progress as a line in the log every ten seconds, for terminals and files alike."""

    def __init__(self, root: Path) -> None:
        self._root, self._last = root, time.monotonic()

    def __call__(self, done: int, total: int) -> None:
        """So many are done."""
        if time.monotonic() - self._last >= TELL_SECONDS:
            self._last = time.monotonic()
            logger.info("%s: %d of %d looked at", self._root, done, total)


def load_material(config: TrainConfig) -> Material:
    """Read the corpus and cut it into training and validation windows."""
    data = config.data
    root = ensure_data(data)
    found = load_corpus(root, layout=data.layout, progress=Told(root))
    if found.unreadable:
        logger.warning(
            "%s: %d of its files cannot be read and are left out; the first: %s: %s;"
            " tonewright data check names them all",
            found.root,
            len(found.unreadable),
            found.unreadable[0].path,
            found.unreadable[0].reason,
        )
    corpus = choose(found, data)
    remixed = is_remixed(corpus, data)
    if not remixed:
        check_stems(corpus, data)
        check_length(corpus, data)
        corpus = heard(corpus, data)
    training, validation = split_corpus(corpus)
    settings = window_settings(data)
    augment = build_augmentation(data) if data.augment else None
    if not remixed:
        # Shards are read one after the other, in an order of their own.
        kind = ShardWindows if corpus.layout == "shards" else Windows
        windows = kind(training, settings, seed=config.seed, length=data.windows_per_epoch, augment=augment)
        # Its settings have the labels that there are: what is missing altogether is told once.
        return Material(windows, FixedWindows(validation, windows.settings, length=data.validation_windows))
    if not (has_both(training, data.remix) and has_both(validation, data.remix)):
        logger.warning("%s: voices or accompaniments are too few to set some aside", corpus.root)
        if not has_both(training, data.remix):
            training = replace(corpus, tracks=tuple(t for t in corpus.tracks if t.split != "test"))
        validation = training
    remixes = Remixes(
        training, settings, data.remix, seed=config.seed, length=data.windows_per_epoch, augment=augment
    )
    return Material(
        remixes, FixedRemixes(validation, remixes.settings, data.remix, length=data.validation_windows)
    )


def window_settings(data: DataConfig) -> WindowSettings:
    """What a window is, as the configuration describes it."""
    return WindowSettings(
        seconds=data.seconds,
        sample_rate=data.sample_rate,
        channels=data.channels,
        stems=tuple(data.stems),
        silence_db=data.silence_db,
        redraws=data.redraws,
        weighting=data.weighting,
        proportions=data.proportions,
        join=data.join,
    )


def choose(corpus: Corpus, data: DataConfig) -> Corpus:
    """The tracks with one of the labels and enough bandwidth; one that was not measured has enough."""
    known = sorted({label for track in corpus.tracks for label in track.labels})
    for label in data.labels:
        if label not in known:
            there = nearest(label, known) if known else "its tracks carry no labels"
            raise UsageError(f"data.labels: no track of {corpus.root} is labelled '{label}'; {there}")
    tracks = corpus.tracks
    if data.labels:
        tracks = tuple(track for track in tracks if set(data.labels) & set(track.labels))
    least_hz = data.least_bandwidth_hz
    wide = tuple(t for t in tracks if t.bandwidth_hz is None or t.bandwidth_hz >= least_hz)
    if not wide:
        widest = max(track.bandwidth_hz or 0.0 for track in tracks)
        raise UsageError(
            f"data.least_bandwidth_hz is {least_hz:g}; the widest track of {corpus.root} has {widest:.0f} Hz"
        )
    return replace(corpus, tracks=wide)


def heard(corpus: Corpus, data: DataConfig) -> Corpus:
    """The tracks that windows are cut from, so that each part of a split has its share of them.

    Where there are none the corpus stays as it is, for the windows to say what is missing.
    """
    tracks = [track for track in corpus.tracks if gives(track.stems, data.stems)]
    if data.proportions:
        tracks = [t for t in tracks if data.proportions.get(label_of(t, data.proportions) or "", 0) > 0]
    return replace(corpus, tracks=tuple(tracks)) if tracks else corpus


def is_remixed(corpus: Corpus, data: DataConfig) -> bool:
    """Whether windows are mixed from voices and accompaniments, rather than cut from the tracks."""
    apart = {VOCALS, ACCOMPANIMENT} & set(data.stems)
    wanted = is_mixable(corpus, data.remix) if data.remixed is None else data.remixed
    return bool(apart) and wanted and set(data.stems) <= set(STEMS)


def split_corpus(corpus: Corpus) -> tuple[Corpus, Corpus]:
    """Tracks to train on and tracks to validate on.

    A handful of songs may leave a part empty. Then the same songs serve both, with a warning, since the
    figures will flatter.
    """
    training, validation = corpus.split("train"), corpus.split("validation")
    if len(training) and len(validation):
        return training, validation
    logger.warning(
        "%s: too few songs (%d) to set some aside; validation hears what is trained on, its figures flatter",
        corpus.root,
        len(corpus),
    )
    everything = training if len(training) else validation if len(validation) else corpus
    return everything, everything


def ensure_data(data: DataConfig, *, progress: Callable[[int, int], None] | None = None) -> Path:
    """The data folder; the demo band is generated where `data.generate` asks for it and there is nothing."""
    root = Path(data.root)
    if data.layout == "pool" and not (root / MANIFEST).is_file():
        raise CorpusError(f"{root}: there is no pool; make it with: tonewright data pool {root}")
    empty = not root.exists() or (
        root.is_dir() and all(path.name.startswith("band.") for path in root.iterdir())
    )
    if data.generate and (empty or (root / "band.partial.json").is_file()):
        from tonewright.audio.band import write_band

        if progress is None:
            logger.info("generating the demo band in %s", root)
        write_band(root, songs=data.generate_songs, seconds=data.generate_seconds, progress=progress)
    return root


def build_augmentation(data: DataConfig) -> Any:
    """The chain of transforms that the configuration names."""
    from tonewright.audio.augment import chain_from_settings

    return chain_from_settings(data.augment)


def check_stems(corpus: Corpus, data: DataConfig) -> None:
    """Refuse stems that no track has or gives."""
    if data.stems == ["mixture"]:
        return
    known = set(corpus.stem_names)
    if any(gives(track.stems, (ACCOMPANIMENT,)) for track in corpus.tracks):
        known.add(ACCOMPANIMENT)
    for stem in data.stems:
        if stem not in known:
            raise UsageError(f"data.stems: {corpus.root} has no stem '{stem}'; {nearest(stem, known)}")


def check_length(corpus: Corpus, data: DataConfig) -> None:
    """Refuse windows that every track is too short for, unless tracks are joined."""
    longest = max(track.frames / track.sample_rate for track in corpus.tracks)
    if data.seconds > longest and not data.join:
        raise UsageError(
            f"data.seconds is {data.seconds:g}; the longest track of {corpus.root} is {longest:.1f} s"
        )
