"""Weights and learning rates that change with the step."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tonewright.errors import UsageError

if TYPE_CHECKING:
    from tonewright.learning.config import OptimizerConfig

KINDS = ("constant", "linear", "cosine", "cyclic")


@dataclass(frozen=True)
class Ramp:
    """A value that goes from `start` to `end`, called with the step.

    value(step) = start + (end − start)·shape(p), with p = (step − delay)/steps kept within [0, 1]:

    - constant: shape = 1, whatever `steps`
    - linear: shape = p
    - cosine: shape = ½(1 − cos πp)
    - cyclic: `cycles` times, linear over the share `rise` of the cycle and 1 for the rest (Fu et al., 2019,
      "Cyclical Annealing Schedule: A Simple Approach to Mitigating KL Vanishing")

    Before `delay` the value is `start`, after `delay + steps` it is `end`.

    Parameters
    ----------
    kind : one of `KINDS`
    start, end : the values at p = 0 and p = 1
    steps : length of the ramp, all cycles together; 0 jumps to `end` at `delay`
    delay : steps before the ramp sets out
    cycles : number of cycles (cyclic)
    rise : share of a cycle that rises, above 0 and up to 1 (cyclic)
    """

    kind: str = "linear"
    start: float = 0.0
    end: float = 1.0
    steps: int = 0
    delay: int = 0
    cycles: int = 4
    rise: float = 0.5

    def __post_init__(self) -> None:
        """Refuse settings that describe no ramp."""
        if self.kind not in KINDS:
            raise UsageError(f"ramp kind '{self.kind}': must be one of {', '.join(KINDS)}")
        if self.steps < 0 or self.delay < 0:
            raise UsageError(f"ramp steps {self.steps} and delay {self.delay}: must not be negative")
        if self.cycles < 1 or not 0.0 < self.rise <= 1.0:
            raise UsageError(
                f"ramp cycles {self.cycles}, rise {self.rise}: need cycles >= 1 and 0 < rise <= 1"
            )

    def __call__(self, step: float) -> float:
        """Give the value at a step."""
        if step < self.delay:
            return self.start
        elapsed = step - self.delay
        progress = elapsed / self.steps if elapsed < self.steps else 1.0
        shape = self._shape(progress)
        return self.end if shape == 1.0 else self.start + (self.end - self.start) * shape

    def _shape(self, progress: float) -> float:
        if self.kind == "constant" or progress >= 1.0:
            return 1.0
        if self.kind == "linear":
            return progress
        if self.kind == "cosine":
            return 0.5 * (1.0 - math.cos(math.pi * progress))
        return min(1.0, (progress * self.cycles % 1.0) / self.rise)


def rate_factor(settings: OptimizerConfig, step: int, steps: int) -> float:
    """Share of the learning rate at `step` of `steps`: linear warm-up, then the schedule.

    With progress p = (step - warm-up) / (steps - warm-up) and final share f: constant 1,
    cosine f + (1 - f)(1 + cos πp)/2, exponential f^p.
    """
    if step < settings.warmup_steps:
        return (step + 1) / (settings.warmup_steps + 1)
    progress = min(1.0, (step - settings.warmup_steps) / max(1, steps - settings.warmup_steps))
    final = settings.final_fraction
    if settings.schedule == "constant":
        return 1.0
    if settings.schedule == "exponential":
        return max(final, 1e-6) ** progress
    return final + (1 - final) * 0.5 * (1 + math.cos(math.pi * progress))
