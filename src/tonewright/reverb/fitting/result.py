"""What a fit gives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from tonewright.reverb.analysis import RoomAnalysis
    from tonewright.reverb.network import FDNBuild


@dataclass(frozen=True, eq=False)
class Fit:
    """A network that stands for a measured room, and how near it comes.

    Attributes
    ----------
    network : the network; one input, an output for each channel of the room
    room : (channels, time) the measured response that was fitted, from shortly before its direct sound
    response : (outputs, time) what the network answers to an impulse, as long as `room`
    sample_rate : of both
    room_analysis, analysis : of the two, by the same analysis over the same range
    figures : errors by name, with units in the names, such as ``t30_median_percent``
    log : a dict for each round of correction
    assumptions : in words, what could not be measured and was assumed
    seconds : how long it took
    """

    network: FDNBuild
    room: np.ndarray
    response: np.ndarray
    sample_rate: int
    room_analysis: RoomAnalysis
    analysis: RoomAnalysis
    figures: dict[str, float]
    log: tuple[dict[str, Any], ...] = ()
    assumptions: tuple[str, ...] = ()
    seconds: float = 0.0
