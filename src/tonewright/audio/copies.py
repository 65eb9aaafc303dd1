"""Sounds that are there twice under different names: found by content, and kept in one split.

Only tracks of equal length, rate and channels are compared, by a digest of what they hold, so that a corpus
without such tracks costs nothing more than its headers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.handles import Reader, open_reader
from tonewright.errors import AudioError

if TYPE_CHECKING:
    from tonewright.audio.tracks import Track

_SECTIONS = 4
_SECTION_FRAMES = 1024
_BLOCK_FRAMES = 65_536
# A file as short as this is read whole: that costs no more than going to its sections.
_SHORT_FRAMES = 16_384


def content_digest(path: str) -> str:
    """What tells two sounds of one length apart, whatever their files are called and packed in.

    The hash of four sections of 1024 decoded frames, spread evenly, if sound changes in two of them or more;
    else, as in a file that is mostly silence, and in short files, of everything. Empty where nothing can be
    compared: in a file of one constant value, and in one that cannot be read to its end.

    Parameters
    ----------
    path : a sound file
    """
    try:
        reader = open_reader(path)
        if reader.frames > _SHORT_FRAMES:
            starts = ((2 * n + 1) * reader.frames // (2 * _SECTIONS) for n in range(_SECTIONS))
            digest = _hashed(reader, [(s - _SECTION_FRAMES // 2, _SECTION_FRAMES) for s in starts], least=2)
            if digest:
                return digest
        blocks = range(0, reader.frames, _BLOCK_FRAMES)
        whole = [(start, min(_BLOCK_FRAMES, reader.frames - start)) for start in blocks]
        return _hashed(reader, whole, least=1)
    except AudioError:
        return ""


def _hashed(reader: Reader, parts: Iterable[tuple[int, int]], *, least: int) -> str:
    """Hash of parts (start, frames) of a file; empty where sound changes in fewer than `least` of them."""
    digest = hashlib.blake2b(digest_size=16)
    changing = 0
    value = None
    for start, frames in parts:
        samples = reader.part(start, frames)
        if value is None:
            value = samples[:, :1].copy()
        changing += bool((samples != value).any())
        digest.update((samples + np.float32(0)).data)  # −0 becomes 0: they sound the same
    return digest.hexdigest() if changing >= least else ""


def find_copies(
    tracks: Sequence[Track], digests: Callable[[list[str]], Mapping[str, str]]
) -> tuple[tuple[str, str], ...]:
    """Tracks that hold the same sound as another: name of the copy, name of the first by name.

    Tracks are told by their mixtures, or by all their stems where they have none.

    Parameters
    ----------
    tracks : to be compared
    digests : gives the `content_digest` of files
    """
    alike: dict[tuple[object, ...], list[Track]] = {}
    for track in tracks:
        names = tuple(sorted(_compared(track)))
        alike.setdefault((track.frames, track.sample_rate, track.channels, names), []).append(track)
    candidates = [track for group in alike.values() if len(group) > 1 for track in group]
    known = digests([path for track in candidates for path in _compared(track).values()])
    firsts: dict[tuple[object, ...], str] = {}
    copies = []
    for track in sorted(candidates, key=lambda track: track.name):
        content = tuple((stem, known[path]) for stem, path in sorted(_compared(track).items()))
        if all(not digest for _, digest in content):
            continue
        key = (track.frames, track.sample_rate, track.channels, content)
        first = firsts.setdefault(key, track.name)
        if first != track.name:
            copies.append((track.name, first))
    return tuple(copies)


def _compared(track: Track) -> Mapping[str, str]:
    """The stems by which a track is told."""
    return {"mixture": track.stems["mixture"]} if "mixture" in track.stems else track.stems


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
