"""Songs in folders of their own, with stems by their usual names."""

from __future__ import annotations

from collections.abc import Iterator

from tonewright.audio.layouts.base import SUFFIXES, Listing, TrackFiles, is_mostly, preference, split_suffix
from tonewright.audio.layouts.folder import FolderLayout

NAMES = ("mixture", "drums", "bass", "other", "vocals", "accompaniment", "guitar", "piano")
_TELLING = frozenset({"mixture", "vocals"})  # a folder with drums.wav and bass.wav alone may be of one-shots


class StemsLayout:
    """``<song>/{mixture,drums,bass,other,vocals,accompaniment,guitar,piano}.wav`` at any depth.

    A folder is a song where it holds two such files or more, the mixture or the vocals among them. The song
    is its path, that of the root its name, so that its stems stay in one split. Every other sound file is a
    track of its own.
    """

    name = "stems"

    def _songs(self, listing: Listing) -> dict[str, dict[str, str]]:
        songs: dict[str, dict[str, str]] = {}
        for path in listing.files:
            folder, stem = _folder_and_stem(path)
            if stem not in NAMES or split_suffix(path)[1] not in SUFFIXES:
                continue
            stems = songs.setdefault(folder, {})
            if stem not in stems or preference(path) < preference(stems[stem]):
                stems[stem] = path
        return {song: stems for song, stems in songs.items() if len(stems) > 1 and _TELLING & stems.keys()}

    def detect(self, listing: Listing) -> bool:
        """Whether most of the sound there is songs with stems."""
        return is_mostly(
            listing, (path for stems in self._songs(listing).values() for path in stems.values())
        )

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track a song, and one for every file beside them."""
        songs = self._songs(listing)
        for song, stems in sorted(songs.items()):
            name = song or listing.root.name
            yield TrackFiles(name, name, {stem: stems[stem] for stem in NAMES if stem in stems})
        loose = (path for path in listing.files if _folder_and_stem(path)[0] not in songs or _is_loose(path))
        yield from FolderLayout().find(Listing(listing.root, tuple(loose)))


def _folder_and_stem(path: str) -> tuple[str, str]:
    folder, _, file = path.rpartition("/")
    return folder, split_suffix(file)[0].lower()


def _is_loose(path: str) -> bool:
    return _folder_and_stem(path)[1] not in NAMES
