"""Voices that sing, made of voices that speak: see README.md beside this file."""

from tonewright.audio.sources.singing.filling import add_singing
from tonewright.audio.sources.singing.resinging import resing
from tonewright.audio.sources.singing.score import Note, NoVoiceError, SingingSettings, Sung

__all__ = ["NoVoiceError", "Note", "SingingSettings", "Sung", "add_singing", "resing"]
