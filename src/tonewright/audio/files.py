"""Sound files: probe, read, write, resample, stream in blocks, write whole or not at all.

Samples are float32 in memory, (channels, time), full scale ±1. Integer files convert exactly both
ways: reading divides by 2^(bits − 1), writing multiplies, rounds to nearest and clips.
"""

from tonewright.audio.clips import Clip, convert_channels, resample
from tonewright.audio.headers import SoundInfo
from tonewright.audio.reading import SoundReader, probe, read, stream
from tonewright.audio.writing import ENCODINGS, SoundWriter, atomic_output, write

__all__ = [
    "ENCODINGS",
    "Clip",
    "SoundInfo",
    "SoundReader",
    "SoundWriter",
    "atomic_output",
    "convert_channels",
    "probe",
    "read",
    "resample",
    "stream",
    "write",
]
