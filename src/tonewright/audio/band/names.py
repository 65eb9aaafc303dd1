"""Names of songs that do not exist, and where they lie."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tonewright.audio.corpus import split_of

_FIRST = (
    "Amber", "Velvet", "Northern", "Paper", "Silver", "Quiet", "Copper", "Midnight", "Golden", "Hollow",
    "Electric", "Salt", "Winter", "Scarlet", "Wooden", "Little", "Slow", "Marble", "Distant", "Morning",
)  # fmt: skip
_SECOND = (
    "Harbour", "Foxes", "Parade", "Lanterns", "Orchard", "Radio", "Sparrows", "Tigers", "Avenue", "Engines",
    "Gardens", "Kites", "Mirrors", "Pilots", "Rivers", "Satellites", "Shadows", "Theatre", "Wolves", "Union",
)  # fmt: skip
_THIRD = (
    "Running", "Falling", "Leaving", "Under", "Beyond", "Hold", "After", "Calling", "Chasing", "Counting",
    "Waiting for", "Never", "Back to", "Dancing on", "Letters from", "Half of", "Burning", "Lost in",
)  # fmt: skip
_FOURTH = (
    "the Rain", "Tomorrow", "Home", "the Lights", "Summer", "Your Name", "the River", "Sunday", "the City",
    "Water", "the Moon", "Nowhere", "My Heart", "the Stars", "Silence", "Colours", "the Tide", "Gravity",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class PlannedSong:
    """A song before it is written; ``folder`` is relative, ``train/<name>`` or ``test/<name>``."""

    index: int
    name: str
    folder: str


def song_name(rng: np.random.Generator, *, accepted: Callable[[str], bool]) -> str:
    """A name ``Artist - Title`` for which ``accepted`` holds."""
    for attempt in range(100_000):
        artist, band, verb, thing = (
            words[int(rng.integers(len(words)))] for words in (_FIRST, _SECOND, _THIRD, _FOURTH)
        )
        name = f"{artist} {band} - {verb} {thing}"
        if attempt > 5_000:  # the words are used up; number the rest
            name = f"{name} {attempt - 5_000}"
        if accepted(name):
            return name
    raise ValueError("no name was accepted")


def plan_songs(songs: int, seed: int) -> tuple[PlannedSong, ...]:
    """Names and folders. Of every five songs the fourth goes to ``test``.

    Names are chosen so that every tenth song, from the second on, hashes to validation and the other
    songs of ``train`` to train; three splits are there from four songs on.
    """
    planned: list[PlannedSong] = []
    taken: set[str] = set()
    for index in range(songs):
        wanted = "validation" if index % 10 == 1 else "train"
        rng = np.random.default_rng([seed, index, 1 << 21])
        name = song_name(
            rng,
            accepted=lambda name, wanted=wanted: name not in taken and split_of(name, test=0.0) == wanted,
        )
        taken.add(name)
        planned.append(PlannedSong(index, name, f"{'test' if index % 5 == 3 else 'train'}/{name}"))
    return tuple(planned)
