"""The pool of real sound: a manifest names every piece and where it lies."""

from __future__ import annotations

from collections.abc import Iterator

from tonewright.audio.layouts.base import Listing, TrackFiles
from tonewright.audio.sources.manifest import MANIFEST, Piece, read_manifest


class PoolLayout:
    """``manifest.csv`` beside arrays of joined pieces, as `tonewright data pool` makes them.

    A track is one piece of the manifest; its labels are the part of the pool and the piece's own.
    """

    name = "pool"

    def detect(self, listing: Listing) -> bool:
        """Whether there is a manifest that begins as the pool's does."""
        if MANIFEST not in listing.files:
            return False
        first = ",".join(Piece.columns())
        try:
            with (listing.root / MANIFEST).open(encoding="utf-8", errors="replace") as lines:
                return lines.readline(len(first) + 2).strip() == first
        except OSError:
            return False

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track a piece."""
        pieces = read_manifest(listing.root / MANIFEST) if MANIFEST in listing.files else ()
        for piece in pieces:
            yield TrackFiles(
                name=piece.name,
                song=piece.song,
                stems=piece.stem_paths(),
                labels=(piece.part, *piece.labels),
                start=piece.start,
                frames=piece.frames,
                bandwidth_hz=piece.bandwidth_hz or None,
            )
