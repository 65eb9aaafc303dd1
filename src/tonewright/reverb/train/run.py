"""One training run: what is measured, how it is minimised, and what the model is left with."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.stability import check_stable, is_stable, loop_radius
from tonewright.reverb.train.circle import LOSSLESS_DAMPED_DB
from tonewright.reverb.train.criteria import Criterion, build_objective
from tonewright.reverb.train.model import TrainableFDN
from tonewright.reverb.train.objective import TrainingObjective
from tonewright.reverb.train.optimise import minimise
from tonewright.reverb.train.parameters import BOUNDED, ParameterMap
from tonewright.reverb.train.placing import accelerator, precision
from tonewright.reverb.train.recording import Kept, Recorder, TrainLog
from tonewright.reverb.train.terms import Term, as_terms
from tonewright.reverb.train.trained_parts import built, built_parts
from tonewright.reverb.train.whole_delays import Whole, rounded, settled

# The share of the steps after which delays are rounded, and what is left is trained on.
BEFORE_ROUNDING = 0.75
ROUNDED = ("delays", "pre_delay")
LEAST_TRIALS = 200


class TrainingRun:
    """A model and what it is trained for.

    Parameters
    ----------
    model : what is trained, in place
    mode : the training mode
    device, dtype : where and in what precision, or None for those of the model
    scaling : "relative" or "peer"
    """

    def __init__(
        self,
        model: TrainableFDN,
        mode: str,
        *,
        device: Any = None,
        dtype: Any = None,
        scaling: str = "relative",
    ) -> None:
        self.model, self.mode, self.scaling = model, mode, scaling
        self.device = model.device if device is None else accelerator(device)
        self.dtype = model.dtype if dtype is None else precision(dtype)
        self.enough = "float64"
        # The peer's form is followed step by step, wherever it leads.
        bounded = model.matrix == "random" and scaling == "relative"
        self.matrix = BOUNDED if bounded else model.matrix
        self.terms: list[Term] = []
        self.summed = False

    def measure(self, *, target: Any, criteria: Sequence[Criterion] | None, **settings: Any) -> None:
        """Say what is measured; see `criteria.build_objective`."""
        model = self.model
        if not model.parameters.size:
            raise NetworkError("nothing of the model is trained; set a part of its Trainable")
        check_stable(model.build, "the model before training")
        given, wanted, criteria, domain = build_objective(
            self.mode,
            target=target,
            criteria=None if criteria is None else list(criteria),
            fs=model.fs,
            nfft=model.nfft,
            n_in=model.inputs,
            n_out=model.outputs,
            dtype="float64",
            scaling=self.scaling,
            **settings,
        )
        self.summed = given.shape[0] == 1
        measured = "spectrum" if domain == "magnitude" else "time"
        # Criteria in torch get float32 unless another type is named, as torch's users expect.
        place = {"device": self.device, "dtype": precision(self.dtype, default="float32")}
        self.terms = as_terms(criteria, domain=measured, target=wanted, model=model, **place)
        model.output = domain

    def words(self) -> dict[str, Any]:
        """What describes the model, for a record."""
        model = self.model
        sizes = {"lines": model.start.lines, "inputs": model.inputs, "outputs": model.outputs}
        return {**sizes, "nfft": model.nfft, "matrix": model.matrix, "trainable": asdict(model.trainable)}

    def train(self, recorder: Recorder, *, optimizer: str, rate: float) -> TrainLog:
        """Minimise, and leave the model at the best stable step."""
        model, log = self.model, recorder.log
        start = model.parameters
        # Adam follows a response as well in float32; a line search needs losses to more digits.
        if optimizer == "adam" and self.scaling == "relative" and model.output == "time":
            self.enough = "float32"
        rounds = any(name in model.map.slices for name in ROUNDED)
        steps = max(1, round(BEFORE_ROUNDING * recorder.max_steps)) if rounds else recorder.max_steps
        stage = self.first_stage()
        words = [_minimised(stage, recorder, steps, optimizer, rate)]
        if rounds:
            best = stage.complete(recorder.kept[-1].vector)
            stage = self._rounded_stage(best, max(LEAST_TRIALS, recorder.max_steps))
            recorder.forget()
            words[0] += "; delays were brought to whole samples"
            if stage.start.size:
                words.append(
                    "then " + _minimised(stage, recorder, recorder.max_steps - log.steps_run, optimizer, rate)
                )
            else:
                recorder.keep(stage.start, stage.objective(stage.start).total, log.steps_run)
        best, unstable = self._best_stable(recorder, stage, start)
        log.best_step, log.best_loss = best.step, best.loss
        log.stopped_early = log.steps_run < recorder.max_steps
        log.loop_radius = loop_radius(model.build)
        log.stop_reason = "; ".join([*words, *_remarks(log, best, unstable, stage.objective)])
        recorder.finish(model.build)
        return log

    def first_stage(self) -> Stage:
        """What is minimised first, and where it starts."""
        model = self.model
        if self.matrix == model.matrix:
            return Stage(self._objective(model.start, model.map), model.parameters, lambda vector: vector)
        return self._stage(
            model.start, ParameterMap(model.parts, tuple(model.map.slices), matrix=self.matrix)
        )

    def _stage(self, build: FDNBuild, parameters: ParameterMap, **whole: np.ndarray) -> Stage:
        """A stage that starts at the vector of a map of its own."""
        model, before = self.model, self.model.parameters

        def complete(found: np.ndarray) -> np.ndarray:
            parts = parameters.parts(found)
            return model.map.changed(
                before, **{name: getattr(parts, name) for name in parameters.slices}, **whole
            )

        return Stage(self._objective(build, parameters), parameters.vector, complete)

    def _rounded_stage(self, vector: np.ndarray, most_trials: int) -> Stage:
        """With delays in whole samples, the parts that are left to train."""
        model = self.model
        parts = model.map.parts(vector)
        moved = {"delays": parts.delays, "pre_delay": parts.pre_delay}
        whole = {name: rounded(name, value) for name, value in moved.items() if value is not None}
        left = tuple(name for name in model.map.slices if name not in whole)
        rest = ParameterMap(replace(parts, delays=None, pre_delay=None), left, matrix=self.matrix)
        bare = replace(model.map.start, delays=None, pre_delay=None, decay=None, tone=None, early=None)

        def loss(whole: Whole) -> float:
            # With nothing left to move, the recursion in time is far faster than elimination.
            still = built(model.start, replace(parts, **whole))
            nothing = ParameterMap(built_parts(still), (), matrix="random")
            return self._objective(still, nothing)(nothing.vector).total

        whole = settled(whole, loss, most_trials=most_trials)
        return self._stage(built(model.start, replace(bare, **whole)), rest, **whole)

    def _objective(self, build: FDNBuild, parameters: ParameterMap) -> TrainingObjective:
        wrapped = self.scaling == "peer"
        place = {"device": self.device, "dtype": precision(self.dtype, default=self.enough)}
        return TrainingObjective(
            build, parameters, self.terms, nfft=self.model.nfft, summed=self.summed, wrapped=wrapped, **place
        )

    def _best_stable(self, recorder: Recorder, stage: Stage, start: np.ndarray) -> tuple[Kept, int]:
        """The best step at which the network is stable, which the model then has, and how many were not."""
        kept = sorted(recorder.kept)
        tried = 0
        while tried < len(kept):
            found = kept[tried]
            self.model.parameters = stage.complete(found.vector)
            if is_stable(self.model.build):
                return found, tried
            # Instability comes step by step: look back in growing strides.
            tried = 2 * tried + 1
        self.model.parameters = start
        return Kept(recorder.log.train_loss[0], 0, start), len(kept)


@dataclass
class Stage:
    """A part of a run.

    Attributes
    ----------
    objective : what is minimised
    start : (parameters,) where it starts
    complete : the model's parameters from those of this stage
    """

    objective: TrainingObjective
    start: np.ndarray
    complete: Callable[[np.ndarray], np.ndarray]


def _minimised(stage: Stage, recorder: Recorder, steps: int, optimizer: str, rate: float) -> str:
    """Run the optimiser, and say why it ended; the point that it ends at is kept too when it is the best."""
    recorder.complete = stage.complete
    before = recorder.log.steps_run
    vector, word = stage.start, ""
    if steps > 0:
        vector, word = minimise(
            stage.objective,
            stage.start,
            optimizer=optimizer,
            rate=rate,
            max_steps=steps,
            watch=recorder.watch,
            bounds=stage.objective.map.bounds(),
        )
    if not word:
        recorder.keep(vector, stage.objective(vector).total, recorder.log.steps_run)
    return word or f"all {recorder.log.steps_run - before} steps were run"


def _remarks(log: TrainLog, best: Kept, unstable: int, objective: TrainingObjective) -> list[str]:
    remarks = []
    if best.step < log.steps_run - 1:
        remarks.append(f"step {best.step} was the best and is kept")
    if unstable:
        remarks.append("better steps were unstable networks and are not kept")
    if objective.radius != 1 and "spectrum" in objective.forwards:
        remarks.append(
            "the network hardly decays, so its spectrum was taken off the unit circle, as if it fell by "
            f"{LOSSLESS_DAMPED_DB:g} dB over one DFT"
        )
    return remarks
