"""Eight descriptors of timbre, hardness to boominess on a scale of 0 to 100 and reverb, for any sound."""

from __future__ import annotations

from typing import TYPE_CHECKING

import lazy_loader

if TYPE_CHECKING:
    from tonewright.timbre.along import Along as Along
    from tonewright.timbre.along import along_file as along_file
    from tonewright.timbre.along import along_time as along_time
    from tonewright.timbre.along_picture import plot_along as plot_along
    from tonewright.timbre.analysis import Analysis as Analysis
    from tonewright.timbre.analysis import analyse_table as analyse_table
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
    from tonewright.timbre.tables import describe_files as describe_files
    from tonewright.timbre.tables import read_table as read_table

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "along": ["Along", "along_file", "along_time"],
        "along_picture": ["plot_along"],
        "analysis": ["Analysis", "analyse_table"],
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
        "tables": ["describe_files", "read_table"],
    },
)
