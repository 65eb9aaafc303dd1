"""The shards of a plan on disk: in parallel, resumable, with their index at the end.

What is done lies in a hidden folder beside the shards, one line of the index a shard, so that a job that was
stopped goes on with the shards that lack one. A shard is written whole or not at all.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tonewright.audio.files import atomic_output
from tonewright.audio.members import status_of
from tonewright.audio.shards.index import FORMAT, HEAD_END, INDEX, KIND, SPLITS, has_index
from tonewright.audio.shards.planning import PlannedShard, ShardPlan
from tonewright.audio.shards.writing import as_line, write_shard
from tonewright.errors import CorpusError, OutputError

_STATE = ".shards"
_PLAN = "plan.json"
_TAR = re.compile(rf"({'|'.join(SPLITS)})-\d{{5,}}\.tar")
_UNFINISHED = re.compile(r"\.tonewright-[0-9a-f]{16}\.(tar|json)")


class _StoppedError(Exception):
    """Another shard has failed, or somebody wants an end."""


@dataclass(frozen=True)
class ShardSummary:
    """What a job has made.

    Parameters
    ----------
    folder : where the shards lie
    shards : how many
    kept : how many of them had been finished before
    samples, seconds, bytes : of all shards
    left_out : (name, reason) of what could not be read
    """

    folder: str
    shards: int
    kept: int
    samples: int
    seconds: float
    bytes: int
    left_out: tuple[tuple[str, str], ...]


def write_shards(
    plan: ShardPlan,
    folder: str | os.PathLike[str],
    *,
    jobs: int | None = None,
    overwrite: bool = False,
    progress: Callable[[int, int], None] | None = None,
) -> ShardSummary:
    """Write the shards of a plan and their index; the same bytes for any number of jobs.

    Shards that an earlier call with the same plan and the same files has finished are kept.

    Parameters
    ----------
    plan : what goes into which shard
    folder : where the shards go; made where it is missing
    jobs : shards written at a time; None for one a core
    overwrite : begin anew over shards of another plan, which are removed
    progress : called with (done, total), in samples

    Raises
    ------
    OutputError
        If the folder holds something else, its disk has too little room, or it cannot be written.
    """
    root = Path(folder)
    with _claimed(root, plan, overwrite=overwrite) as state:
        done = _finished(plan, root, state)
        todo = [shard for shard in plan.shards if shard.name not in done]
        if todo:
            (root / INDEX).unlink(missing_ok=True)
            _check_room(root, sum(piece.size for shard in todo for piece in shard.pieces))
            _write_all(todo, root, state, plan, jobs, progress)
        return _indexed(plan, root, state, kept=len(done))


def free_bytes(folder: str | os.PathLike[str]) -> int:
    """Free bytes of the disk on which a folder lies or will lie."""
    place = Path(folder).absolute()
    while not place.is_dir() and place != place.parent:
        place = place.parent
    return shutil.disk_usage(place).free


def _check_room(root: Path, size: int) -> None:
    free = free_bytes(root)
    if size > free:
        raise OutputError(
            f"{root}: needs about {size / 1e9:.2f} GB, {free / 1e9:.2f} GB are free; choose another disk"
        )


@contextmanager
def _claimed(root: Path, plan: ShardPlan, *, overwrite: bool) -> Iterator[Path]:
    """The folder of the job's state, held against other processes; new, or of this very plan."""
    state = root / _STATE
    known = {"plan": plan.digest(), "sources": _stamps(plan)}
    if root.exists():
        found = _load(state / _PLAN)
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


def _stamps(plan: ShardPlan) -> str:
    """A hash of the sizes and times of change of all sources: a job is not continued over others."""
    stamps = hashlib.blake2b(digest_size=16)
    for path in sorted({member.path for shard in plan.shards for p in shard.pieces for member in p.members}):
        try:
            status = status_of(path)
            facts = (status.st_size, status.st_mtime_ns)
        except OSError:
            facts = ()
        stamps.update(repr((path, facts)).encode("utf-8", "surrogateescape"))
    return stamps.hexdigest()


def _load(path: Path) -> Any:
    """What a JSON file holds; None where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None


def _finished(plan: ShardPlan, root: Path, state: Path) -> set[str]:
    """Names of the shards that are done and still there."""
    names = set()
    for shard in plan.shards:
        known, tar = _load(state / f"{shard.name}.json"), root / shard.name
        if isinstance(known, Mapping) and tar.is_file() and tar.stat().st_size == known.get("bytes"):
            names.add(shard.name)
    return names


def _write_all(
    todo: list[PlannedShard],
    root: Path,
    state: Path,
    plan: ShardPlan,
    jobs: int | None,
    progress: Callable[[int, int], None] | None,
) -> None:
    """Write shards in parallel; an error or an interrupt ends all of them at their next sample."""
    from joblib import Parallel, delayed

    total, done = sum(len(shard.pieces) for shard in todo), 0
    stop, lock = threading.Event(), threading.Lock()

    def step() -> None:
        nonlocal done
        if stop.is_set():
            raise _StoppedError
        with lock:
            done += 1
            if progress is not None:
                progress(done, total)

    def make(shard: PlannedShard) -> None:
        try:
            with tempfile.TemporaryDirectory(dir=state) as folder:
                scratch, target = Path(folder), root / shard.name
                written = write_shard(shard, target, scratch=scratch, digits=plan.digits, step=step)
            with atomic_output(state / f"{shard.name}.json", overwrite=True) as temporary:
                temporary.write_text(as_line(written), encoding="ascii")
        except BaseException:
            stop.set()
            raise

    # Decoding, encoding and hashing leave the interpreter free, so that threads suffice.
    workers = Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator_unordered")
    try:
        for _ in workers(delayed(make)(shard) for shard in todo):
            pass
    except OutputError as error:
        again = "the finished shards are kept: the same command goes on with the others"
        raise OutputError(f"{root}: {str(error).rpartition(': ')[2]}; {again}") from error
    finally:
        stop.set()


def _indexed(plan: ShardPlan, root: Path, state: Path, *, kept: int) -> ShardSummary:
    """Write the index from its lines; the sums."""
    left_out, samples, seconds, size = list(plan.left_out), 0, 0.0, 0
    for shard in plan.shards:
        known = _load(state / f"{shard.name}.json")
        left_out += [(name, reason) for name, reason in known["left_out"]]
        samples += len(known["samples"])
        seconds += sum(item["frames"] / item["sample_rate"] for item in known["samples"])
        size += known["bytes"]
    if not samples:
        raise CorpusError(f"{plan.root}: none of its sound can be read; the first: {': '.join(left_out[0])}")
    head = {"format": FORMAT, "kind": KIND, "settings": asdict(plan.settings), "layout": plan.layout}
    head |= {"samples": samples, "seconds": seconds, "bytes": size, "left_out": plan.left_out}
    with (
        atomic_output(root / INDEX, overwrite=True) as temporary,
        temporary.open("w", encoding="ascii") as lines,
    ):
        lines.write(f"{as_line(head)[:-1]}, {HEAD_END}\n")
        for number, shard in enumerate(plan.shards):
            end = "," if number + 1 < len(plan.shards) else ""
            lines.write((state / f"{shard.name}.json").read_text(encoding="ascii") + end + "\n")
        lines.write("]}\n")
    return ShardSummary(str(root), len(plan.shards), kept, samples, seconds, size, tuple(left_out))
