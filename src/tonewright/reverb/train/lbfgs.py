"""L-BFGS within bounds, for vectors of some hundreds of numbers."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np

MEMORY = 20
# Sufficient decrease and curvature of the Wolfe conditions, and evaluations in one line search.
DECREASE, CURVATURE, MOST_TRIALS = 1e-4, 0.9, 25


class Valued(Protocol):
    """A loss at one point, and its gradient (parameters,)."""

    total: float
    gradient: np.ndarray


@dataclass(slots=True)
class Point:
    """A point on the line that is searched.

    Attributes
    ----------
    step : how far along the direction
    vector : (parameters,) where
    found : loss and gradient there
    slope : of the loss along the direction
    """

    step: float
    vector: np.ndarray
    found: Valued
    slope: float

    @property
    def value(self) -> float:
        """The loss, infinite where it is no number."""
        return self.found.total if math.isfinite(self.found.total) else math.inf


class Minimiser:
    """L-BFGS (Nocedal and Wright, Numerical Optimization, 2006, algorithms 3.5, 3.6, 7.4), within bounds.

    Parameters
    ----------
    function : loss and gradient at (parameters,)
    start : (parameters,) within the bounds
    lower, upper : (parameters,) bounds, infinite where there are none
    """

    def __init__(
        self,
        function: Callable[[np.ndarray], Valued],
        start: np.ndarray,
        lower: np.ndarray,
        upper: np.ndarray,
    ) -> None:
        self.function, self.lower, self.upper = function, lower, upper
        self.here = Point(0.0, start, function(start), 0.0)
        self._pairs: deque[tuple[np.ndarray, np.ndarray]] = deque(maxlen=MEMORY)

    def step(self) -> bool:
        """Take one step; False where none leads lower."""
        for _ in range(2):
            found = self._searched(self._direction())
            if found is not None:
                self._remember(found)
                self.here = found
                return True
            if not self._pairs:
                break
            self._pairs.clear()
        return False

    def _direction(self) -> np.ndarray:
        """Downhill by the curvature that is remembered; (parameters,), 0 where a bound holds."""
        gradient, vector = self.here.found.gradient, self.here.vector
        held = ((vector <= self.lower) & (gradient > 0)) | ((vector >= self.upper) & (gradient < 0))
        rest = np.where(held, 0.0, gradient)
        shares = []
        for moved, turned in reversed(self._pairs):
            share = (moved @ rest) / (moved @ turned)
            shares.append(share)
            rest = rest - share * turned
        if self._pairs:
            moved, turned = self._pairs[-1]
            rest = rest * ((moved @ turned) / (turned @ turned))
        for (moved, turned), share in zip(self._pairs, reversed(shares), strict=True):
            rest = rest + moved * (share - (turned @ rest) / (moved @ turned))
        return np.where(held, 0.0, -rest)

    def _remember(self, found: Point) -> None:
        moved, turned = found.vector - self.here.vector, found.found.gradient - self.here.found.gradient
        if moved @ turned > 1e-10 * math.sqrt((moved @ moved) * (turned @ turned)):
            self._pairs.append((moved, turned))

    def _at(self, step: float, direction: np.ndarray) -> Point:
        vector = np.clip(self.here.vector + step * direction, self.lower, self.upper)
        found = self.function(vector)
        return Point(step, vector, found, float(found.gradient @ direction))

    def _searched(self, direction: np.ndarray) -> Point | None:
        """A point along a direction that is lower and less steep, or at least lower."""
        start = Point(0.0, self.here.vector, self.here.found, float(self.here.found.gradient @ direction))
        if not start.slope < 0:
            return None
        step = 1.0 if self._pairs else min(1.0, 1.0 / np.abs(direction).sum())
        before, best = start, None
        low = high = None
        for trial in range(MOST_TRIALS):
            here = self._at(step, direction)
            if here.value < start.value and (best is None or here.value < best.value):
                best = here
            if here.value > start.value + DECREASE * step * start.slope or (
                trial and here.value >= before.value
            ):
                low, high = before, here
                break
            if abs(here.slope) <= -CURVATURE * start.slope:
                return here
            if here.slope >= 0:
                low, high = here, before
                break
            before, step = here, 2 * step
        if low is None or high is None:
            return best
        return self._narrowed(start, low, high, direction) or best

    def _narrowed(self, start: Point, low: Point, high: Point, direction: np.ndarray) -> Point | None:
        """The search between a lower and a higher end, until the Wolfe conditions hold."""
        for _ in range(MOST_TRIALS):
            here = self._at(_between(low, high), direction)
            if here.value > start.value + DECREASE * here.step * start.slope or here.value >= low.value:
                high = here
            else:
                if abs(here.slope) <= -CURVATURE * start.slope:
                    return here
                if here.slope * (high.step - low.step) >= 0:
                    high = low
                low = here
            if abs(high.step - low.step) <= 1e-12 * max(high.step, low.step):
                break
        return low if low.step > 0 and low.value < start.value else None


def _between(low: Point, high: Point) -> float:
    """The minimum of a cubic through two points and their slopes, kept away from both ends."""
    near, far = sorted((low.step, high.step))
    middle = (near + far) / 2
    if not math.isfinite(high.value):
        return middle
    bend = low.slope + high.slope - 3 * (low.value - high.value) / (low.step - high.step)
    square = bend**2 - low.slope * high.slope
    if not square >= 0:
        return middle
    root = math.copysign(math.sqrt(square), high.step - low.step)
    below = high.slope - low.slope + 2 * root
    if below == 0:
        return middle
    step = high.step - (high.step - low.step) * (high.slope + root - bend) / below
    margin = 0.1 * (far - near)
    return step if near + margin <= step <= far - margin else middle
