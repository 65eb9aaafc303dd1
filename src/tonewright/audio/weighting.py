"""How often each track is drawn: by its length or its song, and by what it is labelled."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tonewright.errors import UsageError

logger = logging.getLogger("tonewright")

if TYPE_CHECKING:
    from tonewright.audio.corpus import Track

WEIGHTINGS = ("length", "song")


def check_proportions(proportions: Mapping[str, float], *, name: str = "proportions") -> None:
    """Refuse proportions that no draw can follow."""
    for label, share in proportions.items():
        if not 0 <= share < math.inf:
            raise UsageError(f"{name}.{label} is {share:g}: must be 0 or more")
    if proportions and not any(proportions.values()):
        raise UsageError(f"{name} are all 0: at least one must be more")


def label_of(track: Track, labels: Iterable[str]) -> str | None:
    """The last of the labels, in the order given, that a track carries.

    What is added on a command line comes last, and a track that it names leaves the part that it is in.
    """
    return next((label for label in reversed(tuple(labels)) if label in track.labels), None)


def present(tracks: Iterable[Track], proportions: Mapping[str, float]) -> dict[str, float]:
    """The proportions of those labels by which some track is drawn."""
    found = {label_of(track, proportions) for track in tracks}
    return {label: share for label, share in proportions.items() if label in found}


def known(tracks: Sequence[Track], proportions: Mapping[str, float], *, root: object) -> dict[str, float]:
    """The proportions of labels that there are; the others are logged, in one line.

    Parameters
    ----------
    tracks : those to choose from
    proportions : label to ratio
    root : whose tracks they are, for messages

    Raises
    ------
    UsageError
        If no track has any of the labels.
    """
    kept = present(tracks, proportions)
    absent = [label for label in proportions if label not in kept]
    if absent and not any(kept.values()):
        labels = sorted({label for track in tracks for label in track.labels})
        there = f"it has {', '.join(labels[:20])}" if labels else "its tracks carry no labels"
        raise UsageError(f"{root}: proportions name {', '.join(absent)}, which no track is labelled; {there}")
    if absent:
        logger.info("%s: no track is drawn as %s; the others share its proportion", root, ", ".join(absent))
    return kept


def weights(
    tracks: Sequence[Track],
    lengths: Sequence[int],
    *,
    least: int,
    weighting: str,
    proportions: Mapping[str, float],
) -> np.ndarray:
    """How often each track is drawn, in proportion.

    Parameters
    ----------
    tracks : to choose from
    lengths : of each, in frames
    least : frames that a shorter track counts as
    weighting : "length", a track counts by its length; "song", every song alike, its tracks by length
    proportions : how often tracks of each label are drawn, as ratios; those of no named label never are.
        None: labels do not count. Tracks of several named labels count under the last.

    Returns
    -------
    (tracks,)
    """
    values = np.maximum(np.array(lengths, np.float64), least)
    if weighting == "song":
        values /= _totals([track.song for track in tracks], values)
    if proportions:
        labels = [label_of(track, proportions) for track in tracks]
        values *= np.array([proportions.get(label or "", 0.0) for label in labels]) / _totals(labels, values)
    return values


def _totals(groups: Sequence[str | None], values: np.ndarray) -> np.ndarray:
    """For each value the sum of its group."""
    sums: dict[str | None, float] = {}
    for group, value in zip(groups, values, strict=True):
        sums[group] = sums.get(group, 0.0) + value
    return np.array([sums[group] for group in groups])
