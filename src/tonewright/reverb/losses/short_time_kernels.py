"""Compiled passes between responses, frames and short-time magnitudes.

Neighbouring frames lie side by side, (…, frames of all channels), and a spectrum's real and imaginary parts
are arrays of their own.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.losses.fourier_kernels import OPTIONS


@njit(**OPTIONS)
def windowed_frames(
    samples: np.ndarray,
    source: np.ndarray,
    window: np.ndarray,
    hop: int,
    even: np.ndarray,
    odd: np.ndarray,
) -> None:
    """Fill frames[t, f] = window[t] · samples[source[f·hop + t]], even and odd t by themselves.

    Parameters
    ----------
    samples : (channels, time)
    source : (rows · hop,) the sample that stands at each place of the padded sound
    window : (length,)
    even, odd : (half the length or more, channels · count), filled as far as the window goes
    """
    channels = samples.shape[0]
    count = even.shape[1] // channels
    rows = source.size // hop
    # With one row for each remainder by the hop, the same sample of neighbouring frames is contiguous.
    table = np.empty((hop, rows), samples.dtype)
    for channel in range(channels):
        sound = samples[channel]
        for j in range(rows):
            for r in range(hop):
                table[r, j] = sound[source[j * hop + r]]
        for t in range(window.size):
            plane = even if t % 2 == 0 else odd
            row = table[t % hop, t // hop :]
            filled = plane[t // 2, channel * count :]
            weight = window[t]
            for f in range(count):
                filled[f] = weight * row[f]


@njit(**OPTIONS)
def add_frames(
    even: np.ndarray,
    odd: np.ndarray,
    source: np.ndarray,
    window: np.ndarray,
    hop: int,
    gradient: np.ndarray,
) -> None:
    """Adjoint of `windowed_frames`: add window[t] · frames[t, f] to gradient[source[f·hop + t]].

    Parameters
    ----------
    even, odd, source, window, hop : as for `windowed_frames`
    gradient : (channels, time), added to
    """
    channels = gradient.shape[0]
    count = even.shape[1] // channels
    rows = source.size // hop
    table = np.empty((hop, rows), gradient.dtype)
    for channel in range(channels):
        table[:] = 0
        for t in range(window.size):
            plane = even if t % 2 == 0 else odd
            row = table[t % hop, t // hop :]
            given = plane[t // 2, channel * count :]
            weight = window[t]
            for f in range(count):
                row[f] += weight * given[f]
        sound = gradient[channel]
        for j in range(rows):
            for r in range(hop):
                sound[source[j * hop + r]] += table[r, j]


@njit(**OPTIONS)
def magnitudes(spectra: np.ndarray, filled: np.ndarray) -> None:
    """Fill |X| (bins, frames) from spectra (2 parts, bins, frames)."""
    for k in range(filled.shape[0]):
        for f in range(filled.shape[1]):
            real, imag = spectra[0, k, f], spectra[1, k, f]
            filled[k, f] = np.sqrt(real * real + imag * imag)


@njit(**OPTIONS)
def band_powers(
    spectra: np.ndarray, starts: np.ndarray, bands: np.ndarray, weights: np.ndarray, filled: np.ndarray
) -> None:
    """Fill Σ_k W[b, k] |X[k, f]|², with W given by its columns.

    Parameters
    ----------
    spectra : (2 parts, bins, frames)
    starts : (bins + 1,) where the entries of each bin begin
    bands, weights : (entries,) the band of each entry, and its weight
    filled : (bands, frames)
    """
    filled[:] = 0
    power = np.empty(filled.shape[1], filled.dtype)
    for k in range(spectra.shape[1]):
        for f in range(power.size):
            real, imag = spectra[0, k, f], spectra[1, k, f]
            power[f] = real * real + imag * imag
        for entry in range(starts[k], starts[k + 1]):
            row = filled[bands[entry]]
            weight = weights[entry]
            for f in range(power.size):
                row[f] += weight * power[f]


@njit(**OPTIONS)
def band_scaled(
    spectra: np.ndarray, starts: np.ndarray, bands: np.ndarray, weights: np.ndarray, slopes: np.ndarray
) -> None:
    """Multiply spectra (2, bins, frames) by Σ_b W[b, k] slopes[b, f]; arguments as for `band_powers`."""
    factor = np.empty(slopes.shape[1], slopes.dtype)
    for k in range(spectra.shape[1]):
        factor[:] = 0
        for entry in range(starts[k], starts[k + 1]):
            row = slopes[bands[entry]]
            weight = weights[entry]
            for f in range(factor.size):
                factor[f] += weight * row[f]
        for f in range(factor.size):
            spectra[0, k, f] *= factor[f]
            spectra[1, k, f] *= factor[f]


@njit(**OPTIONS)
def combined_rows(given: np.ndarray, rows: np.ndarray, weights: np.ndarray, filled: np.ndarray) -> None:
    """Fill weighted sums of rows, with weights of their own for real and imaginary parts.

    Parameters
    ----------
    given : (2 parts, rows, frames)
    rows : (filled rows, terms) the row of each term; an even number of terms
    weights : (2 parts, filled rows, terms)
    filled : (2 parts, filled rows, frames)
    """
    for part in range(2):
        for k in range(rows.shape[0]):
            row = filled[part, k]
            row[:] = 0
            for term in range(0, rows.shape[1], 2):
                first, second = given[part, rows[k, term]], given[part, rows[k, term + 1]]
                a, b = weights[part, k, term], weights[part, k, term + 1]
                for f in range(row.size):
                    row[f] += a * first[f] + b * second[f]
