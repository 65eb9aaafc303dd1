"""Speed of training and rendering feedback delay networks, beside pyFDN in an environment of its own.

``python benchmarks/reverb.py [--rounds N] [--quick] [--json]``: one thread, CPU time, both sides in one run,
the fastest of a few rounds. It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from harness import PyFDN, Report, Row, SkippedError, say
from tonewright.reverb import build_fdn, extract_build, fdn_build_gallery, train_fdn, trainable_from_build
from tonewright.reverb.engines.base import choose_engine
from tonewright.reverb.rendering.sounds import render
from tonewright.reverb.train.run import TrainingRun

FS = 48000
SHORT, LONG = 16384, 96000
# lines: times faster than the peer that a step must be
COLORLESS = {SHORT: {4: 8, 8: 25, 16: 30}, LONG: {4: 10, 8: 40, 16: 90}}
GOAL = 0.3145  # of a colourless network of 8 lines after 2000 steps of the peer
PEER_STEPS = 2000


def fastest(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of a call, the fastest of a few; the first, which compiles, does not count."""
    work()
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def training_seconds(
    mode: str, steps: int, rounds: int, *, scaling: str = "relative", **network: Any
) -> float:
    """CPU seconds of so many steps of ours, set-up included."""
    target = network.pop("target", None)
    response = None if target is None else np.load(target)

    def once() -> None:
        model = build_fdn(rt=2.0, rng=0, dtype="float32", **network)
        train_fdn(model, mode, target=response, max_steps=steps, patience=steps + 1, tol=0.0, scaling=scaling)

    return fastest(once, rounds)


def step_row(
    peer: PyFDN,
    name: str,
    mode: str,
    *,
    lines: int,
    nfft: int,
    least: float | None,
    arguments: argparse.Namespace,
    target: str | None = None,
    scaling: str = "relative",
) -> Row:
    steps, theirs_steps = (200, 20) if nfft == SHORT else (60, 8)
    theirs = (
        peer(
            "train",
            mode=mode,
            steps=theirs_steps,
            lines=lines,
            nfft=nfft,
            target=target,
            rounds=arguments.rounds,
        )["seconds"]
        / theirs_steps
    )
    ours = (
        training_seconds(mode, steps, arguments.rounds, N=lines, nfft=nfft, target=target, scaling=scaling)
        / steps
    )
    return faster(f"{name}, N = {lines}, nfft {nfft}", "ms a step", 1e3 * ours, 1e3 * theirs, least)


def faster(work: str, unit: str, ours: float, theirs: float, least: float | None) -> Row:
    """A row of times, met where the peer takes so many times as long."""
    met = None if least is None else theirs / ours >= least
    required = "" if least is None else f"≥ {least:g} ×"
    return Row(work, unit, ours, "pyFDN", theirs, required, met, less_is_better=True)


def colorless_rows(peer: PyFDN, arguments: argparse.Namespace) -> list[Row]:
    return [
        step_row(peer, "colourless", "colorless", lines=n, nfft=nfft, least=least, arguments=arguments)
        for nfft, bars in COLORLESS.items()
        for n, least in bars.items()
    ]


def matching_rows(peer: PyFDN, target: str, arguments: argparse.Namespace) -> list[Row]:
    rows = []
    for name, mode, scaling, least in (
        ("spectrogram, FFT bins", "match_spectrogram", "relative", 40),
        ("spectrogram, the peer's bins", "match_spectrogram", "peer", 10),
        ("mel", "match_mel_spectrogram", "relative", 30),
        ("mel, the peer's bins", "match_mel_spectrogram", "peer", None),
    ):
        rows.append(
            step_row(
                peer,
                name,
                mode,
                lines=8,
                nfft=SHORT,
                least=least,
                arguments=arguments,
                target=target,
                scaling=scaling,
            )
        )
    return rows


