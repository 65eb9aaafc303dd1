"""What the benchmarks share: one core, fair turns, peers in environments of their own, a table.

Import this before NumPy or torch: it limits their threads.
"""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent

for _pool in ("OMP", "MKL", "OPENBLAS", "NUMBA"):
    os.environ.setdefault(f"{_pool}_NUM_THREADS", "1")


class SkippedError(Exception):
    """A row that cannot be measured here, and why."""


@dataclass
class Row:
    """One line of the table."""

    work: str
    unit: str
    ours: float | None = None
    peer: str = ""
    theirs: float | None = None
    required: str = ""
    met: bool | None = None
    note: str = ""
    less_is_better: bool = False

    @property
    def ratio(self) -> float | None:
        """Ours over theirs; theirs over ours where less is better."""
        if not (self.ours and self.theirs):
            return None
        return self.theirs / self.ours if self.less_is_better else self.ours / self.theirs


@dataclass
class Report:
    """Rows with the date, the machine and the versions they belong to."""

    title: str
    packages: tuple[str, ...]
    rows: list[Row] = field(default_factory=list)
    peers: dict[str, str] = field(default_factory=dict)

    def measure(self, rows: Callable[[], list[Row]], *names: str) -> None:
        """Add the rows that a measurement gives, or lines that say why there are none."""
        say(f"measuring: {', '.join(names)}")
        try:
            self.rows += rows()
        except SkippedError as reason:
            self.rows += [Row(name, "", note=f"skipped: {reason}") for name in names]

    def facts(self) -> dict[str, object]:
        """When, where and with what."""
        packages = {name: _version(name) for name in self.packages} | self.peers
        machine = f"{_processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}"
        return {
            "date": date.today().isoformat(),
            "python": platform.python_version(),
            "machine": machine,
            **packages,
        }

    def markdown(self) -> str:
        """The table, with its date and versions."""
        facts = self.facts()
        versions = ", ".join(
            f"{name} {value}" for name, value in facts.items() if name not in ("date", "machine")
        )
        lines = [f"### {self.title}", "", f"{facts['date']}; {facts['machine']}; {versions}.", ""]
        lines += ["| work | ours | peer | ratio | must be | |", "| --- | ---: | ---: | ---: | --- | --- |"]
        for row in self.rows:
            ours = f"{_figure(row.ours)} {row.unit}" if row.ours is not None else ""
            theirs = f"{row.peer}: {_figure(row.theirs)}" if row.theirs is not None else row.peer
            ratio = f"{row.ratio:.2f} ×" if row.ratio else ""
            verdict = row.note or {True: "met", False: "MISSED", None: ""}[row.met]
            lines.append(f"| {row.work} | {ours} | {theirs} | {ratio} | {row.required} | {verdict} |")
        return "\n".join(lines)

    def print(self, *, as_json: bool) -> None:
        """Write the report to standard output."""
        if as_json:
            rows = [{**asdict(row), "ratio": row.ratio} for row in self.rows]
            print(json.dumps({"title": self.title, **self.facts(), "rows": rows}, indent=2))
        else:
            print(self.markdown())


def say(text: str) -> None:
    """Progress, apart from the results."""
    print(text, file=sys.stderr, flush=True)


@contextmanager
def one_core() -> Iterator[None]:
    """This process and all that it starts on a single core, where the system can arrange that."""
    if not hasattr(os, "sched_setaffinity"):
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {max(before)})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def rates(*works: Callable[[int], object], calls: int, rounds: int = 7) -> list[float]:
    """Calls per second of each work, its best round; they take turns, so that a busy machine hits all alike.

    Each is called with a number that is new every time.
    """
    best = [0.0] * len(works)
    for turn in range(rounds + 1):  # the first, which opens files and fills caches, may not win
        for place, work in enumerate(works):
            begin = time.perf_counter()
            for number in range(turn * calls, (turn + 1) * calls):
                work(number)
            taken = time.perf_counter() - begin
            if turn:
                best[place] = max(best[place], calls / taken)
    return best


def peer_python(name: str) -> str:
    """The Python of a peer's environment, built from benchmarks/peers/NAME.txt where it is not there yet."""
    say(f"environment of {name}: .venv-peers/{name}")
    builder = [str(HERE / "peers" / "build_env.sh"), name]
    result = subprocess.run(
        builder, capture_output=True, text=True, check=False, env={**os.environ, "PYTHON": sys.executable}
    )
    if result.returncode:
        errors = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
        raise SkippedError(f"the environment of {name} could not be built ({errors[-1].strip()})")
    return result.stdout.strip().splitlines()[-1]


class Worker:
    """A peer in a process and an environment of its own: a line of JSON for a line of JSON.

    Parameters
    ----------
    peer : of peers/PEER.txt and peers/PEER_worker.py
    """

    def __init__(self, peer: str) -> None:
        command = [peer_python(peer), str(HERE / "peers" / f"{peer}_worker.py")]
        self.peer = peer
        self.process = subprocess.Popen(
            command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        self.versions = self._answer()

    def ask(self, **request: Any) -> dict[str, Any]:
        """Send a request and wait for the answer."""
        assert self.process.stdin is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SkippedError(f"the process of {self.peer} ended early")
        return json.loads(line)


class PyFDN(Worker):
    """pyFDN in a process of its own."""

    def __init__(self) -> None:
        super().__init__("pyfdn")

    def __call__(self, work: str, **request: Any) -> dict[str, Any]:
        return self.ask(work=work, **request)


def run_json(command: list[str]) -> dict:
    """Run a program whose last line is JSON; give that."""
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    if result.returncode:
        errors = [line for line in result.stderr.splitlines() if line.strip()] or ["no message"]
        raise SkippedError(f"{Path(command[1]).name} failed ({errors[-1].strip()})")
    return json.loads(result.stdout.strip().splitlines()[-1])


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
