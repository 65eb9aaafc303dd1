"""pyFDN in its own environment: reverb.py sends a line of JSON for a piece of work and is sent one back."""

from __future__ import annotations

import json
import sys
import time
import warnings
from importlib.metadata import version
from typing import Any

import numpy as np
import torch

warnings.filterwarnings("ignore")
import pyFDN  # noqa: E402 # pyright: ignore[reportMissingImports]
from pyFDN.train.objectives import build_objective  # noqa: E402 # pyright: ignore[reportMissingImports]

TYPES = {"float32": torch.float32, "float64": torch.float64}


def main() -> None:
    torch.set_num_threads(1)
    versions = {"pyFDN": version("pyFDN"), "flamo": version("flamo"), "torch": torch.__version__}
    print(json.dumps(versions), flush=True)
    for line in sys.stdin:
        request = json.loads(line)
        answer = globals()[f"do_{request.pop('work')}"](**request)
        print(json.dumps(answer), flush=True)


def model_of(*, lines: int, nfft: int, dtype: str = "float32", rt: Any = 2.0, **options: Any) -> Any:
    return pyFDN.build_fdn(
        N=lines, nfft=nfft, dtype=TYPES[dtype], rt=tuple(rt) if isinstance(rt, list) else rt, **options
    )


def do_train(
    *,
    mode: str,
    steps: int,
    target: str | None = None,
    dtype: str = "float32",
    rounds: int = 1,
    **network: Any,
) -> dict:
    """CPU seconds of so many steps, the fastest round, and the losses of the last."""
    response = None if target is None else np.load(target)
    best, log = float("inf"), None
    for _ in range(rounds):
        model = model_of(dtype=dtype, rng=0, **network)
        begun = time.process_time()
        log = pyFDN.train_fdn(
            model, mode, target=response, max_steps=steps, patience=steps + 1, dtype=TYPES[dtype], rng=0
        )
        best = min(best, time.process_time() - begun)
    assert log is not None
    return {"seconds": best, "train_loss": log.train_loss, "loss_log": log.loss_log}


def do_gradient(*, mode: str, arrays: str, target: str | None, nfft: int, out: str) -> dict:
    """Loss and its gradient by A, B and C of a network, in double precision."""
    torch.set_default_dtype(torch.float64)
    given = np.load(arrays)
    kind = torch.float64
    model = pyFDN.build_fdn(
        delays=given["delays"], rt=2.0, matrix="random", feedback=given["A"], input_gain=given["B"],
        output_gain=given["C"], nfft=nfft, dtype=kind,
    )  # fmt: skip
    response = None if target is None else np.load(target)
    sound, goal, criteria, domain = build_objective(
        mode, target=response, criteria=None, sparsity_alpha=0.0, mss_nfft=(256, 512, 1024), fs=48000.0,
        nfft=nfft, n_in=1, n_out=1, device="cpu", dtype=kind,
    )  # fmt: skip
    from pyFDN.auxiliary.flamo import output_layer  # pyright: ignore[reportMissingImports]

    model.set_outputLayer(output_layer(domain, nfft, kind))
    criterion = criteria[0][0].double()
    loss = criterion(model(sound), goal)
    loss.backward()
    named = {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}
    np.savez(out, **{name.replace(".", "_"): weight.numpy() for name, weight in named.items()})
    torch.set_default_dtype(torch.float32)
    return {"loss": loss.item(), "names": sorted(named)}


def do_render(*, arrays: str, seconds: float, rt: list[float], folded: bool, rounds: int) -> dict:
    """CPU seconds of noise through a network; `folded` puts an even decay into the matrix."""
    given = np.load(arrays)
    fs, delays = 48000.0, given["delays"]
    sound = np.random.default_rng(0).standard_normal(int(seconds * fs))
    best = float("inf")
    for _ in range(rounds):
        feedback, absorption = given["A"], None
        output = given["C"]
        if folded:
            gains = 10 ** (-3 * delays / (rt[0] * fs))
            feedback, output = given["A"] * gains, given["C"] * gains
        else:
            sections = pyFDN.first_order_absorption(*rt, delays, fs)
            absorption = pyFDN.SOSFilterBank(sections, delays.size)
        begun = time.process_time()
        made = pyFDN.process_fdn(
            sound, delays, feedback, given["B"], output, np.zeros((1, 1)), absorption=absorption
        )
        best = min(best, time.process_time() - begun)
    return {"seconds": best, "rms": float(np.sqrt(np.mean(np.square(made))))}


def do_frequency(*, lines: int, nfft: int, channels: int, rounds: int) -> dict:
    """CPU seconds of a response and its gradient for a network of several channels."""
    rng = np.random.default_rng(0)
    gains: Any = {
        "input_gain": rng.standard_normal((lines, channels)),
        "output_gain": rng.standard_normal((channels, lines)),
    }
    model = model_of(lines=lines, nfft=nfft, rng=0, **gains)
    sound = torch.zeros((channels, nfft, channels))
    sound[range(channels), 0, range(channels)] = 1.0
    best = float("inf")
    for _ in range(rounds):
        begun = time.process_time()
        model(sound).square().sum().backward()
        best = min(best, time.process_time() - begun)
    return {"seconds": best}


def do_match(*, target: str, fs: float, lines: int, rt: list[float], seconds: float, out: str) -> dict:
    """A network trained on a response for so many seconds, by the clock; its response is written to `out`."""
    response = np.load(target)
    nfft = int(2 * ((len(response) + 1) // 2))
    model = pyFDN.build_fdn(N=lines, fs=fs, nfft=nfft, rt=tuple(rt), rng=0)
    options = {"target": response, "patience": 10**6, "rng": 0}
    begun = time.perf_counter()
    first = pyFDN.train_fdn(model, "match_mel_spectrogram", max_steps=1, **options)
    done, last = 1, first.train_loss
    while time.perf_counter() - begun < seconds:
        # As many steps as the time left seems to allow; the optimiser's memory starts anew only here.
        pace = (time.perf_counter() - begun) / done
        steps = max(1, int((seconds - (time.perf_counter() - begun)) / pace))
        last = pyFDN.train_fdn(model, "match_mel_spectrogram", max_steps=steps, **options).train_loss
        done += steps
    build = pyFDN.extract_build(model)
    absorption = pyFDN.SOSFilterBank(build.filters, lines)
    sound = np.zeros(len(response))
    sound[0] = 1.0
    made = pyFDN.process_fdn(sound, build.delays, build.A, build.B, build.C, build.D, absorption=absorption)
    np.save(out, made)
    return {"steps": done, "first": first.train_loss[0], "last": last[-1]}


def do_colorless(*, lines: int, steps: int, seed: int, out: str) -> dict:
    """A lossless prototype, trained colourless with the peer's defaults."""
    model = pyFDN.build_fdn(N=lines, rng=seed)
    log = pyFDN.train_fdn(model, "colorless", max_steps=steps, rng=0)
    build = pyFDN.extract_build(model)
    np.savez(out, A=build.A, B=build.B, C=build.C, delays=build.delays)
    return {"loss": log.train_loss[-1], "steps": log.steps_run}


if __name__ == "__main__":
    main()