def result_rows(peer: PyFDN, arguments: argparse.Namespace) -> list[Row]:
    """A colourless network as good as the peer's after 2000 steps, by L-BFGS."""
    steps = 200 if arguments.quick else PEER_STEPS
    theirs = peer("train", mode="colorless", steps=steps, lines=8, nfft=SHORT)
    losses: list[float] = []

    def ours() -> None:
        model = build_fdn(N=8, rt=2.0, nfft=SHORT, rng=0, dtype="float32")
        log = train_fdn(model, "colorless", optimizer="lbfgs", max_steps=120, patience=120)
        losses.append(log.best_loss)

    seconds = fastest(ours, arguments.rounds)
    whole = theirs["seconds"] * PEER_STEPS / steps
    row = faster(
        f"colourless result: loss {losses[-1]:.4f} by L-BFGS, the peer's {theirs['train_loss'][-1]:.4f}",
        "s",
        seconds,
        whole,
        100,
    )
    row.met = bool(row.met and losses[-1] <= GOAL)
    row.required += f", loss ≤ {GOAL}"
    return [row]


def rendering_rows(peer: PyFDN, folder: Path, arguments: argparse.Namespace) -> list[Row]:
    rows = []
    for rt, folded, least in (((2.0, 2.0), False, 25), ((2.0, 2.0), True, None), ((2.0, 0.5), False, 12)):
        build = fdn_build_gallery(16, rt=rt[0], rt_nyquist=rt[1], rng=0)
        arrays = folder / "network.npz"
        np.savez(arrays, A=build.A, B=build.B, C=build.C, delays=build.delays)
        theirs = peer(
            "render", arrays=str(arrays), seconds=10.0, rt=rt, folded=folded, rounds=arguments.rounds
        )
        sound = np.random.default_rng(0).standard_normal((1, 10 * FS)).astype(np.float32)
        ours = fastest(lambda build=build, sound=sound: render(build, sound, tail=False), arguments.rounds)
        rms = float(np.sqrt(np.mean(render(build, sound, tail=False) ** 2)))
        assert abs(rms / theirs["rms"] - 1) < 0.01, (rms, theirs["rms"])
        decay = "2 s" if rt[0] == rt[1] else "2 to 0.5 s"
        words = ", with the peer's gains put into its matrix by hand" if folded else ""
        name = f"rendering 10 s, N = 16, decay {decay}{words}"
        rows.append(faster(name, "ms", 1e3 * ours, 1e3 * theirs["seconds"], least))
    return rows


def large_rows(peer: PyFDN, arguments: argparse.Namespace) -> list[Row]:
    rows = []
    for lines, channels in ((64, 1), (128, 1), (16, 8)):
        rng = np.random.default_rng(0)
        b, c = rng.standard_normal((lines, channels)), rng.standard_normal((channels, lines))
        build = extract_build(
            build_fdn(N=lines, rt=2.0, input_gain=b, output_gain=c, nfft=SHORT, rng=0, dtype="float32")
        )
        engine = choose_engine(
            lines=lines,
            inputs=channels,
            outputs=channels,
            domain="time",
            delays=build.delays,
            filters=build.filters,
            length=SHORT,
            dtype="float32",
        )

        def once(engine: Any = engine, build: Any = build) -> None:
            engine.pullback(2 * engine.response(build.A, build.B, build.C, build.D))

        ours = fastest(once, arguments.rounds)
        theirs = peer("frequency", lines=lines, nfft=SHORT, channels=channels, rounds=2)["seconds"]
        name = f"response and gradient, N = {lines}, {channels} × {channels}, nfft {SHORT}"
        rows.append(faster(name, "ms", 1e3 * ours, 1e3 * theirs, None))
    return rows


