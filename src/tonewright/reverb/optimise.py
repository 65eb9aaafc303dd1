"""Optimisers of a flat vector: Adam in steps of a falling rate, and L-BFGS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.optimize

from tonewright.errors import NetworkError, nearest

OPTIMISERS = ("adam", "lbfgs")
RATE_STEPS, RATE_FACTOR = 2000, 0.1


@dataclass(slots=True)
class Evaluation:
    """A loss at one point.

    Attributes
    ----------
    total : what is minimised
    criteria : each part of it, unweighted, by its name
    gradient : (parameters,)
    """

    total: float
    criteria: dict[str, float]
    gradient: np.ndarray


Function = Callable[[np.ndarray], Evaluation]
# Told of every step and where it was taken; a word ends the training, for that reason.
Watch = Callable[[np.ndarray, Evaluation], str]


class Adam:
    """Adam (Kingma and Ba, 2015) with the learning rate divided by ten every 2000 steps.

    Parameters
    ----------
    size : parameters
    rate : learning rate at the start
    """

    def __init__(self, size: int, *, rate: float) -> None:
        self.rate = rate
        self.steps = 0
        self._mean = np.zeros(size)
        self._square = np.zeros(size)

    def moved(self, vector: np.ndarray, gradient: np.ndarray) -> np.ndarray:
        """The vector after one step along a gradient, both (parameters,)."""
        rate = self.rate * RATE_FACTOR ** (self.steps // RATE_STEPS)
        self.steps += 1
        self._mean += 0.1 * (gradient - self._mean)
        self._square *= 0.999
        self._square += 0.001 * gradient * gradient
        root = np.sqrt(self._square) / math.sqrt(1 - 0.999**self.steps) + 1e-8
        return vector - rate / (1 - 0.9**self.steps) * self._mean / root


def minimise(
    function: Function, start: np.ndarray, *, optimizer: str, rate: float, max_steps: int, watch: Watch
) -> tuple[np.ndarray, str]:
    """Run an optimiser; where it was is told to `watch`.

    Parameters
    ----------
    function : loss and gradient at (parameters,)
    start : (parameters,)
    optimizer : "adam" or "lbfgs"
    rate : learning rate of Adam; L-BFGS finds its own step lengths
    max_steps : most steps
    watch : told of every step

    Returns
    -------
    vector : (parameters,) where it ended
    reason : in words; empty after `max_steps`
    """
    if optimizer == "adam":
        return _by_adam(function, start, rate, max_steps, watch)
    return _by_lbfgs(function, start, max_steps, watch)


def _by_adam(
    function: Function, vector: np.ndarray, rate: float, max_steps: int, watch: Watch
) -> tuple[np.ndarray, str]:
    adam = Adam(vector.size, rate=rate)
    for _ in range(max_steps):
        found = function(vector)
        word = watch(vector, found)
        if word:
            return vector, word
        vector = adam.moved(vector, found.gradient)
    return vector, ""


def _by_lbfgs(function: Function, start: np.ndarray, max_steps: int, watch: Watch) -> tuple[np.ndarray, str]:
    last: tuple[np.ndarray, Evaluation] | None = None
    word = ""

    def evaluated(vector: np.ndarray) -> Evaluation:
        nonlocal last
        if last is None or not np.array_equal(last[0], vector):
            last = (vector.copy(), function(vector))
        return last[1]

    def value(vector: np.ndarray) -> tuple[float, np.ndarray]:
        found = evaluated(vector)
        # A line search may step where the loss is not finite; it comes back from a wall.
        return (found.total, found.gradient) if math.isfinite(found.total) else (1e300, np.zeros_like(vector))

    def step(intermediate_result: scipy.optimize.OptimizeResult) -> None:
        nonlocal word
        vector = np.array(intermediate_result.x)
        word = watch(vector, evaluated(vector))
        if word:
            raise StopIteration

    options = {"maxiter": max_steps, "maxfun": 25 * max_steps, "ftol": 0.0, "gtol": 1e-9, "maxcor": 20}
    found = scipy.optimize.minimize(value, start, jac=True, method="L-BFGS-B", callback=step, options=options)
    if word or found.nit >= max_steps:
        return found.x, word
    return found.x, f"L-BFGS ended after {found.nit} steps: {str(found.message).lower()}"


def checked_optimizer(optimizer: str) -> str:
    """The name of an optimiser in small letters, or an error that names the nearest."""
    name = str(optimizer).lower()
    if name not in OPTIMISERS:
        raise NetworkError(f"optimizer is {optimizer!r}; {nearest(name, OPTIMISERS)}")
    return name
