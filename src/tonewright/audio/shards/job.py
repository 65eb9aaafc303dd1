"""The shards of a plan on disk: in parallel, each whole or not at all, with their index at the end."""

from __future__ import annotations

import os
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from tonewright.audio.files import atomic_output
from tonewright.audio.shards.claim import claimed, finished_shards, load_json
from tonewright.audio.shards.index import FORMAT, HEAD_END, INDEX, KIND
from tonewright.audio.shards.planning import PlannedShard, ShardPlan
from tonewright.audio.shards.writing import as_line, write_shard
from tonewright.audio.sources.manifest import LICENCES
from tonewright.errors import CorpusError, OutputError


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

    Shards that an earlier call with the same plan and the same files has finished are kept. The list of
    licences of a pool goes with its sound.

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
    with claimed(root, plan, overwrite=overwrite) as state:
        done = finished_shards(plan, root, state)
        todo = [shard for shard in plan.shards if shard.name not in done]
        if todo:
            (root / INDEX).unlink(missing_ok=True)
            _check_room(root, sum(map(plan.size_of, todo)))
            crew = _Crew(sum(len(shard.pieces) for shard in todo), progress)
            _write_all(todo, root, state, plan.digits, jobs, crew)
        _copy_licences(plan, root)
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


class _Crew:
    """Threads that count their samples together, and all stop at the next one when one of them fails."""

    def __init__(self, total: int, progress: Callable[[int, int], None] | None) -> None:
        self._total, self._done, self._progress = total, 0, progress
        self._stopped, self._at_work = False, 0
        self._changed = threading.Condition()

    @contextmanager
    def shift(self) -> Iterator[None]:
        """A thread at work."""
        with self._changed:
            self._at_work += 1
        try:
            yield
        except BaseException:
            self._stopped = True
            raise
        finally:
            with self._changed:
                self._at_work -= 1
                self._changed.notify_all()

    def step(self) -> None:
        """A sample is done."""
        if self._stopped:
            raise _StoppedError
        with self._changed:
            self._done += 1
            if self._progress is not None:
                self._progress(self._done, self._total)

    def dismiss(self) -> None:
        """Stop, and wait until nobody is at work: half-written files are gone then."""
        self._stopped = True
        with self._changed:
            self._changed.wait_for(lambda: self._at_work == 0)


def _write_all(
    todo: list[PlannedShard], root: Path, state: Path, digits: int, jobs: int | None, crew: _Crew
) -> None:
    """Write shards in parallel."""
    from joblib import Parallel, delayed

    def make(shard: PlannedShard) -> None:
        with crew.shift():
            with tempfile.TemporaryDirectory(dir=state) as folder:
                scratch, target = Path(folder), root / shard.name
                written = write_shard(shard, target, scratch=scratch, digits=digits, step=crew.step)
            with atomic_output(state / f"{shard.name}.json", overwrite=True) as temporary:
                temporary.write_text(as_line(written), encoding="ascii")

    # Decoding, encoding and hashing leave the interpreter free, so that threads suffice.
    workers = Parallel(n_jobs=jobs or -1, prefer="threads", return_as="generator_unordered")
    try:
        for _ in workers(delayed(make)(shard) for shard in todo):
            pass
    except OutputError as error:
        again = "the finished shards are kept: the same command goes on with the others"
        raise OutputError(f"{root}: {str(error).rpartition(': ')[2]}; {again}") from error
    finally:
        crew.dismiss()


def _copy_licences(plan: ShardPlan, root: Path) -> None:
    """Keep what a pool, or shards made of one, say of authors and licences."""
    source = Path(plan.root, LICENCES)
    if plan.layout in ("pool", "shards") and source.is_file():
        with atomic_output(root / LICENCES, overwrite=True) as temporary:
            shutil.copyfile(source, temporary)


def _indexed(plan: ShardPlan, root: Path, state: Path, *, kept: int) -> ShardSummary:
    """Write the index from its lines; the sums."""
    left_out, samples, seconds, size = list(plan.left_out), 0, 0.0, 0
    for shard in plan.shards:
        known = load_json(state / f"{shard.name}.json")
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
