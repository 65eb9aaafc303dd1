"""Pictures of banks, of the knobs of a model, of fits and of training."""

from tonewright.filters.plots.banks import plot_bank
from tonewright.filters.plots.comparisons import plot_fit, plot_training
from tonewright.filters.plots.encodings import plot_encodings
from tonewright.filters.plots.knob_sheet import plot_knobs
from tonewright.filters.plots.strips import plot_morph

__all__ = ["plot_bank", "plot_encodings", "plot_fit", "plot_knobs", "plot_morph", "plot_training"]
