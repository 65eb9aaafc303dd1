"""Independent jobs: every item comes back, whatever becomes of its job or of the process that does it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import tracemalloc
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tonewright.audio.jobs import LostJobError, run_jobs
from tonewright.errors import AudioError, MissingExtraError, UsageError


def square(number: int) -> int:
    return number * number


@pytest.mark.parametrize("jobs", [1, 2, 3])
def test_every_item_comes_back_once_with_its_result(jobs: int) -> None:
    pairs = list(run_jobs(lambda number: number * number, range(25), jobs=jobs))
    assert sorted(pairs) == [(number, number * number) for number in range(25)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_error_is_the_result_of_its_item(jobs: int) -> None:
    def work(path: str) -> int:
        if path == "bad.wav":
            raise AudioError(path, "is truncated")
        return len(path)

    results = dict(run_jobs(work, ["a.wav", "bad.wav", "bb.wav"], jobs=jobs))
    assert results["a.wav"] == 5
    assert results["bb.wav"] == 6
    error = results["bad.wav"]
    assert isinstance(error, AudioError)
    assert error.reason == "is truncated"


@pytest.mark.parametrize("death", ["kill", "crash", "exit"])
def test_a_process_that_dies_costs_its_item_alone(death: str) -> None:
    def work(item: object) -> object:
        import ctypes
        import faulthandler

        faulthandler.disable()
        if item == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if item == "crash":
            ctypes.string_at(0)
        if item == "exit":
            sys.exit(3)
        return item

    results = dict(run_jobs(work, [1, 2, death, 3, 4, 5], jobs=2))
    assert {number: results[number] for number in range(1, 6)} == {number: number for number in range(1, 6)}
    assert isinstance(results[death], LostJobError)
    assert death in str(results[death])


def test_a_lost_item_is_tried_again_with_nobody_else_at_work(tmp_path: Path) -> None:
    """As where memory ran short for two at once: the second attempt finds the room."""

    def work(item: int) -> int:
        mark = tmp_path / str(item)
        again = mark.exists()
        mark.touch()
        if item in (3, 4) and not again:
            os.kill(os.getpid(), signal.SIGKILL)
        (tmp_path / f"at-work-{item}").touch()
        alone = len(list(tmp_path.glob("at-work-*"))) == 1
        time.sleep(0.02)
        (tmp_path / f"at-work-{item}").unlink()
        return item if alone or not again else -item

    assert dict(run_jobs(work, range(1, 9), jobs=3)) == {item: item for item in range(1, 9)}


def test_items_are_taken_when_somebody_is_free() -> None:
    taken = 0

    def items() -> Iterator[int]:
        nonlocal taken
        while taken < 1000:
            taken += 1
            yield taken

    results = run_jobs(lambda number: number, items(), jobs=2)
    for done in range(1, 21):
        next(results)
        assert taken <= done + 2 * 2
    results.close()  # type: ignore[attr-defined]
    assert taken < 40


def test_nothing_is_kept_of_what_is_done() -> None:
    results = run_jobs(lambda number: bytes(10_000), range(600), jobs=2)
    for _ in range(100):
        next(results)
    tracemalloc.start()
    for _ in results:
        pass
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 200_000


def test_no_process_is_left() -> None:
    pids = {pid for _, pid in run_jobs(lambda _: os.getpid(), range(8), jobs=2) if isinstance(pid, int)}
    broken_off = run_jobs(lambda _: os.getpid(), range(8), jobs=2)
    pids.add(next(broken_off)[1])  # type: ignore[arg-type]
    broken_off.close()  # type: ignore[attr-defined]
    assert os.getpid() not in pids
    assert not [pid for pid in pids if Path(f"/proc/{pid}").exists()]


def test_a_process_computes_with_one_thread_and_is_deaf_to_interrupts() -> None:
    def work(name: str) -> str | None:
        os.kill(os.getpid(), signal.SIGINT)
        return os.environ.get(name)

    names = ("OMP_NUM_THREADS", "NUMBA_NUM_THREADS", "MKL_NUM_THREADS")
    assert dict(run_jobs(work, names, jobs=2)) == dict.fromkeys(names, "1")


@pytest.mark.parametrize(("jobs", "known"), [(1, True), (2, True), (2, False)])
def test_progress_counts_what_is_done(jobs: int, known: bool) -> None:
    told: list[tuple[int, int]] = []
    items = range(5) if known else iter(range(5))
    for number, _ in enumerate(
        run_jobs(lambda item: item, items, jobs=jobs, progress=lambda *counts: told.append(counts)), start=1
    ):
        assert len(told) == number
    assert told == [(done, 5 if known else done) for done in range(1, 6)]


def test_what_cannot_leave_its_process_is_an_error_in_words() -> None:
    class LocalError(Exception):
        def __init__(self, first: int, second: int) -> None:
            super().__init__(f"{first} and {second}")

    def work(item: str) -> object:
        if item == "error":
            raise LocalError(1, 2)
        return (lambda: 0) if item == "function" else item

    results = dict(run_jobs(work, ["error", "function", "fine"], jobs=2))
    assert "1 and 2" in str(results["error"])
    assert "cannot leave its process" in str(results["function"])
    assert results["fine"] == "fine"


def test_work_that_no_process_can_import_says_so() -> None:
    module = type(sys)("nowhere_to_be_found")
    exec("def work(item): return item", module.__dict__)
    sys.modules[module.__name__] = module
    try:
        results = dict(run_jobs(module.work, [1, 2], jobs=2))
    finally:
        del sys.modules[module.__name__]
    assert all(isinstance(error, ModuleNotFoundError) for error in results.values())


@pytest.mark.parametrize(
    "options",
    [{"jobs": 0}, {"engine": "threads"}, {"address": "10.0.0.1:6379"}],
    ids=["jobs", "engine", "address"],
)
def test_wrong_use_is_told_before_the_work(options: dict[str, Any]) -> None:
    with pytest.raises(UsageError):
        run_jobs(square, [1], **options)


def test_workers_end_with_the_process_that_started_them(tmp_path: Path) -> None:
    script = f"""
