"""Any folder of sound."""

from __future__ import annotations

from collections.abc import Iterator

from tonewright.audio.layouts.base import SUFFIXES, Listing, TrackFiles, split_suffix


class FolderLayout:
    """Any folder: every sound file below it is a track of its own, with the one stem "mixture".

    The song is the path below the folder without its suffix, and so is the name, with the suffix
    where two files differ in it alone.
    """

    name = "folder"

    def detect(self, listing: Listing) -> bool:
        """Any folder will do."""
        return True

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track a file."""
        sounds = [(path, *split_suffix(path)) for path in listing.files]
        sounds = [(path, bare) for path, bare, suffix in sounds if suffix in SUFFIXES]
        counts: dict[str, int] = {}
        for _, bare in sounds:
            counts[bare] = counts.get(bare, 0) + 1
        for path, bare in sounds:
            yield TrackFiles(bare if counts[bare] == 1 else path, bare, {"mixture": path})
