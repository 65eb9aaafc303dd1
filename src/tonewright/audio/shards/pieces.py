"""Pieces of tracks: where they are cut, and how their sound is written."""

from __future__ import annotations

import io
import math
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple

import soundfile

from tonewright.audio.corpus import Track
from tonewright.audio.files import SoundInfo, SoundReader, probe
from tonewright.audio.layouts import split_suffix
from tonewright.audio.members import size_of
from tonewright.errors import AudioError, UsageError

ENCODINGS = ("flac", "wav", "keep")
_SHALLOW, _DEEP = ("PCM_S8", "PCM_U8", "PCM_16"), ("PCM_24",)
_FINE = ("PCM_32", "FLOAT", "DOUBLE")
_LOSSLESS = (*_SHALLOW, *_DEEP, *_FINE)
_SAMPLE_BYTES = {"pcm16": 2, "pcm24": 3, "float": 4}
_FLAC_SHARE = 0.65  # of the size of the samples, where none can be tried
_TRIED = 24
_MOST_BYTES = 4 * 10**9  # of a member's samples: what a WAV can hold
_TAR_BYTES = 1024  # header and padding of a member
_METADATA_BYTES = 2048


@dataclass(frozen=True)
class ShardSettings:
    """How shards are made.

    Parameters
    ----------
    seconds : longest piece; 0 for whole tracks
    encoding : "flac" or "wav", with 16 bits where the source has no more; "keep": lossless sound in the
        encoding it has, whole files byte for byte, and lossy ones whole, however long
    shard_mb : size of a shard at which the next begins, about, in 10⁶ bytes
    seed : decides the order
    """

    seconds: float = 30.0
    encoding: str = "flac"
    shard_mb: float = 512.0
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be meant."""
        if self.encoding not in ENCODINGS:
            raise UsageError(f'encoding is "{self.encoding}": must be one of {", ".join(ENCODINGS)}')
        if not 0 <= self.seconds < math.inf:
            raise UsageError(f"seconds is {self.seconds:g}: must be more, or 0 for whole tracks")
        if not 0 < self.shard_mb < math.inf:
            raise UsageError(f"shard_mb is {self.shard_mb:g}: must be more than 0, and finite")


class Member(NamedTuple):
    """A stem of a piece, on its way into a shard.

    Parameters
    ----------
    stem : its name
    path : of the source
    rest : of the member's name, after the key and the dot, such as "vocals.flac"
    encoding : as for `SoundWriter`; None to copy the file as it is
    size : bytes of its samples, or of the file to be copied
    """

    stem: str
    path: str
    rest: str
    encoding: str | None
    size: int


@dataclass(frozen=True, slots=True)
class Piece:
    """A section of a track, which becomes one sample.

    Parameters
    ----------
    source : the track
    name : of the piece
    origin : name of the track it was cut from first, which is another where shards are made of shards
    start, frames : its section of the origin
    origin_frames : length of the origin
    begin : frame of the source's files at which it begins
    members : its stems
    """

    source: Track
    name: str
    origin: str
    start: int
    frames: int
    origin_frames: int
    begin: int
    members: tuple[Member, ...]

    def size(self, flac_share: float) -> int:
        """Bytes in the shard, about, where FLAC needs a share of the bytes of the samples."""
        total = float(_METADATA_BYTES)
        for member in self.members:
            packed = member.encoding is not None and member.rest.endswith(".flac")
            total += _TAR_BYTES + member.size * (flac_share if packed else 1)
        return int(total)


def cut_track(
    track: Track,
    settings: ShardSettings,
    infos: dict[str, SoundInfo | str],
    origin: tuple[str, int, int | None] | None,
) -> Iterator[Piece]:
    """The pieces of a track, in the order of time."""
    known = {stem: _info(path, infos) for stem, path in track.stems.items()}
    keep = settings.encoding == "keep"
    whole = not track.start and track.frames == min(info.frames for info in known.values())
    lossy = any(info.encoding not in _LOSSLESS for info in known.values())
    longest = int(settings.seconds * track.sample_rate)
    count = -(-track.frames // max(1, longest)) if settings.seconds and not (keep and whole and lossy) else 1
    name, first, total = origin or (track.name, 0, track.frames)
    # A stem that is longer than the others is cut to their length, where that costs no quality.
    copied = {
        stem: keep
        and whole
        and count == 1
        and (info.frames == track.frames or info.encoding not in _LOSSLESS)
        for stem, info in known.items()
    }
    rests = _rests(track.stems)
    for number in range(count):
        begin, end = (track.frames * edge // count for edge in (number, number + 1))
        members = tuple(
            _member(stem, path, known[stem], rests[stem], end - begin, settings.encoding, copied=copied[stem])
            for stem, path in track.stems.items()
        )
        start = first + begin
        part = start > 0 or total != end - begin
        yield Piece(
            source=track,
            name=f"{name}@{start}" if part else name,
            origin=name,
            start=start,
            frames=end - begin,
            origin_frames=total or start + track.frames,
            begin=track.start + begin,
            members=_checked(members, track),
        )


def _member(
    stem: str, path: str, info: SoundInfo, rest: str, frames: int, encoding: str, *, copied: bool
) -> Member:
    """A stem of a piece of `frames`, in the encoding that was asked for."""
    if copied:
        return Member(stem, path, rest + split_suffix(path)[1], None, size_of(path))
    depth = "pcm24" if info.encoding in (*_DEEP, *_FINE) else "pcm16"
    suffix = f".{encoding}"
    if encoding == "keep":
        suffix = ".flac" if info.container == "FLAC" or info.encoding not in _LOSSLESS else ".wav"
    if suffix == ".wav" and info.encoding in _FINE:
        depth = "float"
    return Member(stem, path, rest + suffix, depth, frames * info.channels * _SAMPLE_BYTES[depth])


def _checked(members: tuple[Member, ...], track: Track) -> tuple[Member, ...]:
    """Refuse what is too long for one member."""
    for member in members:
        if member.size > _MOST_BYTES:
            size = f"{member.size / 1e9:.1f} GB"
            raise UsageError(f"{track.name}: a piece of {size} is too long; cut it with --seconds")
    return members


def _info(path: str, infos: dict[str, SoundInfo | str]) -> SoundInfo:
    """What a file holds, looked at once."""
    if path not in infos:
        try:
            infos[path] = probe(path)
        except AudioError as error:
            infos[path] = error.reason
    info = infos[path]
    if isinstance(info, str):
        raise AudioError(path, info)
    return info


def _rests(stems: Iterable[str]) -> dict[str, str]:
    """For each stem what its members' names begin with after the key: plain letters, no two alike."""
    rests: dict[str, str] = {}
    for stem in stems:
        plain = re.sub(r"[^a-z0-9_-]+", "-", stem.lower())[:40] or "stem"
        same = sum(rest == plain or rest.startswith(f"{plain}~") for rest in rests.values())
        rests[stem] = f"{plain}~{same + 1}" if same else plain
    return rests


def flac_share(pieces: Iterable[Piece]) -> float:
    """The share of their samples' bytes that FLAC needs, from a second of some pieces, in steps of 1/20."""
    samples_bytes, flac_bytes = 0, 0
    for piece in islice(pieces, _TRIED):
        for member in piece.members:
            if member.encoding is None or not member.rest.endswith(".flac"):
                continue
            with suppress(AudioError, soundfile.LibsndfileError), SoundReader(member.path) as reader:
                rate = reader.info.sample_rate
                frames = min(rate, piece.frames)
                samples = reader.read(start=piece.begin + (piece.frames - frames) // 2, frames=frames)
                file = io.BytesIO()
                subtype = "PCM_16" if member.encoding == "pcm16" else "PCM_24"
                soundfile.write(file, samples.T, rate, format="FLAC", subtype=subtype)
                samples_bytes += samples.size * _SAMPLE_BYTES[member.encoding]
                flac_bytes += file.getbuffer().nbytes
    return min(1.0, math.ceil(20 * flac_bytes / samples_bytes) / 20) if samples_bytes else _FLAC_SHARE
