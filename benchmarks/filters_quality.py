"""What the filters learn: the standard preset beside the classic recipe and principal components.

``python benchmarks/filters_quality.py --pool FOLDER --sounds FOLDER [--minutes 10] [--seeds 5] [--json]``:
both presets train on the instruments of a pool (``tonewright data pool FOLDER`` makes one) on one thread, the
standard one for its own hundred epochs, the classic one for all of the time. They are measured on sounds that
neither ever heard: the parts samples and rirs of the other folder. Without folders both are generated, which
says little of real sound. Direct fits are measured beside SciPy's optimisers and a greedy equaliser. It ends
with 1 where a bar is missed.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness import Report, Row, say
from tonewright.audio.files import read
from tonewright.errors import TonewrightError
from tonewright.filters import FilterModel, load
from tonewright.filters.config import Config
from tonewright.filters.spectra import erb_grid, load_spectra, log_spectral_distance, sound_spectrum
from tonewright.learning.compose import compose_config
from tonewright.learning.start import train

PARTS = ("distance", "knobs", "fit")
FLOORS_DB = (60.0, 80.0)
LESS_THAN_CLASSIC, LEAST_TURN_DB, MOST_JUMP_DB = 0.7, 1.0, 3.0
STEPS = 100
SUFFIXES = (".wav", ".flac", ".ogg", ".mp3", ".aiff")


class Heard:
    """Spectra of sounds that no training saw, as each of the two presets hears them."""

    def __init__(self, paths: Sequence[Path], standard: Config, classic: Config) -> None:
        self.grid = erb_grid(standard.points)
        clips = [read(path) for path in paths]
        self.standard = np.stack([sound_spectrum(clip, config=standard).magnitude_db for clip in clips])
        self.classic = np.stack([sound_spectrum(clip, config=classic).magnitude_db for clip in clips])

    def distances(self, found_db: np.ndarray, floor_db: float) -> np.ndarray:
        """Log-spectral distance of each sound at the best level, both cut off far below the highest point."""
        return log_spectral_distance(
            above(self.standard, floor_db), above(found_db, floor_db), level_free=True
        )


def above(levels_db: np.ndarray, floor_db: float) -> np.ndarray:
    """Levels, none lower than so far below the highest."""
    return np.maximum(levels_db, levels_db.max(axis=-1, keepdims=True) - floor_db)


def trained(preset: str, folder: Path, output: Path, minutes: float, seed: int) -> FilterModel:
    """A model of a preset, trained for so long."""
    name = f"{preset or 'standard'}-{seed}"
    say(f"training: {name}, {minutes:g} minutes")
    overrides = [
        *([f"experiment={preset}"] if preset else []),
        f"output={output}",
        f"run_name={name}",
        f"seed={seed}",
        "logger=csv",
        "trainer=cpu",
        *(["trainer.max_epochs=-1"] if preset else []),
        f"trainer.max_minutes={minutes}",
        *data_settings(folder),
    ]
    return load(train(compose_config("filters", overrides)).folder)


def data_settings(folder: Path) -> list[str]:
    """A pool's instruments, or everything in a folder."""
    pool = (folder / "pool.json").is_file()
    return [f"data.root={folder}", *(["data=pool", "data.labels=[instruments]"] if pool else [])]


def components(training_db: np.ndarray, heard_db: np.ndarray, count: int) -> np.ndarray:
    """What so many principal components of the training spectra leave of others."""
    mean = training_db.mean(axis=0)
    _, _, axes = np.linalg.svd(training_db - mean, full_matrices=False)
    return mean + (heard_db - mean) @ axes[:count].T @ axes[:count]


def on_the_ear(model: FilterModel, spectra_db: np.ndarray, frequencies_hz: np.ndarray) -> np.ndarray:
    """Responses of the banks that a model answers spectra with, (sounds, points) in dB."""
    rate = model.config.sample_rate
    return np.stack(
        [model.bank(z).magnitude_db(frequencies_hz, sample_rate=rate) for z in model.means(spectra_db)]
    )


def distance_rows(
    standard: FilterModel, classic: FilterModel, pool: Path, parts: Sequence[Path]
) -> list[Row]:
    """How far each is from sounds that it never heard."""
    config = compose_config("filters", data_settings(pool))
    training = np.asarray(load_spectra(config, "train").values, dtype=np.float64)
    rows = []
    for part in parts:
        paths = sorted(path for path in part.rglob("*") if path.suffix in SUFFIXES)
        heard = Heard(paths, standard.config, classic.config)
        hz = heard.grid.frequencies_hz
        ours, theirs = (
            on_the_ear(model, heard.standard if model is standard else heard.classic, hz)
            for model in (standard, classic)
        )
        plain = components(training, heard.standard, standard.config.latent)
        for floor_db in FLOORS_DB:
            mine, old, linear = (heard.distances(found, floor_db).mean() for found in (ours, theirs, plain))
            what = f"log-spectral distance, {len(paths)} of {part.name}, floor −{floor_db:g} dB"
            rows.append(distance_row(what, mine, "classic", old, LESS_THAN_CLASSIC))
            rows.append(distance_row(what, mine, f"PCA, {standard.config.latent}", linear, 1.0))
    return rows


