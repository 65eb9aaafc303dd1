"""Training of a network towards a flat spectrum or a measured response."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from tonewright.errors import NetworkError
from tonewright.reverb.train.criteria import Criterion
from tonewright.reverb.train.model import TrainableFDN
from tonewright.reverb.train.optimise import checked_optimizer
from tonewright.reverb.train.placing import needed_torch
from tonewright.reverb.train.recording import Recorder, TrainFolder, TrainLog
from tonewright.reverb.train.run import TrainingRun


def train_fdn(
    model: TrainableFDN,
    mode: str,
    *,
    target: Any = None,
    criteria: Sequence[Criterion] | None = None,
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
    save_every: int = 100,
    progress: Callable[[int, int], None] | None = None,
) -> TrainLog:
    """Train a model in place; it keeps the best step.

    Parameters
    ----------
    model : of `build_fdn` or `trainable_from_build`; its `output` becomes what the mode measures
    mode : "colorless" (one input, one output), "match_spectrogram" or "match_mel_spectrogram"
    target : response to match in the matching modes: (time,), (time, outputs), which all inputs together are
        to give, or (time, outputs, inputs), which each by itself is
    criteria : (criterion, weight, requires_model) in place of the mode's own. A criterion is a loss of
        `tonewright.reverb.losses`, an object with `value_and_gradient(y)` for y (bins or time, outputs,
        inputs), or a function of torch tensors (y_pred, y_target), or with the model as a third argument
    sparsity_alpha : weight of the sparsity of the feedback matrix; 0 leaves it out
    mss_nfft : window lengths of the spectrograms
    max_steps : most steps
    lr : learning rate of Adam, divided by ten every 2000 steps; L-BFGS finds its own
    optimizer : "adam" or "lbfgs"
    patience : so many steps in a row without an improvement above `tol` end it
    tol : relative improvement of the best loss that counts
    device, dtype : as in `trainable_from_build` (default: those of the model)
    rng : seed of torch, for criteria that draw by chance
    log : tell of the progress on standard error, and keep a record in `train_dir`
    train_dir : folder for settings (JSON), losses (CSV) and weights (npz); earlier records are left alone
    scaling : "relative" divides by the size of the target; "peer" is the form of pyFDN 0.1, with responses
        that wrap around at the end of the DFT
    save_every : steps between two weights in `train_dir`
    progress : called with (steps done, most steps)

    Returns
    -------
    what the run did
    """
    given = {name: value for name, value in locals().items() if isinstance(value, (str, int, float, tuple))}
    optimizer = checked_optimizer(optimizer)
    _check(max_steps=max_steps, patience=patience, save_every=save_every)
    if not (math.isfinite(lr) and lr > 0 and tol >= 0):
        raise NetworkError(f"lr is {lr} and tol {tol}; lr must be positive, and tol 0 or more")
    if not isinstance(model, TrainableFDN):
        raise NetworkError(f"a {type(model).__name__} cannot be trained; give what build_fdn returns")
    if rng is not None and any(not hasattr(item[0], "value_and_gradient") for item in criteria or ()):
        needed_torch().manual_seed(int(rng))
    run = TrainingRun(model, mode, device=device, dtype=dtype, scaling=scaling)
    run.measure(target=target, criteria=criteria, sparsity_alpha=sparsity_alpha, mss_nfft=mss_nfft)
    folder = (
        TrainFolder(train_dir, {**given, "model": run.words()}) if log and train_dir is not None else None
    )
    recorder = Recorder(
        max_steps, patience, tol, told=log, folder=folder, every=save_every, progress=progress
    )
    return run.train(recorder, optimizer=optimizer, rate=lr)


def _check(**counts: int) -> None:
    for name, value in counts.items():
        if isinstance(value, bool) or int(value) != value or value < 1:
            raise NetworkError(f"{name} is {value!r}; it must be a whole number, at least 1")
