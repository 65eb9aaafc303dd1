"""What can go wrong in a training, put into words, with nothing half-written left behind."""

from __future__ import annotations

import io
import logging
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import lightning.pytorch as pl
import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO
from lightning.pytorch.utilities.exceptions import SIGTERMException

from tonewright.audio.files import atomic_output
from tonewright.errors import OutputError, RunError
from tonewright.learning.callbacks import LastCheckpoint
from tonewright.learning.runs import how_to_go_on
from tonewright.learning.stops import stops_handled

if TYPE_CHECKING:
    from tonewright.learning.learner import Learner
    from tonewright.learning.runs import Run


logger = logging.getLogger("tonewright")


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all; an earlier one of the same name stays until then.

    Lightning's own way goes through the system's temporary folder, which may lie on another disk. From there
    a file is copied over the earlier one, and a full disk or a killed process leaves half of it.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write beside the target, then rename."""
        content = io.BytesIO()  # torch, writing by itself, does not say that the disk is full
        torch.save(checkpoint, content)
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_bytes(content.getbuffer())


def check_checkpoint(path: Path, learner: Learner) -> int:
    """Refuse a checkpoint that is damaged, holds more than plain values, or belongs to another model.

    Returns the step that it stands at.
    """
    advice = "resume from another with ckpt_path=, or start anew with --force"
    try:
        found = torch.load(path, map_location="cpu", weights_only=True, mmap=True)
    except Exception as error:  # torch, zipfile and pickle each have their own
        raise RunError(f"{path}: cannot be read as a checkpoint; {advice}") from error
    state = found.get("state_dict") if isinstance(found, dict) else None
    if not isinstance(state, dict) or "loops" not in found:
        raise RunError(f"{path}: is no checkpoint of a training; {advice}")
    expected = {name: tensor.shape for name, tensor in learner.state_dict().items()}
    if {name: getattr(tensor, "shape", None) for name, tensor in state.items()} != expected:
        raise RunError(
            f"{path}: does not fit the model as it is set now; leave system.* as it was, or {advice}"
        )
    return int(found.get("global_step", 0))


@contextmanager
def readable_errors(run: Run) -> Iterator[None]:
    """Turn a full disk or a vanished folder in mid-training into one line that names the file."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise RunError(
            f"a worker that reads windows died; {how_to_go_on(run)}, or set data.workers=0"
        ) from error
    except OSError as error:
        if error.errno is None:
            raise
        raise OutputError(f"{error.filename or run.folder}: {error.strerror}; training stopped") from error


@contextmanager
def interruptible(run: Run, trainer: pl.Trainer) -> Iterator[None]:
    """Let Ctrl-C or SIGTERM end a training after its step, with a checkpoint; a second one at once.

    Lightning makes a silent exit of either; here they become words on how to go on.
    """
    stops = [found for found in trainer.callbacks if isinstance(found, LastCheckpoint)]  # pyright: ignore[reportAttributeAccessIssue] - set by Lightning

    def ask(number: int, frame: Any) -> None:
        signal.signal(number, before[number])
        for stop in stops:
            stop.asked = True
        logger.warning("stopping after this step; once more stops at once")

    with stops_handled(ask, before := {}):
        try:
            yield
        except (KeyboardInterrupt, SystemExit) as stop:
            interrupted = isinstance(stop.__context__, KeyboardInterrupt)
            if not interrupted and not isinstance(stop, (KeyboardInterrupt, SIGTERMException)):
                raise
            raise KeyboardInterrupt(f"interrupted; {how_to_go_on(run)}") from None
