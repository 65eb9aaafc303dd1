"""Compiled passes between responses, frames and short-time magnitudes.

Neighbouring frames lie side by side, (…, frames of all channels), and a spectrum's real and imaginary parts
are arrays of their own.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.engines.row_formulas import Rows, Same, row_formula
from tonewright.reverb.losses.fourier_kernels import OPTIONS


@row_formula(read=(Rows(0), Same(1)), written=(Rows(2),))
def _weighted(row, weight):
    return weight * row


@row_formula(read=(Rows(0), Same(1), Rows(2)), written=(Rows(2),))
def _add_weighted(row, weight, total):
    return total + weight * row


@njit(**OPTIONS)
def _windowed(sound, source, window, table, even, odd, first, count):
    hop, rows = table.shape
    # With one row for each remainder by the hop, the same sample of neighbouring frames is contiguous.
    for j in range(rows):
        for r in range(hop):
            table[r, j] = sound[source[j * hop + r]]
    columns = even.shape[1]
    for t in range(0, window.size, 2):
        to = (t >> 1) * columns + first
        _weighted((table, window, even), (t % hop * rows + t // hop, 0, t, 0, to, 0), count)
        u = t + 1
        if u < window.size:
            _weighted((table, window, odd), (u % hop * rows + u // hop, 0, u, 0, to, 0), count)


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
    count = even.shape[1] // samples.shape[0]
    table = np.empty((hop, source.size // hop), samples.dtype)
    for channel, sound in enumerate(samples):
        _windowed(sound, source, window, table, even, odd, channel * count, count)


@njit(**OPTIONS)
def _add_windowed(sound, source, window, table, even, odd, first, count):
    hop, rows = table.shape
    columns = even.shape[1]
    for t in range(0, window.size, 2):
        at = (t >> 1) * columns + first
        to = t % hop * rows + t // hop
        _add_weighted((even, window, table), (at, 0, t, 0, to, 0, to, 0), count)
        u = t + 1
        to = u % hop * rows + u // hop
        if u < window.size:
            _add_weighted((odd, window, table), (at, 0, u, 0, to, 0, to, 0), count)
    for j in range(rows):
        for r in range(hop):
            sound[source[j * hop + r]] += table[r, j]


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
    count = even.shape[1] // gradient.shape[0]
    for channel, sound in enumerate(gradient):
        table = np.zeros((hop, source.size // hop), gradient.dtype)
        _add_windowed(sound, source, window, table, even, odd, channel * count, count)


@row_formula(read=(Rows(0, 2),), written=(Rows(1),))
def _magnitude(real, imag):
    return (real * real + imag * imag).root()


@njit(**OPTIONS)
def magnitudes(spectra: np.ndarray, filled: np.ndarray) -> None:
    """Fill |X| (bins, frames) from spectra (2 parts, bins, frames)."""
    _magnitude((spectra, filled), (0, filled.size, 0, 0), filled.size)


@row_formula(read=(Rows(0, 2),), written=(Rows(1),))
def _power(real, imag):
    return real * real + imag * imag


@njit(**OPTIONS)
def _add_band_powers(spectra, starts, bands, weights, filled, power):
    bins, frames = spectra.shape[1], power.size
    for k in range(bins):
        _power((spectra, power), (k * frames, bins * frames, 0, 0), frames)
        for entry in range(starts[k], starts[k + 1]):
            to = bands[entry] * frames
            _add_weighted((power, weights, filled), (0, 0, entry, 0, to, 0, to, 0), frames)


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
    _add_band_powers(spectra, starts, bands, weights, filled, np.empty_like(filled[0]))


@row_formula(read=(Rows(0, 2), Rows(1)), written=(Rows(0, 2),))
def _scaled(real, imag, factor):
    return real * factor, imag * factor


@njit(**OPTIONS)
def _band_scaled(spectra, starts, bands, weights, slopes, factor):
    bins, frames = spectra.shape[1], factor.size
    for k in range(bins):
        for f in range(frames):
            factor[f] = 0
        for entry in range(starts[k], starts[k + 1]):
            at = bands[entry] * frames
            _add_weighted((slopes, weights, factor), (at, 0, entry, 0, 0, 0, 0, 0), frames)
        at, step = k * frames, bins * frames
        _scaled((spectra, factor), (at, step, 0, 0, at, step), frames)


def band_scaled(
    spectra: np.ndarray, starts: np.ndarray, bands: np.ndarray, weights: np.ndarray, slopes: np.ndarray
) -> None:
    """Multiply spectra (2, bins, frames) by Σ_b W[b, k] slopes[b, f]; arguments as for `band_powers`."""
    _band_scaled(spectra, starts, bands, weights, slopes, np.empty_like(slopes[0]))


@row_formula(read=(Rows(0), Rows(0), Same(1, 2), Rows(2)), written=(Rows(2),))
def _add_two(first, second, weight, other_weight, total):
    return total + weight * first + other_weight * second


@njit(**OPTIONS)
def _add_combined(given, rows, weights, filled):
    _, read, frames = given.shape
    count, terms = rows.shape
    for part in range(2):
        for k in range(count):
            row = part * count + k
            to = row * frames
            for term in range(0, terms, 2):
                first = (part * read + rows[k, term]) * frames
                second = (part * read + rows[k, term + 1]) * frames
                places = (first, 0, second, 0, row * terms + term, 1, to, 0, to, 0)
                _add_two((given, weights, filled), places, frames)


def combined_rows(given: np.ndarray, rows: np.ndarray, weights: np.ndarray, filled: np.ndarray) -> None:
    """Fill weighted sums of rows, with weights of their own for real and imaginary parts.

    Parameters
    ----------
    given : (2 parts, rows, frames)
    rows : (filled rows, terms) the row of each term; an even number of terms
    weights : (2 parts, filled rows, terms)
    filled : (2 parts, filled rows, frames)
    """
    filled[:] = 0
    _add_combined(given, rows, weights, filled)
