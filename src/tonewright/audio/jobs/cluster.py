"""Jobs as tasks of Ray, on this machine or on a cluster."""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Callable, Iterator
from typing import Any

from tonewright.audio.jobs.outcome import LostJobError, outcome, sendable
from tonewright.audio.jobs.workers import ONE_THREAD
from tonewright.errors import MissingExtraError, TonewrightError

_LOOK_AGAIN_S = 5.0
_PATIENCE_S = 10.0


class Cluster:
    """Tasks in flight on a Ray cluster, over one row of items.

    A Ray that already runs in this process is used and left running.

    Parameters
    ----------
    work : what is done with each item; the machines of a cluster have this package and see the same files
    items : taken one by one
    jobs : tasks at a time; None for two for each processor of the cluster, so that none waits
    address : of the cluster; None for $RAY_ADDRESS, or where that is unset for this machine alone

    Raises
    ------
    MissingExtraError
        If Ray is not installed.
    TonewrightError
        If no cluster answers.
    """

    def __init__(
        self, work: Callable[[Any], Any], items: Iterator[Any], jobs: int | None, address: str | None
    ) -> None:
        self._ray = _imported()
        self._items, self._jobs, self._most, self._looked = items, jobs, jobs or 1, -_LOOK_AGAIN_S
        self._flying: dict[Any, Any] = {}
        self._ours = not self._ray.is_initialized()
        if self._ours:
            _connect(self._ray, jobs, address or os.environ.get("RAY_ADDRESS") or "local")
        # A task whose process dies is tried once more.
        self._task = self._ray.remote(max_retries=1, retry_exceptions=False)(_done)
        self._work = self._ray.put(work)

    def results(self) -> Iterator[tuple[Any, Any]]:
        """Items and what became of each, as they are done."""
        try:
            self._feed()
            while self._flying:
                ready, _ = self._ray.wait(list(self._flying), num_returns=1)
                done = [self._settled(reference) for reference in ready]
                self._feed()
                yield from done
        finally:
            self._end()

    def _feed(self) -> None:
        if self._jobs is None and time.monotonic() - self._looked > _LOOK_AGAIN_S:
            # A cluster may grow while there is work.
            self._most = 2 * max(1, int(self._ray.cluster_resources().get("CPU", 1)))
            self._looked = time.monotonic()
        while len(self._flying) < self._most:
            try:
                item = next(self._items)
            except StopIteration:
                return
            self._flying[self._task.remote(self._work, item)] = item

    def _settled(self, reference: Any) -> tuple[Any, Any]:
        item = self._flying.pop(reference)
        try:
            return item, self._ray.get(reference)
        except self._ray.exceptions.RayTaskError as error:
            return item, TonewrightError(f"{item}: {str(error).strip().splitlines()[-1]}")
        except self._ray.exceptions.RayError as error:
            words = str(error).strip().splitlines()[0]
            return item, LostJobError(f"{item}: the process that worked on it died twice ({words})")

    def _end(self) -> None:
        for reference in self._flying:
            self._ray.cancel(reference, force=True)
        self._flying.clear()
        if self._ours:
            self._ray.shutdown()


def _imported() -> Any:
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")  # else it announces a change to come
    try:
        import ray  # pyright: ignore[reportMissingImports] - an extra
    except ModuleNotFoundError as error:
        raise MissingExtraError("ray", "ray") from error
    return ray


def _connect(ray: Any, jobs: int | None, address: str) -> None:
    """Start Ray here for the address "local", else join the cluster at the address."""
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if address == "local":
        options |= {"num_cpus": jobs, "include_dashboard": False}
    try:
        _knock(address)
        ray.init(address=address, runtime_env={"env_vars": ONE_THREAD}, **options)
    except (OSError, RuntimeError, ValueError, ImportError) as error:
        words = " ".join(str(error).split())
        raise TonewrightError(f"cannot join the Ray cluster at the address {address}: {words}") from error


def _knock(address: str) -> None:
    """Raise an OSError where nobody listens at host:port, for which Ray would wait many minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), timeout=_PATIENCE_S).close()


def _done(work: Callable[[Any], Any], item: Any) -> Any:
    return sendable(outcome(work, item))
