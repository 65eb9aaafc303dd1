"""Names of songs that do not exist."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

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
