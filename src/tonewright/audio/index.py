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
from typing import Literal, NamedTuple, Self

from tonewright.audio.copies import content_digest, glimpse
from tonewright.audio.files import atomic_output, probe
from tonewright.audio.members import status_of
from tonewright.errors import AudioError, TonewrightError

FORMAT = 2
_log = logging.getLogger(__name__)


class Facts(NamedTuple):
    """Length and format of one file: `frames` of `channels` at `sample_rate` Hz."""

    sample_rate: int
    channels: int
    frames: int


class Entry(NamedTuple):
    """A file as it was when it was looked at.

    Parameters
    ----------
    size, time_ns : in bytes, and its time of change
    facts : what it held
    glimpse, content : digests of it; None where nobody asked for them
    """

    size: int
    time_ns: int
    facts: Facts
    glimpse: str | None = None
    content: str | None = None


def cache_folder() -> Path:
    """Where caches go, absolute: $TONEWRIGHT_CACHE, or the user's cache folder."""
    chosen = os.environ.get("TONEWRIGHT_CACHE")
    if chosen:
        return Path(chosen).expanduser().absolute()
    import platformdirs

    return Path(platformdirs.user_cache_dir("tonewright"))


def index_path(root: Path) -> Path:
    """The file that remembers the corpus at `root`."""
    digest = hashlib.blake2b(os.fsencode(root.resolve()), digest_size=12).hexdigest()
    return cache_folder() / "index" / f"{digest}.json"


class Index:
    """What is known of the files of one corpus; a context manager that keeps at its end what is new.

    Also when it is interrupted: what was looked at need not be looked at again.

    Parameters
    ----------
    root : the folder of the corpus
    refresh : forget what was known
    """

    def __init__(self, root: Path, *, refresh: bool = False) -> None:
        self.root, self._prefix = root, f"{root}/"
        self._known = {} if refresh else _load(index_path(root))
        self._entries: dict[str, Entry] = {}

    def __enter__(self) -> Self:
        """Give the index itself."""
        return self

    def __exit__(self, *exception: object) -> None:
        """Keep what changed; files that were not asked for are forgotten."""
        if self._entries != self._known:
            _save(index_path(self.root), self._entries)

    def facts(
        self, paths: Iterable[str], *, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, Facts | str]:
        """What each file holds, or why it cannot be read.

        Parameters
        ----------
        paths : of the files, relative to the folder, or absolute
        progress : called with (done, total) while files are opened
        """
        results: dict[str, Facts | str] = {}
        changed: list[tuple[str, int, int]] = []
        for path in paths:
            size, time_ns = _stamp(self.root, path)
            key = path.removeprefix(self._prefix)
            entry = self._known.get(key)
            if entry is not None and entry.size == size and entry.time_ns == time_ns:
                self._entries[key] = entry
                results[path] = entry.facts
            else:
                results[path] = "was not looked at"  # keeps the order
                changed.append((path, size, time_ns))
        for done, (path, size, time_ns) in enumerate(changed, start=1):
            results[path] = fact = _look(os.path.join(self.root, path))  # noqa: PTH118, a path object costs more
            if isinstance(fact, Facts):
                self._entries[path.removeprefix(self._prefix)] = Entry(size, time_ns, fact)
            if progress is not None:
                progress(done, len(changed))
        return results

    def glimpses(
        self, paths: Iterable[str], *, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, str]:
        """The `copies.glimpse` of files whose facts were asked for and could be told.

        Parameters
        ----------
        paths : of the files, absolute
        progress : called with (done, total) while files are read
        """
        return self._digests(paths, "glimpse", glimpse, progress)

    def contents(
        self, paths: Iterable[str], *, progress: Callable[[int, int], None] | None = None
    ) -> dict[str, str]:
        """The `copies.content_digest` of files; otherwise as `glimpses`."""
        return self._digests(paths, "content", content_digest, progress)

    def _digests(
        self,
        paths: Iterable[str],
        name: Literal["glimpse", "content"],
        made: Callable[[str], str],
        progress: Callable[[int, int], None] | None,
    ) -> dict[str, str]:
        keys = {path: path.removeprefix(self._prefix) for path in paths}
        results = {path: getattr(self._entries[key], name) for path, key in keys.items()}
        unknown = [path for path, digest in results.items() if digest is None]
        for done, path in enumerate(unknown, start=1):
            results[path] = made(path)
            self._entries[keys[path]] = self._entries[keys[path]]._replace(**{name: results[path]})
            if progress is not None:
                progress(done, len(unknown))
        return results


def _stamp(root: Path, path: str) -> tuple[int, int]:
    """Size and time of change; of the archive where the file is a member of one."""
    try:
        facts = status_of(os.path.join(root, path))  # noqa: PTH118
    except OSError:
        return -1, -1
    return facts.st_size, facts.st_mtime_ns


def _look(path: str) -> Facts | str:
    try:
        info = probe(path)
    except AudioError as error:
        return error.reason
    if info.frames == 0:
        return "holds no samples"
    return Facts(info.sample_rate, info.channels, info.frames)


def _load(path: Path) -> dict[str, Entry]:
    """The entries remembered; none where the file is missing, damaged or of another format."""
    try:
        header, body = path.read_bytes().split(b"\n", 1)
        stated = json.loads(header)
        if stated["format"] != FORMAT or stated["digest"] != _digest(body):
            return {}
        return {
            name: Entry(size, time_ns, Facts(*facts), *digests)
            for name, size, time_ns, facts, *digests in json.loads(body)
        }
    except (OSError, ValueError, TypeError, KeyError):
        return {}


def _save(path: Path, entries: Mapping[str, Entry]) -> None:
    """Remember the entries. What cannot be kept costs time, not the result."""
    rows = [(name, *entry) for name, entry in entries.items()]
    body = json.dumps(rows, separators=(",", ":")).encode()
    header = json.dumps({"format": FORMAT, "digest": _digest(body)}).encode()
    try:
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_bytes(header + b"\n" + body)
    except (OSError, TonewrightError) as error:
        _log.warning("the index of the corpus could not be kept: %s", error)


def _digest(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
