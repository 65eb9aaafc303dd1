"""Speed of the losses and metrics, and of auraloss in an environment of its own, in one run.

``python benchmarks/losses.py [--repeats N] [--json]``: one thread, CPU time, the calls of both sides taking
turns, medians. It ends with 1 where a bar is missed: 1.5 × as fast as auraloss, equal to it within 1e-4.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

os.environ |= {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}  # before torch is loaded

import numpy as np
import torch
from torch import Tensor

from tonewright import __version__
from tonewright.learning import metrics
from tonewright.learning.losses import LossBalancer, ReconstructionLoss, ReconstructionSettings, weigh
from tonewright.learning.spectral import (
    ChannelViews,
    MelSettings,
    MultiResolutionMelLoss,
    MultiResolutionSTFTLoss,
    STFTSettings,
)

PEERS = Path(__file__).parent / "peers"
RATE, BATCH, SECONDS = 44100, 4, 1.5
LEAST_RATIO, TOLERANCE = 1.5, 1e-4
# auraloss's defaults: it floors the power at 1e-8, and takes the norms over the batch.
LIKE_AURALOSS = STFTSettings(
    windows=(600, 1200, 240),
    hops=(120, 240, 50),
    ffts=(1024, 2048, 512),
    epsilon=1e-4,
    convergence_over="batch",
    a_weighting=False,
)
DEFAULT_WEIGHTS = {"stft_log": 1.0, "stft_linear": 1.0, "stft_convergence": 1.0, "mel": 1.0}


class Auraloss:
    """The peer in a process of its own."""

    def __init__(self) -> None:
        python = subprocess.run(
            [PEERS / "build_env.sh", "auraloss"], check=True, text=True, stdout=subprocess.PIPE
        ).stdout.strip()
        command = [python, str(PEERS / "auraloss_worker.py")]
        self.process = subprocess.Popen(command, text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.versions = self._answer()

    def __call__(self, **request: Any) -> dict[str, Any]:
        assert self.process.stdin is not None
        print(json.dumps(request), file=self.process.stdin, flush=True)
        return self._answer()

    def _answer(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise SystemExit("auraloss's process ended early; its error is above")
        return json.loads(line)

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait()


def sounds(channels: int) -> Tensor:
    """An estimate and a target of noise, (2, batch, channels, time)."""
    generator = torch.Generator().manual_seed(channels)
    return 0.1 * torch.randn((2, BATCH, channels, round(RATE * SECONDS)), generator=generator)


def cpu_seconds(work: Callable[[], object]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def against_auraloss(peer: Auraloss, channels: int, linear_weight: float, repeats: int) -> dict[str, Any]:
    pair = sounds(channels)
    weights = {"stft_log": 1.0, "stft_convergence": 1.0} | ({"stft_linear": 1.0} if linear_weight else {})
    loss = MultiResolutionSTFTLoss(LIKE_AURALOSS, sample_rate=RATE, views=ChannelViews(1.0, 0.0))
    estimate, target = pair[0].clone().requires_grad_(), pair[1]

    def step() -> Tensor:
        estimate.grad = None
        total = weigh(loss(estimate, target, names=tuple(weights)), weights)
        total.backward()
        return total

    with tempfile.TemporaryDirectory() as folder:
        path, gradient_path = f"{folder}/sounds.npy", f"{folder}/gradient.npy"
        np.save(path, pair.numpy())
        request = {"sounds": path, "linear_weight": linear_weight}
        theirs = peer(**request, gradient=gradient_path)
        difference = abs(step().item() - theirs["total"])
        assert estimate.grad is not None
        ours, gradient = estimate.grad.clone(), torch.from_numpy(np.load(gradient_path))
        times = [(cpu_seconds(step), peer(**request)["seconds"]) for _ in range(repeats)]
    own, other = (median(column) for column in zip(*times, strict=True))
    terms = " + ".join(name.removeprefix("stft_") for name in weights)
    return {
        "work": f"multi-resolution STFT loss, {terms}, forward and backward, {_shape(channels)}",
        "own_ms": 1e3 * own,
        "auraloss_ms": 1e3 * other,
        "ratio": other / own,
        "difference": difference,
        "gradient_difference": ((ours - gradient).norm() / gradient.norm()).item(),
    }


def _shape(channels: int) -> str:
    return f"batch {BATCH} × {SECONDS} s {'stereo' if channels == 2 else 'mono'}"


def own_costs(repeats: int) -> list[dict[str, Any]]:
    pair = sounds(2)
    estimate, target = pair[0].clone().requires_grad_(), pair[1]
    mel = MultiResolutionMelLoss(MelSettings(), sample_rate=RATE)
    stft = MultiResolutionSTFTLoss(STFTSettings(), sample_rate=RATE)
    both = ReconstructionLoss(ReconstructionSettings(), sample_rate=RATE, names=DEFAULT_WEIGHTS)
    balancer = LossBalancer(DEFAULT_WEIGHTS)
    work: dict[str, Callable[[], object]] = {
        "mel loss, 7 windows, both channel views, forward and backward": lambda: mel(estimate, target)[
            "mel"
        ].backward(),
        "STFT loss, 7 windows, both channel views, forward and backward": lambda: weigh(
            terms := stft(estimate, target), dict.fromkeys(terms, 1.0)
        ).backward(),
        "both together, sharing spectra, forward and backward": lambda: weigh(
            both(estimate, target), DEFAULT_WEIGHTS
        ).backward(),
        "the same through the balancer": lambda: balancer(both(estimate, target), estimate).backward(),
        "SI-SDR": lambda: metrics.si_sdr(*pair),
        "SDR": lambda: metrics.sdr(*pair),
        "mel distance": lambda: metrics.mel_distance(*pair, sample_rate=RATE),
        "STFT distance": lambda: metrics.stft_distance(*pair),
        "log-spectral distance": lambda: metrics.log_spectral_distance(*pair),
    }
    rows = []
    for name, call in work.items():
        call()
        taken = median(cpu_seconds(call) for _ in range(repeats))
        rows.append({"work": f"{name}, {_shape(2)}", "own_ms": 1e3 * taken})
    return rows


def bars_missed(rows: list[dict[str, Any]]) -> list[str]:
    compared = [row for row in rows if "ratio" in row]
    slow = [f"{row['work']}: {row['ratio']:.2f} ×" for row in compared if row["ratio"] < LEAST_RATIO]
    far = [f"{row['work']}: {row['difference']:.1e} off" for row in compared if row["difference"] > TOLERANCE]
    return slow + far


def table(result: dict[str, Any]) -> str:
    head = "work | own ms | auraloss ms | ratio | difference | gradient's difference"
    lines = [f"{result['date']}; {result['versions']}; {result['processor']}; one thread", "", f"| {head} |"]
    lines.append("|---" * 6 + "|")
    for row in result["rows"]:
        cells = [row["work"], f"{row['own_ms']:.1f}"]
        if "ratio" in row:
            cells += [f"{row['auraloss_ms']:.1f}", f"{row['ratio']:.2f} ×", f"{row['difference']:.1e}"]
            cells += [f"{row['gradient_difference']:.1e}"]
        lines.append("| " + " | ".join(cells + ["–"] * (6 - len(cells))) + " |")
    return "\n".join(lines)


def processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    named = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return named[0] if named else platform.processor() or platform.machine()


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--repeats", type=int, default=9, help="calls a side, whose median counts (9)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")
    options = parser.parse_args()
    torch.set_num_threads(1)
    peer = Auraloss()
    cases = [(channels, linear) for linear in (0.0, 1.0) for channels in (1, 2)]
    rows = [against_auraloss(peer, channels, linear, options.repeats) for channels, linear in cases]
    peer.close()
    rows += own_costs(options.repeats)
    versions = f"tonewright {__version__}, auraloss {peer.versions['auraloss']}, torch {torch.__version__}"
    if peer.versions["torch"] != torch.__version__:
        versions += f" (auraloss on {peer.versions['torch']})"
    date = datetime.now(UTC).date().isoformat()
    result = {"date": date, "versions": versions, "processor": processor(), "rows": rows}
    print(json.dumps(result, indent=2) if options.json else table(result))
    missed = bars_missed(rows)
    for bar in missed:
        print(f"bar missed: {bar}", file=sys.stderr)
    raise SystemExit(1 if missed else 0)


if __name__ == "__main__":
    main()
