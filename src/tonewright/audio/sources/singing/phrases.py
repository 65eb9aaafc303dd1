"""Phrases out of a pool's speech: one speaker, one split, five to nine seconds."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tonewright.audio.clips import resample
from tonewright.audio.corpus import split_of
from tonewright.audio.sources.levelling import frame_levels_db, levelling_gain_db
from tonewright.audio.sources.manifest import Piece
from tonewright.audio.sources.shelves import read_piece

SHORTEST_S, ENOUGH_S, LONGEST_S = 1.2, 5.0, 9.0
_VARIOUS = "various"
_PAUSES_S = (0.12, 0.35)
_RATES = (16_000, 22_050, 24_000, 32_000, 44_100)
_NYQUIST_MARGIN = 2.1
_CUT_REACH_S = 0.7


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A part of a piece: number `part` of `parts` of about the same length, cut where it is quiet."""

    piece: Piece
    part: int
    parts: int

    @property
    def seconds(self) -> float:
        """About how long it is."""
        return self.piece.seconds / self.parts


@dataclass(frozen=True, slots=True)
class Phrase:
    """Excerpts of one speaker to be spoken one after another.

    Parameters
    ----------
    excerpts : of pieces of one package, licence, author, speaker and split
    seed : of all that is drawn when it is sung
    """

    excerpts: tuple[Excerpt, ...]
    seed: int

    @property
    def seconds(self) -> float:
        """About how long it is."""
        return sum(excerpt.seconds for excerpt in self.excerpts)

    @property
    def piece(self) -> Piece:
        """The first piece: its song, and so its split, is that of the phrase."""
        return self.excerpts[0].piece

    @property
    def sample_rate(self) -> int:
        """The least rate that holds what these recordings hold."""
        pieces = [excerpt.piece for excerpt in self.excerpts]
        needed = min(
            max(piece.source_rate for piece in pieces),
            _NYQUIST_MARGIN * max(piece.bandwidth_hz for piece in pieces),
        )
        return next((rate for rate in _RATES if rate >= needed), _RATES[-1])


def phrases(pieces: Iterable[Piece], *, seed: int) -> Iterator[Phrase]:
    """Phrases without end, each time round with other neighbours and another seed; none where none can be.

    Where the speaker is not known ("various"), every phrase is one piece.

    Parameters
    ----------
    pieces : speech of one package
    seed : decides order and neighbours
    """
    groups: dict[tuple, list[Piece]] = defaultdict(list)
    for piece in pieces:
        groups[_group(piece)].append(piece)
    turn = 0
    while True:
        rng = np.random.default_rng([seed, turn])
        found = [excerpts for group in groups.values() for excerpts in _joined(group, rng)]
        if not found:
            return
        for place in rng.permutation(len(found)):
            yield Phrase(found[place], int(rng.integers(2**32)))
        turn += 1


def stream_seed(name: str, seed: int) -> int:
    """A seed for the phrases of a package."""
    digest = hashlib.blake2b(f"{seed} {name}".encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big")


def speak(pool: Path, phrase: Phrase) -> np.ndarray:
    """A phrase as it is spoken, (1, frames) at its own rate, its parts at one level, with short pauses."""
    rate = phrase.sample_rate
    rng = np.random.default_rng([phrase.seed, 1])
    parts: list[np.ndarray] = []
    for excerpt in phrase.excerpts:
        samples = resample(_cut(pool, excerpt), from_rate=excerpt.piece.sample_rate, to_rate=rate)
        if not samples.any():
            continue
        gain = 10 ** (levelling_gain_db(samples, sample_rate=rate) / 20)
        parts += [
            samples * np.float32(gain),
            np.zeros((1, round(rng.uniform(*_PAUSES_S) * rate)), np.float32),
        ]
    return np.concatenate(parts[:-1], axis=1) if parts else np.zeros((1, 0), np.float32)


def _group(piece: Piece) -> tuple:
    """What the pieces of a phrase have in common."""
    speaker = (piece.name,) if _VARIOUS in piece.labels[2:] or len(piece.labels) < 3 else piece.labels
    return (
        piece.package,
        piece.version,
        piece.licence,
        piece.author,
        piece.source_rate,
        split_of(piece.song),
        speaker,
    )


def _joined(group: Sequence[Piece], rng: np.random.Generator) -> Iterator[tuple[Excerpt, ...]]:
    """Excerpts of a group in random order, joined until a phrase is long enough."""
    excerpts = [excerpt for piece in group for excerpt in _excerpts(piece)]
    gathered: list[Excerpt] = []
    for place in rng.permutation(len(excerpts)):
        following = excerpts[place]
        if gathered and _seconds(gathered) + following.seconds > LONGEST_S:
            yield tuple(gathered)
            gathered = []
        gathered.append(following)
        if _seconds(gathered) >= ENOUGH_S:
            yield tuple(gathered)
            gathered = []
    if _seconds(gathered) >= SHORTEST_S:
        yield tuple(gathered)


def _excerpts(piece: Piece) -> list[Excerpt]:
    parts = int(np.ceil(piece.seconds / LONGEST_S))
    return [Excerpt(piece, part, parts) for part in range(parts)]


def _seconds(excerpts: Sequence[Excerpt]) -> float:
    return sum(excerpt.seconds for excerpt in excerpts)


def _cut(pool: Path, excerpt: Excerpt) -> np.ndarray:
    """(1, frames) of an excerpt."""
    samples = read_piece(pool, excerpt.piece).mean(axis=0, keepdims=True)
    edges = [_quietest(samples, excerpt, part) for part in (excerpt.part, excerpt.part + 1)]
    return samples[:, edges[0] : edges[1]]


def _quietest(samples: np.ndarray, excerpt: Excerpt, part: int) -> int:
    """The sample at which a part begins: the quietest place near its share of the length."""
    rate, length = excerpt.piece.sample_rate, samples.shape[1]
    if part in (0, excerpt.parts):
        return length if part else 0
    near = round(part * length / excerpt.parts)
    reach = round(_CUT_REACH_S * rate)
    first = max(0, near - reach)
    levels = frame_levels_db(samples[:, first : near + reach], sample_rate=rate)
    smooth = np.convolve(levels, np.ones(5) / 5, mode="same")[2:-2]
    return first + round((int(np.argmin(smooth)) + 2.5) * 0.01 * rate)
