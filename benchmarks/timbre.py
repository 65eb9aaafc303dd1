"""Speed of the timbre descriptors, beside timbral_models in an environment of its own.

``python benchmarks/timbre.py [--sounds FOLDER] [--quick] [--json]``: one thread, CPU time, files read by both
sides, both sides in one run. Ours is the fastest of a few rounds; so is the peer's where it is not too long.
It ends with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import soundfile

from harness import Report, Row, Worker, run_json, say
from timbre_sounds import five_seconds, sounds_of
from tonewright import timbre
from tonewright.audio.files import read
from tonewright.timbre import describe_file

ALL = list(timbre.DESCRIPTORS)
# Each clip so often, so that the start of processes does not count.
TURNS = 24
PARTS = ("all", "noise", "single", "set", "first", "jobs", "long")
HERE = Path(__file__).parent
FIRST_CALL = """
import json, sys, time
from tonewright import timbre
timbre.describe_file(sys.argv[1])
print(json.dumps({"cpu_s": time.process_time()}))
"""
LONG_FILE = """
import json, sys, time
from pathlib import Path
from tonewright import timbre
timbre.describe_file(sys.argv[2])
begun = time.process_time()
found = timbre.describe_file(sys.argv[1])
status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
mib = float(status["VmHWM"].split()[0]) / 1024
print(json.dumps({"cpu_s": time.process_time() - begun, "mib": mib, "brightness": found["brightness"]}))
"""


def fastest(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of a call, the fastest of a few; the first, which compiles, does not count."""
    work()
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def theirs(peer: Worker, paths: Sequence[Path], names: Sequence[str] = ALL, rounds: int = 1) -> float:
    """CPU seconds of the peer for these files and descriptors."""
    answers = (peer.ask(path=str(path), names=list(names), rounds=rounds) for path in paths)
    return sum(sum(answer["seconds"].values()) for answer in answers)


def ratio_row(
    work: str, ours_s: float, theirs_s: float, least: float, aim: float | None, *, sounds: int = 1
) -> Row:
    """CPU milliseconds a sound of both."""
    ratio = theirs_s / ours_s
    note = f"{'met' if ratio >= least else 'MISSED'}" + (f"; aim {aim:g} ×" if aim else "")
    ours, peer = 1000 * ours_s / sounds, 1000 * theirs_s / sounds
    return Row(
        work, "ms", ours, "timbral_models", peer, f"≥ {least:g} ×", ratio >= least, note, less_is_better=True
    )


def all_rows(clips: list[Path], peer: Worker, rounds: int) -> list[Row]:
    """All eight of the clips, each mode."""
    slow = theirs(peer, clips, rounds=2)
    rows = []
    for mode, least, aim in (("classic", 25, 40), ("corrected", 30, 50)):

        def once(mode: str = mode) -> None:
            for path in clips:
                describe_file(path, mode=mode)  # pyright: ignore[reportArgumentType]

        name = f"all eight, {mode}, 5 s stereo, mean of {len(clips)} clips"
        rows.append(ratio_row(name, fastest(once, rounds), slow, least, aim, sounds=len(clips)))
    return rows


def set_rows(files: list[Path], peer: Worker) -> list[Row]:
    """A whole folder, reading included, once."""
    say(f"the peer measures {len(files)} sounds, some minutes")
    slow = theirs(peer, files)
    rows = []
    for mode in ("classic", "corrected"):

        def once(mode: str = mode) -> None:
            for path in files:
                describe_file(path, mode=mode)  # pyright: ignore[reportArgumentType]

        name = f"all eight, {mode}, {len(files)} sounds of all lengths, mean"
        rows.append(ratio_row(name, fastest(once, 2), slow, 25, 40, sounds=len(files)))
    return rows


def noise_rows(folder: Path, peer: Worker, rounds: int) -> list[Row]:
    """Noise is the hard case: every bin is a peak."""
    rng, rows = np.random.default_rng(0), []
    for name, rate, seconds in (
        ("5 s", 44100, 5),
        ("60 s", 44100, 60),
        ("5 s, 96 kHz", 96000, 5),
    ):
        path = folder / f"noise-{rate}-{seconds}.wav"
        noise = np.clip(0.2 * rng.standard_normal((seconds * rate, 2)), -1, 1)
        soundfile.write(path, noise, rate, subtype="PCM_16")
        slow = theirs(peer, [path], rounds=1 if seconds > 5 else 2)
        for mode in ("classic", "corrected"):
            once = functools.partial(describe_file, path, mode=mode)
            quick = fastest(once, 3 if seconds > 5 else rounds)
            rows.append(ratio_row(f"noise of {name}, {mode}", quick, slow, 20, 30))
    return rows


def single_rows(clips: list[Path], peer: Worker, rounds: int) -> list[Row]:
    """One descriptor alone, reading included."""
    rows = []
    for name in ALL:
        slow = theirs(peer, clips, [name], rounds=2)
        for mode in ("classic", "corrected"):

            def once(name: str = name, mode: str = mode) -> None:
                for path in clips:
                    getattr(timbre, name)(read(path), mode=mode)

            quick = fastest(once, rounds)
            barred = name in ("brightness", "roughness", "depth")
            row = ratio_row(
                f"{name} alone, {mode}", quick, slow, 10, 20 if barred else None, sounds=len(clips)
            )
            if not barred:
                row.required, row.met, row.note = "", None, ""
            rows.append(row)
    return rows


