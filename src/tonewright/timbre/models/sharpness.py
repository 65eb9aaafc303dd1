"""Sharpness: where along the Bark scale a sound is loud."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.specific_loudness import BARK

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

SLOPE, CONSTANT = 102.50508921364404, 34.432655185001735
_FLAT_POINTS = 140  # up to 14 Bark


class SharpnessFeatures(NamedTuple):
    """What sharpness is made from.

    Parameters
    ----------
    log_sharpness : log₁₀ of the mean sharpness in acum, frames weighted by their power
    """

    log_sharpness: float


def features(hearing: Hearing) -> SharpnessFeatures:
    """Sharpness of frames after Fastl and Zwicker,

        S = 0.11 Σ N' g z / Σ N',

    with z in Bark and g = 1 up to 14 Bark, then .00012 z⁴ − .0056 z³ + .1 z² − .81 z + 3.5; 0 for a frame
    that cannot be heard. E. Zwicker, H. Fastl, "Psychoacoustics: facts and models".

    Raises
    ------
    UnmeasurableError
        If no frame can be heard.
    """
    specific = hearing.specific
    heard = specific.total > 0
    if not heard.any():
        raise UnmeasurableError("no frame is louder than the threshold of hearing")
    sharpness = np.zeros(len(heard))
    pattern = specific.pattern[heard]
    sharpness[heard] = 0.11 * (pattern @ weighted_bark()) / pattern.sum(axis=1)
    return SharpnessFeatures(math.log10(specific.power_weighted_mean(sharpness)))


def value(features: SharpnessFeatures) -> float:
    """The regression on listeners' ratings, not clipped."""
    return SLOPE * features.log_sharpness + CONSTANT


@lru_cache(maxsize=1)
def weighted_bark() -> np.ndarray:
    """g z at the points of the pattern, as in `features`: (240,)."""
    g = 0.00012 * BARK**4 - 0.0056 * BARK**3 + 0.1 * BARK**2 - 0.81 * BARK + 3.5
    g[:_FLAT_POINTS] = 1.0
    return g * BARK
