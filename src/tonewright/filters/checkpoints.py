"""A training's state in a file, and the model that it leaves: MessagePack, as Flax writes and reads it."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.files import atomic_output
from tonewright.errors import RunError
from tonewright.filters.trees import mismatch, read_tree
from tonewright.learning.runs import Run

if TYPE_CHECKING:
    from tonewright.filters.loop import FilterState

FORMAT = 1
KIND = "training of filters"
MODEL_FILE = "model.msgpack"


@dataclass
class Progress:
    """How far a training is, beside its parameters.

    Attributes
    ----------
    rows : of ``metrics.csv``
    best : of the monitored values, NaN before the first
    reference : the value that early stopping wants to see bettered
    waited : validations since then
    validated_at : step of the last validation, −1 before the first
    seconds : of training so far
    """

    rows: int = 0
    best: float = math.nan
    reference: float = math.nan
    waited: int = 0
    validated_at: int = -1
    seconds: float = 0.0


def save_checkpoint(path: Path, state: FilterState, key: Any, progress: Progress) -> None:
    """Write everything that a training goes on from, whole or not at all.

    Parameters
    ----------
    path : the file to write
    key : what the steps' random numbers follow from
    """
    import jax
    from flax import serialization

    tree = {
        "format": FORMAT,
        "kind": KIND,
        "state": serialization.to_state_dict(state),
        "rng": np.asarray(jax.random.key_data(key)),
        "progress": asdict(progress),
    }
    _write(path, serialization.msgpack_serialize(tree))


def load_checkpoint(path: Path, state: FilterState, key: Any) -> tuple[FilterState, Progress]:
    """The state of a checkpoint that was made with the same settings, and how far it is.

    Parameters
    ----------
    state, key : of a training with these settings, before its first step
    """
    import jax
    from flax import serialization

    tree = read_tree(path)
    advice = "resume from another with ckpt_path=, or start anew with --force"
    if tree.get("kind") != KIND or not isinstance(tree.get("format"), int):
        raise RunError(f"{path}: is no checkpoint of a training of filters; {advice}")
    if tree["format"] > FORMAT:
        raise RunError(f"{path}: has format {tree['format']}, this Tonewright reads up to {FORMAT}; upgrade")
    wanted = {"state": serialization.to_state_dict(state), "rng": np.asarray(jax.random.key_data(key))}
    difference = mismatch({name: tree[name] for name in wanted if name in tree}, wanted)
    if difference:
        raise RunError(
            f"{path}: does not fit the model as it is set now ({difference}); leave system.* as it was, or "
            f"{advice}"
        )
    if not np.array_equal(tree["rng"], wanted["rng"]):
        raise RunError(f"{path}: belongs to a training with another seed; {advice}")
    restored = serialization.from_state_dict(state, tree["state"])
    return jax.tree.map(jax.numpy.asarray, restored), _progress(tree.get("progress"), path)


def checkpoint_path(run: Run, name: str) -> Path:
    """Path of the checkpoint called `name`: "last", "best" or a path."""
    path = run.checkpoints / f"{name}.msgpack" if name in {"last", "best"} else Path(name)
    if not path.is_file():
        there = sorted(found.name for found in run.checkpoints.glob("[!.]*.msgpack"))
        raise RunError(
            f"{path}: no such checkpoint; there {'are ' + ', '.join(there) if there else 'is none'}"
        )
    return path


def save_model(path: Path, parameters: Any) -> None:
    """Write parameters as ``flax.serialization.to_bytes`` does, whole or not at all."""
    from flax import serialization

    _write(path, serialization.to_bytes(parameters))


def _write(path: Path, content: bytes) -> None:
    with atomic_output(path, overwrite=True) as temporary:
        temporary.write_bytes(content)


def _progress(found: Any, path: Path) -> Progress:
    kinds = {item.name: type(item.default) for item in fields(Progress)}
    plain = isinstance(found, dict) and found.keys() == kinds.keys()
    if not plain or any(type(found[name]) is not kind for name, kind in kinds.items()):
        raise RunError(f"{path}: does not say how far its training was; start anew with --force")
    return Progress(**found)
