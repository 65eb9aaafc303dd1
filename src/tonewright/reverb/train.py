"""Training of a network towards a flat spectrum or a measured response."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tonewright.reverb.model import TrainableFDN


@dataclass
class TrainLog:
    """What a training run did.

    Attributes
    ----------
    train_loss : loss at each step
    loss_log : each criterion at each step, unweighted, by the name of its class
    steps_run : steps that were run
    stopped_early : whether it ended before `max_steps`
    stop_reason : why it ended, in words
    best_step : the step whose parameters the model has now, counted from 0
    best_loss : the loss there
    loop_radius : radius of the slowest pole of the trained network; below 1 it decays, at 1 it is lossless
    """

    train_loss: list[float] = field(default_factory=list)
    loss_log: dict[str, list[float]] = field(default_factory=dict)
    steps_run: int = 0
    stopped_early: bool = False
    stop_reason: str = ""
    best_step: int = 0
    best_loss: float = float("nan")
    loop_radius: float = float("nan")


def train_fdn(
    model: TrainableFDN,
    mode: str,
    *,
    target: Any = None,
    criteria: list[tuple[Any, float, bool]] | None = None,
    sparsity_alpha: float = 0.2,
    mss_nfft: tuple[int, ...] = (256, 512, 1024),
    max_steps: int = 2000,
    lr: float = 1e-3,
    optimizer: str = "adam",
    patience: int = 10,
    tol: float = 1e-6,
    device: Any = None,
    dtype: Any = None,
    rng: int | None = None,
    log: bool = False,
    train_dir: str | Path | None = None,
    scaling: str = "relative",
    progress: Callable[[int, int], None] | None = None,
) -> TrainLog:
    """Train a model in place; the best step is kept.

    Parameters
    ----------
    model : of `build_fdn` or `trainable_from_build`
    mode : "colorless", "match_spectrogram" or "match_mel_spectrogram"
    target : (time,), (time, outputs) or (time, outputs, inputs) response to match, in the matching modes
    criteria : (criterion, weight, requires_model) to use in place of the mode's own
    sparsity_alpha : weight of the sparsity of the feedback matrix, 0 for none
    mss_nfft : window lengths of the spectrograms
    max_steps : most steps
    lr : learning rate of Adam, divided by ten every 2000 steps
    optimizer : "adam" or "lbfgs"
    patience : steps in a row without improvement after which it stops
    tol : relative improvement that counts
    device, dtype : as in `trainable_from_build` (default: those of the model)
    rng : seed for criteria that draw by chance
    log : tell of the progress, and write to `train_dir`
    train_dir : folder for losses, settings and weights at intervals
    scaling : "relative" normalises by the target, "peer" is the form of pyFDN 0.1
    progress : called with (steps done, most steps)

    Returns
    -------
    what the run did
    """
    raise NotImplementedError