import os, signal, time
from pathlib import Path
from tonewright.audio.jobs import run_jobs

def work(item):
    Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(0.05)

if __name__ == "__main__":
    for done, _ in enumerate(run_jobs(work, range(1000), jobs=2)):
        if done == 4:
            os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == -signal.SIGKILL
    assert done.stderr == ""
    pids = [path.name for path in tmp_path.iterdir()]
    assert len(pids) == 2
    end = time.monotonic() + 10
    while any(Path("/proc", pid).exists() for pid in pids) and time.monotonic() < end:
        time.sleep(0.05)
    assert not [pid for pid in pids if Path("/proc", pid).exists()]


def test_ctrl_c_is_heard_by_the_first_process_alone(tmp_path: Path) -> None:
    script = f"""
import os, time
from pathlib import Path
from tonewright.audio.jobs import run_jobs

def work(item):
    Path({str(tmp_path)!r}, str(os.getpid())).touch()
    time.sleep(0.05)

try:
    for _ in run_jobs(work, range(1000), jobs=2):
        print("at work", flush=True)
except KeyboardInterrupt:
    print("interrupted", flush=True)
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "at work\n"
        os.killpg(process.pid, signal.SIGINT)
        out, error = process.communicate(timeout=60)
    assert out.endswith("interrupted\n")
    assert (process.returncode, error) == (0, "")
    pids = [path.name for path in tmp_path.iterdir()]
    assert pids
    assert not [pid for pid in pids if Path("/proc", pid).exists()]


def test_without_ray_a_line_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError, match=r"tonewright\[ray\]"):
        run_jobs(square, [1], engine="ray")


RAY = """
import os, signal, sys, time
from tonewright.audio.jobs import LostJobError, run_jobs
from tonewright.errors import AudioError, TonewrightError

def work(item):
    if item == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    if item == "bad":
        raise AudioError("x.wav", "is truncated")
    return item if item != "threads" else os.environ["NUMBA_NUM_THREADS"]

results = dict(run_jobs(work, iter([1, "bad", 2, "die", 3, "threads"]), jobs=2, engine="ray"))
assert {1: 1, 2: 2, 3: 3, "threads": "1"}.items() <= results.items(), results
assert isinstance(results["bad"], AudioError), results
assert results["bad"].reason == "is truncated"
assert isinstance(results["die"], LostJobError), results
import ray
assert not ray.is_initialized()
print("fine")
"""


def test_ray_does_the_same() -> None:
    """In a process of its own: Ray leaves threads behind."""
    pytest.importorskip("ray")
    done = subprocess.run([sys.executable, "-c", RAY], capture_output=True, text=True, timeout=250)
    assert done.stdout.endswith("fine\n"), done.stderr
