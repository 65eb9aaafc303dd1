"""Optimisers of a flat vector: Adam in steps of a falling rate, and L-BFGS."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import numpy as np

from tonewright.errors import NetworkError, nearest
from tonewright.reverb.train.lbfgs import Minimiser

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
    function: Function,
    start: np.ndarray,
    *,
    optimizer: str,
    rate: float,
    max_steps: int,
    watch: Watch,
    bounds: tuple[np.ndarray, np.ndarray] | None = None,
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
    bounds : lowest and highest (parameters,), or None

    Returns
    -------
    vector : (parameters,) where it ended
    reason : in words; empty after `max_steps`
    """
    lower, upper = (
        (np.full(start.size, -math.inf), np.full(start.size, math.inf)) if bounds is None else bounds
    )
    if optimizer == "lbfgs":
        return _by_lbfgs(Minimiser(function, start, lower, upper), max_steps, watch)
    adam = Adam(start.size, rate=rate)
    vector = start
    for _ in range(max_steps):
        found = function(vector)
        word = watch(vector, found)
        if word:
            return vector, word
        vector = adam.moved(vector, found.gradient)
        if bounds is not None:
            vector = np.clip(vector, lower, upper)
    return vector, ""


def _by_lbfgs(minimiser: Minimiser, max_steps: int, watch: Watch) -> tuple[np.ndarray, str]:
    for step in range(max_steps):
        if not minimiser.step():
            if not step:
                watch(minimiser.here.vector, cast(Evaluation, minimiser.here.found))
            return minimiser.here.vector, "no lower point was found along the gradient"
        word = watch(minimiser.here.vector, cast(Evaluation, minimiser.here.found))
        if word:
            return minimiser.here.vector, word
    return minimiser.here.vector, ""


def checked_optimizer(optimizer: str) -> str:
    """The name of an optimiser in small letters, or an error that names the nearest."""
    name = str(optimizer).lower()
    if name not in OPTIMISERS:
        raise NetworkError(f"optimizer is {optimizer!r}; {nearest(name, OPTIMISERS)}")
    return name
