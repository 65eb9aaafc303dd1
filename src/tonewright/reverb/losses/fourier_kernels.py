"""Compiled steps of Fourier transforms of many frames side by side.

Real and imaginary parts are arrays of their own, and inner loops go along the frames: the processor's vectors
then hold one bin of many frames.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.engines.row_formulas import Rows, Same, row_formula

# Sums may be rearranged, but NaN and infinity keep their meaning, so that a divergence is seen. Divisions by
# 0 must not raise, or no loop with a division would use the processor's vectors.
OPTIONS = {
    "cache": True,
    "nogil": True,
    "no_cfunc_wrapper": True,
    "fastmath": {"reassoc", "contract", "arcp", "nsz"},
    "error_model": "numpy",
}


@row_formula(read=(Rows(0, 4), Rows(1, 4), Same(2, 2)), written=(Rows(3, 4), Rows(4, 4)))
def _radix4_rows(x0, x1, x2, x3, z0, z1, z2, z3, ar, ai):
    br, bi = ar * ar - ai * ai, ar * ai + ar * ai
    cr, ci = ar * br - ai * bi, ar * bi + ai * br
    even, even_i, between, between_i = x0 + x2, z0 + z2, x0 - x2, z0 - z2
    odd, odd_i, turned, turned_i = x1 + x3, z1 + z3, z1 - z3, x3 - x1
    r1, i1 = between + turned, between_i + turned_i
    r2, i2 = even - odd, even_i - odd_i
    r3, i3 = between - turned, between_i - turned_i
    real = even + odd, r1 * ar - i1 * ai, r2 * br - i2 * bi, r3 * cr - i3 * ci
    return *real, even_i + odd_i, r1 * ai + i1 * ar, r2 * bi + i2 * br, r3 * ci + i3 * cr


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
    arrays, step = (real, imag, turns, to_real, to_imag), run * groups
    for group in range(groups):
        here, there = run * group, 4 * run * group
        _radix4_rows(arrays, (here, step, here, step, group, groups, there, run, there, run), run)


@row_formula(read=(Rows(0, 2), Rows(0, 2), Same(1, 2), Same(1)), written=(Rows(2, 2), Rows(2, 2)))
def _split_rows(a, b, c, d, cosine, sine, one):
    half = one / (one + one)
    cosine, sine = half * cosine, half * sine
    even, even_i, odd, odd_i = half * (a + c), half * (b - d), a - c, b + d
    turned, turned_i = cosine * odd_i + sine * odd, sine * odd_i - cosine * odd
    return even + turned, even_i + turned_i, even - turned, turned_i - even_i


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
    m, frames, count = halves.shape[1], halves.shape[2], turns.shape[1]
    step, filled = m * frames, (m + 1) * frames
    for k in range(m // 2 + 1):
        own, mirror = k * frames, (m - k) * frames
        other = mirror if k else 0
        places = (own, step, other, step, k, count, 0, 0, own, filled, mirror, filled)
        _split_rows((halves, turns, spectra), places, frames)


@row_formula(read=(Rows(0), Rows(0)), written=(Rows(1), Rows(1)))
def _joined_ends(first, last):
    return first + last, first - last


@row_formula(read=(Rows(0, 2), Rows(0, 2), Same(1, 2), Same(1)), written=(Rows(2, 2), Rows(2, 2)))
def _joined_rows(a, b, c, d, cosine, sine, one):
    half = one / (one + one)
    cosine, sine = half * cosine, half * sine
    even, even_i, turned, turned_i = half * (a + c), half * (b - d), a - c, b + d
    odd, odd_i = sine * turned - cosine * turned_i, cosine * turned + sine * turned_i
    return even_i + odd_i, even + odd, odd_i - even_i, even - odd


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
    m, frames, count = halves.shape[1], halves.shape[2], turns.shape[1]
    step, filled = (m + 1) * frames, m * frames
    _joined_ends((spectra, halves), (0, 0, m * frames, 0, filled, 0, 0, 0), frames)
    for k in range(1, m // 2 + 1):
        own, mirror = k * frames, (m - k) * frames
        places = (own, step, mirror, step, k, count, 0, 0, own, filled, mirror, filled)
        _joined_rows((spectra, turns, halves), places, frames)
