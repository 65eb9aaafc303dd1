"""Windows from shards: decided by (seed, epoch, index) alone, and read from few shards at a time."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tonewright.audio.chance import integer, numbers
from tonewright.audio.corpus import Corpus, load_corpus
from tonewright.audio.members import split_member
from tonewright.audio.timeline import Place, Sounds, WindowSettings
from tonewright.audio.windows import Augmentation, Windows
from tonewright.errors import CorpusError

GROUP_SHARDS = 4
_UNIT = 1 << 20  # weight of the most frequent track
_OWN_TRIES, _GROUP_TRIES = 4, 16
_PHASE, _SHARD_ORDER, _TRACK_ORDER = 100, 101, 102  # streams of random numbers that windows do not use


class ShardWindows(Windows):
    """Random windows by (epoch, index), as `Windows` gives them, from places that lie near each other.

    Which track window (e, i) comes from:

    - It is visit n = e · `length` + i. Visits pay no heed to where epochs end: a corpus that is longer than
      an epoch is gone through in several of them.
    - Each track has a weight w by `settings.weighting` and `settings.proportions`, that of the most frequent
      being 1 (in steps of 2⁻²⁰), and a phase φ in [0, 1) drawn from the seed. It is visited in pass p over
      the corpus if ⌊(p + 1) w + φ⌋ > ⌊p w + φ⌋: in a share w of the passes, and never twice in one. With
      tracks of equal length (and `weighting` "length"), each pass visits each track once.
    - In pass p, the shards stand in an order drawn from (seed, p) and are taken in groups of 4; the tracks of
      a group that are visited stand in an order drawn from (seed, p, group). Pass follows pass.

    Where in the track it begins is drawn from (seed, e, i). If it is silent or unreadable, three other places
    in the same track are tried, then 16 in the group, then any. Donors for swaps of stems come from the
    group. Files that are in no archive count as shards of their own.

    Parameters
    ----------
    source : a corpus, such as ``load_corpus(folder).split("train")``; or a folder, for its training tracks
    settings, seed, length, augment : as for `Windows`
    """

    def __init__(
        self,
        source: Corpus | str | os.PathLike[str],
        settings: WindowSettings,
        *,
        seed: int,
        length: int,
        augment: Augmentation | None = None,
    ) -> None:
        corpus = source if isinstance(source, Corpus) else load_corpus(source).split("train")
        if not corpus.tracks:
            raise CorpusError(f"{corpus.root}: no tracks to train on; give another split of it as a corpus")
        super().__init__(corpus, settings, seed=seed, length=length, augment=augment)
        ends = self._timeline._ends
        self._starts, self._total = np.concatenate(([0.0], ends[:-1])), float(ends[-1])
        self._shares = ends - self._starts
        paths = [next(iter(track.stems.values())) for track in self._timeline.tracks]
        self._visits = Visits([(split_member(path) or (path,))[0] for path in paths], self._shares, seed=seed)

    def _draw(self, key: tuple[int, int], stream: int, frames: int) -> tuple[Place, Sounds]:
        return self._timeline.first_audible(self._places(key, stream), frames)

    def _places(self, key: tuple[int, int], stream: int) -> Iterator[float]:
        """Numbers in [0, 1) that name places on the timeline."""
        epoch, index = self._checked(key)
        track, group = self._visits.at(epoch * self.length + index)
        chances = numbers(self.seed, epoch, index, stream)
        for _ in range(0 if stream else _OWN_TRIES):
            yield self._within(track, next(chances))
        for _ in range(_GROUP_TRIES):
            yield self._within(int(group[int(next(chances) * len(group))]), next(chances))
        yield from chances

    def _within(self, track: int, fraction: float) -> float:
        """The place that lies a fraction into a track; off its edges, which rounding might cross."""
        inside = min(max(fraction, 1e-6), 1 - 1e-6)
        return float((self._starts[track] + inside * self._shares[track]) / self._total)


class Visits:
    """Which track each visit goes to; see `ShardWindows`.

    Parameters
    ----------
    shards : of each track, the shard it lies in
    shares : (tracks,) how often each is visited, in proportion
    seed : decides the order
    """

    def __init__(self, shards: Sequence[str], shares: np.ndarray, *, seed: int) -> None:
        self.seed = seed
        self._weights = np.maximum(1, np.rint(shares / shares.max() * _UNIT)).astype(np.int64)
        self._phases = (self._random(len(shards), 0, 0, _PHASE) * _UNIT).astype(np.int64)
        members: dict[str, list[int]] = {}
        for track, shard in enumerate(shards):
            members.setdefault(shard, []).append(track)
        self._shards = [np.array(tracks) for tracks in members.values()]
        self._pass: _Pass | None = None

    def at(self, visit: int) -> tuple[int, np.ndarray]:
        """The track of a visit, and the tracks visited about then, its group."""
        held = self._pass
        if held is None or not held.first <= visit < held.first + held.ends[-1]:
            held = self._pass = self._pass_of(visit)
        position = visit - held.first
        which = int(np.searchsorted(held.ends, position, side="right"))
        group = held.groups[which]
        return int(group[position - (held.ends[which - 1] if which else 0)]), group

    def _pass_of(self, visit: int) -> _Pass:
        """The pass that a visit is in."""
        total = int(self._weights.sum())
        ahead = int(self._phases.sum()) - len(self._weights) * _UNIT // 2  # of visits so far, on average
        number = (visit * _UNIT - ahead) // total
        while self._before(number) > visit:
            number -= 1
        while self._before(number + 1) <= visit:
            number += 1
        visited = self._counts(number % _UNIT + 1) > self._counts(number % _UNIT)
        order = np.argsort(self._random(len(self._shards), number, 0, _SHARD_ORDER), kind="stable")
        groups = []
        for begin in range(0, len(order), GROUP_SHARDS):
            tracks = np.concatenate([self._shards[shard] for shard in order[begin : begin + GROUP_SHARDS]])
            tracks = tracks[visited[tracks]]
            shuffled = np.argsort(self._random(len(tracks), number, begin, _TRACK_ORDER), kind="stable")
            groups.append(tracks[shuffled])
        return _Pass(self._before(number), tuple(groups), np.cumsum([len(group) for group in groups]))

    def _counts(self, number: int) -> np.ndarray:
        """Visits of each track before a pass, ⌊p w + φ⌋, for passes up to 2²⁰."""
        return (number * self._weights + self._phases) // _UNIT

    def _before(self, number: int) -> int:
        """Visits of all tracks before a pass; 2²⁰ passes have as many as the weights add up to."""
        turns, rest = divmod(number, _UNIT)
        return turns * int(self._weights.sum()) + int(self._counts(rest).sum())

    def _random(self, count: int, number: int, which: int, stream: int) -> np.ndarray:
        """Numbers in [0, 1), drawn from the seed, the pass and a number."""
        key = integer(self.seed, number, which, stream)
        return np.random.Generator(np.random.Philox(key=key)).random(count)


class _Pass(NamedTuple):
    """The visits of one pass: the number of the first, the tracks by group, and where the groups end."""

    first: int
    groups: tuple[np.ndarray, ...]
    ends: np.ndarray
