"""Where every training starts: the spine's trainer, or a system's own loop."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from tonewright.learning.registry import load_system

if TYPE_CHECKING:
    from tonewright.learning.config import TrainConfig
    from tonewright.learning.runs import Run


def train(config: TrainConfig, *, show_progress: bool = False, draw: Any = None) -> Run:
    """Train a system as configured and return its run folder.

    Parameters
    ----------
    config : with `run_name` set; `ckpt_path` = "last" resumes that run
    show_progress : a bar on standard error
    draw : makes the pictures of the examples; the command line gives ``report.figures.comparison``
    """
    own = load_system(config.system_name).train
    if own is not None:
        return own(config, show_progress=show_progress, draw=draw)
    from tonewright.learning.trainer import train_learner

    return train_learner(config, show_progress=show_progress, draw=draw)
