"""How the filters learn: spectra of a folder of sound, four numbers, a bank; resumed where it stopped."""

from __future__ import annotations

import logging
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.files import Clip
from tonewright.errors import RunError
from tonewright.filters.checkpoints import MODEL_FILE
from tonewright.filters.machine import on_device, warn_of_inapplicable
from tonewright.filters.reconstruct import process_clip, process_file
from tonewright.filters.spectra import load_spectra, load_splits, log_spectral_distance
from tonewright.filters.trained import FilterModel, load
from tonewright.filters.trees import leaves, read_tree
from tonewright.learning.checks import check_settings
from tonewright.learning.config import TrainConfig
from tonewright.learning.registry import Step, System
from tonewright.learning.runs import Run, create_run, forgotten_unless_started, how_to_go_on
from tonewright.learning.stops import stops_handled

if TYPE_CHECKING:
    from tonewright.filters.session import Session

logger = logging.getLogger("tonewright")


def train(config: TrainConfig, *, show_progress: bool = False, draw: Any = None) -> Run:
    """Learn the spectra of a folder of sound and return the run folder.

    Parameters
    ----------
    config : with `run_name` set; `ckpt_path` = "last" resumes that run
    show_progress : a bar on standard error
    draw : not used; the pictures of a bank are its own
    """
    check_settings(config)
    warn_of_inapplicable(config)
    with on_device(config.trainer):
        from tonewright.filters.finishing import finish
        from tonewright.filters.session import Session

        training, validation = load_splits(config)
        run = create_run(config)
        with forgotten_unless_started(run):
            session = Session(run, training, validation)
            session.resume()
            if session.ended and (run.folder / MODEL_FILE).is_file():
                logger.warning(
                    "%s: nothing is left to train; raise trainer.max_epochs or trainer.max_steps", run.folder
                )
                return run
            with readable_interrupts(run):
                with asked_to_stop(session), bar(show=show_progress) as moved:
                    session.train(moved)
                finish(session, training, validation)
    return run


@contextmanager
def readable_interrupts(run: Run) -> Iterator[None]:
    """Say how to go on where a training is interrupted."""
    try:
        yield
    except KeyboardInterrupt:
        raise KeyboardInterrupt(f"interrupted; {how_to_go_on(run)}") from None


@contextmanager
def asked_to_stop(session: Session) -> Iterator[None]:
    """Let Ctrl-C or SIGTERM end a training after these steps, with a checkpoint; a second at once."""

    def ask(number: int, frame: Any) -> None:
        signal.signal(number, before[number])
        session.asked = True
        logger.warning("stopping after these steps; once more stops at once")

    with stops_handled(ask, before := {}):
        yield


@contextmanager
def bar(*, show: bool) -> Iterator[Callable[[int, int, float], None]]:
    """A function (steps done, total, loss) that moves a bar on standard error."""
    if not show:
        yield lambda done, total, loss: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("training", total=None)

        def moved(done: int, total: int, loss: float) -> None:
            shown.update(task, completed=done, total=total, description=f"training  loss {loss:.3f}")

        yield moved


def first_steps(config: TrainConfig, *, steps: int) -> list[Step]:
    """The first steps of a training, with their gradients."""
    with on_device(config.trainer):
        import jax

        from tonewright.filters.batches import batches_per_epoch, epoch_batches
        from tonewright.filters.loop import first_state, programs_of, step_key
        from tonewright.filters.objective import kl_weight
        from tonewright.filters.session import rate_at

        spectra, count = load_spectra(config, "train"), batches_per_epoch(config.data)
        programs = programs_of(config.system)
        state = first_state(config)
        key, found, batches = step_key(config.seed), [], np.zeros(0)
        move = jax.jit(lambda state, gradients, rate: state.moved(gradients, rate))
        for number in range(steps):
            epoch, index = divmod(number, count)
            if index == 0:
                batches = epoch_batches(spectra, config.system, config.data, seed=config.seed, epoch=epoch)
            weight = kl_weight(config.system, number / count)
            drawn = jax.random.fold_in(key, number)
            terms, gradients = programs.gradients(state.params, drawn, batches[index], np.float32(weight))
            state = move(state, gradients, rate_at(config, number))
            named = {name: np.asarray(value) for name, value in leaves(gradients)}
            found.append(Step({name: float(value) for name, value in terms.items()}, named))
    return found


def weights(run: Run) -> dict[str, np.ndarray]:
    """Every array of a finished run, as ``params/layer/part``."""
    path = run.folder / MODEL_FILE
    if not path.is_file():
        raise RunError(f"{path}: missing; the training did not finish. Resume it with ckpt_path=last")
    return dict(leaves(read_tree(path)))


def example(model: FilterModel, clip: Clip) -> tuple[dict[str, Clip], dict[str, float]]:
    """A clip, the same through its own bank, and how far the bank is from its spectrum."""
    wet = process_clip(model, clip)
    encoding = model.encode(clip)
    achieved_db = model.decode(encoding.z).magnitude_db
    distance_db = log_spectral_distance(
        achieved_db, encoding.spectrum.magnitude_db, weights=model.grid.weights, level_free=True
    )
    return {"original": clip, "through its own bank": wet}, {"distance_db": float(distance_db)}


SYSTEM = System(
    name="filters",
    load=load,
    process=process_clip,
    process_file=process_file,
    example=example,
    smoke=("experiment=tiny",),
    train=train,
    first_steps=first_steps,
    weights=weights,
)
