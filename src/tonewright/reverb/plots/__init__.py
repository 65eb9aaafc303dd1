"""Pictures of rooms and of networks fitted to them."""

from tonewright.reverb.plots.plotting import KINDS, plot

__all__ = ["KINDS", "plot"]
