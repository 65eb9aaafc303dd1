"""Third-octave filters of a filter bank that halves its rate octave by octave, in closed form."""

from __future__ import annotations

import cmath
import math
from functools import lru_cache

import numpy as np

# Third octaves above 1 kHz of the bands that are filtered at the full rate: 6.3, 8, 10 and 12.5 kHz.
FULL_RATE_BANDS = (8, 9, 10, 11)
OCTAVES = 8
BANDS = len(FULL_RATE_BANDS) + 3 * OCTAVES
_HIGHEST = 0.9999999999  # of Nyquist
_RIPPLE_DB, _LOW_PASS = 0.1, 0.4  # of Nyquist


@lru_cache(maxsize=16)
def band_passes(sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Butterworth band-passes of order 4 a side around 1000 · 2^(j/3) Hz, for `FULL_RATE_BANDS`.

    The poles p of the low-pass, e^{jπ(2k + 5)/8}, become p β/2 ± √((p β/2)² − ω₁ω₂) with
    ω = 2 tan(π f / f_s), β = ω₂ − ω₁, and these z = (2 + p) / (2 − p). Four zeros are at 1, four at −1.

    Returns
    -------
    sections : (bands, 8), a₁ and a₂ of four sections (1 − z⁻²) / (1 + a₁ z⁻¹ + a₂ z⁻²)
    gains : (bands,) of the whole
    """
    sections, gains = np.zeros((len(FULL_RATE_BANDS), 8)), np.zeros(len(FULL_RATE_BANDS))
    for band, third in enumerate(FULL_RATE_BANDS):
        centre = 1000 * 2 ** (third / 3)
        edges = [min(centre * 2 ** (side / 6) / (sample_rate / 2), _HIGHEST) for side in (-1, 1)]
        low, high = (2 * math.tan(math.pi / 2 * edge) for edge in edges)
        poles = []
        for k in range(4):
            half = cmath.exp(1j * math.pi * (2 * k + 5) / 8) * (high - low) / 2
            root = cmath.sqrt(half * half - low * high)
            poles += [half + root, half - root]
        gain = (2 * (high - low)) ** 4 / np.prod([2 - pole for pole in poles])
        upper = [(2 + pole) / (2 - pole) for pole in poles if pole.imag > 0]
        sections[band] = np.ravel([(-2 * z.real, abs(z) ** 2) for z in upper])
        gains[band] = gain.real
    return sections, gains


@lru_cache(maxsize=1)
def halving_low_pass() -> np.ndarray:
    """Chebyshev low-pass of order 2 with 0.1 dB of ripple up to 0.4 of Nyquist.

    With ε² = 10^0.01 − 1 and μ = asinh(1/ε)/2 its pole is −sinh μ sin π/4 + j cosh μ cos π/4, times the
    corner frequency.

    Returns
    -------
    (3,) gain, a₁, a₂ of gain · (1 + z⁻¹)² / (1 + a₁ z⁻¹ + a₂ z⁻²)
    """
    ripple = math.sqrt(10 ** (_RIPPLE_DB / 10) - 1)
    mu = math.asinh(1 / ripple) / 2
    corner = 2 * math.tan(math.pi / 2 * _LOW_PASS)
    pole = corner * complex(-math.sinh(mu), math.cosh(mu)) / math.sqrt(2)
    z = (2 + pole) / (2 - pole)
    gain = abs(pole) ** 2 / math.sqrt(1 + ripple**2) / abs(2 - pole) ** 2
    return np.array([gain, -2 * z.real, abs(z) ** 2])
