"""The five systems by name, each loaded when it is asked for.

A system is a package ``tonewright.<name>`` with ``config.py``, whose dataclass ``Config`` is its standard
preset, and ``training.py``, whose ``SYSTEM`` is what the trainer, the command line and the contract test
know of it. Most systems give the trainer a module that Lightning trains; one that learns in another way
brings a loop of its own.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tonewright.errors import UsageError, nearest

if TYPE_CHECKING:
    import numpy as np

    from tonewright.audio.files import Clip
    from tonewright.learning.config import TrainConfig
    from tonewright.learning.learner import Learner
    from tonewright.learning.runs import Run

PLANNED = ("filters", "codec", "effects", "reverb", "separation")


@dataclass(frozen=True)
class Step:
    """What a step of training came to.

    Attributes
    ----------
    terms : ``loss``, which is minimised, and its named parts
    gradients : of every trainable parameter, by name
    """

    terms: Mapping[str, float]
    gradients: Mapping[str, np.ndarray]


@dataclass(frozen=True)
class System:
    """What a system promises to everything above it.

    It has either a `learner` or a loop of its own, `train` with `first_steps` and `weights`.

    Attributes
    ----------
    name : its folder and its command
    load : a run -> the model, ready for use
    process : (model, clip, block_seconds=) -> clip; the sound that goes in, as the model gives it back;
        ``block_seconds=None`` takes it whole
    process_file : (source, target, model, block_seconds=) -> target; the same from file to file
    example : (model, clip) -> named clips and named numbers, for logs and reports
    smoke : overrides that make its smallest real run
    learner : a configuration -> the module that Lightning trains
    train : (configuration, show_progress=, draw=) -> run; a loop of the system's own
    first_steps : (configuration, steps=) -> so many steps of training, with their gradients
    weights : a finished run -> everything that was learned, by name
    """

    name: str
    load: Callable[[Run], Any]
    process: Callable[..., Clip]
    process_file: Callable[..., Path]
    example: Callable[[Any, Clip], tuple[Mapping[str, Clip], Mapping[str, float]]]
    smoke: tuple[str, ...]
    learner: Callable[[TrainConfig], Learner] | None = None
    train: Callable[..., Run] | None = None
    first_steps: Callable[..., Sequence[Step]] | None = None
    weights: Callable[[Run], Mapping[str, np.ndarray]] | None = None


def system_names() -> tuple[str, ...]:
    """Names of the systems that this installation can train."""
    package = Path(__file__).parents[1]
    return tuple(name for name in PLANNED if (package / name / "training.py").is_file())


def config_type(name: str) -> type:
    """The dataclass of a system's settings; loads no framework."""
    return importlib.import_module(f"tonewright.{_known(name)}.config").Config


def load_system(name: str) -> System:
    """A system by name, with its framework."""
    return importlib.import_module(f"tonewright.{_known(name)}.training").SYSTEM


def _known(name: str) -> str:
    names = system_names()
    if name not in names:
        raise UsageError(f"no system is called '{name}'; {nearest(name, names)}")
    return name
