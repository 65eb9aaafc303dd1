"""How a folder of responses is learned: a network for each, fitted side by side, resumed where it stopped."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from tonewright.audio.corpus import Track, load_corpus
from tonewright.audio.files import Clip, atomic_output, read
from tonewright.errors import CorpusError, RunError, TonewrightError
from tonewright.learning.checks import check_settings
from tonewright.learning.config import TrainConfig
from tonewright.learning.material import Told, ensure_data
from tonewright.learning.metrics_file import write_metrics
from tonewright.learning.registry import Step, System
from tonewright.learning.runs import Run, create_run, forgotten_unless_started, open_run
from tonewright.reverb.config import Config
from tonewright.reverb.files import RUN_FOLDER, load_network, save_network
from tonewright.reverb.room_sets import RoomSet, process_clip, process_file

logger = logging.getLogger("tonewright")

ROOMS_FILE = "rooms.json"
LOSS = "mel_distance_db"


def train(config: TrainConfig, *, show_progress: bool = False, draw: Any = None) -> Run:
    """Fit a network to every response of a folder and return the run folder.

    A response is a step: `trainer.max_steps` fits so many of them, `data.workers` at a time. What was fitted
    before an interruption is kept.

    Parameters
    ----------
    config : with `run_name` set; `ckpt_path` = "last" resumes that run
    show_progress : a bar on standard error
    draw : not used; ``tonewright reverb fit`` makes pictures of one response
    """
    check_settings(config)
    chosen = responses(config)
    run = create_run(config)
    with forgotten_unless_started(run):
        (run.folder / RUN_FOLDER).mkdir(exist_ok=True)
        rooms: dict[str, dict[str, float]] = {}
        try:
            for name, figures in fitted(run, chosen, show_progress=show_progress):
                rooms[name] = figures
                write_metrics(run.metrics_file, metrics(rooms))
        except KeyboardInterrupt:
            raise KeyboardInterrupt(f"interrupted; {how_to_go_on(run)}") from None
        if not rooms:
            raise CorpusError(f"{config.data.root}: no network could be fitted to any of its sounds")
        finish(run, rooms)
    return run


def responses(config: TrainConfig) -> dict[str, Track]:
    """The responses that are to be fitted, by a name that can name a file.

    In the folder of a demo band they are its rooms; anywhere else every sound is taken for a response.
    """
    root = ensure_data(config.data)
    if (root / "band.json").is_file() and (root / "rooms").is_dir():
        root, layout = root / "rooms", "folder"
    else:
        layout = config.data.layout
    corpus = load_corpus(root, layout=layout, progress=Told(root))
    for file in corpus.unreadable:
        logger.warning("%s: %s; left out", file.path, file.reason)
    most = config.trainer.max_steps
    tracks = sorted(corpus.tracks, key=lambda track: track.name)[: most if most >= 0 else None]
    return dict(zip(file_names([track.name for track in tracks]), tracks, strict=True))


def file_names(names: Sequence[str]) -> list[str]:
    """Names that can name files, no two of them alike but for the case of letters, in the order given."""
    made: list[str] = []
    taken: set[str] = set()
    for name in names:
        stem = re.sub(r"[^\w.-]+", "-", name).strip("-.") or "room"
        free, number = stem, 1
        while free.casefold() in taken:
            number += 1
            free = f"{stem}-{number}"
        taken.add(free.casefold())
        made.append(free)
    return made


def fitted(
    run: Run, chosen: Mapping[str, Track], *, show_progress: bool
) -> Iterator[tuple[str, dict[str, float]]]:
    """Names and figures in order, as the networks come to be; those that are there already come at once."""
    from joblib import Parallel, delayed
    from rich.console import Console
    from rich.progress import track as counted

    config = run.config
    jobs = max(1, min(config.data.workers, len(chosen)))
    work = (
        delayed(fit_track)(run.folder / RUN_FOLDER / f"{name}.json", track, config.system, config.seed)
        for name, track in chosen.items()
    )
    results: Any = Parallel(n_jobs=jobs, return_as="generator")(work)
    pairs = zip(chosen, results, strict=True)
    console = Console(stderr=True, quiet=not show_progress)
    for name, figures in counted(pairs, "fitting", total=len(chosen), console=console):
        if isinstance(figures, str):
            logger.warning("%s; left out", figures)
        else:
            yield name, figures


def fit_track(path: Path, track: Track, settings: Config, seed: int) -> dict[str, float] | str:
    """Fit one response and keep its network with the figures; what cannot be fitted is said in words."""
    from tonewright.reverb.fitting import fit

    if path.is_file():
        return kept_figures(path)
    source = next(iter(track.stems.values()))
    try:
        made = fit(read(source), size=settings.size, quality=settings.quality, seed=seed)
    except TonewrightError as error:
        return str(error) if source in str(error) else f"{source}: {error}"
    notes = {"room": track.name, "figures": made.figures, "assumptions": list(made.assumptions)}
    save_network(path, made.network, notes=notes, overwrite=True)
    return made.figures


def kept_figures(path: Path) -> dict[str, float]:
    """The figures that a network was saved with."""
    try:
        figures = json.loads(path.read_text(encoding="utf-8"))["notes"]["figures"]
        # What could not be measured is null in JSON.
        return {name: float("nan") if value is None else float(value) for name, value in figures.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise RunError(f"{path}: is no network of this run; remove it and resume") from error


def metrics(rooms: Mapping[str, Mapping[str, float]]) -> list[dict[str, float]]:
    """A row for each room: its own figures, and the medians over the rooms so far as those of validation."""
    rows: list[dict[str, float]] = []
    values = list(rooms.values())
    for number, figures in enumerate(values, start=1):
        medians = {name: _median([row[name] for row in values[:number]]) for name in figures}
        rows.append(
            {
                "step": number,
                "epoch": 0,
                **{f"train/{name}": value for name, value in figures.items()},
                "train/loss": figures[LOSS],
                **{f"validation/{name}": value for name, value in medians.items()},
                "validation/loss": medians[LOSS],
            }
        )
    return rows


def _median(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.median(known)) if known else float("nan")


def finish(run: Run, rooms: Mapping[str, Mapping[str, float]]) -> None:
    """Say which networks belong to the run, which makes it whole, and tell the trackers."""
    with atomic_output(run.folder / ROOMS_FILE, overwrite=True) as temporary:
        temporary.write_text(json.dumps({"format": 1, "rooms": rooms}, indent=1), encoding="utf-8")
    if find_spec("lightning") is None:
        return  # trackers come with what trains networks of layers; a light installation has none
    from tonewright.learning.tracking import open_loggers

    with open_loggers(run) as (_, trackers):
        for row in metrics(rooms):
            for tracker in trackers:
                tracker.log_metrics(row, step=int(row["step"]))


def how_to_go_on(run: Run) -> str:
    """The command that carries a run on."""
    config = run.config
    output = f" output={config.output}" if Path(config.output) != Path("runs") else ""
    return f"resume with: tonewright train reverb run_name={config.run_name}{output} ckpt_path=last"


def load(run: Run | str | Path) -> RoomSet:
    """The networks of a finished run."""
    run = run if isinstance(run, Run) else open_run(run)
    path = run.folder / ROOMS_FILE
    if not path.is_file():
        raise RunError(f"{path}: missing; the training did not finish. Resume it with ckpt_path=last")
    try:
        names = list(json.loads(path.read_text(encoding="utf-8"))["rooms"])
    except (ValueError, KeyError, TypeError) as error:
        raise RunError(f"{path}: cannot be read; train again or restore the file") from error
    if not names or any(not re.fullmatch(r"[\w.-]+", name) for name in names):
        raise RunError(f"{path}: names no network of this run; train again or restore the file")
    return RoomSet({name: load_network(run.folder / RUN_FOLDER / f"{name}.json") for name in names})


def weights(run: Run) -> dict[str, np.ndarray]:
    """Every array of every network of a finished run, as ``room/part``."""
    found = {}
    for name, network in load(run).networks.items():
        for part in ("A", "B", "C", "D", "delays", "filters", "post_eq"):
            value = getattr(network, part)
            if value is not None:
                found[f"{name}/{part}"] = value
        if network.early is not None:
            found[f"{name}/early"] = network.early.gains
    return found


def first_steps(config: TrainConfig, *, steps: int) -> list[Step]:
    """So many steps of Adam towards the energy decay of the first response, with the gradients of each."""
    from tonewright.reverb.losses import decay_relief_loss
    from tonewright.reverb.train.build import Trainable, build_fdn
    from tonewright.reverb.train.optimise import Adam
    from tonewright.reverb.train.run import TrainingRun

    clip = read(next(iter(next(iter(responses(config).values())).stems.values())))
    model = build_fdn(
        N=config.system.size,
        fs=clip.sample_rate,
        rt=1.0,
        nfft=8192,
        rng=config.seed,
        trainable=Trainable(decay=True),
    )
    target = clip.samples[0, : model.nfft].astype(np.float64)
    loss = decay_relief_loss(target, sample_rate=clip.sample_rate)
    run = TrainingRun(model, "match_spectrogram")
    run.measure(target=target, criteria=[(loss, 1.0, False)], sparsity_alpha=0.0, mss_nfft=(256,))
    stage = run.first_stage()
    vector, adam, found = stage.start, Adam(stage.start.size, rate=0.03), []
    for _ in range(steps):
        at = stage.objective(vector)
        gradients = {name: at.gradient[part] for name, part in model.map.slices.items()}
        found.append(Step({"loss": at.total, **at.criteria}, gradients))
        vector = adam.moved(vector, at.gradient)
    return found


def example(model: RoomSet, clip: Clip) -> tuple[dict[str, Clip], dict[str, float]]:
    """A clip, and the same in the first room."""
    wet = process_clip(model, clip)
    return {"original": clip, "in the room": wet}, {}


SYSTEM = System(
    name="reverb",
    load=load,
    process=process_clip,
    process_file=process_file,
    example=example,
    smoke=("experiment=draft",),
    train=train,
    first_steps=first_steps,
    weights=weights,
)
