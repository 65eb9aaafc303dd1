"""A loss that is a sum over short-time spectra of several resolutions."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.losses.base import Domain, Layout
from tonewright.reverb.losses.distances import Distance
from tonewright.reverb.losses.measures import Measure
from tonewright.reverb.losses.short_time import Framing


class Transform(Protocol):
    """From samples (channels, time) to spectra (2 parts, bins, frames), and back."""

    def spectra(self, samples: np.ndarray) -> np.ndarray:
        """Real and imaginary parts, in an array that may be changed and that the next call may fill again."""
        ...

    def add_adjoint(self, slopes: np.ndarray, gradient: np.ndarray) -> None:
        """Add to the gradient (channels, time) what that with respect to the spectra means."""
        ...


class Resolution:
    """The distance of one measure of one short-time spectrum."""

    def __init__(self, transform: Transform, measure: Measure, distance: Distance) -> None:
        self.transform, self.measure, self.distance = transform, measure, distance

    def add_gradient(self, samples: np.ndarray, gradient: np.ndarray) -> float:
        """Value at samples (channels, time); adds to the gradient."""
        spectra = self.transform.spectra(samples)
        value, slopes = self.distance(self.measure.values(spectra))
        self.measure.pull(spectra, slopes)
        self.transform.add_adjoint(spectra, gradient)
        return value


class ResolutionsLoss:
    """Sum over resolutions, each made for the precision of the responses when one first comes.

    Parameters
    ----------
    name : of the loss
    layout : of the responses
    windows : lengths in samples
    resolution : (framing, dtype) -> Resolution
    """

    domain: Domain = "time"

    def __init__(
        self,
        name: str,
        *,
        layout: Layout,
        windows: Sequence[int],
        resolution: Callable[[Framing, np.dtype], Resolution],
    ) -> None:
        self.name, self.layout, self.resolution = name, layout, resolution
        self.windows = window_lengths(windows)
        self.parts: dict[np.dtype, list[Resolution]] = {}

    def value_and_gradient(self, y: np.ndarray) -> tuple[float, np.ndarray]:
        """Value at the response `y` (time, outputs, inputs), and the gradient."""
        samples = self.layout.rows(y)
        if samples.dtype not in self.parts:
            self.parts[samples.dtype] = self._made(samples)
        gradient = np.zeros_like(samples)
        value = sum(part.add_gradient(samples, gradient) for part in self.parts[samples.dtype])
        return float(value), self.layout.back(gradient, y)

    def _made(self, samples: np.ndarray) -> list[Resolution]:
        channels, time = samples.shape
        framings = [Framing(time=time, channels=channels, length=length) for length in self.windows]
        return [self.resolution(framing, samples.dtype) for framing in framings]


def window_lengths(windows: Sequence[int]) -> tuple[int, ...]:
    """Window lengths as whole numbers, checked."""
    lengths = tuple(int(length) for length in windows)
    if not lengths or min(lengths) < 4:
        raise NetworkError(f"windows are {tuple(windows)}; name at least one, each of 4 samples or more")
    return lengths
