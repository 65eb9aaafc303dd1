"""A corpus from a folder: what lies there, found by its layout, opened, decoded and compared."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from pathlib import Path

from tonewright.audio import index
from tonewright.audio.copies import find_copies, joined_songs
from tonewright.audio.layouts import (
    FOREIGN_SUFFIXES,
    LAYOUTS,
    STEM_SUFFIX,
    CountedLayout,
    Layout,
    Listing,
    TrackFiles,
    list_files,
    split_suffix,
)
from tonewright.audio.tracks import SPLITS, Corpus, Split, Track, Unreadable, split_of
from tonewright.errors import CorpusError, UsageError, nearest

__all__ = ["SPLITS", "Corpus", "Split", "Track", "Unreadable", "load_corpus", "scan_corpus", "split_of"]

Progress = Callable[[int, int], None]


def load_corpus(
    root: str | os.PathLike[str],
    *,
    layout: str = "auto",
    refresh: bool = False,
    progress: Progress | None = None,
) -> Corpus:
    """Find the tracks below a folder.

    What a file holds is remembered between calls, outside the folder, and looked up again when its
    size or time of change is another. Stems that are streams of one mp4 are decoded into the user's cache
    the first time. Tracks that hold the same sound under different names count as one song, that of the
    first by name: all of its tracks are in one split, in that of the test set if one of them is.

    Parameters
    ----------
    root : the folder, searched to any depth
    layout : "pool", "shards", "musdb18hq", "musdb18", "irmas", "gtzan", "stems" (a folder a song), or
        "folder", which takes every sound file for a track; "auto" to go by what lies there
    refresh : open every file again
    progress : called with (done, total) while songs are decoded, then while files are opened, then while
        those of equal length are compared

    Raises
    ------
    CorpusError
        If the folder is missing, or holds no sound that can be read; or if it holds stems to be decoded and
        there is no ffmpeg.
    OutputError
        If the disk of the cache has no room for decoded stems.
    """
    corpus = scan_corpus(root, layout=layout, refresh=refresh, progress=progress)
    if corpus.tracks:
        return corpus
    first = corpus.unreadable[0]
    raise CorpusError(
        f"{corpus.root}: none of its {len(corpus.unreadable)} sound files can be read;"
        f" the first: {first.path}: {first.reason}"
    )


def scan_corpus(
    root: str | os.PathLike[str],
    *,
    layout: str = "auto",
    refresh: bool = False,
    progress: Progress | None = None,
) -> Corpus:
    """As `load_corpus`, but a corpus of which nothing can be read is given all the same.

    Raises
    ------
    CorpusError
        If the folder is missing, or holds no file that is sound by its name.
    """
    folder = Path(root).expanduser().resolve()
    if not folder.is_dir():
        problem = "is a file; name its folder" if folder.exists() else "there is no such folder"
        raise CorpusError(f"{folder}: {problem}")
    listing = list_files(folder)
    chosen = _layout(layout, listing)
    found = list(chosen.find(listing))
    left_out = _foreign(listing, {files.container for files in found})
    if not found and not left_out:
        raise CorpusError(f"{folder}: {_nothing(listing, layout)}")
    missing = tuple(chosen.missing(found)) if isinstance(chosen, CountedLayout) else ()
    found, undecoded = _decoded(found, folder, chosen, progress)
    with index.Index(folder, refresh=refresh) as memory:
        # Once each: the pieces of a pool share their files.
        paths = dict.fromkeys(path for files in found for path in files.stems.values())
        facts = memory.facts(paths, progress=progress)
        made = [(files, _track(files, folder, facts)) for files in found]
        kept = [(files, track) for files, track in made if isinstance(track, Track)]
        tracks, copies = _kept_together(kept, memory, progress)
    left_out += [*undecoded, *_unreadable(found, folder, facts)]
    left_out += [item for _, item in made if isinstance(item, Unreadable)]
    return Corpus(folder, chosen.name, tracks, tuple(left_out), missing, copies)


def _layout(name: str, listing: Listing) -> Layout:
    if name == "auto":
        return next(layout for layout in LAYOUTS.values() if layout.detect(listing))
    if name not in LAYOUTS:
        raise UsageError(f"there is no layout {name!r}; {nearest(name, ('auto', *LAYOUTS))}")
    return LAYOUTS[name]


def _nothing(listing: Listing, layout: str) -> str:
    """Words for a folder in which a layout finds nothing."""
    if layout == "auto":
        return "no sound files in it"
    other = _layout("auto", listing)
    advice = f"; it looks like the layout {other.name!r}" if any(True for _ in other.find(listing)) else ""
    return f"no sound files in the layout {layout!r} in it{advice}"


def _foreign(listing: Listing, containers: Collection[str | None]) -> list[Unreadable]:
    """Sound by its name that is not read, and folders that could not be entered."""
    refused = [Unreadable(f"{listing.root}/{path}", reason) for path, reason in listing.refused]
    for path in listing.files:
        suffix = split_suffix(path)[1]
        if suffix in FOREIGN_SUFFIXES and path not in containers:
            reason = f"{suffix} is not read; convert it to WAV or FLAC, for instance with ffmpeg"
            if path.lower().endswith(STEM_SUFFIX):
                reason = f"{STEM_SUFFIX} is read in folders named train and test, by the layout 'musdb18'"
            refused.append(Unreadable(f"{listing.root}/{path}", reason))
    return refused


def _decoded(
    found: list[TrackFiles], folder: Path, layout: Layout, progress: Progress | None
) -> tuple[list[TrackFiles], list[Unreadable]]:
    """The same with a file for each stem that is a stream of another file, and what cannot be decoded."""
    songs = {folder / files.container: tuple(files.stems) for files in found if files.container}
    if not songs:
        return found, []
    from tonewright.audio.stem_mp4 import decode_stems

    decoded = decode_stems(songs, title=getattr(layout, "title", layout.name), progress=progress)
    kept, failed = [], []
    for files in found:
        stems = decoded[folder / files.container] if files.container else files.stems
        if isinstance(stems, str):
            failed.append(Unreadable(f"{folder}/{files.container}", stems))
        else:
            kept.append(replace(files, stems=stems))
    return kept, failed


def _unreadable(
    found: Iterable[TrackFiles], folder: Path, facts: Mapping[str, index.Facts | str]
) -> Iterator[Unreadable]:
    """The files that cannot be read."""
    remarks = {path: files.remark for files in found if files.remark for path in files.stems.values()}
    for path, fact in facts.items():
        if isinstance(fact, str):
            yield Unreadable(str(folder / path), f"{fact}; {remarks[path]}" if path in remarks else fact)


def _kept_together(
    kept: list[tuple[TrackFiles, Track]], memory: index.Index, progress: Progress | None
) -> tuple[tuple[Track, ...], tuple[tuple[str, str], ...]]:
    """The tracks, those of songs that hold copies of each other under one song, and the copies."""
    tracks = tuple(track for _, track in kept)
    whole = [track for files, track in kept if files.frames is None and not files.start]
    glimpses, contents = (
        partial(memory.glimpses, progress=progress),
        partial(memory.contents, progress=progress),
    )
    copies = find_copies(whole, glimpses, contents)
    songs = joined_songs(tracks, copies)
    stated: dict[str, set[str]] = {}
    for files, track in kept:
        if files.split and track.song in songs:
            stated.setdefault(songs[track.song], set()).add(files.split)
    joined = []
    for files, track in kept:
        song = songs.get(track.song)
        if song is not None:
            # What a set keeps for testing stays there, and draws its copies after it.
            split = max(stated.get(song, ()), key=SPLITS.index, default=None) or _split(files, song)
            joined.append(replace(track, song=song, split=split))
        else:
            joined.append(track)
    return tuple(joined), copies


def _split(files: TrackFiles, song: str) -> str:
    """The split of a song where nobody states it."""
    return split_of(song) if files.test_share is None else split_of(song, test=files.test_share)


def _track(
    files: TrackFiles, folder: Path, facts: Mapping[str, index.Facts | str]
) -> Track | Unreadable | None:
    """A track of the stems that can be read; None where none can."""
    stems = {stem: path for stem, path in files.stems.items() if not isinstance(facts[path], str)}
    if not stems:
        return None
    known = [fact for path in stems.values() if not isinstance(fact := facts[path], str)]
    rates = {fact.sample_rate for fact in known}
    if len(rates) > 1:
        listed = ", ".join(f"{stem} {fact.sample_rate} Hz" for stem, fact in zip(stems, known, strict=True))
        place = folder / (files.container or next(iter(stems.values())))
        return Unreadable(
            str(place if files.container else place.parent), f"its stems differ in sample rate: {listed}"
        )
    available = min(fact.frames for fact in known) - files.start
    frames = available if files.frames is None else files.frames
    if not 0 < frames <= available:
        return Unreadable(
            str(folder / next(iter(stems.values()))), f"is too short to hold {files.name}; make it anew"
        )
    return Track(
        name=files.name,
        song=files.song,
        stems={stem: os.path.join(folder, path) for stem, path in stems.items()},  # noqa: PTH118
        sample_rate=known[0].sample_rate,
        channels=max(fact.channels for fact in known),
        frames=frames,
        split=files.split or _split(files, files.song),
        labels=files.labels,
        start=files.start,
        bandwidth_hz=files.bandwidth_hz,
    )
