"""The folder of a job: empty, or of this very job, and nobody else's while it runs.

What is done lies in a hidden folder beside the shards, one line of the index a shard.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tonewright.audio.files import atomic_output
from tonewright.audio.members import status_of
from tonewright.audio.shards.index import INDEX, SPLITS, has_index
from tonewright.audio.shards.planning import ShardPlan
from tonewright.errors import OutputError

_STATE = ".shards"
_PLAN = "plan.json"
_TAR = re.compile(rf"({'|'.join(SPLITS)})-\d{{5,}}\.tar")
_UNFINISHED = re.compile(r"\.tonewright-[0-9a-f]{16}\.(tar|json)")


@contextmanager
def claimed(root: Path, plan: ShardPlan, *, overwrite: bool) -> Iterator[Path]:
    """The folder of the job's state, held against other processes; new, or of this very plan."""
    state = root / _STATE
    sources = sorted({member.path for shard in plan.shards for p in shard.pieces for member in p.members})
    inside = next((path for path in sources if Path(path).is_relative_to(root.resolve())), None)
    if inside is not None:
        raise OutputError(f"{root}: holds {inside}, which is to be packed; choose another folder")
    known = {"plan": plan.digest(), "sources": _stamps(sources)}
    if root.exists():
        found = load_json(state / _PLAN)
        if found != known and not overwrite:
            _refuse_other(root, found)
    else:
        found = None
    lock = _locked(root, state)
    try:
        _clear(root, state, shards=found != known)
        with atomic_output(state / _PLAN, overwrite=True) as temporary:
            temporary.write_text(json.dumps(known))
        yield state
    finally:
        os.close(lock)


def _locked(root: Path, state: Path) -> int:
    """Make the folder of the state, and lock it until the descriptor is closed."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = os.open(state / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise OutputError(f"{root}: cannot be written ({error.strerror})") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise OutputError(f"{root}: another process is making shards in it ({error.strerror})") from error
    return lock


def _refuse_other(root: Path, found: Any) -> None:
    """Say what else is in the folder, if anything is."""
    if not root.is_dir():
        raise OutputError(f"{root}: is a file; name a folder")
    begun = has_index(root) or any(_TAR.fullmatch(path.name) for path in root.iterdir())
    if found is not None and begun:
        raise OutputError(
            f"{root}: holds shards of other settings, or of files that have changed since;"
            " choose another folder, or make them anew with --force"
        )
    if begun:
        raise OutputError(f"{root}: holds shards; choose another folder, or replace them with --force")
    if any(path.name != _STATE for path in root.iterdir()):
        raise OutputError(f"{root}: is not empty; choose another folder, or write beside it with --force")


def _clear(root: Path, state: Path, *, shards: bool) -> None:
    """Remove what a killed job left half written; the shards of another plan too."""
    for path in state.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif shards and path.suffix == ".json":
            path.unlink()
    for path in root.iterdir():
        if _UNFINISHED.fullmatch(path.name) or (shards and _TAR.fullmatch(path.name)):
            path.unlink()
    if shards and has_index(root):
        (root / INDEX).unlink()


def _stamps(paths: Iterable[str]) -> str:
    """A hash of the sizes and times of change of files: a job is not continued over others."""
    stamps = hashlib.blake2b(digest_size=16)
    for path in paths:
        try:
            status = status_of(path)
            facts = (status.st_size, status.st_mtime_ns)
        except OSError:
            facts = ()
        stamps.update(repr((path, facts)).encode("utf-8", "surrogateescape"))
    return stamps.hexdigest()


def load_json(path: Path) -> Any:
    """What a JSON file holds; None where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def finished_shards(plan: ShardPlan, root: Path, state: Path) -> set[str]:
    """Names of the shards that are done and still there."""
    names = set()
    for shard in plan.shards:
        known, tar = load_json(state / f"{shard.name}.json"), root / shard.name
        if isinstance(known, Mapping) and tar.is_file() and tar.stat().st_size == known.get("bytes"):
            names.add(shard.name)
    return names
