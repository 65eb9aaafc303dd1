"""The samples of a folder of shards, by its index, or by the tars themselves where it has none.

In tars without an index, what shares a name up to its first dot is one sample, as WebDataset has it:
``a/017.vocals.wav`` is the stem "vocals" of the sample "a/017", ``a/017.wav`` its stem "mixture", and
``a/017.json`` may name its song, labels and split.
"""

from __future__ import annotations

import json
import logging
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from tonewright.audio.layouts.base import SUFFIXES, split_suffix
from tonewright.audio.members import open_bytes, scan
from tonewright.audio.shards.index import SPLITS, Entry, entries_of, has_index, leads_out, read_shards
from tonewright.errors import AudioError, CorpusError

_SPLIT_WORDS = {
    **dict.fromkeys(("train", "training"), "train"),
    **dict.fromkeys(("validation", "valid", "val", "dev"), "validation"),
    **dict.fromkeys(("test", "testing", "eval"), "test"),
}
_MOST_METADATA = 1 << 20
_log = logging.getLogger("tonewright")


def load_entries(folder: str | os.PathLike[str]) -> tuple[Entry, ...]:
    """The samples of a folder of shards, in the order in which they lie, shard after shard.

    Raises
    ------
    CorpusError
        If there are no shards, or the index is damaged.
    """
    root = Path(folder)
    if has_index(root):
        return tuple(indexed_entries(root))
    tars = sorted(path.name for path in root.glob("*.tar")) if root.is_dir() else []
    entries = tuple(scanned_entries(root, tars))
    if not entries:
        raise CorpusError(
            f"{root}: no shards with sound in it; make some: tonewright data shard CORPUS -o {root}"
        )
    return entries


def indexed_entries(folder: Path) -> Iterator[Entry]:
    """The samples of a folder with an index.

    Raises
    ------
    CorpusError
        If the index is damaged.
    """
    for shard in read_shards(folder):
        yield from entries_of(shard)


def scanned_entries(folder: Path, tars: Iterable[str]) -> Iterator[Entry]:
    """The samples of tars by their headers; a tar that cannot be read to its end is logged.

    Parameters
    ----------
    folder : where the tars lie
    tars : their paths, relative to it
    """
    taken: set[str] = set()
    for tar in tars:
        samples: dict[str, list[str]] = {}
        try:
            for member, _ in scan(folder / tar):
                key, rest = split_key(member)
                if key and (rest == "json" or is_sound(rest)):
                    samples.setdefault(key, []).append(rest)
        except AudioError as error:
            _log.warning("%s; the %d samples before are used", error, len(samples))
        for key, rests in samples.items():
            entry = _scanned(folder, tar, key, rests)
            if entry is not None:
                if entry.name in taken:
                    entry = replace(entry, name=f"{tar.removesuffix('.tar')}/{key}")
                taken.add(entry.name)
                yield entry


def split_key(member: str) -> tuple[str, str]:
    """The key of a member's name and the rest after its first dot; both empty where it has none.

    A name with ".." in it, or from the root, has none: whoever took it for a path would leave the folder.
    """
    parts = member.split("/")
    stem, _, rest = parts[-1].partition(".")
    if not stem or not rest or "" in parts or leads_out(member):
        return "", ""
    return member[: -len(rest) - 1], rest


def is_sound(rest: str) -> bool:
    """Whether a member is sound, by what follows its key."""
    return split_suffix(f"x.{rest}")[1] in SUFFIXES


def split_by_name(tar: str) -> str | None:
    """The split that the name of a tar begins with."""
    return _SPLIT_WORDS.get(re.split(r"[^a-z]", tar.rpartition("/")[2].lower(), maxsplit=1)[0])


def _scanned(folder: Path, tar: str, key: str, rests: Iterable[str]) -> Entry | None:
    """A sample of a tar without an index; None where it has no sound."""
    members: dict[str, str] = {}
    for rest in sorted(set(rests) - {"json"}):
        members.setdefault(rest.rpartition(".")[0] or "mixture", rest)
    if not members:
        return None
    known = _metadata(folder / f"{tar}!{key}.json") if "json" in rests else {}
    name = _text(known, "name") or f"{tar.removesuffix('.tar')}/{key}"
    split, labels = _text(known, "split"), known.get("labels")
    return Entry(
        key=key,
        name=name,
        track=_text(known, "track") or name,
        song=_text(known, "song") or _text(known, "track") or name,
        shard=tar,
        members=members,
        labels=tuple(label for label in labels if isinstance(label, str)) if isinstance(labels, list) else (),
        split=split if split in SPLITS else split_by_name(tar),
        start=_count(known, "start") or 0,
        track_frames=_count(known, "track_frames"),
        bandwidth_hz=float(_count(known, "bandwidth_hz") or 0) or None,
    )


def _metadata(path: Path) -> dict[str, Any]:
    """The JSON object of a sample; empty where it is none."""
    try:
        with open_bytes(path) as file:
            value = json.loads(file.read(_MOST_METADATA))
    except (AudioError, OSError, ValueError, RecursionError):
        return {}
    return value if isinstance(value, dict) else {}


def _text(known: Mapping[str, Any], name: str) -> str | None:
    value = known.get(name)
    good = isinstance(value, str) and value and "\n" not in value and not leads_out(value)
    return value if good else None


def _count(known: Mapping[str, Any], name: str) -> int | None:
    """A whole number of 0 or more."""
    value = known.get(name)
    return int(value) if isinstance(value, int | float) and 0 <= value < 2**53 else None
