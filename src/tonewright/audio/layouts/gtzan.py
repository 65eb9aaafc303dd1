"""GTZAN: a thousand excerpts of half a minute in ten genres."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence

from tonewright.audio.layouts.base import SUFFIXES, Listing, TrackFiles, is_mostly, preference, split_suffix

GENRES = (
    *("blues", "classical", "country", "disco", "hiphop"),
    *("jazz", "metal", "pop", "reggae", "rock"),
)
EACH = 100
_NAME = re.compile(rf"({'|'.join(GENRES)})\.(\d{{5}})", re.IGNORECASE)
_BROKEN = "jazz.00054"
_REMARK = "many copies of GTZAN hold this very file broken, and are used without it"


class GtzanLayout:
    """``genres/<genre>/<genre>.NNNNN.au`` or ``genres_original/<genre>/<genre>.NNNNN.wav``, anywhere below.

    A file is known by its name alone, whatever the folders are called. The song is the file: which excerpts
    are of one recording is not part of the set. It has no splits of its own; songs are divided by their hash.
    The label is the genre. Of an excerpt that is there in several formats one is taken, .wav before .au.

    The set holds some excerpts twice, sample for sample, under two numbers (Sturm, "The GTZAN dataset: its
    contents, its faults, their effects on evaluation, and its future use", 2013); these stay in one split, as
    all copies do.
    """

    name = "gtzan"

    def _excerpts(self, listing: Listing) -> dict[str, str]:
        """Paths by the names of excerpts."""
        excerpts: dict[str, str] = {}
        for path in listing.files:
            bare, suffix = split_suffix(path)
            match = _NAME.fullmatch(bare.rpartition("/")[2])
            if match is None or suffix not in SUFFIXES:
                continue
            name = f"{match[1].lower()}.{match[2]}"
            if name not in excerpts or preference(path) < preference(excerpts[name]):
                excerpts[name] = path
        return excerpts

    def detect(self, listing: Listing) -> bool:
        """Whether most of the sound is named as GTZAN does it."""
        sounds = ((path, *split_suffix(path)) for path in listing.files)
        named = [
            p for p, bare, suffix in sounds if suffix in SUFFIXES and _NAME.fullmatch(bare.rpartition("/")[2])
        ]
        return bool(named) and is_mostly(listing, named)

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track an excerpt."""
        for name, path in sorted(self._excerpts(listing).items()):
            remark = _REMARK if name == _BROKEN else ""
            yield TrackFiles(name, name, {"mixture": path}, (name.partition(".")[0],), remark=remark)

    def missing(self, found: Sequence[TrackFiles]) -> Iterator[str]:
        """How many of the set's excerpts are here, unless all are, with the genres that are not whole."""
        counts = Counter(track.labels[0] for track in found)
        if len(found) < EACH * len(GENRES):
            partly = [f"{genre} {counts[genre]}" for genre in GENRES if 0 < counts[genre] < EACH]
            absent = [genre for genre in GENRES if not counts[genre]]
            details = [f"of {EACH} each: {', '.join(partly)}"] if partly else []
            details += [f"nothing of {', '.join(absent)}"] if absent else []
            here = f"{len(found)} of {EACH * len(GENRES)} excerpts {'is' if len(found) == 1 else 'are'} here"
            yield f"{here} ({'; '.join(details)})"
