"""Responses of banks and their slopes, in compiled loops over filters and frequencies.

With v = tan(ω/2)/tan(ω₀/2), the cookbook's filters are analogue ones at the frequency v:

    band-pass   B = 1/(1 + jy),                                  y = Q (v − 1/v)
    bell        |H|² = (y² + A²)/(y² + A⁻²),                     A = 10^(gain/40)
    low shelf   |H|² = A² (x² + A/Q²)/(z² + A/Q²),               x = A/v − v,  z = 1/v − A v,

and the high shelf is the low one with 1/v for v. By ln ω₀ (as ln tan(ω₀/2)) and ln Q,

    ∂B/∂ln t₀ = jQ (v + 1/v) B²,    ∂B/∂ln Q = −B (1 − B).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import njit

from tonewright.filters.fitting.problem import BELL, COMPLEX_PARALLEL, LOG_SERIES, LOW_SHELF, Problem

# Sums may be taken in any order, and a division may be a product; nothing here is infinite or not a number.
# They allocate nothing, so no references are counted.
OPTIONS: dict[str, Any] = {
    "cache": True,
    "nogil": True,
    "error_model": "numpy",
    "no_cfunc_wrapper": True,
    "_nrt": False,
    "fastmath": {"reassoc", "contract", "nsz", "arcp", "nnan", "ninf"},
}
CALLED: dict[str, Any] = {**OPTIONS, "no_cpython_wrapper": True}
_DB = 20 / math.log(10)
# Added to the power: -120 dB of the target's highest point, so that no logarithm is infinite.
_LEAST_POWER = 1e-12
# So many filters of 30 dB multiply to a number that double precision holds.
_FACTORS = 32


@njit(**OPTIONS)
def residuals(
    problem: Problem,
    values: np.ndarray,
    found: np.ndarray,
    slopes: np.ndarray,
    spare: np.ndarray,
):
    """Weighted differences between bank and target.

    Parameters
    ----------
    values : (3 filters + 1,), the numbers of the bank
    found : (2 points,), filled: decibels in the first half, or real and imaginary parts
    slopes : (3 filters + 1, 2 points), filled: their derivatives by the numbers
    spare : (2, points), room to work in

    Returns
    -------
    the sum of their squares, and of those of the gains as the ridge weighs them
    """
    points = problem.tangents.size
    used = points
    if problem.mode == LOG_SERIES:
        _series_levels(problem, values, found, slopes, spare[0])
        _compare(problem, found, slopes, spare[0])
    else:
        _summed_bands(problem, values, found, slopes, spare)
        if problem.mode == COMPLEX_PARALLEL:
            used = 2 * points
            _compare_complex(problem, found, slopes)
        else:
            _to_levels(problem, found, slopes, spare)
            _compare(problem, found, slopes, spare[0])
    total = 0.0
    for k in range(used):
        total += found[k] * found[k]
    filters = problem.shapes.size
    for i in range(2 * filters, 3 * filters):
        total += problem.ridge * values[i] * values[i]
    return total


@njit(**CALLED)
def _summed_bands(problem, values, found, slopes, spare):  # type: ignore[no-untyped-def]
    """Σ g Bⁿ: real parts, then imaginary ones. Loops are short, so that each becomes one of vectors."""
    filters, points = problem.shapes.size, problem.tangents.size
    real, imaginary = spare[0], spare[1]
    found[:] = 0.0
    slopes[-1] = 0.0
    for i in range(filters):
        place, q, gain = math.exp(values[i]), math.exp(values[filters + i]), values[2 * filters + i]
        rising, falling = q / place, q * place
        a, b = slopes[2 * filters + i, :points], slopes[2 * filters + i, points:]
        for k in range(points):
            y = problem.tangents[k] * rising - problem.cotangents[k] * falling
            power = 1 / (1 + y * y)
            real[k] = a[k] = power
            imaginary[k] = b[k] = -y * power
        for _ in range(problem.order - 1):
            _multiply(a, b, real, imaginary)
        for k in range(points):
            found[k] += gain * a[k]
        for k in range(points):
            found[points + k] += gain * b[k]
        factor = gain * problem.order
        _slopes_of_band(problem, factor, rising, falling, a, b, spare, slopes[i], slopes[filters + i])


@njit(**CALLED)
def _multiply(a, b, real, imaginary):  # type: ignore[no-untyped-def]
    """Multiply a + jb by another complex number."""
    for k in range(a.size):
        both = a[k] * real[k] - b[k] * imaginary[k]
        b[k] = a[k] * imaginary[k] + b[k] * real[k]
        a[k] = both


@njit(**CALLED)
def _slopes_of_band(problem, factor, rising, falling, a, b, spare, by_place, by_q):  # type: ignore[no-untyped-def]
    points = a.size
    real, imaginary = spare[0], spare[1]
    for k in range(points):
        by_q[k] = -factor * (a[k] * (1 - real[k]) + b[k] * imaginary[k])
    for k in range(points):
        by_q[points + k] = -factor * (b[k] * (1 - real[k]) - a[k] * imaginary[k])
    for k in range(points):
        width = factor * (problem.tangents[k] * rising + problem.cotangents[k] * falling)
        by_place[k] = -width * (a[k] * imaginary[k] + b[k] * real[k])
    for k in range(points):
        width = factor * (problem.tangents[k] * rising + problem.cotangents[k] * falling)
        by_place[points + k] = width * (a[k] * real[k] - b[k] * imaginary[k])


@njit(**CALLED)
def _to_levels(problem, found, slopes, spare):  # type: ignore[no-untyped-def]
    """From complex values to decibels: ∂ 20 lg |H| = (20/ln 10) Re(H* ∂H) / |H|²."""
    points = problem.tangents.size
    real, imaginary = spare[0], spare[1]
    for k in range(points):
        a, b = found[k], found[points + k]
        power = a * a + b * b + _LEAST_POWER
        found[k] = 0.5 * _DB * math.log(power)
        real[k], imaginary[k] = _DB * a / power, _DB * b / power
    for i in range(slopes.shape[0] - 1):
        for k in range(points):
            slopes[i, k] = slopes[i, k] * real[k] + slopes[i, points + k] * imaginary[k]


@njit(**CALLED)
def _series_levels(problem, values, found, slopes, product):  # type: ignore[no-untyped-def]
    """Decibels of bells and shelves one after another, and the level."""
    filters, points = problem.shapes.size, problem.tangents.size
    product[:] = 1.0
    level = values[3 * filters]
    found[:] = 0.0
    for i in range(filters):
        if problem.shapes[i] == BELL:
            _bell(problem, values, i, product, slopes)
        else:
            level += 0.5 * values[2 * filters + i]
            _shelf(problem, values, i, product, slopes)
        if i % _FACTORS == _FACTORS - 1 or i == filters - 1:
            for k in range(points):
                found[k] += 0.5 * _DB * math.log(product[k])
                product[k] = 1.0
    for k in range(points):
        found[k] += level
        slopes[3 * filters, k] = 1.0


@njit(**CALLED)
def _bell(problem, values, i, product, slopes):  # type: ignore[no-untyped-def]
    filters = problem.shapes.size
    place, q = math.exp(values[i]), math.exp(values[filters + i])
    rising, falling = q / place, q * place
    boost = math.exp(values[2 * filters + i] / _DB)
    cut = 1 / boost
    for k in range(product.size):
        up, down = problem.tangents[k] * rising, problem.cotangents[k] * falling
        y = up - down
        upper, lower = y * y + boost, 1 / (y * y + cut)
        product[k] *= upper * lower
        upper = 1 / upper
        by_y = _DB * y * (upper - lower)
        slopes[i, k] = -by_y * (up + down)
        slopes[filters + i, k] = by_y * y
        slopes[2 * filters + i, k] = 0.5 * (boost * upper + cut * lower)


@njit(**CALLED)
def _shelf(problem, values, i, product, slopes):  # type: ignore[no-untyped-def]
    filters = problem.shapes.size
    place, q = math.exp(values[i]), math.exp(values[filters + i])
    amplitude = math.exp(values[2 * filters + i] / (2 * _DB))
    width = amplitude / (q * q)
    low = problem.shapes[i] == LOW_SHELF
    sign = 1.0 if low else -1.0
    for k in range(product.size):
        near = problem.cotangents[k] * place if low else problem.tangents[k] / place
        far = 1 / near
        x, z = amplitude * near - far, near - amplitude * far
        upper, lower = x * x + width, 1 / (z * z + width)
        product[k] *= upper * lower
        upper = 1 / upper
        slopes[i, k] = (
            sign * _DB * (x * (amplitude * near + far) * upper - z * (near + amplitude * far) * lower)
        )
        slopes[filters + i, k] = _DB * width * (lower - upper)
        above, below = x * amplitude * near + 0.5 * width, 0.5 * width - z * amplitude * far
        slopes[2 * filters + i, k] = 0.5 * (above * upper - below * lower) + 0.5


@njit(**CALLED)
def _compare(problem, found, slopes, counted):  # type: ignore[no-untyped-def]
    """Take the target off decibels and weigh them."""
    points = problem.tangents.size
    for k in range(points):
        difference = found[k] - problem.target[k]
        counted[k] = 0.0 if problem.one_sided[k] and difference < 0 else problem.roots[k]
        found[k] = counted[k] * difference
    for i in range(slopes.shape[0]):
        for k in range(points):
            slopes[i, k] *= counted[k]


@njit(**CALLED)
def _compare_complex(problem, found, slopes):  # type: ignore[no-untyped-def]
    """Take the target off complex values and weigh them."""
    points = problem.tangents.size
    for k in range(2 * points):
        found[k] = (found[k] - problem.target[k]) * problem.roots[k % points]
    for i in range(slopes.shape[0]):
        for k in range(points):
            slopes[i, k] *= problem.roots[k]
            slopes[i, points + k] *= problem.roots[k]
