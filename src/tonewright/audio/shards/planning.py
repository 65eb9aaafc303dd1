"""What goes into which shard, decided before anything is written: no accident of writing changes it.

A track longer than the limit is cut into the fewest pieces of equal length (to a frame) that keep within it.
The pieces of a split are ordered by a hash of the seed and their name, which scatters them, and fill one
shard after the other. A sample is numbered by its place in all of this; one that cannot be read leaves its
number unused.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass

from tonewright.audio.corpus import SPLITS, Corpus
from tonewright.audio.files import SoundInfo
from tonewright.audio.shards.pieces import Piece, ShardSettings, cut_track, flac_share
from tonewright.errors import AudioError, CorpusError


@dataclass(frozen=True)
class PlannedShard:
    """A shard to be written: its samples and the number of the first."""

    name: str
    split: str
    first: int
    pieces: tuple[Piece, ...]


@dataclass(frozen=True)
class ShardPlan:
    """Everything that is decided before writing.

    Parameters
    ----------
    settings : how the shards are made
    shards : in order
    left_out : (name, reason) of what cannot be read, or is no sound that a shard can hold
    flac_share : of the bytes of samples that FLAC is thought to need
    layout, root : of the corpus
    """

    settings: ShardSettings
    shards: tuple[PlannedShard, ...]
    left_out: tuple[tuple[str, str], ...]
    flac_share: float
    layout: str
    root: str

    @property
    def samples(self) -> int:
        """How many."""
        return sum(len(shard.pieces) for shard in self.shards)

    @property
    def size(self) -> int:
        """Bytes of all shards, about."""
        return sum(map(self.size_of, self.shards))

    def size_of(self, shard: PlannedShard) -> int:
        """Bytes of a shard, about."""
        return sum(piece.size(self.flac_share) for piece in shard.pieces)

    @property
    def digits(self) -> int:
        """Digits of a sample's key."""
        return max(6, len(str(self.samples)))

    def digest(self) -> str:
        """A hash of all that decides the shards' content, but for the sound itself."""
        state = hashlib.blake2b(repr(sorted(asdict(self.settings).items())).encode(), digest_size=16)
        for shard in self.shards:
            for piece in shard.pieces:
                members = [(member.stem, member.rest, member.encoding) for member in piece.members]
                state.update(repr((shard.name, piece.name, piece.start, piece.frames, members)).encode())
        return state.hexdigest()


def plan_shards(
    corpus: Corpus, settings: ShardSettings, *, progress: Callable[[int, int], None] | None = None
) -> ShardPlan:
    """Decide what goes into which shard.

    Parameters
    ----------
    corpus : any; shards too, whose pieces keep the name of the track they were cut from first
    settings : how the shards are made
    progress : called with (done, total) while files are looked at

    Raises
    ------
    CorpusError
        If there is nothing to put into shards.
    UsageError
        If a piece would have more than 4 GB.
    """
    origins = _origins(corpus)
    infos: dict[str, SoundInfo | str] = {}
    left_out = [(item.path.removeprefix(f"{corpus.root}/"), item.reason) for item in corpus.unreadable]
    pieces: list[Piece] = []
    for done, track in enumerate(corpus.tracks, start=1):
        try:
            cut = list(cut_track(track, settings, infos, origins.get(track.name)))
        except AudioError as error:
            left_out.append((track.name, error.reason))
        else:
            pieces += cut
        if progress is not None:
            progress(done, len(corpus.tracks))
    pieces.sort(key=lambda piece: _scattered(settings.seed, piece.name))
    share = flac_share(pieces)
    shards: list[PlannedShard] = []
    for split in SPLITS:
        kept = (piece for piece in pieces if piece.source.split == split)
        first = sum(len(shard.pieces) for shard in shards)
        shards.extend(_filled(split, kept, settings.shard_mb * 1e6, share, first))
    if not shards:
        first = f"; the first: {left_out[0][0]}: {left_out[0][1]}" if left_out else ""
        raise CorpusError(f"{corpus.root}: nothing in it to put into shards{first}")
    return ShardPlan(settings, tuple(shards), tuple(left_out), share, corpus.layout, str(corpus.root))


def _origins(corpus: Corpus) -> Mapping[str, tuple[str, int, int | None]]:
    """For tracks that are pieces themselves: the track they came from, their start in it, its length."""
    if corpus.layout != "shards":
        return {}
    from tonewright.audio.shards.entries import load_entries

    return {
        entry.name: (entry.track, entry.start, entry.track_frames)
        for entry in load_entries(corpus.root)
        if entry.track != entry.name
    }


def _filled(
    split: str, pieces: Iterable[Piece], limit: float, share: float, first: int
) -> Iterator[PlannedShard]:
    """Shards that are filled one after the other."""
    held: list[Piece] = []
    size, number = 0, 0
    for piece in pieces:
        if held and size + piece.size(share) > limit:
            yield PlannedShard(f"{split}-{number:05}.tar", split, first, tuple(held))
            first, number, held, size = first + len(held), number + 1, [], 0
        held.append(piece)
        size += piece.size(share)
    if held:
        yield PlannedShard(f"{split}-{number:05}.tar", split, first, tuple(held))


def _scattered(seed: int, name: str) -> bytes:
    """A position in an order that the names do not tell."""
    return hashlib.blake2b(f"{seed} {name}".encode("utf-8", "surrogateescape"), digest_size=8).digest()
