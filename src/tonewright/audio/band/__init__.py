"""The demo band: songs, stems, rooms and single notes made from a seed, for want of recordings."""

from tonewright.audio.band.composing import compose
from tonewright.audio.band.score import Score
from tonewright.audio.band.writing import BandSummary, write_band

__all__ = ["BandSummary", "Score", "compose", "write_band"]