def agreement_rows(peer: PyFDN, target: str, folder: Path) -> list[Row]:
    """Losses and gradients of both sides in double precision."""
    rows = []
    response = np.load(target)
    for mode, sizes in (
        ("colorless", (4, 8, 16)),
        ("match_spectrogram", (4, 8)),
        ("match_mel_spectrogram", (4, 8)),
    ):
        for lines in sizes:
            build = fdn_build_gallery(lines, rt=2.0, rng=1)
            arrays, out = folder / "given.npz", folder / "gradient.npz"
            np.savez(arrays, A=build.A, B=build.B, C=build.C, delays=build.delays)
            theirs = peer(
                "gradient",
                mode=mode,
                arrays=str(arrays),
                out=str(out),
                nfft=SHORT,
                target=None if mode == "colorless" else target,
            )
            loss, gradients = our_gradient(build, mode, None if mode == "colorless" else response)
            difference = abs(loss / theirs["loss"] - 1)
            rows.append(
                Row(
                    f"loss, {mode}, N = {lines}, float64",
                    "relative difference",
                    difference,
                    required="≤ 1e-8",
                    met=difference <= 1e-8,
                )
            )
            found = peer_gradients(out, lines)
            worst = max(
                float(np.linalg.norm(gradients[name] - found[name]) / np.linalg.norm(found[name]))
                for name in ("A", "B", "C")
            )
            least = 1e-7 if lines <= 8 else 1e-6
            rows.append(
                Row(
                    f"gradient, {mode}, N = {lines}, float64",
                    "relative difference",
                    worst,
                    required=f"≤ {least:g}",
                    met=worst <= least,
                )
            )
    return rows


def our_gradient(build: Any, mode: str, target: np.ndarray | None) -> tuple[float, dict[str, np.ndarray]]:
    """Loss and gradients by A, B and C, of the peer's form of the loss."""
    model = trainable_from_build(build, matrix="random", nfft=SHORT, dtype="float64")
    run = TrainingRun(model, mode, scaling="peer")
    run.measure(target=target, criteria=None, sparsity_alpha=0.0, mss_nfft=(256, 512, 1024))
    stage = run.first_stage()
    found = stage.objective(stage.start)
    parts = {"A": "feedback", "B": "input_gain", "C": "output_gain"}
    shapes = {"A": build.A.shape, "B": build.B.shape, "C": build.C.shape}
    return found.total, {
        name: found.gradient[model.map.slices[part]].reshape(shapes[name]) for name, part in parts.items()
    }


def peer_gradients(path: Path, lines: int) -> dict[str, np.ndarray]:
    """The peer's gradients by their shapes: its names are those of modules."""
    found = np.load(path)
    names = {(lines, lines): "A", (lines, 1): "B", (1, lines): "C"}
    return {names[found[key].shape]: found[key] for key in found.files if found[key].shape in names}


FIRST_CALLS = """
import sys, time
import numpy as np
from tonewright.audio.files import Clip
from tonewright.reverb import build_fdn, fdn_build_gallery, fit, train_fdn
from tonewright.reverb.rendering.sounds import render
import numba
target = np.random.default_rng(0).standard_normal((1, 24000)) * np.exp(-np.arange(24000) / 4000)
target[0, :48] = 0
def work(name, lines, choice):
    if name == "render":
        network = fdn_build_gallery(lines, rt=2.0, rt_nyquist=float(choice), rng=0)
        render(network, np.zeros((1, 4800), np.float32))
    elif name == "fit":
        fit(Clip(target.astype(np.float32), 48000), quality=choice, size=lines)
    else:
        model = build_fdn(N=lines, rt=2.0, nfft=4096, rng=0, dtype="float32")
        given = None if name == "colorless" else target[0, :4096]
        train_fdn(model, name, target=given, max_steps=2, scaling=choice)
given = sys.argv[1], int(sys.argv[2]), sys.argv[3]
begun = time.process_time(); work(*given); first = time.process_time() - begun
begun = time.process_time(); work(*given); second = time.process_time() - begun
print(first - second)
"""

# words, arguments of `work`, most seconds
PATHS: tuple[tuple[str, tuple[str, int, str], float | None], ...] = (
    ("colourless, N = 4", ("colorless", 4, "relative"), 3),
    ("colourless, N = 8", ("colorless", 8, "relative"), 3),
    ("colourless, N = 16", ("colorless", 16, "relative"), 3),
    ("spectrogram", ("match_spectrogram", 8, "relative"), 3),
    ("spectrogram, the peer's bins", ("match_spectrogram", 8, "peer"), 3),
    ("mel", ("match_mel_spectrogram", 8, "relative"), 3),
    ("mel, the peer's bins", ("match_mel_spectrogram", 8, "peer"), 3),
    ("rendering without absorption sections", ("render", 8, "2.0"), 3),
    ("rendering with absorption sections", ("render", 8, "0.5"), 3),
    ("fit, draft", ("fit", 8, "draft"), None),
)


