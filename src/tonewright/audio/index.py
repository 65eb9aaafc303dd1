"""What the files of a corpus hold, remembered between runs.

One file a corpus in the user's cache folder ($TONEWRIGHT_CACHE overrides it), never in the corpus:
a first line with the format and a checksum of the rest, then JSON. A file of another format, or a
damaged one, is made anew. It can be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from tonewright.audio.files import atomic_output, probe
from tonewright.errors import AudioError, TonewrightError

FORMAT = 1
_log = logging.getLogger(__name__)


class Facts(NamedTuple):
    """Length and format of one file: `frames` of `channels` at `sample_rate` Hz."""

    sample_rate: int
    channels: int
    frames: int


# Size in bytes and time of change in ns of the file when it was looked at, then what it held.
_Entry = tuple[int, int, Facts]


def cache_folder() -> Path:
    """Where caches go: $TONEWRIGHT_CACHE, or the user's cache folder."""
    chosen = os.environ.get("TONEWRIGHT_CACHE")
    if chosen:
        return Path(chosen).expanduser()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tonewright"))


def index_path(root: Path) -> Path:
    """The file that remembers the corpus at `root`."""
    digest = hashlib.blake2b(os.fsencode(root.resolve()), digest_size=12).hexdigest()
    return cache_folder() / "index" / f"{digest}.json"


def facts_of(
    root: Path,
    paths: Iterable[str],
    *,
    refresh: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Facts | str]:
    """What each file holds, or why it cannot be read.

    Parameters
    ----------
    root : the folder of the corpus
    paths : of the files, relative to it
    refresh : open every file again
    progress : called with (done, total) while files are opened
    """
    known = {} if refresh else _load(index_path(root))
    entries: dict[str, _Entry] = {}
    results: dict[str, Facts | str] = {}
    changed: list[tuple[str, int, int]] = []
    for path in paths:
        size, time_ns = _stamp(root / path)
        entry = known.get(path)
        if entry is not None and entry[0] == size and entry[1] == time_ns:
            entries[path] = entry
            results[path] = entry[2]
        else:
            results[path] = "was not looked at"  # keeps the order
            changed.append((path, size, time_ns))
    try:
        for done, (path, size, time_ns) in enumerate(changed, start=1):
            results[path] = fact = _look(root / path)
            if isinstance(fact, Facts):
                entries[path] = (size, time_ns, fact)
            if progress is not None:
                progress(done, len(changed))
    finally:
        # Also when interrupted: what was looked at need not be looked at again.
        if entries != known:
            _save(index_path(root), entries)
    return results


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _look(path: Path) -> Facts | str:
    try:
        info = probe(path)
    except AudioError as error:
        return error.reason
    if info.frames == 0:
        return "holds no samples"
    return Facts(info.sample_rate, info.channels, info.frames)


def _load(path: Path) -> dict[str, _Entry]:
    """The entries remembered; none where the file is missing, damaged or of another format."""
    try:
        header, body = path.read_bytes().split(b"\n", 1)
        stated = json.loads(header)
        if stated["format"] != FORMAT or stated["digest"] != _digest(body):
            return {}
        return {name: (size, time_ns, Facts(*fact)) for name, size, time_ns, *fact in json.loads(body)}
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _save(path: Path, entries: Mapping[str, _Entry]) -> None:
    """Remember the entries. What cannot be kept costs time, not the result."""
    rows = [(name, size, time_ns, *fact) for name, (size, time_ns, fact) in entries.items()]
    body = json.dumps(rows, separators=(",", ":")).encode()
    header = json.dumps({"format": FORMAT, "digest": _digest(body)}).encode()
    try:
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_bytes(header + b"\n" + body)
    except (OSError, TonewrightError) as error:
        _log.warning("the index of the corpus could not be kept: %s", error)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
