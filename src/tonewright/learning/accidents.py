"""What can go wrong in a training, put into words, with nothing half-written left behind."""

from __future__ import annotations

import os
import pickle
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from lightning.fabric.plugins.io.torch_io import TorchCheckpointIO

from tonewright.audio.files import atomic_output
from tonewright.errors import OutputError, RunError

if TYPE_CHECKING:
    from tonewright.learning.runs import Run


class WholeCheckpoints(TorchCheckpointIO):
    """Writes a checkpoint whole or not at all; an earlier one of the same name stays until then.

    Lightning's own way goes through the system's temporary folder, which may lie on another disk. From there
    a file is copied over the earlier one, and a full disk or a killed process leaves half of it.
    """

    def save_checkpoint(
        self, checkpoint: dict[str, Any], path: str | os.PathLike[str], storage_options: Any | None = None
    ) -> None:
        """Write beside the target, then rename."""
        with atomic_output(path, overwrite=True) as temporary:
            torch.save(checkpoint, temporary)


@contextmanager
def readable_errors(checkpoint: Path | None, run: Run) -> Iterator[None]:
    """Turn the usual accidents of a training into one line that names the file."""
    try:
        yield
    except (pickle.UnpicklingError, zipfile.BadZipFile, EOFError) as error:
        raise RunError(
            f"{checkpoint}: cannot be read as a checkpoint; resume from another with ckpt_path="
        ) from error
    except RuntimeError as error:
        if "PytorchStreamWriter" in str(error):
            raise OutputError(f"{run.checkpoints}: a checkpoint could not be written whole") from error
        if checkpoint and any(
            word in str(error) for word in ("PytorchStreamReader", "size mismatch", "Missing key")
        ):
            reason = "is damaged" if "PytorchStreamReader" in str(error) else "does not fit this model"
            raise RunError(f"{checkpoint}: {reason}; resume from another with ckpt_path=") from error
        raise
    except OSError as error:
        if error.errno is None:
            raise
        raise OutputError(f"{error.filename or run.folder}: {error.strerror}; training stopped") from error


@contextmanager
def interruptible(run: Run) -> Iterator[None]:
    """Turn Ctrl-C and SIGTERM, which Lightning makes a silent exit, into words on how to go on."""
    try:
        yield
    except (KeyboardInterrupt, SystemExit) as stop:
        from lightning.pytorch.utilities.exceptions import SIGTERMException

        by_key = isinstance(stop, KeyboardInterrupt) or isinstance(stop.__context__, KeyboardInterrupt)
        if not by_key and not isinstance(stop, SIGTERMException):
            raise
        raise KeyboardInterrupt(f"interrupted; {how_to_go_on(run)}") from None


def how_to_go_on(run: Run) -> str:
    """The command that carries a run on from its last checkpoint, or what to do where there is none."""
    config = run.config
    command = f"tonewright train {config.system_name} run_name={config.run_name}"
    if Path(config.output) != Path("runs"):
        command += f" output={config.output}"
    if (run.checkpoints / "last.ckpt").is_file():
        return f"resume with: {command} ckpt_path=last"
    return f"{run.folder} has no checkpoint yet; start anew with --force"


@contextmanager
def forgotten_unless_started(run: Run) -> Iterator[None]:
    """Remove a new run folder again when its training fails before the first step.

    Otherwise the same command, put right, would be told that the run exists already.
    """
    try:
        yield
    except BaseException:
        if run.config.ckpt_path is None and not run.metrics_file.exists():
            shutil.rmtree(run.folder, ignore_errors=True)
        raise
