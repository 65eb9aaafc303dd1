"""Compiled passes between responses, frames and short-time magnitudes.

Frames and spectra lie with neighbouring frames side by side: (…, frames of all channels).
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
def windowed_frames(
    samples: np.ndarray, source: np.ndarray, window: np.ndarray, hop: int, frames: np.ndarray
) -> None:
    """Fill frames[t, f] = window[t] · samples[source[f·hop + t]].

    Parameters
    ----------
    samples : (channels, time)
    source : (rows · hop,) the sample that stands at each place of the padded sound
    window : (length,)
    frames : (length or more, channels · count) is filled up to `length`
    """
    channels = samples.shape[0]
    count = frames.shape[1] // channels
    rows = source.size // hop
    # With one row for each remainder by the hop, the same sample of neighbouring frames is contiguous.
    table = np.empty((hop, rows), samples.dtype)
    for channel in range(channels):
        sound = samples[channel]
        for j in range(rows):
            for r in range(hop):
                table[r, j] = sound[source[j * hop + r]]
        for t in range(window.size):
            row = table[t % hop, t // hop :]
            filled = frames[t, channel * count :]
            weight = window[t]
            for f in range(count):
                filled[f] = weight * row[f]


@njit(**OPTIONS)
def add_frames(
    frames: np.ndarray, source: np.ndarray, window: np.ndarray, hop: int, gradient: np.ndarray
) -> None:
    """Adjoint of `windowed_frames`: adds to gradient[source[f·hop + t]] the window[t] · frames[t, f].

    Parameters
    ----------
    frames : (length or more, channels · count)
    source, window, hop : as for `windowed_frames`
    gradient : (channels, time), added to
    """
    channels = gradient.shape[0]
    count = frames.shape[1] // channels
    rows = source.size // hop
    table = np.empty((hop, rows), gradient.dtype)
    for channel in range(channels):
        table[:] = 0
        for t in range(window.size):
            row = table[t % hop, t // hop :]
            given = frames[t, channel * count :]
            weight = window[t]
            for f in range(count):
                row[f] += weight * given[f]
        sound = gradient[channel]
        for j in range(rows):
            for r in range(hop):
                sound[source[j * hop + r]] += table[r, j]


@njit(**OPTIONS)
def magnitudes(spectra: np.ndarray, filled: np.ndarray) -> None:
    """Fill |X| from spectra (bins, frames), complex."""
    for k in range(spectra.shape[0]):
        for f in range(spectra.shape[1]):
            x = spectra[k, f]
            filled[k, f] = np.sqrt(x.real * x.real + x.imag * x.imag)


@njit(**OPTIONS)
def squared_distance(values: np.ndarray, target: np.ndarray) -> float:
    """Sum of squared differences of two arrays (bands, frames)."""
    total = 0.0
    zero = values[0, 0] * 0
    for k in range(values.shape[0]):
        row = zero
        for f in range(values.shape[1]):
            difference = values[k, f] - target[k, f]
            row += difference * difference
        total += row
    return total


@njit(**OPTIONS)
def linear_slopes(values: np.ndarray, target: np.ndarray, scale: float, slopes: np.ndarray) -> None:
    """Fill slopes with scale · (S − T) / S, and with 0 where S is 0."""
    zero = values[0, 0] * 0
    for k in range(values.shape[0]):
        for f in range(values.shape[1]):
            value = values[k, f]
            slope = scale * (value - target[k, f]) / value
            slopes[k, f] = slope if value > zero else zero


@njit(**OPTIONS)
def relative_slopes(
    values: np.ndarray, target: np.ndarray, log_target: np.ndarray, scales: np.ndarray, slopes: np.ndarray
) -> float:
    """Sum of √(l² + δ²) for l = ln(S + ε) − ln(T + ε), and the slopes of both terms divided by S.

    Parameters
    ----------
    values, target, log_target : (bands, frames) S, T and ln(T + ε)
    scales : (4,) a of the linear term, b of the logarithmic one, ε, δ²
    slopes : (bands, frames), ln(S + ε), replaced by (a (S − T) + b l / (√(l² + δ²) (S + ε))) / S, and by 0
        where S is 0
    """
    linear, logarithmic, floor, smooth = scales[0], scales[1], scales[2], scales[3]
    total = 0.0
    zero = values[0, 0] * 0
    for k in range(values.shape[0]):
        row = zero
        for f in range(values.shape[1]):
            value = values[k, f]
            level = slopes[k, f] - log_target[k, f]
            size = np.sqrt(level * level + smooth)
            row += size
            below = size * (value + floor)
            above = linear * (value - target[k, f]) * below + logarithmic * level
            slope = above / (below * value)
            slopes[k, f] = slope if value > zero else zero
        total += row
    return total


@njit(**OPTIONS)
def scaled(spectra: np.ndarray, factors: np.ndarray) -> None:
    """Multiply spectra (bins, frames) by real factors of the same shape."""
    for k in range(spectra.shape[0]):
        for f in range(spectra.shape[1]):
            spectra[k, f] = spectra[k, f] * factors[k, f]


@njit(**OPTIONS)
def band_powers(
    spectra: np.ndarray, starts: np.ndarray, bands: np.ndarray, weights: np.ndarray, filled: np.ndarray
) -> None:
    """Fill Σ_k W[b, k] |X[k, f]|², with W given by its columns.

    Parameters
    ----------
    spectra : (bins, frames), complex
    starts : (bins + 1,) where the entries of each bin begin
    bands, weights : (entries,) the band of each entry, and its weight
    filled : (bands, frames)
    """
    filled[:] = 0
    power = np.empty(spectra.shape[1], filled.dtype)
    for k in range(spectra.shape[0]):
        for f in range(power.size):
            x = spectra[k, f]
            power[f] = x.real * x.real + x.imag * x.imag
        for entry in range(starts[k], starts[k + 1]):
            row = filled[bands[entry]]
            weight = weights[entry]
            for f in range(power.size):
                row[f] += weight * power[f]


@njit(**OPTIONS)
def band_scaled(
    spectra: np.ndarray, starts: np.ndarray, bands: np.ndarray, weights: np.ndarray, slopes: np.ndarray
) -> None:
    """Multiply spectra (bins, frames) by Σ_b W[b, k] slopes[b, f]; arguments as for `band_powers`."""
    factor = np.empty(spectra.shape[1], slopes.dtype)
    for k in range(spectra.shape[0]):
        factor[:] = 0
        for entry in range(starts[k], starts[k + 1]):
            row = slopes[bands[entry]]
            weight = weights[entry]
            for f in range(factor.size):
                factor[f] += weight * row[f]
        for f in range(factor.size):
            spectra[k, f] = spectra[k, f] * factor[f]


@njit(**OPTIONS)
def combined_rows(
    given: np.ndarray, rows: np.ndarray, real: np.ndarray, imaginary: np.ndarray, filled: np.ndarray
) -> None:
    """Fill sums of rows of a complex array, with weights of their own for real and imaginary parts.

    Parameters
    ----------
    given : (rows, frames), complex
    rows, real, imaginary : (filled rows, terms) row and weights of each term; an even number of terms
    filled : (filled rows, frames), complex
    """
    for k in range(filled.shape[0]):
        filled[k] = 0
        for term in range(0, rows.shape[1], 2):
            first, second = given[rows[k, term]], given[rows[k, term + 1]]
            a, b = real[k, term], real[k, term + 1]
            c, d = imaginary[k, term], imaginary[k, term + 1]
            for f in range(filled.shape[1]):
                x, y, sum_before = first[f], second[f], filled[k, f]
                filled[k, f] = complex(
                    sum_before.real + a * x.real + b * y.real, sum_before.imag + c * x.imag + d * y.imag
                )
