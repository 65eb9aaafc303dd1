"""Processes that take one item after another, each through a pipe of its own.

Nothing is shared: a process that dies takes with it the one item that it had. Processes are started by joblib
(fresh interpreters, no forks, the caller's main module is not run again).
"""

from __future__ import annotations

import os
import pickle
import signal
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from multiprocessing.connection import Connection, wait
from typing import Any

from tonewright.audio.jobs.outcome import LostJobError, outcome, sendable
from tonewright.audio.processes import deaf_to_interrupts
from tonewright.errors import TonewrightError

# Processes share the cores among themselves: a library that takes all of them for each would be slower.
_THREADS = (
    *("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"),
    *("NUMEXPR_NUM_THREADS", "VECLIB_MAXIMUM_THREADS", "BLIS_NUM_THREADS"),
)
ONE_THREAD = dict.fromkeys(_THREADS, "1")
_PATIENCE_S = 5.0


class Worker:
    """One process at work.

    Parameters
    ----------
    work : what it does with each item, pickled
    """

    def __init__(self, work: bytes) -> None:
        from joblib.externals.loky.backend.context import get_context

        context: Any = get_context("loky")
        self.pipe, theirs = context.Pipe()
        with theirs, deaf_to_interrupts():
            # Where this process ends, by whatever means, the pipe closes and the worker ends.
            self._process = context.Process(target=_serve, args=(theirs, work), env=ONE_THREAD, daemon=True)
            self._process.start()

    def begin(self, item: Any) -> None:
        """Give it an item; that it has died shows when the result is asked for."""
        with suppress(BrokenPipeError, ConnectionResetError):
            self.pipe.send(item)

    def result(self) -> Any:
        """What became of the item.

        Raises
        ------
        EOFError
            If the process has died.
        """
        try:
            return self.pipe.recv()
        except ConnectionResetError as error:
            raise EOFError from error

    def end(self, *, patience_s: float = _PATIENCE_S) -> str:
        """End it, and say how it ended.

        Parameters
        ----------
        patience_s : how long it may take to end by itself, which it does when it has nothing to do
        """
        self.pipe.close()
        self._process.join(patience_s)
        if self._process.is_alive() and self._process.pid is not None:
            os.kill(self._process.pid, signal.SIGKILL)
        self._process.join()
        code = self._process.exitcode
        return signal.Signals(-code).name if code is not None and code < 0 else f"exit code {code}"


def _serve(pipe: Connection, pickled: bytes) -> None:
    """Work through items until the pipe closes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # What cannot be loaded here fails at every item, in words, and not by the death of the process.
    work = outcome(pickle.loads, pickled)
    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        while True:
            item = pipe.recv()
            result = work if isinstance(work, Exception) else sendable(outcome(work, item))
            try:
                pipe.send(result)
            except (BrokenPipeError, ConnectionResetError):
                return
            except Exception as error:
                kind = type(result).__name__
                pipe.send(TonewrightError(f"the result cannot leave its process ({kind}: {error})"))
    os._exit(0)  # what is still open belongs to nobody


class Crew:
    """Several workers over one row of items.

    An item whose worker died is tried again when nobody else is at work, in case that memory ran short.

    Parameters
    ----------
    work : what is done with each item
    items : taken one by one, when somebody is free
    jobs : the number of workers, who start when there is something to do
    """

    def __init__(self, work: Callable[[Any], Any], items: Iterator[Any], jobs: int) -> None:
        from joblib.externals.loky.backend.reduction import dumps

        self._work, self._items, self._jobs = bytes(dumps(work)), items, jobs
        self._idle: list[Worker] = []
        self._busy: dict[Connection, tuple[Worker, Any, bool]] = {}
        self._lost: deque[Any] = deque()
        self._more = True

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Items and what became of each, as they are done."""
        clean = False
        try:
            self._feed()
            while self._busy:
                done = [pair for pipe in wait(list(self._busy)) for pair in self._settled(pipe)]
                self._feed()
                yield from done
            clean = True
        finally:
            self._dismiss(patience_s=_PATIENCE_S if clean else 0.0)

    def _feed(self) -> None:
        """Give everybody something to do; lost items one at a time."""
        while self._more and len(self._lost) < 2 * self._jobs and len(self._busy) < self._jobs:
            try:
                item = next(self._items)
            except StopIteration:
                self._more = False
            else:
                self._begin(item, again=False)
        if self._lost and not self._busy:
            self._begin(self._lost.popleft(), again=True)

    def _begin(self, item: Any, *, again: bool) -> None:
        worker = self._idle.pop() if self._idle else Worker(self._work)
        self._busy[worker.pipe] = worker, item, again
        worker.begin(item)

    def _settled(self, pipe: Any) -> Iterator[tuple[Any, Any]]:
        """The item of a worker that has something to say, unless it is to be tried again."""
        worker, item, again = self._busy.pop(pipe)
        try:
            result = worker.result()
        except EOFError:
            words = worker.end()
            if again:
                yield item, LostJobError(f"{item}: the process that worked on it died twice ({words})")
            else:
                self._lost.append(item)
        else:
            self._idle.append(worker)
            yield item, result

    def _dismiss(self, *, patience_s: float) -> None:
        """End everybody; those who are busy at once."""
        for worker, _, _ in self._busy.values():
            worker.end(patience_s=0.0)
        for worker in self._idle:
            worker.end(patience_s=patience_s)
