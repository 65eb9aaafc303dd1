"""Voice over accompaniment, mixed as they are asked for: windows for whoever learns to tell the two apart.

The voices and the accompaniments of a corpus are recordings of their own, told by their labels. A window
takes one of each at gains of its own; their sum is the mixture. Some windows are hard negatives instead: a
lone instrument, an accompaniment or a voice by itself, silence. Speech is often recorded with less bandwidth
than music, and would be known by that alone: so both are cut off where the narrower of them ends.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from tonewright.audio.chance import integer, numbers
from tonewright.audio.clips import fit_length
from tonewright.audio.equalising import lowpass
from tonewright.audio.remix_sources import Sources
from tonewright.audio.stems import ACCOMPANIMENT, MIXTURE, VOCALS
from tonewright.audio.timeline import Place, Sounds, WindowSettings
from tonewright.audio.weighting import check_proportions
from tonewright.audio.windows import Augmentation
from tonewright.dsp.levels import amplitude_from_db
from tonewright.errors import UsageError, nearest

if TYPE_CHECKING:
    from tonewright.audio.corpus import Corpus

STEMS = (MIXTURE, VOCALS, ACCOMPANIMENT)
KINDS = ("remix", "song", "instrument", "accompaniment", "voice", "silence")
_RECIPE, _AUGMENTATION, _DONOR = 0, 1, 8  # streams of random numbers; the sources have those between
_FIXED_SEED, _FIXED_EPOCH = 0, -1  # of windows for validation; no training has that epoch


def _shares() -> dict[str, float]:
    return {
        "remix": 0.7,
        "song": 0.1,
        "instrument": 0.08,
        "accompaniment": 0.04,
        "voice": 0.05,
        "silence": 0.03,
    }


@dataclass(frozen=True)
class RemixSettings:
    """What is mixed, and how often.

    Parameters
    ----------
    voices, accompaniments, instruments : labels that tell them; instruments are accompaniments as well
    shares : how often each kind of window is drawn, as ratios. "remix": a voice over an accompaniment;
        "song": both from one place of a song that has them as stems; "instrument": a lone instrument, no
        voice; "accompaniment": any, no voice; "voice": a lone voice; "silence": nothing at all, or faint
        noise as accompaniment. A kind that the corpus has no sound for is left to the others
    low_db, high_db : range of the gain of each stem
    equalise_probability : how often both stems are low-passed at the lesser of their bandwidths. A lone voice
        or instrument is cut off where one drawn from the other side ends
    least_cutoff_hz : the low-pass is never set below this, since a bass ends lower still by nature
    """

    voices: tuple[str, ...] = ("voices", "singing")
    accompaniments: tuple[str, ...] = ("music", "instruments", "songs")
    instruments: tuple[str, ...] = ("instruments",)
    shares: dict[str, float] = field(default_factory=_shares, hash=False)
    low_db: float = -6.0
    high_db: float = 6.0
    equalise_probability: float = 1.0
    least_cutoff_hz: float = 6000.0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        for kind in self.shares:
            if kind not in KINDS:
                raise UsageError(f"remix.shares.{kind} is no kind of window; {nearest(kind, KINDS)}")
        check_proportions(self.shares, name="remix.shares")
        if not self.low_db <= self.high_db:
            raise UsageError(f"remix.low_db is {self.low_db:g}: exceeds high_db, {self.high_db:g}")
        if not 0 <= self.equalise_probability <= 1:
            raise UsageError(
                f"remix.equalise_probability is {self.equalise_probability:g}: must lie between 0 and 1"
            )
        if not self.least_cutoff_hz > 0:
            raise UsageError(f"remix.least_cutoff_hz is {self.least_cutoff_hz:g}: must be above 0")

    def with_both(self) -> RemixSettings:
        """The same without the kinds of which one stem is silent: a ratio to it has no meaning."""
        both = {kind: self.shares.get(kind, 0.0) for kind in ("remix", "song")}
        return replace(self, shares=both if any(both.values()) else {"remix": 1.0})


class Recipe(NamedTuple):
    """How a window was made."""

    kind: str
    voice: Place | None
    accompaniment: Place | None
    voice_db: float
    accompaniment_db: float
    cutoff_hz: float | None  # of the low-pass over both, if there is one


class Remixes:
    """Random remixes, by (epoch, index): the same for the same seed, whoever asks, in whatever order.

    Augmentation changes the voice and the accompaniment alike; the mixture is their sum after it, exactly.

    Parameters
    ----------
    corpus : tracks with labels, or with stems
    settings : what a window is; its stems are some of mixture, vocals and accompaniment
    remix : what is mixed
    seed : any integer
    length : windows an epoch
    augment : applied to each window with parameters drawn from (seed, epoch, index)
    """

    def __init__(
        self,
        corpus: Corpus,
        settings: WindowSettings,
        remix: RemixSettings | None = None,
        *,
        seed: int,
        length: int,
        augment: Augmentation | None = None,
    ) -> None:
        if length < 1:
            raise UsageError(f"windows per epoch is {length}: must be 1 or more")
        for stem in settings.stems:
            if stem not in STEMS:
                raise UsageError(f"stems: a remix has no '{stem}'; {nearest(stem, STEMS)}")
        self.corpus, self.seed, self.length, self.augment = corpus, seed, length, augment
        self.remix = remix or RemixSettings()
        self._sources = Sources(corpus, settings, self.remix)
        self.settings = self._sources.settings
        self._kinds, shares = zip(*self._sources.shares.items(), strict=True)
        self._kind_ends = np.cumsum(shares) / sum(shares)

    def __len__(self) -> int:
        """Windows an epoch."""
        return self.length

    def __getitem__(self, key: tuple[int, int]) -> Sounds:
        """The window (epoch, index): stem name to float32 (channels, time)."""
        frames = self.settings.frames
        if self.augment is None:
            return self._complete(self._make(key, 0, frames)[1])
        parameters = self.parameters(key)
        wide = self.augment.input_frames(frames, parameters)
        sounds = self.augment.apply(
            self._make(key, 0, wide)[1],
            parameters,
            sample_rate=self.settings.sample_rate,
            donor=lambda: self._make(key, _DONOR, wide)[1],
        )
        return self._complete({stem: fit_length(samples, frames) for stem, samples in sounds.items()})

    def recipe(self, key: tuple[int, int]) -> Recipe:
        """How the window (epoch, index) is made."""
        wide = self.settings.frames
        if self.augment is not None:
            wide = self.augment.input_frames(wide, self.parameters(key))
        return self._make(key, 0, wide)[0]

    def place(self, key: tuple[int, int]) -> Place:
        """Where the voice of a window lies; or the accompaniment, where there is no voice."""
        recipe = self.recipe(key)
        return recipe.voice or recipe.accompaniment or self._sources.somewhere

    def parameters(self, key: tuple[int, int]) -> dict[str, Any]:
        """What the augmentation does to the window (epoch, index)."""
        if self.augment is None:
            return {}
        return self.augment.draw(integer(self.seed, *self._checked(key), _AUGMENTATION))

    def _complete(self, sounds: Mapping[str, np.ndarray]) -> Sounds:
        """The stems asked for, with the mixture as the sum of the other two."""
        both = {stem: np.ascontiguousarray(sounds[stem], np.float32) for stem in (VOCALS, ACCOMPANIMENT)}
        made = {MIXTURE: both[VOCALS] + both[ACCOMPANIMENT], **both}
        return {stem: made[stem] for stem in self.settings.stems}

    def _make(self, key: tuple[int, int], stream: int, frames: int) -> tuple[Recipe, Sounds]:
        """A window before its augmentation."""
        epoch, index = self._checked(key)
        u, equalise, *gains = islice(numbers(self.seed, epoch, index, stream + _RECIPE), 4)
        drawn = int(np.searchsorted(self._kind_ends, u, side="right"))
        kind = self._kinds[min(drawn, len(self._kinds) - 1)]
        low_db, high_db = self.remix.low_db, self.remix.high_db
        voice_db, other_db = (low_db + (high_db - low_db) * gain for gain in gains)
        places, sounds, cutoff_hz = self._sources.draw(
            kind, lambda own: numbers(self.seed, epoch, index, stream + own), frames
        )
        if equalise >= self.remix.equalise_probability:
            cutoff_hz = None
        for stem, gain_db in ((VOCALS, voice_db), (ACCOMPANIMENT, other_db)):
            if cutoff_hz is not None and places.get(stem):
                sounds[stem] = lowpass(sounds[stem], cutoff_hz, sample_rate=self.settings.sample_rate)
            sounds[stem] = sounds[stem] * np.float32(amplitude_from_db(gain_db))
        recipe = Recipe(kind, places.get(VOCALS), places.get(ACCOMPANIMENT), voice_db, other_db, cutoff_hz)
        return recipe, sounds

    def _checked(self, key: tuple[int, int]) -> tuple[int, int]:
        if not 0 <= key[1] < self.length:
            raise IndexError(f"window {key[1]} of {self.length}")
        return key


class FixedRemixes:
    """Remixes that stay, for validation: voice and accompaniment in each, never augmented.

    Parameters
    ----------
    corpus : tracks with labels, or with stems
    settings : what a window is
    remix : what is mixed; windows in which one of the two is silent are left out
    length : how many windows
    """

    def __init__(
        self, corpus: Corpus, settings: WindowSettings, remix: RemixSettings | None = None, *, length: int
    ) -> None:
        if length < 1:
            raise UsageError(f"number of validation windows is {length}: must be 1 or more")
        self.corpus, self.length, self.remix = corpus, length, (remix or RemixSettings()).with_both()
        self._remixes = Remixes(corpus, settings, self.remix, seed=_FIXED_SEED, length=length)
        self.settings = self._remixes.settings

    def __len__(self) -> int:
        """How many windows."""
        return self.length

    def __getitem__(self, key: int) -> Sounds:
        """Window `key`: stem name to float32 (channels, time)."""
        return self._remixes[_FIXED_EPOCH, key]

    def place(self, key: int) -> Place:
        """Where the voice of window `key` lies."""
        return self._remixes.place((_FIXED_EPOCH, key))

    def recipe(self, key: int) -> Recipe:
        """How window `key` is made."""
        return self._remixes.recipe((_FIXED_EPOCH, key))

    def resized(self, *, seconds: float, length: int) -> FixedRemixes:
        """Other windows of the same sound: so many of that length."""
        return FixedRemixes(self.corpus, replace(self.settings, seconds=seconds), self.remix, length=length)
