"""Short pieces in sequence: notes become a phrase, strokes a groove, words a speech.

What follows what is decided by one number, so that a window needs no more than its own.
"""

from __future__ import annotations

import math
import random
import re
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from tonewright.audio.corpus import Track

_PITCH = re.compile(r"[A-G][#♯sb♭]?-?\d")
_NOTE_SECONDS = (0.12, 1.6)  # from one onset to the next, even in octaves
_STROKE_SECONDS = (0.08, 0.6)
_REST_SECONDS = 0.1  # at most, after a note that ends before the next
_PAUSE_SECONDS = 0.35  # at most, after anything else
_LEAST_SECONDS = 0.05
_FADE_SECONDS = 0.03


class Piece(NamedTuple):
    """Part of a track in a phrase."""

    index: int  # of the track
    start: int  # first frame of the track that is heard
    onset: int  # where in the window
    frames: int
    cut: bool  # whether it ends before the track does, and is faded out


class Phrases:
    """Which pieces follow one another: those that agree in all labels but the pitch.

    A piece labelled "note" sounds until the next begins; one labelled "drum" rings on; anything else is heard
    out, with a pause after it.

    Parameters
    ----------
    tracks : to choose from
    lengths : of each, in frames at `sample_rate`
    sample_rate : of the windows
    """

    def __init__(self, tracks: Sequence[Track], lengths: Sequence[int], *, sample_rate: int) -> None:
        self._lengths, self._rate = lengths, sample_rate
        groups: dict[tuple[str, ...], list[int]] = {}
        self._kinds: list[tuple[str, ...]] = []
        for index, track in enumerate(tracks):
            kind = tuple(label for label in track.labels if not _PITCH.fullmatch(label))
            groups.setdefault(kind, []).append(index)
            self._kinds.append(kind)
        self._groups = groups

    def fills(self, index: int, frames: int) -> bool:
        """Whether a window at this track holds a phrase: it is a note or a stroke, or too short for one."""
        kind = self._kinds[index]
        return "note" in kind or "drum" in kind or self._lengths[index] < frames

    def pieces(self, u: float, index: int, frames: int) -> Iterator[Piece]:
        """The pieces of a window, beginning somewhere within track `index`.

        Parameters
        ----------
        u : decides everything
        index : of the first track
        frames : length of the window
        """
        chance = random.Random(u).random
        kind = self._kinds[index]
        group = self._groups[kind]
        step, sounding = self._steps(kind, index, chance)
        onset = -int(chance() * min(step, sounding))
        while onset < frames:
            start, end = max(0, -onset), min(sounding, frames - onset)
            if end > start:
                yield Piece(index, start, onset + start, end - start, end == sounding < self._lengths[index])
            onset += step
            index = group[int(chance() * len(group))]
            step, sounding = self._steps(kind, index, chance)

    def _steps(self, kind: tuple[str, ...], index: int, chance: Callable[[], float]) -> tuple[int, int]:
        """Frames from this onset to the next, and how many of the track are heard."""
        length, drawn = self._lengths[index], chance()
        if "drum" in kind:
            return self._frames(_log_between(*_STROKE_SECONDS, drawn)), length
        if "note" in kind:
            longest = length + self._frames(_REST_SECONDS)
            step = min(self._frames(_log_between(*_NOTE_SECONDS, drawn)), longest)
            return step, min(length, step + self._frames(_FADE_SECONDS))
        return max(length + self._frames(drawn * _PAUSE_SECONDS), self._frames(_LEAST_SECONDS)), length

    def _frames(self, seconds: float) -> int:
        return max(1, round(seconds * self._rate))

    def fade(self, samples: np.ndarray) -> None:
        """Let (channels, time) end in silence, along half a cosine."""
        frames = min(samples.shape[-1], self._frames(_FADE_SECONDS))
        samples[:, -frames:] *= _fall(frames)


def _fall(frames: int) -> np.ndarray:
    """From nearly 1 to 0."""
    return np.float32(0.5) + np.float32(0.5) * np.cos(
        np.pi * np.arange(1, frames + 1, dtype=np.float32) / frames
    )


def _log_between(low: float, high: float, u: float) -> float:
    return low * math.exp(u * math.log(high / low))
