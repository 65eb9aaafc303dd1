"""MUSDB18-HQ."""

from __future__ import annotations

from collections.abc import Iterator

from tonewright.audio.layouts.base import SUFFIXES, Listing, TrackFiles, preference, split_suffix


class Musdb18HqLayout:
    """``{train,test}/<song>/{mixture,drums,bass,other,vocals}.wav``; other folders beside are left alone.

    ``test`` is the test split; the songs of ``train`` are divided into train and validation by their
    hash. A song may lack stems, the mixture too; other suffixes than .wav are taken as well.
    """

    name = "musdb18hq"
    STEMS = ("mixture", "drums", "bass", "other", "vocals")
    FOLDERS = ("train", "test")

    def _songs(self, listing: Listing) -> dict[tuple[str, str], dict[str, str]]:
        songs: dict[tuple[str, str], dict[str, str]] = {}
        for path in listing.files:
            parts = path.split("/")
            if len(parts) != 3 or parts[0] not in self.FOLDERS:
                continue
            stem, suffix = split_suffix(parts[2])
            if stem not in self.STEMS or suffix not in SUFFIXES:
                continue
            stems = songs.setdefault((parts[0], parts[1]), {})
            if stem not in stems or preference(path) < preference(stems[stem]):
                stems[stem] = path
        return songs

    def detect(self, listing: Listing) -> bool:
        """Whether a song of two stems or more is there."""
        return any(len(stems) > 1 for stems in self._songs(listing).values())

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track a song."""
        for (folder, song), stems in sorted(self._songs(listing).items()):
            ordered = {stem: stems[stem] for stem in self.STEMS if stem in stems}
            split = "test" if folder == "test" else None
            yield TrackFiles(f"{folder}/{song}", song, ordered, split=split, test_share=0.0)
