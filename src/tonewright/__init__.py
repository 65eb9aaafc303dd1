"""Tonewright learns a sound and hands you the knobs."""

__version__ = "0.1.0"
