"""Songs for sampled instruments: composed, played by soundfonts and recorded notes, mixed, with stems."""

from tonewright.audio.sources.ensemble.writing import add_songs

__all__ = ["add_songs"]
