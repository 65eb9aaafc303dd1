"""MUSDB18 and MUSDB18-HQ: 100 songs to learn from and 50 to test with, in four stems and their mixture."""

from __future__ import annotations

import csv
import functools
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeVar

from tonewright.audio.layouts.base import (
    STEM_SUFFIX,
    SUFFIXES,
    Listing,
    TrackFiles,
    is_mostly,
    preference,
    split_suffix,
)

STEMS = ("mixture", "drums", "bass", "other", "vocals")
SONGS = {"train": 100, "test": 50}
_DEEPEST = 3  # folders down to "train" and "test"
T = TypeVar("T")


class KnownSong(NamedTuple):
    """A song of the set: its genre, and whether it is one of the 14 that are kept for validation."""

    genre: str
    validation: bool


class _Place(NamedTuple):
    """Where a song lies: how deep its "train" or "test", the path before it, and the song's name."""

    depth: int
    before: str
    folder: str
    song: str

    @property
    def name(self) -> str:
        """The path of the song, as far as it lies below the root."""
        return "/".join(part for part in (self.before, self.folder, self.song) if part)


@functools.cache
def known_songs() -> Mapping[str, KnownSong]:
    """The 150 songs of MUSDB18, by their `song_key`.

    Names and genres are those of the set's own page (Rafii, Liutkus, Stöter, Mimilakis, Bittner: MUSDB18,
    2017, zenodo.org/records/1117372), the validation songs those of ``mus.yaml`` of its reader musdb 0.4.3.
    """
    with Path(__file__).with_name("musdb18.csv").open(encoding="utf-8", newline="") as lines:
        return {
            song_key(row["song"]): KnownSong(row["genre"], row["part"] == "validation")
            for row in csv.DictReader(lines)
        }


def song_key(name: str) -> str:
    """The letters and digits of a name: what remains when programs replace signs and change case."""
    plain = unicodedata.normalize("NFC", name).casefold()
    return " ".join(re.findall(r"[^\W_]+", plain))


class _Musdb:
    """What both editions share: two folders, the official validation songs, and what is to be there."""

    def _track(self, place: _Place, stems: Mapping[str, str], container: str | None = None) -> TrackFiles:
        known = known_songs().get(song_key(place.song))
        split = "test" if place.folder == "test" else None
        if split is None and known is not None:
            split = "validation" if known.validation else "train"
        return TrackFiles(
            name=place.name,
            song=place.song,
            stems=stems,
            labels=(known.genre,) if known else (),
            split=split,
            test_share=0.0,
            container=container,
        )

    def missing(self, found: Sequence[TrackFiles]) -> Iterator[str]:
        """How many of the set's songs are here, unless all are, and stems that only some songs have."""
        known = {(t.split == "test", song_key(t.song)) for t in found if song_key(t.song) in known_songs()}
        for folder, total in SONGS.items() if known else ():
            here = sum(in_test == (folder == "test") for in_test, _ in known)
            if here < total:
                yield f"{folder}: {here or 'none'} of {total} songs {'is' if here == 1 else 'are'} here"
        counts = Counter(stem for track in found for stem in track.stems)
        for stem in STEMS:
            if 0 < counts[stem] < len(found):
                yield f"{stem} is not there in {len(found) - counts[stem]} of {len(found)} songs"


class Musdb18HqLayout(_Musdb):
    """``{train,test}/<song>/{mixture,drums,bass,other,vocals}.wav``; other folders beside are left alone.

    ``test`` is the test split. The 14 songs that MUSDB18 keeps for validation are the validation split, its
    others in ``train`` the training split; songs that are not MUSDB18's are divided into these two by their
    hash. Labels are the genres of MUSDB18's songs. A song may lack stems, the mixture too; other suffixes
    than .wav are taken as well. Both folders may lie up to two folders down, as when the set was unpacked
    into a folder of its name, and the root may be one of them.
    """

    name = "musdb18hq"

    def _songs(self, listing: Listing) -> dict[_Place, dict[str, str]]:
        songs: dict[_Place, dict[str, str]] = {}
        for path in listing.files:
            stem, suffix = split_suffix(path.rpartition("/")[2])
            stem = stem.lower()
            if stem not in STEMS or suffix not in SUFFIXES:
                continue
            place = _place(listing, path.rpartition("/")[0])
            if place is None:
                continue
            stems = songs.setdefault(place, {})
            if stem not in stems or preference(path) < preference(stems[stem]):
                stems[stem] = path
        return _shallowest(songs)

    def detect(self, listing: Listing) -> bool:
        """Whether a song of two stems or more is there, and hardly anything else if it lies elsewhere than in
        a folder "train" or "test" of the root."""
        songs = {place: stems for place, stems in self._songs(listing).items() if len(stems) > 1}
        return _is_found(songs, listing, (path for stems in songs.values() for path in stems.values()))

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track a song."""
        for place, stems in sorted(self._songs(listing).items(), key=lambda item: item[0].name):
            yield self._track(place, {stem: stems[stem] for stem in STEMS if stem in stems})


class Musdb18Layout(_Musdb):
    """``{train,test}/<song>.stem.mp4`` with the streams mixture, drums, bass, other and vocals.

    The streams are decoded once, into the user's cache. Splits, labels and the places where the folders may
    lie are those of ``musdb18hq``. Each stem was compressed by itself, so that the mixture is not exactly
    their sum.
    """

    name = "musdb18"
    title = "MUSDB18"

    def _songs(self, listing: Listing) -> dict[_Place, str]:
        songs: dict[_Place, str] = {}
        for path in listing.files:
            if path.lower().endswith(STEM_SUFFIX):
                place = _place(listing, path[: -len(STEM_SUFFIX)])
                if place is not None:
                    songs.setdefault(place, path)
        return _shallowest(songs)

    def detect(self, listing: Listing) -> bool:
        """Whether a song is there, and hardly anything else if it is further down."""
        songs = self._songs(listing)
        in_root = any(place.depth == 0 for place in songs)  # no other layout reads such files
        return in_root or _is_found(songs, listing, songs.values())

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track a song."""
        for place, path in sorted(self._songs(listing).items(), key=lambda item: item[0].name):
            yield self._track(place, dict.fromkeys(STEMS, path), container=path)


def _place(listing: Listing, path: str) -> _Place | None:
    """The place of a song at `path`, if it lies in a folder "train" or "test"; the root itself may be one."""
    parts = (listing.root.name, *path.split("/"))
    depth = len(parts) - 2
    if not path or depth > _DEEPEST or parts[depth].lower() not in SONGS:
        return None
    before = "/".join(parts[1:depth])
    return _Place(depth, before, parts[depth].lower(), parts[-1])


def _shallowest(songs: Mapping[_Place, T]) -> dict[_Place, T]:
    """Those that lie least deep; what lies deeper is something else that belongs to them."""
    depth = min((place.depth for place in songs), default=0)
    return {place: what for place, what in songs.items() if place.depth == depth}


def _is_found(songs: Iterable[_Place], listing: Listing, paths: Iterable[str]) -> bool:
    """Whether a folder may be taken for the set without being told."""
    depth = min((place.depth for place in songs), default=0)
    return depth == 1 or is_mostly(listing, paths)
