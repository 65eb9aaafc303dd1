"""One shard: its samples encoded and put into a tar whose bytes depend on the sound and the plan alone."""

from __future__ import annotations

import hashlib
import io
import json
import shutil
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

from tonewright.audio.files import SoundReader, SoundWriter, atomic_output
from tonewright.audio.members import open_bytes
from tonewright.audio.shards.pieces import Member, Piece
from tonewright.audio.shards.planning import PlannedShard
from tonewright.errors import AudioError, UsageError

_BLOCK_FRAMES = 1 << 18


class _Sink:
    """A file being written, and the checksum of what went into it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self._hash = file, hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Append."""
        self._hash.update(data)
        self.size += len(data)
        return self._file.write(data)

    def tell(self) -> int:
        """How much has been written."""
        return self.size

    @property
    def checksum(self) -> str:
        """Of everything written so far."""
        return f"sha256:{self._hash.hexdigest()}"


class _Encoded(NamedTuple):
    """A stem as a file, ready for the tar."""

    member: Member
    path: Path


def write_shard(
    shard: PlannedShard, target: Path, *, scratch: Path, digits: int, step: Callable[[], None]
) -> dict[str, Any]:
    """Write a shard, whole or not at all; what the index says of it.

    Parameters
    ----------
    shard : what goes into it
    target : the tar; replaced where it is there
    scratch : an empty folder of its own
    digits : of the samples' keys
    step : called after each sample; what it raises ends the writing

    Raises
    ------
    OutputError
        If the tar cannot be written.
    """
    samples: list[dict[str, Any]] = []
    left_out: list[list[str]] = []
    with atomic_output(target, overwrite=True) as temporary, temporary.open("wb") as file:
        sink = _Sink(file)
        with tarfile.open(fileobj=cast(BinaryIO, sink), mode="w", format=tarfile.USTAR_FORMAT) as tar:
            for number, piece in enumerate(shard.pieces, start=shard.first):
                try:
                    encoded = [_encoded(piece, member, scratch) for member in piece.members]
                except (AudioError, UsageError) as error:
                    left_out.append([piece.name, _reason(error)])
                else:
                    samples.append(_add(tar, sink, f"{number:0{digits}}", piece, shard.split, encoded))
                step()
    return {
        "name": shard.name,
        "split": shard.split,
        "bytes": sink.size,
        "checksum": sink.checksum,
        "left_out": left_out,
        "samples": samples,
    }


def as_line(value: Any) -> str:
    """JSON in one line."""
    return json.dumps(value, ensure_ascii=True, allow_nan=False)


def _encoded(piece: Piece, member: Member, scratch: Path) -> _Encoded:
    """A stem of a piece as a file in the scratch folder, in the place of the last one there of its name."""
    path = scratch / member.rest
    if member.encoding is None:
        with open_bytes(member.path) as source, path.open("wb") as target:
            shutil.copyfileobj(cast(BinaryIO, source), target, 1 << 20)
        if path.stat().st_size != member.size:
            raise AudioError(member.path, "changed while it was read")
        return _Encoded(member, path)
    with SoundReader(member.path) as reader:
        info = reader.info
        with SoundWriter(
            path,
            sample_rate=info.sample_rate,
            channels=info.channels,
            encoding=member.encoding,
            overwrite=True,
        ) as writer:
            for block in reader.blocks(_BLOCK_FRAMES, start=piece.begin, frames=piece.frames):
                writer.write(block)
    return _Encoded(member, path)


def _add(
    tar: tarfile.TarFile, sink: _Sink, key: str, piece: Piece, split: str, encoded: list[_Encoded]
) -> dict[str, Any]:
    """Append a sample to the tar; what the index says of it."""
    track = piece.source
    facts = {
        "name": piece.name,
        "track": piece.origin,
        "song": track.song,
        "labels": list(track.labels),
        "start": piece.start,
        "frames": piece.frames,
        "track_frames": piece.origin_frames,
        "sample_rate": track.sample_rate,
        "channels": track.channels,
        "bandwidth_hz": track.bandwidth_hz,
    }
    rests = {item.member.stem: item.member.rest for item in encoded}
    metadata = as_line({**facts, "split": split, "stems": rests}).encode()
    _append(tar, f"{key}.json", io.BytesIO(metadata), len(metadata))
    stems: dict[str, list] = {}
    for member, path in encoded:
        size = path.stat().st_size
        stems[member.stem] = [member.rest, sink.size + tarfile.BLOCKSIZE, size]
        with path.open("rb") as file:
            _append(tar, f"{key}.{member.rest}", file, size)
    return {"key": key, **facts, "stems": stems}


def _append(tar: tarfile.TarFile, name: str, file: BinaryIO | io.BytesIO, size: int) -> None:
    """Append a member that is nobody's and of no time, behind a header of one block."""
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o644
    tar.addfile(info, file)


def _reason(error: AudioError | UsageError) -> str:
    return error.reason if isinstance(error, AudioError) else str(error).rpartition("/")[2]
