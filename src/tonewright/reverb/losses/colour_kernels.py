"""Compiled passes over transfer functions."""

from __future__ import annotations

import numpy as np
from numba import njit

# Sums may be rearranged, but NaN and infinity keep their meaning, so that a divergence is seen.
FAST = {"reassoc", "contract", "arcp", "nsz"}


@njit(cache=True, nogil=True, fastmath=FAST)
def flatness(spectrum: np.ndarray, gradient: np.ndarray) -> float:
    """Mean of (Σ_outputs |H| − 1)² over bins and inputs; fills the gradient.

    Parameters
    ----------
    spectrum, gradient : (bins, outputs, inputs), complex
    """
    bins, outputs, inputs = spectrum.shape
    total = 0.0
    scale = 2.0 / (bins * inputs)
    for k in range(bins):
        for i in range(inputs):
            magnitude = 0.0
            for o in range(outputs):
                h = spectrum[k, o, i]
                magnitude += np.sqrt(h.real * h.real + h.imag * h.imag)
            excess = magnitude - 1.0
            total += excess * excess
            for o in range(outputs):
                h = spectrum[k, o, i]
                own = np.sqrt(h.real * h.real + h.imag * h.imag)
                factor = scale * excess / own if own > 0.0 else 0.0
                gradient[k, o, i] = factor * h
    return total / (bins * inputs)