def distance_row(what: str, ours: float, peer: str, theirs: float, share: float) -> Row:
    required = f"{1 - share:.0%} less" if share < 1 else "less"
    met = bool(ours <= share * theirs)
    return Row(
        what,
        "dB",
        float(ours),
        peer,
        float(theirs),
        required,
        met,
        f"{'met' if met else 'MISSED'}; {1 - ours / theirs:.0%} less",
        less_is_better=True,
    )


def knob_rows(models: Sequence[FilterModel]) -> list[Row]:
    """Whether each knob of each model lives, moves smoothly, and leaves the filters stable."""
    turns, jumps = [], []
    for model in models:
        for knob in range(model.config.latent):
            z = np.zeros((STEPS + 1, model.config.latent))
            z[:, knob] = np.linspace(-2, 2, STEPS + 1)
            course = model.decode_db(z)
            turns.append(float(log_spectral_distance(course[0], course[-1])))
            jumps.append(float(np.abs(np.diff(above(course, FLOORS_DB[0]), axis=0)).max()))
    over = sum(jump > MOST_JUMP_DB for jump in jumps)
    smooth = "met" if not over else "MISSED"
    radius = max(largest_pole(model) for model in models)
    seeds = f"{len(models)} seeds"
    return [
        Row(
            f"a knob from −2 to 2, least of all in {seeds}",
            "dB",
            min(turns),
            required=f"≥ {LEAST_TURN_DB:g} dB",
            met=min(turns) >= LEAST_TURN_DB,
        ),
        Row(
            f"{STEPS} steps along each knob, largest change of a point in a step",
            "dB",
            max(jumps),
            required=f"≤ {MOST_JUMP_DB:g} dB",
            met=not over,
            note=f"{smooth}; {over} of {len(jumps)} knobs change more",
            less_is_better=True,
        ),
        Row(
            "distance of the nearest pole from the circle, z in [−4, 4]⁴",
            "",
            1 - radius,
            required="> 0",
            met=radius < 1,
        ),
    ]


def largest_pole(model: FilterModel, draws: int = 2000) -> float:
    """The largest radius of any pole of any bank, over random numbers and the corners of their cube."""
    latent = model.config.latent
    corners = np.stack(np.meshgrid(*[[-4.0, 4.0]] * latent), axis=-1).reshape(-1, latent)
    z = np.concatenate([corners, np.random.default_rng(0).uniform(-4, 4, (draws, latent))])
    largest = 0.0
    for numbers in z:
        sections = model.bank(numbers).to_sos(sample_rate=model.config.sample_rate).reshape(-1, 6)
        half, product = -sections[:, 4] / 2, sections[:, 5]
        root = np.sqrt((half**2 - product).astype(complex))
        largest = max(largest, float(np.abs([half + root, half - root]).max()))
    return largest


def generated(folder: Path) -> Path:
    """A demo band, where no folder is given."""
    from tonewright.audio.band import write_band

    write_band(folder, songs=6, seconds=20.0)
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--pool", type=Path, help="to train on")
    parser.add_argument("--sounds", type=Path, help="to measure on; has the parts samples and rirs")
    parser.add_argument("--minutes", type=float, default=10.0, help="of training, at most, for each preset")
    parser.add_argument("--seeds", type=int, default=5, help="models whose knobs are turned")
    parser.add_argument("--only", nargs="+", default=PARTS, choices=PARTS, help="some parts of it")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    report = Report("Filters, quality", ("tonewright", "jax", "flax", "numpy", "scipy"))
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ.setdefault("TONEWRIGHT_CACHE", str(folder / "cache"))
        pool = arguments.pool or generated(folder / "band")
        named = [arguments.sounds / part for part in ("samples", "rirs")] if arguments.sounds else [pool]
        parts = [part for part in named if part.is_dir()]
        if {"distance", "knobs"} & set(arguments.only):
            seeds = arguments.seeds if "knobs" in arguments.only else 1
            models = [trained("", pool, folder, arguments.minutes, seed) for seed in range(seeds)]
            if "distance" in arguments.only:
                classic = trained("classic", pool, folder, arguments.minutes, 0)
                report.measure(lambda: distance_rows(models[0], classic, pool, parts), "distance")
            if "knobs" in arguments.only:
                report.measure(lambda: knob_rows(models), "knobs")
        if "fit" in arguments.only:
            from filters_fit import error_rows

            report.measure(lambda: error_rows(parts), "fit")
    report.print(as_json=arguments.json)
    sys.exit(any(row.met is False for row in report.rows))


if __name__ == "__main__":
    try:
        main()
    except TonewrightError as error:
        sys.exit(str(error))
