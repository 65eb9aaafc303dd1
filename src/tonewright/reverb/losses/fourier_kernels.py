"""Compiled steps of Fourier transforms of many frames side by side.

Real and imaginary parts are arrays of their own, and inner loops go along the frames: the processor's vectors
then hold one bin of many frames.
"""

from __future__ import annotations

import numpy as np
from numba import njit

# Sums may be rearranged, but NaN and infinity keep their meaning, so that a divergence is seen. Divisions by
# 0 must not raise, or no loop with a division would use the processor's vectors.
OPTIONS = {
    "cache": True,
    "nogil": True,
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    "error_model": "numpy",
}


@njit(**OPTIONS)
def radix4(
    real: np.ndarray, imag: np.ndarray, turns: np.ndarray, to_real: np.ndarray, to_imag: np.ndarray, run: int
) -> None:
    """One step of a self-sorting transform (Stockham's) that takes apart a factor of 4.

    Parameters
    ----------
    real, imag : (4 · groups · run,), read as (4, groups, run)
    turns : (2, groups) cosine and sine of the group's turn
    to_real, to_imag : (4 · groups · run,), filled as (groups, 4, run)
    run : numbers that share a turn
    """
    groups = turns.shape[1]
    step = run * groups
    for group in range(groups):
        ar, ai = turns[0, group], turns[1, group]
        br, bi = ar * ar - ai * ai, 2 * ar * ai
        cr, ci = ar * br - ai * bi, ar * bi + ai * br
        # From one slice each, with offsets from it, the compiler can tell that rows do not overlap.
        x, z = real[run * group :], imag[run * group :]
        y, v = to_real[4 * run * group :], to_imag[4 * run * group :]
        for q in range(run):
            x0, x1, x2, x3 = x[q], x[q + step], x[q + 2 * step], x[q + 3 * step]
            z0, z1, z2, z3 = z[q], z[q + step], z[q + 2 * step], z[q + 3 * step]
            sum_even, sum_even_i, difference_even, difference_even_i = x0 + x2, z0 + z2, x0 - x2, z0 - z2
            sum_odd, sum_odd_i, turned_odd, turned_odd_i = x1 + x3, z1 + z3, z1 - z3, x3 - x1
            y[q] = sum_even + sum_odd
            v[q] = sum_even_i + sum_odd_i
            r, i = difference_even + turned_odd, difference_even_i + turned_odd_i
            y[q + run] = r * ar - i * ai
            v[q + run] = r * ai + i * ar
            r, i = sum_even - sum_odd, sum_even_i - sum_odd_i
            y[q + 2 * run] = r * br - i * bi
            v[q + 2 * run] = r * bi + i * br
            r, i = difference_even - turned_odd, difference_even_i - turned_odd_i
            y[q + 3 * run] = r * cr - i * ci
            v[q + 3 * run] = r * ci + i * cr


@njit(**OPTIONS)
def split(halves: np.ndarray, turns: np.ndarray, spectra: np.ndarray) -> None:
    """From the transform Z of even samples + j · odd samples to the spectrum of all.

    X_k = (Z_k + Z*_{m−k}) / 2 − j e^{−jπk/m} (Z_k − Z*_{m−k}) / 2.

    Parameters
    ----------
    halves : (2 parts, m, frames)
    turns : (2, m/2 + 1) cosine and sine of −πk/m
    spectra : (2 parts, m + 1, frames), filled
    """
    m = halves.shape[1]
    half = turns[0, 0] / 2
    for k in range(m // 2 + 1):
        mirror = m - k
        other = mirror if k > 0 else 0
        cosine, sine = half * turns[0, k], half * turns[1, k]
        for f in range(halves.shape[2]):
            a, b = halves[0, k, f], halves[1, k, f]
            c, d = halves[0, other, f], halves[1, other, f]
            even, even_i, odd, odd_i = half * (a + c), half * (b - d), a - c, b + d
            turned, turned_i = cosine * odd_i + sine * odd, sine * odd_i - cosine * odd
            spectra[0, k, f], spectra[1, k, f] = even + turned, even_i + turned_i
            spectra[0, mirror, f], spectra[1, mirror, f] = even - turned, turned_i - even_i


@njit(**OPTIONS)
def joined(spectra: np.ndarray, turns: np.ndarray, halves: np.ndarray) -> None:
    """Adjoint of `split`, its real and imaginary parts exchanged.

    With parts exchanged the same steps compute the adjoint of the transform, with parts exchanged.

    Parameters
    ----------
    spectra : (2 parts, m + 1, frames)
    turns : as for `split`
    halves : (2 parts, m, frames), filled
    """
    m = halves.shape[1]
    half = turns[0, 0] / 2
    for f in range(halves.shape[2]):
        first, last = spectra[0, 0, f], spectra[0, m, f]
        halves[1, 0, f], halves[0, 0, f] = first + last, first - last
    for k in range(1, m // 2 + 1):
        mirror = m - k
        cosine, sine = half * turns[0, k], half * turns[1, k]
        for f in range(halves.shape[2]):
            a, b = spectra[0, k, f], spectra[1, k, f]
            c, d = spectra[0, mirror, f], spectra[1, mirror, f]
            even, even_i, turned, turned_i = half * (a + c), half * (b - d), a - c, b + d
            odd, odd_i = sine * turned - cosine * turned_i, cosine * turned + sine * turned_i
            halves[1, k, f], halves[0, k, f] = even + odd, even_i + odd_i
            halves[1, mirror, f], halves[0, mirror, f] = even - odd, odd_i - even_i
