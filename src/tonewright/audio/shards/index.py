"""The index of a folder of shards, ``index.json``.

One JSON object: its head (`format`, `kind`, settings, sums), then `shards`, one a line, so that it can be
read a shard at a time. A shard has `name`, `split`, `bytes`, `checksum`, `left_out` and `samples`; a sample
has what `Entry` has, and for each stem the rest of the member's name, its offset and its size.
"""

from __future__ import annotations

import json
import os
import tarfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tonewright.audio.members import Place
from tonewright.errors import CorpusError

FORMAT, KIND, INDEX = 1, "tonewright-shards", "index.json"
SPLITS = ("train", "validation", "test")
HEAD_END = '"shards": ['
_BLOCK = tarfile.BLOCKSIZE
_TEXTS = ("key", "name", "track", "song")
_COUNTS = ("start", "frames", "track_frames", "sample_rate", "channels")


@dataclass(frozen=True, slots=True)
class Entry:
    """A sample of a shard: a piece of a track, in one member a stem.

    Parameters
    ----------
    key : what its members' names begin with; unlike any other in its shard
    name : of the piece, unlike any other in the folder
    track, song, labels, split, bandwidth_hz : of the track it was cut from; without `split`, by the song
    start, frames : its section of that track; `frames` None where only the sound itself says
    track_frames : of the whole track
    sample_rate, channels : of the sound; None where only the sound itself says
    shard : name of the tar
    members : stem to the member's name without the key and the dot
    """

    key: str
    name: str
    track: str
    song: str
    shard: str
    members: Mapping[str, str] = field(hash=False)
    labels: tuple[str, ...] = ()
    split: str | None = None
    start: int = 0
    frames: int | None = None
    track_frames: int | None = None
    sample_rate: int | None = None
    channels: int | None = None
    bandwidth_hz: float | None = None

    def path(self, stem: str) -> str:
        """Where a stem lies, relative to the folder of the shards."""
        return f"{self.shard}!{self.key}.{self.members[stem]}"


def has_index(folder: Path) -> bool:
    """Whether there is an index of shards."""
    try:
        with (folder / INDEX).open("rb") as file:
            return f'"kind": "{KIND}"'.encode() in file.read(200)
    except OSError:
        return False


def read_shards(folder: Path, *, name: str | None = None) -> Iterator[dict[str, Any]]:
    """The shards of an index as JSON has them, read one at a time.

    Parameters
    ----------
    folder : where the index lies
    name : give the shard of this name alone

    Raises
    ------
    CorpusError
        If the index cannot be read, or is of another format.
    """
    path = folder / INDEX
    begin = "{" if name is None else json.dumps({"name": name})[:-1] + ","
    try:
        with path.open(encoding="utf-8") as lines:
            head = next(lines, "")
            if head.rstrip().endswith(HEAD_END):
                _check_format(json.loads(head.rstrip() + "]}"))
                for line in lines:
                    if line.startswith(begin):
                        yield _checked(json.loads(line.rstrip().rstrip(",")))
                return
            whole = json.loads(head + lines.read())  # somebody laid it out anew
            _check_format(whole)
            yield from (_checked(item) for item in whole["shards"] if name in (None, item["name"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise CorpusError(
            f"{path}: cannot be read as an index of shards ({error}); where there is none, the tars are read"
        ) from error


def entries_of(shard: Mapping[str, Any]) -> Iterator[Entry]:
    """The samples of a shard as the index has it."""
    known: dict[tuple, Mapping[str, str]] = {}  # most samples have the same stems
    for item in shard["samples"]:
        members = {stem: rest for stem, (rest, _, _) in item["stems"].items()}
        yield Entry(
            key=item["key"],
            name=item["name"],
            track=item["track"],
            song=item["song"],
            shard=shard["name"],
            members=known.setdefault(tuple(members.items()), members),
            labels=tuple(item["labels"]),
            split=shard["split"],
            start=item["start"],
            frames=item["frames"],
            track_frames=item["track_frames"],
            sample_rate=item["sample_rate"],
            channels=item["channels"],
            bandwidth_hz=item["bandwidth_hz"],
        )


def places_in(tar: Path, size: int) -> dict[str, Place] | None:
    """Where the sounds of a tar lie, by the index beside it.

    Parameters
    ----------
    tar : the archive
    size : its bytes

    Returns
    -------
    member to place; None where there is no index that knows an archive of this name and size
    """
    if not has_index(tar.parent):
        return None
    try:
        shard = next(read_shards(tar.parent, name=tar.name), None)
    except CorpusError:
        return None
    if shard is None or shard["bytes"] != size:
        return None
    return {
        f"{item['key']}.{rest}": Place(offset, count)
        for item in shard["samples"]
        for rest, offset, count in item["stems"].values()
    }


def leads_out(name: str) -> bool:
    """Whether a name, taken for a path, would leave the folder of whoever takes it."""
    return name.startswith("/") or ".." in name.split("/")


def _check_format(head: Mapping[str, Any]) -> None:
    if head["kind"] != KIND or head["format"] != FORMAT:
        raise ValueError(f"it is of format {head['format']}, not {FORMAT}")


def _checked(shard: dict[str, Any]) -> dict[str, Any]:
    """A shard of the index, as far as it is used: an index may come from a stranger."""
    name = shard["name"]
    if os.path.basename(name) != name or not name.endswith(".tar"):  # noqa: PTH119, a name, not a path
        raise ValueError(f"{name!r} is no name of a shard")
    if shard["split"] not in SPLITS or not isinstance(shard["bytes"], int):
        raise ValueError(f"{name} lacks its split or its bytes")
    for item in shard["samples"]:
        good = all(isinstance(item[key], str) and not leads_out(item[key]) for key in _TEXTS)
        good = good and all(isinstance(item[key], int) and item[key] >= 0 for key in _COUNTS)
        good = good and all(isinstance(label, str) for label in item["labels"])
        good = good and isinstance(item["bandwidth_hz"], float | int | None)
        places = [Place(offset, size) for _, offset, size in item["stems"].values()]
        good = good and all(isinstance(rest, str) for rest, _, _ in item["stems"].values())
        good = good and not any(map(leads_out, item["stems"]))
        good = good and all(isinstance(number, int) for place in places for number in place)
        # A member lies behind its header.
        if not (good and places and all(offset >= _BLOCK and size >= 0 for offset, size in places)):
            raise ValueError(f"{name} describes a sample as it must not")
    return shard
