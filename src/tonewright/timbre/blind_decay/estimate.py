"""The reverberation time of a room, heard from what sounds in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from tonewright.timbre.blind_decay.bands import band_levels_db, frame_lengths
from tonewright.timbre.blind_decay.falls import LEAST_FRAMES, falls
from tonewright.timbre.blind_decay.regression import heard_time
from tonewright.timbre.names import UnmeasurableError

SHORTEST_S, LONGEST_S = 0.05, 10.0


class Estimate(NamedTuple):
    """A reverberation time that was heard, not measured.

    Attributes
    ----------
    time_s : time in which the room's sound falls by 60 dB around 500 and 1000 Hz, 0.05 to 10 s; a dry sound
        reads about 0.1 s unless it rings by itself
    confidence : how likely the time is to be right within a factor of 1.5, 0 to 1
    decays : stretches of the sound in which its level falls freely by 5 dB or more
    """

    time_s: float
    confidence: float
    decays: int


def reverberation_time(channels: np.ndarray, sample_rate: int) -> Estimate:
    """Reverberation time of the room in which a sound was recorded.

    The sound's level in half octaves is searched for how fast it falls where it falls fastest, over spans of
    70 ms to 0.56 s (`falls`), since a room keeps any sound from falling faster; a small regression makes one
    time of these. Decay rates of bands as the base of a blind estimate follow J. Wen, E. Habets and
    P. Naylor, "Blind estimation of reverberation time based on the distribution of signal decay rates",
    ICASSP (2008), and T. Prego et al., "A blind algorithm for reverberation-time estimation using subband
    decomposition of speech signals", JASA 131 (2012).

    Parameters
    ----------
    channels : (channels, time)
    sample_rate : in Hz

    Raises
    ------
    UnmeasurableError
        Where nothing fades: steady sounds, and those shorter than 0.3 s.
    """
    levels_db = band_levels_db(channels, sample_rate)
    if levels_db.shape[1] < LEAST_FRAMES:
        raise UnmeasurableError("shorter than the 0.3 s that a decay needs")
    figures, decays = falls(levels_db, frame_lengths(sample_rate)[1] / sample_rate)
    if decays == 0:
        raise UnmeasurableError("nothing in it fades: its level never falls freely by 5 dB")
    time_s, confidence = heard_time(figures)
    return Estimate(min(max(time_s, SHORTEST_S), LONGEST_S), confidence, decays)
