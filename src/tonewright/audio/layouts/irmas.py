"""IRMAS: excerpts of music, labelled with the instrument that predominates."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from tonewright.audio.layouts.base import (
    SUFFIXES,
    Listing,
    TrackFiles,
    is_mostly,
    preference,
    split_suffix,
)

INSTRUMENTS = {
    "cel": "cello",
    "cla": "clarinet",
    "flu": "flute",
    "gac": "acoustic guitar",
    "gel": "electric guitar",
    "org": "organ",
    "pia": "piano",
    "sax": "saxophone",
    "tru": "trumpet",
    "vio": "violin",
    "voi": "voice",
}
# Further tags of the names: "cla" is classical here, and the clarinet as the first tag.
TAGS = {
    "dru": "drums",
    "nod": "no drums",
    "cou_fol": "country-folk",
    "cla": "classical",
    "pop_roc": "pop-rock",
    "lat_sou": "latin-soul",
    "jaz_blu": "jazz-blues",
}
TRAINING, TESTING = 6705, 2874
_TRAINING_NAME = re.compile(r"(?:\d+__)?((?:\[[a-z_]+\])+)(\d+)__\d+", re.IGNORECASE)
_TESTING_FOLDER = re.compile(r"(?:IRMAS-)?Test(?:ing)?(?:Data)?(?:-?Part\s*\d+)?|Part\s*\d+", re.IGNORECASE)
_EXCERPT = re.compile(r"-\d+$")


class IrmasLayout:
    """``IRMAS-TrainingData/<instrument>/*.wav`` and ``IRMAS-TestingData-Part*/``, anywhere below the root.

    A training excerpt is known by its name, such as ``008__[cel][nod][cla]0058__1.wav``: the instrument that
    predominates (``voi`` is a voice over a band, not a voice alone), whether there are drums, the genre, the
    number of the song, and which of its excerpts this is. The number is the song, so that its excerpts stay
    together; songs are divided into train and validation by their hash.

    Testing excerpts are the test split. They lie in folders of the names above or ``Part1`` to ``Part3``, or
    have beside them a text file of their name that names instruments, one a line; these are their labels.

    Labels are words: "cello", "no drums", "classical".
    """

    name = "irmas"

    def detect(self, listing: Listing) -> bool:
        """Whether most of the sound is named or filed as IRMAS does it, with training names among them."""
        sounds = _sounds(listing)
        training = [path for bare, path in sounds.items() if _training(bare)]
        testing = [path for bare, path in sounds.items() if _in_testing_folder(listing, bare)]
        return bool(training or _named_for_irmas(listing)) and is_mostly(listing, [*training, *testing])

    def find(self, listing: Listing) -> Iterator[TrackFiles]:
        """One track an excerpt."""
        files = set(listing.files)
        for bare, path in sorted(_sounds(listing).items()):
            match, filed = _training(bare), _in_testing_folder(listing, bare)
            text = f"{bare}.txt" if f"{bare}.txt" in files else None
            if match is not None and not (filed and text):
                labels = _labels(match[1])
                yield TrackFiles(bare, match[2], {"mixture": path}, labels, test_share=0.0)
                continue
            labels = () if text is None else _annotation(listing.root / text)
            if labels or filed:
                song = _EXCERPT.sub("", bare.rpartition("/")[2])
                yield TrackFiles(bare, song, {"mixture": path}, labels, split="test")

    def missing(self, found: Sequence[TrackFiles]) -> Iterator[str]:
        """How many of the set's excerpts are here, unless all are, and how many are not annotated."""
        testing = [track for track in found if track.split == "test"]
        for part, here, total in (
            ("training", len(found) - len(testing), TRAINING),
            ("testing", len(testing), TESTING),
        ):
            if here < total:
                yield f"{part}: {here or 'none'} of {total} excerpts {'is' if here == 1 else 'are'} here"
        bare = sum(not track.labels for track in testing)
        if bare:
            yield f"testing: {bare} of {len(testing)} excerpts have no annotation beside them"


def _sounds(listing: Listing) -> dict[str, str]:
    """Sound files by their path without suffix; the preferred one of several formats."""
    sounds: dict[str, str] = {}
    for path in listing.files:
        bare, suffix = split_suffix(path)
        if suffix in SUFFIXES and (bare not in sounds or preference(path) < preference(sounds[bare])):
            sounds[bare] = path
    return sounds


def _training(bare: str) -> re.Match[str] | None:
    """The parts of a training excerpt's name."""
    match = _TRAINING_NAME.fullmatch(bare.rpartition("/")[2])
    return match if match and _labels(match[1]) else None


def _labels(tags: str) -> tuple[str, ...]:
    """Words for tags such as "[cel][nod][cla]"; none where the first is no instrument."""
    first, *others = tags.lower().strip("[]").split("][")
    if first not in INSTRUMENTS:
        return ()
    return (INSTRUMENTS[first], *(TAGS.get(tag, tag) for tag in others))


def _in_testing_folder(listing: Listing, bare: str) -> bool:
    folders = (listing.root.name, *bare.split("/")[:-1])
    return any(_TESTING_FOLDER.fullmatch(name) for name in folders)


def _named_for_irmas(listing: Listing) -> bool:
    """Whether the root or a folder in it has the set's name."""
    names = {listing.root.name, *(path.split("/")[0] for path in listing.files if "/" in path)}
    return any(name.upper().startswith("IRMAS") for name in names)


def _annotation(path: Path) -> tuple[str, ...]:
    """The instruments that a text file names, one a line; none where it is something else."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").split()
    except OSError:
        return ()
    words = dict.fromkeys(line.lower() for line in lines)
    return tuple(INSTRUMENTS[word] for word in words) if all(word in INSTRUMENTS for word in words) else ()
