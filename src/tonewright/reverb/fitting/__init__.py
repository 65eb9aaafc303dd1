"""A measured room as a network: analysed, built, and corrected until it decays and sounds as the room does."""

from __future__ import annotations

from tonewright.reverb.fitting.fit import fit
from tonewright.reverb.fitting.result import Fit

__all__ = ["Fit", "fit"]
