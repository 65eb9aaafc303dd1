"""Direct fits: a bank for one spectrum, without a model."""

from tonewright.filters.fitting.direct import fit
from tonewright.filters.fitting.result import Fit

__all__ = ["Fit", "fit"]
