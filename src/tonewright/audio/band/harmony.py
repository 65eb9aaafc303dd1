"""Keys, chords and forms."""

from __future__ import annotations

import numpy as np

from tonewright.audio.band.score import Key, Section

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    "dorian": (0, 2, 3, 5, 7, 9, 10),
    "mixolydian": (0, 2, 4, 5, 7, 9, 10),
}

# Degrees counted from 0, one a bar.
_PROGRESSIONS = {
    "major": (
        (0, 4, 5, 3),
        (0, 5, 3, 4),
        (5, 3, 0, 4),
        (0, 3, 1, 4),
        (3, 4, 2, 5),
        (0, 2, 3, 4),
        (1, 4, 0, 5),
    ),
    "minor": ((0, 5, 2, 6), (0, 3, 6, 2), (0, 6, 5, 6), (5, 6, 0, 0), (0, 3, 0, 4), (0, 2, 5, 6)),
    "dorian": ((0, 3, 0, 3), (0, 2, 3, 6), (0, 6, 3, 0), (1, 3, 0, 0)),
    "mixolydian": ((0, 6, 3, 0), (0, 3, 6, 3), (0, 4, 6, 3), (6, 3, 0, 0)),
}

_FORMS = (
    (("intro", 1), ("verse", 2), ("chorus", 2), ("break", 1), ("chorus", 2)),
    (("verse", 2), ("chorus", 2), ("verse", 1), ("chorus", 2)),
    (("chorus", 2), ("verse", 2), ("break", 1), ("chorus", 2), ("outro", 1)),
    (("intro", 1), ("verse", 3), ("chorus", 3), ("outro", 1)),
    (("verse", 2), ("chorus", 2), ("bridge", 2), ("chorus", 2)),
    (("intro", 1), ("verse", 2), ("bridge", 1), ("chorus", 3)),
)
_SHORT_FORMS = ((("verse", 1), ("chorus", 1)), (("chorus", 1), ("verse", 1)))


def draw_key(rng: np.random.Generator) -> Key:
    """A tonic and a mode, major and minor being the most frequent."""
    mode = rng.choice(["major", "minor", "dorian", "mixolydian"], p=[0.4, 0.35, 0.13, 0.12])
    return Key(int(rng.integers(12)), str(mode))


def draw_sections(bars: int, rng: np.random.Generator) -> tuple[Section, ...]:
    """Sections that fill ``bars`` exactly, in the proportions of a form drawn at random."""
    forms = _FORMS if bars >= 8 else _SHORT_FORMS
    form = forms[int(rng.integers(len(forms)))][: max(1, bars)]
    ends = np.cumsum([share for _, share in form])
    edges = np.rint(ends * bars / ends[-1]).astype(int)
    if bars >= 12:  # whole sections of two bars, the last takes what is left
        edges[:-1] = 2 * np.rint(edges[:-1] / 2).astype(int)
    starts = np.concatenate([[0], edges[:-1]])
    return tuple(
        Section(name, int(first), int(last - first))
        for (name, _), first, last in zip(form, starts, edges, strict=True)
        if last > first
    )


def chord(key: Key, degree: int, *, seventh: bool) -> tuple[int, ...]:
    """Pitch classes of the triad (or seventh chord) on a degree of the key, the root first."""
    scale = SCALES[key.mode]
    steps = (0, 2, 4, 6) if seventh else (0, 2, 4)
    return tuple((key.tonic + scale[(degree + step) % 7]) % 12 for step in steps)


def draw_chords(
    key: Key, sections: tuple[Section, ...], rng: np.random.Generator
) -> tuple[tuple[int, ...], ...]:
    """One chord a bar; sections of the same name share their progression."""
    seventh_share = rng.choice([0.1, 0.35, 0.8])
    choices = _PROGRESSIONS[key.mode]
    progressions: dict[str, list[tuple[int, ...]]] = {}
    chords: list[tuple[int, ...]] = []
    for section in sections:
        if section.name not in progressions:
            degrees = choices[int(rng.integers(len(choices)))]
            progressions[section.name] = [
                chord(key, degree, seventh=bool(rng.random() < seventh_share)) for degree in degrees
            ]
        progression = progressions[section.name]
        chords.extend(progression[bar % len(progression)] for bar in range(section.bars))
    return tuple(chords)


def voicing(pitch_classes: tuple[int, ...], center: float) -> tuple[int, ...]:
    """The chord as MIDI pitches in the octave around ``center``, from low to high."""
    return tuple(sorted(int(pc + 12 * np.rint((center - pc) / 12)) for pc in pitch_classes))


def scale_pitches(key: Key, low: float, high: float) -> np.ndarray:
    """MIDI pitches of the key's scale within a range."""
    pitches = np.arange(int(np.ceil(low)), int(high) + 1)
    return pitches[np.isin((pitches - key.tonic) % 12, SCALES[key.mode])]
