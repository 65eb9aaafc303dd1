"""Sound through banks: ours beside SciPy's sections and beside convolution with the impulse response."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from harness import Row, say
from tonewright.audio.clips import Clip
from tonewright.audio.files import write
from tonewright.filters.bank import Bank

RATE, SECONDS = 44100, 240
LEAST, MOST_DIFFERENCE = 100, 1e-6
FIRST = (
    "import time; begun = time.process_time(); import numpy as np; "
    "from tonewright.audio.clips import Clip; from tonewright.filters.bank import Bank; "
    "loaded = time.process_time(); "
    "Bank([100.0], [1.0], [1.0], '{kind}').apply(Clip(np.zeros((1, 10), np.float32), 44100)); "
    "print(time.process_time() - loaded)"
)


def fastest(work: Callable[[], object], rounds: int) -> float:
    """CPU seconds of a call, the fastest of a few."""
    found = []
    for _ in range(rounds):
        begun = time.process_time()
        work()
        found.append(time.process_time() - begun)
    return min(found)


def banks() -> dict[str, Bank]:
    rng = np.random.default_rng(0)

    def bank(filters: int, kind: str = "parallel", order: int = 1) -> Bank:
        gain = rng.normal(size=filters) * (4 if kind == "series" else 1)
        return Bank(np.geomspace(25, 18_000, filters), rng.uniform(0.5, 8, filters), gain, kind, order=order)

    return {
        "32 filters": bank(32),
        "32 filters of order 2": bank(32, order=2),
        "128 filters": bank(128),
        "series of 16": bank(16, "series"),
    }


def sections_filtered(bank: Bank, sound: np.ndarray) -> np.ndarray:
    """The peer: scipy.signal.sosfilt, summed over filters."""
    from scipy.signal import sosfilt

    sections = bank.to_sos(sample_rate=RATE)
    cascades = [sections] if bank.kind == "series" else [row.reshape(-1, 6) for row in sections]
    made = sosfilt(cascades[0], sound, axis=-1)
    for cascade in cascades[1:]:
        made += sosfilt(cascade, sound, axis=-1)
    return made


def convolved(response: np.ndarray, sound: np.ndarray) -> np.ndarray:
    """The other peer: scipy.signal.oaconvolve with the impulse response."""
    from scipy.signal import oaconvolve

    return oaconvolve(sound, response[None], axes=-1)[:, : sound.shape[1]]


def impulse_response(bank: Bank) -> np.ndarray:
    """Until it has fallen by 120 dB, in float32."""
    impulse = np.zeros((1, 10 * RATE))
    impulse[0, 0] = 1
    response = sections_filtered(bank, impulse)[0]
    loud = np.flatnonzero(np.abs(response) > 1e-6 * np.abs(response).max())
    return response[: loud[-1] + 1].astype(np.float32)


def apply_rows(rounds: int, seconds: int = SECONDS) -> list[Row]:
    """A stereo song in memory: times real time, ours and SciPy's, and the largest difference."""
    sound = (np.random.default_rng(1).normal(size=(2, seconds * RATE)) * 0.1).astype(np.float32)
    clip, part = Clip(sound, RATE), sound[:, : 10 * RATE]
    rows = []
    for name, bank in banks().items():
        say(f"apply: {name}")
        exact = sections_filtered(bank, part.astype(np.float64))
        apart = np.abs(bank.apply(Clip(part, RATE)).samples - exact).max() / np.abs(exact).max()
        ours = fastest(lambda bank=bank: bank.apply(clip), rounds)
        theirs = fastest(lambda bank=bank: sections_filtered(bank, sound), 1)
        rows.append(
            Row(
                f"apply, {name}, {seconds} s of stereo",
                "× real time",
                ours=seconds / ours,
                peer="scipy.signal.sosfilt",
                theirs=seconds / theirs,
                required=f"≥ {LEAST} × real time, within 1e-6",
                met=seconds / ours >= LEAST and bool(apart <= MOST_DIFFERENCE),
                note=f"difference {apart:.1e} of the peak, {ours:.3f} s",
            )
        )
        response = impulse_response(bank)
        theirs = fastest(lambda response=response: convolved(response, sound), 1)
        rows.append(
            Row(
                f"apply, {name}, beside convolution",
                "× real time",
                ours=seconds / ours,
                peer="scipy.signal.oaconvolve",
                theirs=seconds / theirs,
                note=f"response of {response.size / RATE:.1f} s",
            )
        )
    return rows


def file_rows(rounds: int, seconds: int = SECONDS) -> list[Row]:
    """The same from file to file, reading and writing included."""
    from tonewright.filters.rendering.sound_files import apply_file

    bank = banks()["32 filters"]
    sound = (np.random.default_rng(1).normal(size=(2, seconds * RATE)) * 0.03).astype(np.float32)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        for suffix in (".wav", ".flac"):
            source, target = Path(folder, f"in{suffix}"), Path(folder, f"out{suffix}")
            write(source, Clip(sound, RATE))
            ours = fastest(lambda s=source, t=target: apply_file(s, t, bank, overwrite=True), rounds)
            rows.append(
                Row(
                    f"apply_file, 32 filters, {suffix}",
                    "× real time",
                    ours=seconds / ours,
                    required=f"≥ {LEAST} × real time",
                    met=seconds / ours >= LEAST,
                )
            )
    return rows


def first_rows() -> list[Row]:
    """CPU seconds of the first call in a new process, compiled anew and from the cache."""
    rows = []
    for kind in ("parallel", "series"):
        with tempfile.TemporaryDirectory() as cache:
            environment = os.environ | {"NUMBA_CACHE_DIR": cache}
            for state in ("compiled anew", "from the cache"):
                printed = subprocess.run(
                    [sys.executable, "-c", FIRST.format(kind=kind)],
                    env=environment,
                    capture_output=True,
                    text=True,
                    check=True,
                ).stdout
                rows.append(
                    Row(
                        f"first apply, {kind}, {state}",
                        "s",
                        ours=float(printed),
                        less_is_better=True,
                        required="≤ 3 s",
                        met=float(printed) <= 3,
                    )
                )
    return rows
