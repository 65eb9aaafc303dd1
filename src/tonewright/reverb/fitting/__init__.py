"""A measured room as a network: built, then corrected until it sounds as the room does."""

from __future__ import annotations

from tonewright.reverb.fitting.fit import fit
from tonewright.reverb.fitting.result import Fit

__all__ = ["Fit", "fit"]