def job_rows(clips: list[Path], folder: Path) -> list[Row]:
    """The command on a folder with one process and with two, wall time of the whole command."""
    folder.mkdir()
    for path in clips:
        samples, rate = soundfile.read(path, dtype="int16", always_2d=True)
        for shift in range(TURNS):  # other sounds: what was heard already is not measured again
            soundfile.write(folder / f"{path.stem}-{shift}.wav", np.roll(samples, 2499 * shift, axis=0), rate)
    taken = {1: np.inf, 2: np.inf}
    for turn in range(2):
        for jobs in taken:
            out = folder.parent / f"out-{jobs}-{turn}.csv"
            command = [sys.executable, "-m", "tonewright", "timbre", str(folder), "-o", str(out)]
            begun = time.perf_counter()
            subprocess.run([*command, "--jobs", str(jobs)], check=True, capture_output=True)
            taken[jobs] = min(taken[jobs], time.perf_counter() - begun)
    ratio, count = taken[1] / taken[2], TURNS * len(clips)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    note = f"{'met' if ratio >= 1.8 else 'MISSED'}; {cores} cores, load {os.getloadavg()[0]:.1f}"
    return [
        Row(
            f"command on {count} clips, --jobs 2, wall time",
            "s",
            taken[2],
            "--jobs 1",
            taken[1],
            "≥ 1.8 ×",
            ratio >= 1.8,
            note,
            less_is_better=True,
        )
    ]


def first_rows(clip: Path, folder: Path) -> list[Row]:
    """A fresh process to its first description: imports, and kernels from the cache or compiled."""
    rows = []
    for kind, most in (("compiled", 8.0), ("cached", 1.0)):
        variables = {**os.environ, "NUMBA_CACHE_DIR": str(folder / "kernels")}
        found = []
        for _ in range(1 if kind == "compiled" else 5):
            command = [sys.executable, "-c", FIRST_CALL, str(clip)]
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=variables)
            found.append(json.loads(done.stdout)["cpu_s"])
        taken = min(found)
        rows.append(
            Row(
                f"first description in a fresh process, kernels {kind}",
                "s",
                taken,
                required=f"≤ {most:g} s",
                met=taken <= most,
            )
        )
    return rows


def hour_rows(clips: list[Path], folder: Path) -> list[Row]:
    """A quarter of an hour and an hour of music: memory, and how time grows."""
    rows, seconds = [], {}
    music = np.concatenate([soundfile.read(path, dtype="int16", always_2d=True)[0] for path in clips])
    for minutes in (15, 60):
        path = folder / f"long-{minutes}.flac"
        with soundfile.SoundFile(path, "w", 44100, 2, subtype="PCM_16") as out:
            left = minutes * 60 * 44100
            while left > 0:
                out.write(music[:left])
                left -= min(left, len(music))
        found = run_json([sys.executable, "-c", LONG_FILE, str(path), str(clips[0])])
        seconds[minutes] = found["cpu_s"]
        rows.append(
            Row(
                f"a file of {minutes} minutes, peak memory of the process",
                "MiB",
                found["mib"],
                required="≤ 400 MB",
                met=found["mib"] * 1.048576 <= 400,
            )
        )
        rows.append(Row(f"a file of {minutes} minutes, reading included, CPU time", "s", found["cpu_s"]))
    growth = float(np.log(seconds[60] / seconds[15]) / np.log(4))
    rows.append(Row("growth of time with length, exponent", "", growth, required="≤ 1.1", met=growth <= 1.1))
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--sounds", type=Path, help="a folder of sounds; its part clips is timed")
    parser.add_argument("--quick", action="store_true", help="fewer sounds and rounds")
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS, help="some parts of it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = Report("Timbre, speed", ("tonewright", "numpy", "scipy", "numba"))
    with tempfile.TemporaryDirectory() as scratch:
        folder, rounds = Path(scratch), 2 if arguments.quick else 5
        chosen, files = sounds_of(arguments.sounds, folder)
        chosen, files = (chosen[::9], files[::10]) if arguments.quick else (chosen, files)
        clips = five_seconds(chosen, folder / "five")
        peer = Worker("timbral")
        report.peers = peer.versions
        parts = {
            "all": lambda: all_rows(clips, peer, rounds),
            "noise": lambda: noise_rows(folder, peer, rounds),
            "single": lambda: single_rows(clips, peer, rounds),
            "set": lambda: set_rows(files, peer),
            "first": lambda: first_rows(clips[0], folder),
            "jobs": lambda: job_rows(clips, folder / "many"),
            "long": lambda: hour_rows(clips, folder),
        }
        for name in arguments.only:
            report.measure(parts[name], name)
    report.print(as_json=arguments.json)
    sys.exit(any(row.met is False for row in report.rows))


if __name__ == "__main__":
    main()
