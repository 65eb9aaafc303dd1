"""Sounds that are there twice under different names: found by content, and kept in one split.

Only tracks of equal length, rate and channels are compared: by a glimpse of what they hold, and where that is
the same, by more of it. A corpus without such tracks costs nothing but its headers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.handles import Reader, open_reader
from tonewright.errors import AudioError

if TYPE_CHECKING:
    from tonewright.audio.tracks import Track

_SECTION_FRAMES = 512
_BLOCK_FRAMES = 65_536
# A file as short as this is read whole.
_SHORT_FRAMES = 4096

Digests = Callable[[Iterable[str]], Mapping[str, str]]


def glimpse(path: str) -> str:
    """Hash of 512 decoded frames from the middle of a file: cheap, and enough to tell most sounds apart.

    Empty where it says nothing: where the middle is constant, as silence is, or cannot be read.

    Parameters
    ----------
    path : a sound file
    """
    try:
        reader = open_reader(path)
        frames = min(_SECTION_FRAMES, reader.frames)
        return _hashed(reader, [((reader.frames - frames) // 2, frames)], least=1)
    except AudioError:
        return ""


def content_digest(path: str) -> str:
    """What tells two sounds of one length and one `glimpse` apart, however their files are named and packed.

    The hash of 512 decoded frames from a quarter and from three quarters of the length, if sound changes in
    both; else, as in a file that is mostly silence, and in short files, of everything. Empty where nothing
    can be compared: in a file of one constant value, and in one that cannot be read to its end.

    Parameters
    ----------
    path : a sound file
    """
    try:
        reader = open_reader(path)
        if reader.frames > _SHORT_FRAMES:
            starts = (quarters * reader.frames // 4 - _SECTION_FRAMES // 2 for quarters in (1, 3))
            digest = _hashed(reader, [(start, _SECTION_FRAMES) for start in starts], least=2)
            if digest:
                return digest
        blocks = range(0, reader.frames, _BLOCK_FRAMES)
        whole = [(start, min(_BLOCK_FRAMES, reader.frames - start)) for start in blocks]
        return _hashed(reader, whole, least=1)
    except AudioError:
        return ""


def _hashed(reader: Reader, parts: Iterable[tuple[int, int]], *, least: int) -> str:
    """Hash of parts (start, frames) of a file; empty where sound changes in fewer than `least` of them."""
    digest = hashlib.blake2b(digest_size=12)
    changing = 0
    for start, frames in parts:
        samples = reader.part(start, frames)
        changing += bool((samples != samples[:, :1]).any())
        digest.update((samples + np.float32(0)).data)  # −0 becomes 0: they sound the same
    return digest.hexdigest() if changing >= least else ""


def find_copies(tracks: Iterable[Track], glimpses: Digests, contents: Digests) -> tuple[tuple[str, str], ...]:
    """Tracks that hold the same sound as another: name of the copy, name of the first by name.

    Tracks are told by their mixtures, or by all their stems where they have none.

    Parameters
    ----------
    tracks : to be compared
    glimpses : gives the `glimpse` of files; asked for tracks of one length
    contents : gives the `content_digest` of files; asked where glimpses do not tell them apart
    """
    shapes: dict[Hashable, list[Track]] = {}
    for track in tracks:
        shape = (track.frames, track.sample_rate, track.channels, "mixture" in track.stems or (*track.stems,))
        shapes.setdefault(shape, []).append(track)
    groups = [group for group in shapes.values() if len(group) > 1]
    alike = [part for group in _parted(groups, glimpses) for part in group.values() if len(part) > 1]
    copies: list[tuple[str, str]] = []
    for parts in _parted(alike, contents):
        for content, part in parts.items():
            if len(part) > 1 and any(content):
                first, *others = sorted(track.name for track in part)
                copies += [(name, first) for name in others]
    return tuple(sorted(copies))


def _parted(
    groups: Sequence[Sequence[Track]], digests: Digests
) -> Iterator[dict[tuple[str, ...], list[Track]]]:
    """Each group as parts of equal digests."""
    known = digests([path for group in groups for track in group for path in _compared(track)])
    for group in groups:
        parts: dict[tuple[str, ...], list[Track]] = {}
        for track in group:
            parts.setdefault(tuple(known[path] for path in _compared(track)), []).append(track)
        yield parts


def _compared(track: Track) -> Sequence[str]:
    """The files by which a track is told."""
    mixture = track.stems.get("mixture")
    return tuple(track.stems.values()) if mixture is None else (mixture,)


def joined_songs(tracks: Iterable[Track], copies: Sequence[tuple[str, str]]) -> dict[str, str]:
    """Songs that hold copies of each other: each of them, and the one whose name they all take.

    That is the song of the first track by name, however the copies hang together.

    Parameters
    ----------
    tracks : of the corpus
    copies : names of tracks that hold the same, as `find_copies` gives them
    """
    song_of = {track.name: track.song for track in tracks}
    pairs = [(song_of[copy], song_of[first]) for copy, first in copies]
    first_name: dict[str, str] = {}
    for name in sorted(name for pair in copies for name in pair):
        first_name.setdefault(song_of[name], name)
    leader = {song: song for song in first_name}

    def lead(song: str) -> str:
        while leader[song] != song:
            song = leader[song]
        return song

    for pair in pairs:
        ahead, behind = sorted((lead(song) for song in pair), key=first_name.__getitem__)
        leader[behind] = ahead
    return {song: lead(song) for song in leader}
