"""Augmentation: `draw(seed)` gives parameters, `apply(sound, parameters)` the sound.

Parameters are plain JSON of fixed meaning: kept beside a sound, they say what was done to it, and do it
again. A sound is an array (channels, time) or stems by name, all of one shape. Every transform is in
`TRANSFORMS`.
"""

from tonewright.audio.augment.base import TRANSFORMS, Parameters, Transform
from tonewright.audio.augment.chain import Chain, chain_from_settings
from tonewright.audio.augment.filtering import Filter, Room
from tonewright.audio.augment.levels import ChannelSwap, Gain, Noise, Polarity
from tonewright.audio.augment.remix import Remix
from tonewright.audio.augment.stretching import Pitch, Tempo

__all__ = [
    "TRANSFORMS",
    "Chain",
    "ChannelSwap",
    "Filter",
    "Gain",
    "Noise",
    "Parameters",
    "Pitch",
    "Polarity",
    "Remix",
    "Room",
    "Tempo",
    "Transform",
    "chain_from_settings",
]
