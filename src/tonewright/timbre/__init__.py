"""Eight descriptors of timbre, hardness to boominess on a scale of 0 to 100 and reverb, for any sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.timbre.description import Description as Description
    from tonewright.timbre.description import describe as describe
    from tonewright.timbre.description import describe_file as describe_file
    from tonewright.timbre.measures import Reverb as Reverb
    from tonewright.timbre.measures import boominess as boominess
    from tonewright.timbre.measures import brightness as brightness
    from tonewright.timbre.measures import depth as depth
    from tonewright.timbre.measures import hardness as hardness
    from tonewright.timbre.measures import reverb as reverb
    from tonewright.timbre.measures import roughness as roughness
    from tonewright.timbre.measures import sharpness as sharpness
    from tonewright.timbre.measures import warmth as warmth
    from tonewright.timbre.names import DESCRIPTORS as DESCRIPTORS
    from tonewright.timbre.names import EXTRAS as EXTRAS
    from tonewright.timbre.names import MODES as MODES

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "description": ["Description", "describe", "describe_file"],
        "measures": [
            "Reverb",
            "boominess",
            "brightness",
            "depth",
            "hardness",
            "reverb",
            "roughness",
            "sharpness",
            "warmth",
        ],
        "names": ["DESCRIPTORS", "EXTRAS", "MODES"],
    },
)
