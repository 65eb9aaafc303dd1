"""The run folder: everything a training leaves behind, in files that load without running code.

::

    runs/<system>/<name>/
        config.yaml         fully resolved, with the format version
        metrics.csv
        checkpoints/        last.ckpt, best.ckpt: to resume from
        model.safetensors   weights for use
        figures/ audio/
        environment.txt
"""

from __future__ import annotations

import json
import os
import platform
import shutil
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields, is_dataclass
from importlib.metadata import distributions
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import MissingMandatoryValue, OmegaConfBaseException

from tonewright.audio.files import atomic_output
from tonewright.errors import OutputError, RunError, UsageError, nearest
from tonewright.learning.config import TrainConfig
from tonewright.learning.registry import config_type, system_names

if TYPE_CHECKING:
    import torch

FORMAT = 1
MODEL_FILE = "model.safetensors"


@dataclass(frozen=True)
class Run:
    """A run folder and its configuration.

    Attributes
    ----------
    folder : where it lies
    config : a `TrainConfig` whose `system` is the system's own dataclass
    """

    folder: Path
    config: TrainConfig

    @property
    def system_name(self) -> str:
        """Name of the system that was trained."""
        return self.config.system_name

    @property
    def checkpoints(self) -> Path:
        """Folder of the resumable checkpoints."""
        return self.folder / "checkpoints"

    @property
    def metrics_file(self) -> Path:
        """The table of all logged values."""
        return self.folder / "metrics.csv"

    def save_weights(self, state: Mapping[str, torch.Tensor], **notes: Any) -> Path:
        """Write the weights to ``model.safetensors``, with the system, format and `notes` in its header."""
        from safetensors.torch import save

        header = {"system": self.system_name, "format": str(FORMAT), "notes": json.dumps(notes)}
        path = self.folder / MODEL_FILE
        tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
        with atomic_output(path, overwrite=True) as temporary:
            temporary.write_bytes(
                save(tensors, metadata=header)
            )  # save_file would make it private to its owner
        return path

    def load_weights(self) -> dict[str, torch.Tensor]:
        """The weights of ``model.safetensors``, on the CPU."""
        import safetensors

        path = self.folder / MODEL_FILE
        if not path.is_file():
            raise RunError(f"{path}: missing; the training did not finish. Resume it with ckpt_path=last")
        try:
            with safetensors.safe_open(path, framework="pt") as file:
                _check_format(path, (file.metadata() or {}).get("format"))
                return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
        except (safetensors.SafetensorError, OSError) as error:
            raise RunError(f"{path}: cannot be read ({error}); train again or restore the file") from error

    def checkpoint(self, name: str) -> Path:
        """Path of the checkpoint called `name` ("last", "best" or a path)."""
        path = self.checkpoints / f"{name}.ckpt" if name in {"last", "best"} else Path(name)
        if not path.is_file():
            there = sorted(found.name for found in self.checkpoints.glob("*.ckpt"))
            raise RunError(
                f"{path}: no such checkpoint; there {'are ' + ', '.join(there) if there else 'is none'}"
            )
        return path


