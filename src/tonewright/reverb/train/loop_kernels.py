"""Compiled passes over second-order sections at the bins of a DFT."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract", "arcp", "nsz"})
def section_slopes(relative: np.ndarray, sections: np.ndarray, back: np.ndarray, slopes: np.ndarray) -> None:
    """Adds derivatives by the coefficients of sections, whose responses multiply into a product.

    Parameters
    ----------
    relative : (bins, lines) complex, conj(∂L/∂product) · product
    sections : (sections, 6, lines) [b0 b1 b2 a0 a1 a2]
    back : (bins,) complex, 1/z
    slopes : (sections, 6, lines), added to
    """
    for s in range(sections.shape[0]):
        for i in range(sections.shape[2]):
            b0, b1, b2 = sections[s, 0, i], sections[s, 1, i], sections[s, 2, i]
            a0, a1, a2 = sections[s, 3, i], sections[s, 4, i], sections[s, 5, i]
            n0 = n1 = n2 = p0 = p1 = p2 = 0.0
            for k in range(back.size):
                w = back[k]
                square = w * w
                above = relative[k, i] / (b0 + b1 * w + b2 * square)
                below = relative[k, i] / (a0 + a1 * w + a2 * square)
                n0 += above.real
                n1 += (above * w).real
                n2 += (above * square).real
                p0 += below.real
                p1 += (below * w).real
                p2 += (below * square).real
            slopes[s, 0, i] += n0
            slopes[s, 1, i] += n1
            slopes[s, 2, i] += n2
            slopes[s, 3, i] -= p0
            slopes[s, 4, i] -= p1
            slopes[s, 5, i] -= p2
