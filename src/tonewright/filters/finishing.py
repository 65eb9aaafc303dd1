"""What a training leaves behind: the model, its knobs, pictures, sounds, and a word to the trackers."""

from __future__ import annotations

import re
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.files import Clip, atomic_output, write
from tonewright.filters.batches import spread_rows
from tonewright.filters.checkpoints import MODEL_FILE, save_model
from tonewright.filters.knobs import KNOBS_FILE, describe, ordered, save_knobs
from tonewright.filters.network import turned
from tonewright.filters.trained import FilterModel
from tonewright.learning.metrics_file import read_metrics
from tonewright.learning.runs import Run

if TYPE_CHECKING:
    from tonewright.filters.session import Session
    from tonewright.filters.spectra import SpectraSet

MOST_MEANS = 4096
NOISE_SECONDS = 2.0
_NOISE_PEAK = 0.5


def finish(session: Session, training: SpectraSet, validation: SpectraSet) -> None:
    """Write model, knobs, pictures and sounds; last the model in the run's folder, which makes it whole."""
    run, config = session.run, session.config.system
    model = FilterModel(config, session.parameters())
    means = model.means(training.values[spread_rows(len(training), MOST_MEANS)])
    if config.ordered_knobs:
        turning = ordered(model.decode_db, means, model.grid)
        model = FilterModel(config, turned(model.parameters, turning))
        means = turning.applied(means)
    model = FilterModel(config, model.parameters, describe(model.decode_db, means, model.grid))
    save_model(run.checkpoints / MODEL_FILE, model.parameters)
    save_knobs(run.folder / KNOBS_FILE, model.knobs)
    rows = spread_rows(len(validation), max(0, session.config.callbacks.examples))
    write_pictures(run, model, validation, rows)
    write_sounds(run, model, validation, rows)
    save_model(run.folder / MODEL_FILE, model.parameters)
    tell_trackers(run, after=session.resumed_at)


def write_pictures(run: Run, model: FilterModel, spectra: SpectraSet, rows: np.ndarray) -> None:
    """Targets with reconstructions, and what each knob does."""
    from tonewright.filters.plots import plot_knobs, plot_training

    pictures = {"knobs": plot_knobs(model)}
    if len(rows):
        target_db = np.asarray(spectra.values[rows])
        achieved_db = model.decode_db(model.means(target_db))
        names = [spectra.names[row] for row in rows]
        pictures["reconstructions"] = plot_training(
            target_db, achieved_db, frequencies_hz=spectra.grid.frequencies_hz, names=names
        )
    for name, figure in pictures.items():
        path = run.folder / "figures" / f"{name}.png"
        with atomic_output(path, overwrite=True) as temporary:
            figure.savefig(temporary, dpi=110)


def write_sounds(run: Run, model: FilterModel, spectra: SpectraSet, rows: np.ndarray) -> None:
    """White noise, and the same through the bank of a few sounds, all with the same peak."""
    rate = model.config.sample_rate
    noise = np.random.default_rng(0).standard_normal((1, round(NOISE_SECONDS * rate)))
    white = _at_peak(Clip(noise, rate))
    for number, row in enumerate(rows, start=1):
        z = model.means(np.asarray(spectra.values[row : row + 1]))[0]
        words = re.sub(r"\W+", "-", Path(spectra.names[row]).name).strip("-").lower()
        name = f"{number}-{words}"[:60]
        for label, sound in (("noise", white), ("reconstruction", _at_peak(model.bank(z).apply(white)))):
            write(run.folder / "audio" / f"{name}.{label}.wav", sound, overwrite=True)


def tell_trackers(run: Run, *, after: int) -> None:
    """Give the figures of the steps after `after`, and what the run left, to its trackers."""
    settings = run.config.logger
    wanted = settings.tensorboard or settings.mlflow.enabled or settings.wandb.enabled
    if not wanted or find_spec("lightning") is None:
        return  # trackers come with what trains networks of layers; a light installation has none
    from lightning.pytorch.loggers import MLFlowLogger

    from tonewright.learning.tracking import open_loggers

    with open_loggers(run) as (_, trackers):
        for row in read_metrics(run.metrics_file):
            step = int(row["step"])
            values = {name: float(text) for name, text in row.items() if name != "step" and text}
            for tracker in trackers:
                if step > after:
                    tracker.log_metrics(values, step=step)
        for tracker in trackers:
            if isinstance(tracker, MLFlowLogger):
                _keep(run, tracker)


def _keep(run: Run, tracker: Any) -> None:
    for name in ("config.yaml", "environment.txt", "metrics.csv", MODEL_FILE, KNOBS_FILE):
        tracker.experiment.log_artifact(tracker.run_id, str(run.folder / name))
    for part in ("figures", "audio"):
        for path in sorted((run.folder / part).glob("*")):
            tracker.experiment.log_artifact(tracker.run_id, str(path), part)


def _at_peak(clip: Clip) -> Clip:
    peak = float(np.abs(clip.samples).max(initial=0.0))
    return Clip(clip.samples * np.float32(_NOISE_PEAK / peak), clip.sample_rate) if peak > 0 else clip