def create_run(config: TrainConfig) -> Run:
    """Make the run folder of a configuration, or open it again when the run is resumed.

    An existing run is replaced only with ``force=true``, and set aside until the new one is under way
    (`replaced_run`). Of several processes only the first writes.
    """
    folder = Path(config.output) / config.system_name / str(config.run_name)
    resuming = config.ckpt_path is not None
    if process_rank() > 0:
        return Run(folder, config)
    if resuming and not (folder / "config.yaml").is_file():
        raise RunError(
            f"{folder}: there is no run to resume; name one with run_name=, or leave ckpt_path out"
        )
    if folder.exists() and not resuming:
        if not config.force:
            raise OutputError(
                f"{folder}: exists already; resume it with ckpt_path=last, choose another run_name, "
                "or replace it with --force"
            )
        _set_aside(folder)
    try:
        for part in ("checkpoints", "figures", "audio"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        _write_text(folder / "config.yaml", OmegaConf.to_yaml(OmegaConf.create(asdict(config))))
        _write_text(folder / "environment.txt", environment())
    except OSError as error:
        raise OutputError(
            f"{folder}: cannot be written ({error.strerror}); choose another output="
        ) from error
    return Run(folder, config)


def open_run(folder: str | Path) -> Run:
    """Open a run folder that may come from anywhere; nothing in it is executed or unpickled."""
    folder = Path(folder)
    path = folder / "config.yaml"
    if not folder.is_dir():
        raise RunError(f"{folder}: no such run folder; name one that a training has written")
    if not path.is_file():
        raise RunError(
            f"{folder}: not a run folder, it has no config.yaml; name one that a training has written"
        )
    try:
        raw = OmegaConf.load(path)
    except Exception as error:  # YAML's and OmegaConf's errors share no base
        raise RunError(f"{path}: not readable as YAML ({first_line(error)})") from error
    if not isinstance(raw, DictConfig):
        raise RunError(f"{path}: holds no settings")
    _check_format(path, raw.get("format"))
    return Run(folder, typed_config(raw, source=str(path)))


def typed_config(raw: DictConfig, *, source: str) -> TrainConfig:
    """Check a composed or loaded configuration against the dataclasses and return them filled."""
    name = raw.get("system_name")
    if name not in system_names():
        raise RunError(
            f"{source}: system_name is '{name}', which is unknown; {nearest(str(name), system_names())}"
        )
    try:
        merged = OmegaConf.merge(schema(TrainConfig), raw)
        system = OmegaConf.merge(schema(config_type(name)), raw.system)
        config = OmegaConf.to_object(merged)
        assert isinstance(config, TrainConfig)
        config.system = OmegaConf.to_object(system)
    except MissingMandatoryValue as error:
        key = getattr(error, "full_key", None) or "a key"
        raise UsageError(f"{source}: {key} has no value; set {key}=…") from error
    except OmegaConfBaseException as error:
        raise RunError(f"{source}: {first_line(error)}") from error
    return config


def schema(kind: type) -> DictConfig:
    """A dataclass as OmegaConf checks values against it.

    OmegaConf takes frozen dataclasses for values that may not be overridden; here they are only types.
    """

    def open_up(node: Any) -> None:
        node._set_flag("readonly", None)
        if OmegaConf.is_config(node) and not node._is_none() and not node._is_missing():
            for key in node if isinstance(node, DictConfig) else range(len(node)):
                open_up(node._get_node(key))

    node = OmegaConf.structured(kind)
    open_up(node)
    return node


def latest_run(output: str | Path, system: str) -> Path:
    """The run folder of a system that was written to last."""
    folders = [path.parent for path in Path(output, system).glob("*/config.yaml")]
    if not folders:
        raise RunError(f"{Path(output, system)}: holds no run yet; start one with: tonewright train {system}")
    return max(folders, key=lambda folder: max(path.stat().st_mtime for path in folder.rglob("*")))


def flat(config: Any, prefix: str = "") -> dict[str, Any]:
    """A configuration as dotted keys and plain values, as trackers want it."""
    if is_dataclass(config) and not isinstance(config, type):
        items = {item.name: getattr(config, item.name) for item in fields(config)}
    elif isinstance(config, Mapping):
        items = dict(config)
    else:
        return {prefix.rstrip("."): config}
    found: dict[str, Any] = {}
    for key, value in items.items():
        found |= flat(value, f"{prefix}{key}.")
    return found


def environment() -> str:
    """What ran: Python, platform, processors, and the version of every installed package."""
    versions = sorted({f"{item.metadata['Name']}=={item.version}" for item in distributions()}, key=str.lower)
    head = [f"python {sys.version.split()[0]}", platform.platform(), f"processors {os.cpu_count()}"]
    return "\n".join([*head, "", *versions, ""])


def _check_format(path: Path, found: Any) -> None:
    try:
        version = int(found)
    except (TypeError, ValueError):
        raise RunError(f"{path}: carries no format version; it was not written by Tonewright") from None
    if version > FORMAT:
        raise RunError(
            f"{path}: has format {version}, this Tonewright reads up to {FORMAT}; upgrade to load it"
        )


def process_rank() -> int:
    """Which of a training's processes this is; 0 unless a launcher says otherwise."""
    return int(os.environ.get("RANK") or os.environ.get("LOCAL_RANK") or 0)


def replaced_run(folder: Path) -> Path:
    """Where a run lies that is being replaced by one of the same name."""
    return folder.with_name(f".{folder.name}.replaced")


@contextmanager
def forgotten_unless_started(run: Run) -> Iterator[None]:
    """Remove a new run folder again when its training fails before the first step.

    Otherwise the same command, put right, would be told that the run exists already. A run that it was to
    replace comes back; once the new one has started, the old one goes.
    """
    old = replaced_run(run.folder)
    try:
        yield
    except BaseException:
        if process_rank() == 0 and run.config.ckpt_path is None and not run.metrics_file.exists():
            shutil.rmtree(run.folder, ignore_errors=True)
            if old.is_dir():
                old.rename(run.folder)
        raise
    finally:
        if process_rank() == 0 and run.metrics_file.exists():
            shutil.rmtree(old, ignore_errors=True)


def how_to_go_on(run: Run) -> str:
    """The command that carries a run on from its last checkpoint, or what to do where there is none."""
    config = run.config
    command = f"tonewright train {config.system_name} run_name={config.run_name}"
    if Path(config.output) != Path("runs"):
        command += f" output={config.output}"
    if any(run.checkpoints.glob("last.*")):
        return f"resume with: {command} ckpt_path=last"
    return f"{run.folder} has no checkpoint yet; start anew with --force"


def _set_aside(folder: Path) -> None:
    if not (folder / "config.yaml").is_file():
        raise OutputError(f"{folder}: exists and is not a run; it is not removed, choose another run_name")
    shutil.rmtree(replaced_run(folder), ignore_errors=True)
    folder.rename(replaced_run(folder))


def _write_text(path: Path, text: str) -> None:
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_text(text, encoding="utf-8")


def first_line(error: BaseException) -> str:
    """What an error says, in one line."""
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
