"""Distances between short-time magnitudes and a target's, with their slopes."""

from __future__ import annotations

from typing import Protocol

import numpy as np

from tonewright.reverb.losses.distance_kernels import linear_slopes, relative_slopes, squared_distance


class Distance(Protocol):
    """A distance of magnitudes S from those of a target.

    Given S (bands, frames) it gives its value, and its slopes (∂L/∂S) / S in an array of its own.
    """

    def __call__(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and slopes at the magnitudes (bands, frames)."""
        ...


class RelativeDistance:
    r"""‖S − T‖ / ‖T‖ + w · mean √(l² + δ²) − w δ, with l = ln((S + ε) / (T + ε)).

    The first term is spectral convergence, and the second the mean absolute difference of logarithms, made
    smooth around 0 (both after R. Yamamoto et al., "Parallel WaveGAN", 2020). ε is relative to the highest
    magnitude of the target; a target that is silent counts as one with a norm and a peak of 1.

    Parameters
    ----------
    target : (bands, frames) magnitudes T
    floor_db : ε, relative to the highest of T
    log_weight : w
    smooth : δ
    dtype : of the values that are to come
    """

    def __init__(
        self,
        target: np.ndarray,
        *,
        floor_db: float,
        log_weight: float,
        smooth: float = 0.1,
        dtype: np.dtype,
    ) -> None:
        self.norm = float(np.sqrt(np.sum(target**2))) or 1.0
        self.floor = (float(target.max()) or 1.0) * 10.0 ** (floor_db / 20.0)
        self.log_weight, self.smooth = log_weight, smooth
        self.target = target.astype(dtype)
        self.log_target = np.log(target + self.floor).astype(dtype)
        self.slopes = np.empty_like(self.target)

    def __call__(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and slopes at the magnitudes (bands, frames)."""
        distance, steepness = _distance(values, self.target, self.norm)
        linear = steepness / self.norm
        scales = (linear, self.log_weight / values.size, self.floor, self.smooth**2)
        np.add(values, values.dtype.type(self.floor), out=self.slopes)
        np.log(self.slopes, out=self.slopes)
        total = relative_slopes(
            values, self.target, self.log_target, np.array(scales, values.dtype), self.slopes
        )
        return distance / self.norm + self.log_weight * (total / values.size - self.smooth), self.slopes


class PeerDistance:
    """‖S − T‖ / (number of elements).

    Parameters
    ----------
    target : (bands, frames) magnitudes T
    dtype : of the values that are to come
    """

    def __init__(self, target: np.ndarray, *, dtype: np.dtype) -> None:
        self.norm = float(np.sqrt(np.sum(target**2)))
        self.target = target.astype(dtype)
        self.slopes = np.empty_like(self.target)

    def __call__(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and slopes at the magnitudes (bands, frames)."""
        distance, steepness = _distance(values, self.target, self.norm)
        linear_slopes(values, self.target, values.dtype.type(steepness / values.size), self.slopes)
        return distance / values.size, self.slopes


class PeerPowerDistance(PeerDistance):
    """‖P − P_T‖ / (number of elements) for powers P, with slopes of 2 ∂L/∂P."""

    def __call__(self, values: np.ndarray) -> tuple[float, np.ndarray]:
        """Value and slopes at the powers (bands, frames)."""
        distance, steepness = _distance(values, self.target, self.norm)
        np.subtract(values, self.target, out=self.slopes)
        self.slopes *= values.dtype.type(2.0 * steepness / values.size)
        return distance / values.size, self.slopes


def _distance(values: np.ndarray, target: np.ndarray, norm: float) -> tuple[float, float]:
    """‖S − T‖ and its inverse, which is 0 where the distance is no more than rounding.

    There, the difference has no direction, but the norm would give it a slope of 1.
    """
    distance = float(np.sqrt(squared_distance(values, target)))
    return distance, 1.0 / distance if distance > 8 * float(np.finfo(values.dtype).eps) * norm else 0.0
