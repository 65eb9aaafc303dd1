"""`run_jobs`: the same work for every item, in any order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sized
from typing import Any, Literal, TypeVar

from tonewright.audio.jobs.cluster import Cluster
from tonewright.audio.jobs.outcome import outcome
from tonewright.audio.jobs.workers import Crew
from tonewright.errors import UsageError, nearest

Engine = Literal["processes", "ray"]
ENGINES: tuple[Engine, ...] = ("processes", "ray")

Item = TypeVar("Item")
Result = TypeVar("Result")


def run_jobs(
    work: Callable[[Item], Result],
    items: Iterable[Item],
    *,
    jobs: int | None = 1,
    engine: Engine = "processes",
    address: str | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Iterator[tuple[Item, Result | Exception]]:
    """Do the same work for every item, and give each with what became of it as soon as it is done.

    Items are taken when somebody is free to work on them, and nothing is kept of those that are done: memory
    does not grow with their number. What a job raises is its result, and costs nothing else. A process that
    dies costs at most the item that it had: it is tried once more, with nothing else at work, and if that
    process dies too, its result is a `LostJobError`.

    Where this is broken off, by Ctrl-C or by closing the iterator, all processes are ended at once.

    Parameters
    ----------
    work : a function of one item; for more than one process, a function of a module or a `functools.partial`
        of one. In processes it has one thread to compute with
    items : any iterable; of things that can be pickled, for more than one process
    jobs : items worked on at a time. With "processes", 1 works in this very process, and a crash there is a
        crash; None is one a core, as far as there are items. With "ray", None is what the cluster has
        processors for
    engine : "processes" on this machine, or "ray", whose machines have this package and see the same files
    address : of the Ray cluster; without one, and without $RAY_ADDRESS, Ray runs on this machine
    progress : called with (done, total); without a known number of items, the total is what is known

    Yields
    ------
    (item, result), in the order in which they are done; the result is an Exception where the job failed

    Raises
    ------
    UsageError
        If the number of jobs or the engine is none.
    MissingExtraError
        If Ray is asked for and not installed.
    TonewrightError
        If no Ray cluster answers at the address.
    """
    if engine not in ENGINES:
        raise UsageError(f"there is no engine {engine!r}; {nearest(engine, ENGINES)}")
    if jobs is not None and jobs < 1:
        raise UsageError(f"jobs: at least 1; got {jobs}")
    if address is not None and engine != "ray":
        raise UsageError("an address is that of a Ray cluster; choose the engine 'ray'")
    total = len(items) if isinstance(items, Sized) else 0
    results = _results(work, iter(items), total, jobs, engine, address)
    return results if progress is None else _counted(results, total, progress)


def _results(
    work: Callable[[Any], Any],
    items: Iterator[Any],
    total: int,
    jobs: int | None,
    engine: Engine,
    address: str | None,
) -> Iterator[tuple[Any, Any]]:
    if engine == "ray":
        return Cluster(work, items, jobs, address).results()
    if jobs is None:
        from joblib import cpu_count

        jobs = min(cpu_count(), total or cpu_count())
    if jobs == 1:
        return ((item, outcome(work, item)) for item in items)
    return Crew(work, items, jobs).results()


def _counted(
    results: Iterator[tuple[Any, Any]], total: int, progress: Callable[[int, int], None]
) -> Iterator[tuple[Any, Any]]:
    for done, pair in enumerate(results, start=1):
        progress(done, max(done, total))
        yield pair
