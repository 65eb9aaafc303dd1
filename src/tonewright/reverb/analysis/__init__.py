"""What a room response says of its room: decay times, clarity, echo density, and how two rooms differ."""

from tonewright.reverb.analysis.bands import band_centers_hz, octave_bands
from tonewright.reverb.analysis.comparison import RoomDifference, compare
from tonewright.reverb.analysis.decay import energy_decay_curve, fitted_decay_s
from tonewright.reverb.analysis.density import echo_density
from tonewright.reverb.analysis.relief import decay_relief
from tonewright.reverb.analysis.result import DecayFigures, RoomAnalysis
from tonewright.reverb.analysis.rooms import Truncation, analyse

__all__ = [
    "DecayFigures",
    "RoomAnalysis",
    "RoomDifference",
    "Truncation",
    "analyse",
    "band_centers_hz",
    "compare",
    "decay_relief",
    "echo_density",
    "energy_decay_curve",
    "fitted_decay_s",
    "octave_bands",
]