def compile_rows(folder: Path) -> list[Row]:
    """CPU seconds that the first call takes over the next, with an empty cache and in the next process."""
    rows = []
    for k, (name, path, most) in enumerate(PATHS):
        found = []
        for _ in range(2):
            result = subprocess.run(
                [sys.executable, "-c", FIRST_CALLS, *map(str, path)],
                capture_output=True,
                text=True,
                check=True,
                env={**os.environ, "NUMBA_CACHE_DIR": str(folder / f"cache-{k}")},
            )
            found.append(float(result.stdout.strip().splitlines()[-1]))
        required, met = (f"≤ {most:g} s", found[0] <= most) if most else ("", None)
        words = f"first call over the next, {name}, nothing compiled"
        rows.append(Row(words, "s", found[0], required=required, met=met))
        rows.append(Row("the same in the next process", "s", found[1]))
    return rows


def fitting_rows() -> list[Row]:
    from tonewright.audio.files import Clip
    from tonewright.reverb import fit

    room = Clip(room_response(), FS)
    rows = []
    for quality, most in (("draft", 4), ("standard", 20)):
        fit(Clip(room.samples[:, : FS // 2], FS), quality="draft", size=4)  # compiles
        begun = time.perf_counter()
        fit(room, quality=quality)
        seconds = time.perf_counter() - begun
        rows.append(
            Row(
                f"fit of a 2 s room, {quality}",
                "s wall",
                seconds,
                required=f"≤ {most} s",
                met=seconds <= most,
            )
        )
    return rows


def room_response() -> np.ndarray:
    """A generated hall of 2 s, (1, time), at 48 kHz."""
    from tonewright.audio.band.rooms import draw_room
    from tonewright.audio.band.rooms import room_response as generated
    from tonewright.audio.clips import resample

    rng = np.random.default_rng(3)
    return resample(generated(draw_room(2.0, rng), rng)[:1], from_rate=44100, to_rate=FS)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="fewer steps of the peer, scaled up")
    parser.add_argument("--only", choices=sorted(WORKS), action="append")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = Report("Reverb", ("tonewright", "numpy", "scipy", "numba"))
    try:
        peer = PyFDN()
        report.peers = {name: str(value) for name, value in peer.versions.items()}
    except SkippedError as reason:
        say(f"without pyFDN: {reason}")
        peer = None
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        target = folder / "target.npy"
        np.save(target, room_response()[0].astype(np.float64))
        for work in arguments.only or WORKS:
            needs_peer, rows = WORKS[work]
            if needs_peer and peer is None:
                report.rows.append(Row(work, "", note="skipped: no pyFDN"))
                continue
            report.measure(lambda rows=rows: rows(peer, str(target), folder, arguments), work)
    report.print(as_json=arguments.json)
    return int(any(row.met is False for row in report.rows))


WORKS: dict[str, tuple[bool, Callable[..., list[Row]]]] = {
    "colourless": (True, lambda peer, target, folder, arguments: colorless_rows(peer, arguments)),
    "matching": (True, lambda peer, target, folder, arguments: matching_rows(peer, target, arguments)),
    "result": (True, lambda peer, target, folder, arguments: result_rows(peer, arguments)),
    "rendering": (True, lambda peer, target, folder, arguments: rendering_rows(peer, folder, arguments)),
    "large": (True, lambda peer, target, folder, arguments: large_rows(peer, arguments)),
    "agreement": (True, lambda peer, target, folder, arguments: agreement_rows(peer, target, folder)),
    "compiling": (False, lambda peer, target, folder, arguments: compile_rows(folder)),
    "fitting": (False, lambda peer, target, folder, arguments: fitting_rows()),
}


if __name__ == "__main__":
    sys.exit(main())
