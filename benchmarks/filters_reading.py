"""Spectra of one-shots, computed once and mapped afterwards; and a model's knobs, turned."""

from __future__ import annotations

import os
import time
from pathlib import Path

import numpy as np
import soundfile

from harness import Row
from tonewright.filters import load
from tonewright.filters.spectra import load_spectra
from tonewright.learning.compose import compose_config
from tonewright.learning.start import train

RATE, FILES, SECONDS = 44100, 10_000, 0.5
LEAST_PER_SECOND, MOST_KNOB_MS = 500, 2.0


def one_shots(folder: Path, count: int) -> None:
    """So many decaying tones and noises, no two alike."""
    folder.mkdir(parents=True)
    time_s = np.arange(round(SECONDS * RATE)) / RATE
    rng = np.random.default_rng(0)
    hisses = rng.standard_normal((16, time_s.size))
    for number in range(count):
        pitch_hz, decay_s = rng.uniform(60, 4000), rng.uniform(0.03, 0.4)
        sound = np.sin(2 * np.pi * pitch_hz * time_s) + rng.uniform(0, 1) * hisses[number % 16]
        sound *= 0.2 * np.exp(-time_s / decay_s)
        soundfile.write(folder / f"{number:05d}.wav", sound, RATE, subtype="PCM_16")


def reading_rows(folder: Path, count: int = FILES) -> list[Row]:
    """The spectra of a folder: from the files, then from the cache."""
    os.environ["TONEWRIGHT_CACHE"] = str(folder / "cache")
    one_shots(folder / "sounds", count)
    settings = [f"data.root={folder / 'sounds'}", "data.workers=0", f"output={folder}"]
    config = compose_config("filters", settings)
    rows = []
    for kind in ("computed", "mapped from the cache"):
        begun = time.process_time()
        found = load_spectra(config, "train")
        heard = len(found) + len(load_spectra(config, "validation"))
        taken = time.process_time() - begun
        computed = kind == "computed"
        rows.append(
            Row(
                f"spectra of {heard} one-shots of {SECONDS} s, {kind}",
                "files/s" if computed else "s",
                heard / taken if computed else taken,
                required=f"≥ {LEAST_PER_SECOND}" if computed else "",
                met=heard / taken >= LEAST_PER_SECOND if computed else None,
                note=f"met; {taken:.1f} s with the index; a tenth is kept for tests" if computed else "",
                less_is_better=not computed,
            )
        )
    return rows


def knob_rows(folder: Path) -> list[Row]:
    """A turn of a knob: the bank, and its response on the grid, warm."""
    os.environ["TONEWRIGHT_CACHE"] = str(folder / "cache")
    one_shots(folder / "sounds", 60)
    settings = [f"data.root={folder / 'sounds'}", f"output={folder}", "run_name=knobs", "logger=csv"]
    run = train(compose_config("filters", [*settings, "trainer.max_steps=5", "data.workers=0"]))
    model, z = load(run.folder), np.array([0.5, -1.0, 0.0, 1.2])
    rows = []
    for name, work in (("bank", model.bank), ("response", model.decode)):
        work(z)
        taken = []
        for _ in range(200):
            begun = time.perf_counter()
            work(z)
            taken.append(time.perf_counter() - begun)
        milliseconds = 1e3 * float(np.median(taken))
        rows.append(
            Row(
                f"four numbers to a {name} of 32 filters, median of 200",
                "ms",
                milliseconds,
                required=f"≤ {MOST_KNOB_MS:g} ms",
                met=milliseconds <= MOST_KNOB_MS,
                less_is_better=True,
            )
        )
    return rows
