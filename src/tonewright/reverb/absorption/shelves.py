"""First-order shelves: a decay for low and one for high frequencies."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import ArrayLike

from tonewright.errors import NetworkError


def shelf_absorption(
    decay_dc_s: float,
    decay_nyquist_s: float,
    delays: ArrayLike,
    fs: float,
    crossover_hz: float | None = None,
) -> np.ndarray:
    """First-order shelf for each delay line, exact at 0 Hz and at half the sample rate.

    Parameters
    ----------
    decay_dc_s, decay_nyquist_s : T60 at 0 Hz and at half the sample rate
    delays : (lines,) in samples
    fs : sample rate in Hz
    crossover_hz : half the frequency in the middle of the shelf; see `first_order_shelf`

    Returns
    -------
    (1, 6, lines) [b0 b1 b2 a0 a1 a2]
    """
    lengths = np.asarray(delays, dtype=np.float64).ravel()
    for decay in (decay_dc_s, decay_nyquist_s):
        if not decay > 0:
            raise NetworkError(f"a decay time is {decay} s; it must be a positive number of seconds")
    high = 10.0 ** (-3 * lengths / (decay_nyquist_s * fs))
    # The ratio from its exponent: both gains may be too small for a number while the ratio is not.
    root = 10.0 ** (-1.5 * lengths / fs * (1 / decay_dc_s - 1 / decay_nyquist_s))
    return first_order_shelf(high, root, fs, crossover_hz=crossover_hz)


def first_order_shelf(
    nyquist: np.ndarray, root: np.ndarray, fs: float, *, crossover_hz: float | None = None
) -> np.ndarray:
    """Proportional shelves of first order (J.-M. Jot, AES 139th Convention, 2015).

    With the gains g₀ at 0 Hz and g₁ at half the sample rate, k = √(g₀/g₁) and t = tan(2π f_c / f_s),

        g(z) = g₁ [(t k + 1) + (t k − 1) z⁻¹] / [(t/k + 1) + (t/k − 1) z⁻¹].

    In the middle the gain is √(g₀ g₁). As tan(2π f_c / f_s) stands where the bilinear transform has
    tan(π f / f_s), as in pyFDN 0.1, the middle lies at 2 f_c.

    Parameters
    ----------
    nyquist : (channels,) g₁, linear
    root : (channels,) k
    fs : sample rate in Hz
    crossover_hz : f_c; fs / 8 unless given, at most fs / 5

    Returns
    -------
    (1, 6, channels) [b0 b1 b2 a0 a1 a2]
    """
    corner = fs / 8 if crossover_hz is None else min(crossover_hz, fs / 5)
    if not corner > 0:
        raise NetworkError(f"the crossover is {crossover_hz} Hz; it must be a positive number of Hz")
    tangent = math.tan(2 * math.pi * corner / fs)
    sections = np.zeros((1, 6, root.size))
    sections[0, 0], sections[0, 1] = nyquist * (tangent * root + 1), nyquist * (tangent * root - 1)
    sections[0, 3], sections[0, 4] = tangent / root + 1, tangent / root - 1
    return sections / sections[:, 3:4]
