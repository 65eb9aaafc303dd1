"""Windows of sound from a corpus, each decided by (seed, epoch, index) alone.

The same for any number of workers and machines and after a resume: nothing is remembered from one window
to the next. Random windows draw their place from numbers of their own (`tonewright.audio.chance`); fixed
windows spread their places evenly.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import replace
from itertools import count
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tonewright.audio.chance import integer, numbers
from tonewright.audio.clips import fit_length
from tonewright.audio.timeline import Place, Sounds, Timeline, WindowSettings
from tonewright.errors import UsageError

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus

__all__ = ["Augmentation", "FixedWindows", "Place", "Sounds", "WindowSettings", "Windows"]

_GOLDEN = (math.sqrt(5) - 1) / 2  # its multiples, modulo 1, are spread evenly however many are taken
_WINDOW, _AUGMENTATION, _DONOR = range(3)  # streams of random numbers within one (seed, epoch, index)


class Augmentation(Protocol):
    """What `Windows` asks of an augmentation; `tonewright.audio.augment.Chain` is one."""

    def draw(self, seed: int) -> dict[str, Any]:
        """The parameters that belong to a seed."""
        ...

    def input_frames(self, frames: int, parameters: Mapping[str, Any]) -> int:
        """How many frames must go in for `frames` to come out."""
        ...

    def apply(
        self,
        sound: Any,
        parameters: Mapping[str, Any],
        *,
        sample_rate: int,
        donor: Callable[[], Sounds] | None = None,
    ) -> Any:
        """The sound with the parameters applied; `donor` gives another window, for swaps of stems."""
        ...


class Windows:
    """Random windows, by (epoch, index): the same for the same seed, whoever asks, in whatever order.

    A window that is silent, or in a file that is gone, broken or holds NaN, is replaced by the next that its
    own random numbers give; a broken file is logged once. A track shorter than a window is followed by zeros.

    Parameters
    ----------
    corpus : tracks; those that lack one of the stems are left out
    settings : what a window is
    seed : any integer
    length : windows an epoch
    augment : applied to each window with parameters drawn from (seed, epoch, index)
    """

    def __init__(
        self,
        corpus: Corpus,
        settings: WindowSettings,
        *,
        seed: int,
        length: int,
        augment: Augmentation | None = None,
    ) -> None:
        if length < 1:
            raise UsageError(f"windows per epoch is {length}: must be 1 or more")
        self.corpus, self.seed, self.length, self.augment = corpus, seed, length, augment
        self._timeline = Timeline(corpus, settings)
        self.settings = self._timeline.settings  # with the labels that there are

    def __len__(self) -> int:
        """Windows an epoch."""
        return self.length

    def __getitem__(self, key: tuple[int, int]) -> Sounds:
        """The window (epoch, index): stem name to float32 (channels, time)."""
        frames = self.settings.frames
        if self.augment is None:
            return self._draw(key, _WINDOW, frames)[1]
        parameters = self.parameters(key)
        wide = self.augment.input_frames(frames, parameters)
        sounds = self.augment.apply(
            self._draw(key, _WINDOW, wide)[1],
            parameters,
            sample_rate=self.settings.sample_rate,
            donor=lambda: self._draw(key, _DONOR, wide)[1],
        )
        return {stem: np.ascontiguousarray(fit_length(x, frames), np.float32) for stem, x in sounds.items()}

    def place(self, key: tuple[int, int]) -> Place:
        """Where the window (epoch, index) lies."""
        wide = self.settings.frames
        if self.augment is not None:
            wide = self.augment.input_frames(wide, self.parameters(key))
        return self._draw(key, _WINDOW, wide)[0]

    def parameters(self, key: tuple[int, int]) -> dict[str, Any]:
        """What the augmentation does to the window (epoch, index)."""
        if self.augment is None:
            return {}
        return self.augment.draw(integer(self.seed, *self._checked(key), _AUGMENTATION))

    def _draw(self, key: tuple[int, int], stream: int, frames: int) -> tuple[Place, Sounds]:
        return self._timeline.first_audible(numbers(self.seed, *self._checked(key), stream), frames)

    def _checked(self, key: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= key[1] < self.length:
            raise IndexError(f"window {key[1]} of {self.length}")
        return key


class FixedWindows:
    """Windows at fixed places, spread evenly over the corpus, for validation; never augmented.

    One that is silent or broken is replaced by another fixed place.

    Parameters
    ----------
    corpus : tracks; those that lack one of the stems are left out
    settings : what a window is
    length : how many windows
    """

    def __init__(self, corpus: Corpus, settings: WindowSettings, *, length: int) -> None:
        if length < 1:
            raise UsageError(f"number of validation windows is {length}: must be 1 or more")
        self.corpus, self.length = corpus, length
        self._timeline = Timeline(corpus, settings)
        self.settings = self._timeline.settings

    def __len__(self) -> int:
        """How many windows."""
        return self.length

    def __getitem__(self, key: int) -> Sounds:
        """Window `key`: stem name to float32 (channels, time)."""
        return self._draw(key)[1]

    def place(self, key: int) -> Place:
        """Where window `key` lies."""
        return self._draw(key)[0]

    def resized(self, *, seconds: float, length: int) -> FixedWindows:
        """Other windows of the same sound: so many of that length."""
        return FixedWindows(self.corpus, replace(self.settings, seconds=seconds), length=length)

    def _draw(self, key: int) -> tuple[Place, Sounds]:
        if not 0 <= key < self.length:
            raise IndexError(f"window {key} of {self.length}")
        middle = (key + 0.5) / self.length
        places = ((middle + _GOLDEN * attempt) % 1 for attempt in count())
        return self._timeline.first_audible(places, self.settings.frames)
