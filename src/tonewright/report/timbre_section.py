"""A few sounds' timbre as a section of a page of something larger: a strip of figures, and the sounds."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from tonewright.audio.files import Clip
from tonewright.report.page import Report
from tonewright.report.timbre_figures import heat
from tonewright.timbre.analysis.words import MEANINGS
from tonewright.timbre.description import Description
from tonewright.timbre.names import DESCRIPTORS

_SCALE = DESCRIPTORS[:-1]
_TOLD = 20.0


def timbre_section(
    page: Report,
    descriptions: Mapping[str, Description],
    *,
    sounds: Mapping[str, Clip] | None = None,
) -> None:
    """Add what sounds read as: every descriptor of each as a coloured figure, and players.

    Parameters
    ----------
    page : the page, under construction
    descriptions : name of a sound to its description; a handful
    sounds : the sounds by the same names, to hear
    """
    page.heading("What the sounds are like")
    page.text(
        "Eight descriptors of timbre, after models fitted to listeners' ratings: from 0, little of it, to "
        "100, much of it; of reverb, how likely it is, in percent."
    )
    values = strip(descriptions)
    page.figure(
        heat(
            values,
            rows=list(descriptions),
            columns=DESCRIPTORS,
            words=[["–" if np.isnan(value) else f"{value:.0f}" for value in row] for row in values],
            limits=(0.0, 100.0),
            colours="YlGnBu",
        ),
        caption=told_apart(descriptions),
        alt="Table of the descriptors of each sound, coloured by their value.",
    )
    heard = [(name, sounds[name]) for name in descriptions if name in sounds] if sounds else []
    if heard:
        page.listen(heard, caption="The same sounds: listen for what the figures say.")


def strip(descriptions: Mapping[str, Description]) -> np.ndarray:
    """Values to show, (sounds, 8), reverb's as its probability in percent where there is one."""
    rows = []
    for found in descriptions.values():
        reverb = found.values.get("reverb_probability", found.values["reverb"])
        rows.append([*(found.values[name] for name in _SCALE), 100 * reverb])
    return np.array(rows, np.float64).reshape(len(rows), len(DESCRIPTORS))


def told_apart(descriptions: Mapping[str, Description]) -> str:
    """In words: which sound has most and least of the two descriptors that differ most between them."""
    values = strip(descriptions)[:, : len(_SCALE)]
    sentences = []
    if len(values) and np.isfinite(values).any():
        known = [at for at in range(len(_SCALE)) if np.isfinite(values[:, at]).any()]
        spans = {at: float(np.nanmax(values[:, at]) - np.nanmin(values[:, at])) for at in known}
        names = list(descriptions)
        for at in sorted(known, key=lambda at: -spans[at])[:2]:
            if spans[at] >= _TOLD:
                most, least = names[int(np.nanargmax(values[:, at]))], names[int(np.nanargmin(values[:, at]))]
                little, much, _ = MEANINGS[_SCALE[at]]
                sentences.append(
                    f"{_SCALE[at].capitalize()} sets {most} ({much}) apart from {least} ({little})."
                )
    return " ".join(sentences) or "The descriptors of each sound, from 0 to 100."
