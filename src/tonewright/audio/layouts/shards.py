"""Shards: tar archives of samples, as `tonewright data shard` and WebDataset make them."""

from __future__ import annotations

from collections.abc import Iterator

from tonewright.audio.layouts.base import SUFFIXES, Listing, TrackFiles, split_suffix


class ShardsLayout:
    """Tars of samples, with an ``index.json`` beside them or without; a track is one sample.

    A piece of a song is a track of that song, in the split that it was stored in.
    """

    name = "shards"

    def detect(self, listing: Listing) -> bool:
        """Whether there is an index of shards, or sound in a tar and none beside it."""
        from tonewright.audio.shards.entries import scanned_entries
        from tonewright.audio.shards.index import INDEX, has_index

        if INDEX in listing.files and has_index(listing.root):
            return True
        tars = _tars(listing)
        if not tars or any(split_suffix(path)[1] in SUFFIXES for path in listing.files):
            return False
        return next(scanned_entries(listing.root, tars[:1]), None) is not None

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track a sample."""
        from tonewright.audio.shards.entries import indexed_entries, scanned_entries
        from tonewright.audio.shards.index import has_index

        root = listing.root
        for entry in indexed_entries(root) if has_index(root) else scanned_entries(root, _tars(listing)):
            yield TrackFiles(
                name=entry.name,
                song=entry.song,
                stems={stem: entry.path(stem) for stem in entry.members},
                labels=entry.labels,
                split=entry.split,
                frames=entry.frames,
                bandwidth_hz=entry.bandwidth_hz,
            )


def _tars(listing: Listing) -> list[str]:
    return [path for path in listing.files if path.endswith(".tar")]
