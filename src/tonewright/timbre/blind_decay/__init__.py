"""How long a room rings, heard from the sounds in it."""

from tonewright.timbre.blind_decay.estimate import Estimate, reverberation_time

__all__ = ["Estimate", "reverberation_time"]
