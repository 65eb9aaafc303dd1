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
_VISIT = 1 << 20  # weight of the heaviest track
_OWN_TRIES = 4
_SHARD_ORDER, _TRACK_ORDER = 100, 101  # streams of random numbers that windows do not use


class ShardWindows(Windows):
    """Random windows by (epoch, index), as `Windows` gives them, from places that lie near each other.

    Which track window (e, i) comes from:

    - It is visit n = e · `length` + i. Visits pay no heed to where epochs end: a corpus that is longer than
      an epoch is gone through in several of them.
    - In pass p over the corpus, the shards stand in an order drawn from (seed, p) and are taken in groups of
      4; the tracks of a group stand in an order drawn from (seed, p, group).
    - Each track has a weight, by `settings.weighting` and `settings.proportions`, in steps of 2⁻²⁰ of the
      largest, U. Laid end to end so, a pass is T long. Visit n stands at n U on the endless row of passes,
      that is in pass ⌊n U / T⌋ at n U mod T, and goes to the track that lies there. A track of weight U is
      therefore visited once in every pass, one of weight w in w / U of the passes, none twice in a pass. With
      tracks of equal length (and `weighting` "length"), each pass visits each once.

    Where in the track it begins is drawn from (seed, e, i). If it is silent or unreadable, three other places
    in the same track are tried, then places in the group. Donors for swaps of stems come from the group.
    Files that are in no archive count as shards of their own.

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
        while True:
            yield self._within(group.at(next(chances)), next(chances))

    def _within(self, track: int, fraction: float) -> float:
        """The place that lies a fraction into a track; off its edges, which rounding might cross."""
        inside = min(max(fraction, 1e-6), 1 - 1e-6)
        return float((self._starts[track] + inside * self._shares[track]) / self._total)


class Group(NamedTuple):
    """Tracks of shards that are read together, in the order of their visits."""

    tracks: np.ndarray
    ends: np.ndarray  # of their weights, laid end to end

    def at(self, fraction: float) -> int:
        """The track a fraction into the group."""
        return self.on(int(fraction * int(self.ends[-1])))

    def on(self, position: int) -> int:
        """The track that lies on a position."""
        return int(self.tracks[np.searchsorted(self.ends, position, side="right")])


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
        self._weights = np.maximum(1, np.rint(shares / shares.max() * _VISIT)).astype(np.int64)
        self._pass_length = int(self._weights.sum())
        members: dict[str, list[int]] = {}
        for track, shard in enumerate(shards):
            members.setdefault(shard, []).append(track)
        self._shards = [np.array(tracks) for tracks in members.values()]
        self._lengths = np.array([self._weights[tracks].sum() for tracks in self._shards])
        self._pass: tuple[int, np.ndarray, np.ndarray] | None = None
        self._groups: dict[tuple[int, int], Group] = {}

    def at(self, visit: int) -> tuple[int, Group]:
        """The track of a visit, and the group it is in."""
        number, position = divmod(visit * _VISIT, self._pass_length)
        order, ends = self._order(number)
        which = int(np.searchsorted(ends, position, side="right"))
        group = self._group(number, which, order)
        return group.on(position - (int(ends[which - 1]) if which else 0)), group

    def _order(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The order of the shards in a pass, and where its groups end."""
        held = self._pass
        if held is None or held[0] != number:
            order = self._shuffled(len(self._shards), number, 0, _SHARD_ORDER)
            ends = np.cumsum(self._lengths[order])
            last = np.arange(len(order)) % GROUP_SHARDS == GROUP_SHARDS - 1
            last[-1] = True
            held = self._pass = (number, order, ends[last])
        return held[1:]

    def _group(self, number: int, which: int, order: np.ndarray) -> Group:
        """A group of a pass; the latest are kept."""
        group = self._groups.get((number, which))
        if group is None:
            shards = order[which * GROUP_SHARDS : (which + 1) * GROUP_SHARDS]
            tracks = np.concatenate([self._shards[shard] for shard in shards])
            tracks = tracks[self._shuffled(len(tracks), number, which, _TRACK_ORDER)]
            group = Group(tracks, np.cumsum(self._weights[tracks]))
            # Another thread may be here too: the dictionary is replaced, not emptied.
            self._groups = {**dict(list(self._groups.items())[-1:]), (number, which): group}
        return group

    def _shuffled(self, count: int, number: int, which: int, stream: int) -> np.ndarray:
        """An order of `count` things, drawn from the seed, the pass and a number."""
        key = integer(self.seed, number, which, stream)
        return np.argsort(np.random.Generator(np.random.Philox(key=key)).random(count), kind="stable")
