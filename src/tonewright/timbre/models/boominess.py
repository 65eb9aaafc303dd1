"""Boominess: how loud the lowest bands of a sound are, and what part of its loudness they are."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.specific_loudness import BARK, bump

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

BOOMING, LOW_LOUDNESS, CONSTANT = 43.67402696195865, -10.90054738389845, 26.836530575185435
BOOMING_HZ = 280.0
LOW_POINTS = (0, 70)


class BoominessFeatures(NamedTuple):
    """What boominess is made from.

    Parameters
    ----------
    log_booming : log₁₀ of the mean booming index, frames weighted by their power
    log_low_loudness : log₁₀ of the mean loudness below 7 Bark, under a bump
    """

    log_booming: float
    log_low_loudness: float


def features(hearing: Hearing) -> BoominessFeatures:
    """Booming index of frames after Hatano and Hashimoto,

        B = 10 log₁₀ Σ 10^(N' w / 10) · Σ N' below 280 Hz / Σ N',

    0 for a frame that cannot be heard, and the mean of Σ N' · bump(0, 70) over frames. S. Hatano,
    T. Hashimoto, "Booming index as a measure for evaluating booming sensation", Inter-noise (2000).

    Raises
    ------
    UnmeasurableError
        If no frame can be heard, or none has loudness below 280 Hz.
    """
    specific = hearing.specific
    heard = specific.total > 0
    if not heard.any():
        raise UnmeasurableError("no frame is louder than the threshold of hearing")
    weights, low_points = index_weights()
    pattern = specific.pattern[heard]
    booming = np.zeros(len(heard))
    share = pattern[:, :low_points].sum(axis=1) / pattern.sum(axis=1)
    booming[heard] = 10 * np.log10(np.exp(pattern * (weights * (math.log(10) / 10))).sum(axis=1)) * share
    index = specific.power_weighted_mean(booming)
    low_loudness = specific.unweighted_mean(specific.pattern @ bump(*LOW_POINTS))
    if index <= 0 or low_loudness <= 0:
        raise UnmeasurableError("nothing is heard below 280 Hz")
    return BoominessFeatures(math.log10(index), math.log10(low_loudness))


def value(features: BoominessFeatures) -> float:
    """The regression on listeners' ratings, not clipped."""
    return BOOMING * features.log_booming + LOW_LOUDNESS * features.log_low_loudness + CONSTANT


@lru_cache(maxsize=1)
def index_weights() -> tuple[np.ndarray, int]:
    """Weights of the index, and how many points lie below 280 Hz.

    2.13 e^(−.151 k) with k = log(f/25) / log(31.5/25) + 1 and f = 600 sinh(z/6); the first four are
    estimates, the curve rising there.

    Returns
    -------
    weights : (240,)
    low_points : those with f < 280 Hz
    """
    frequency = 600 * np.sinh(BARK / 6)
    third = np.log(frequency / 25) / math.log(31.5 / 25) + 1
    weights = 2.13 * np.exp(-0.151 * third)
    weights[:4] = 0.8, 1.05, 1.10, 1.18
    return weights, int(np.argmax(frequency >= BOOMING_HZ))
