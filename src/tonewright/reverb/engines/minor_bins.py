r"""Passes over the subsets and the bins: two real sequences travel as one complex one.

With p the coefficients of :math:`P_A` and r those of :math:`P_{A-BC} - P_A`, the transform F of p + j r holds both,
as p and r are real: :math:`2 P_k = F_k + \bar F_{-k}` and :math:`2 R_k = -j (F_k - \bar F_{-k})`. Bin
k = k_1 + n_1 k_2 stands at [k_1, k_2]; see `minor_transform.PackedTransform`. Complex numbers are given as pairs of
real ones, and derivatives come back conjugated, ready for another forward transform.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.engines.minor_lanes import lane_formula

BIN_LANES = 8
_options = {"cache": True, "nogil": True, "error_model": "numpy", "fastmath": True}


@njit(**_options)
def scatter(minors, positions, packed):
    """Writes the packed sequence (samples, 2) of the minors (subsets * 2,) of both matrices."""
    packed[:] = 0
    for k in range(positions.size):
        first, place = minors[2 * k], positions[k]
        packed[place, 0] += first
        packed[place, 1] += minors[2 * k + 1] - first


@njit(**_options)
def gather(packed, positions, given):
    """Adjoint of `scatter` from the transformed derivatives (samples, 2); writes (subsets * 2,)."""
    for k in range(positions.size):
        first, second = packed[positions[k], 0], packed[positions[k], 1]
        given[2 * k] = first + second
        given[2 * k + 1] = -second


@njit(**_options)
def scatter_polynomials(minors, positions, polynomials, length, packed):
    """As `scatter`, with a polynomial (subsets, terms) for each minor; wraps what passes `length`."""
    packed[:] = 0
    for k in range(positions.size):
        first = minors[2 * k]
        second = minors[2 * k + 1] - first
        target = packed[positions[k] :]
        for t in range(polynomials.shape[1]):
            target[t, 0] += first * polynomials[k, t]
            target[t, 1] += second * polynomials[k, t]
    for t in range(length, packed.shape[0]):
        packed[t % length, 0] += packed[t, 0]
        packed[t % length, 1] += packed[t, 1]


@njit(**_options)
def gather_polynomials(packed, positions, polynomials, length, given):
    """Adjoint of `scatter_polynomials`."""
    for t in range(length, packed.shape[0]):
        packed[t, 0], packed[t, 1] = packed[t % length, 0], packed[t % length, 1]
    for k in range(positions.size):
        first, second = 0.0, 0.0
        source = packed[positions[k] :]
        for t in range(polynomials.shape[1]):
            first += source[t, 0] * polynomials[k, t]
            second += source[t, 1] * polynomials[k, t]
        given[2 * k] = first + second
        given[2 * k + 1] = -second


@njit(**_options)
def shift_minors(minors, stride, amount):
    """Minors of a matrix from those of the same with `amount` added to one diagonal entry, in place."""
    for start in range(0, minors.size, 2 * stride):
        for k in range(start, start + stride):
            minors[k + stride] -= amount * minors[k]


@njit(**_options)
def shift_minors_adjoint(given, stride, amount):
    """Adjoint of `shift_minors`, in place."""
    for start in range(0, given.size, 2 * stride):
        for k in range(start, start + stride):
            given[k] -= amount * given[k + stride]


@njit(**_options)
def _ratio(ar, ai, br, bi, floor):
    """2 P, R / P, 1 / |2 P|² and |2 P|² + |2 R|² of one bin from the packed transform there and at its mirror."""
    pr, pi, rr, ri = ar + br, ai - bi, ai + bi, br - ar
    energy = pr * pr + pi * pi + floor
    weight = 1 / energy
    return pr, pi, (rr * pr + ri * pi) * weight, (ri * pr - rr * pi) * weight, weight, energy + rr * rr + ri * ri


@njit(**_options)
def _returned(pr, pi, qr, qi, weight, gr, gi):
    """Packed derivatives of one bin and of its mirror, from that by H."""
    sr, si = (gr * pr - gi * pi) * weight, (gr * pi + gi * pr) * weight
    tr, ti = sr * qr + si * qi, sr * qi - si * qr
    return -tr - si, -ti - sr, si - tr, ti - sr


@lane_formula(
    written=("pairs", "mirrored", "plain", "plain", "plain", "plain"),
    read=("pairs", "mirrored", *("plain",) * 8),
    lanes=BIN_LANES,
)
def _colorless_lanes(ar, ai, br, bi, one, direct, scale, floor, value, pulled, total, largest):
    """The loss and its derivatives at bins and their mirrors, as `_ratio` and `_returned` at each."""
    pr, pi, rr, ri = ar + br, ai - bi, ai + bi, br - ar
    energy = pr * pr + pi * pi + floor
    weight = one / energy
    qr, qi = (rr * pr + ri * pi) * weight, (ri * pr - rr * pi) * weight
    hr = direct + qr
    square = hr * hr + qi * qi + floor
    size = square.root()
    error, pull = size - one, scale - scale / size
    gr, gi = pull * hr, pull * qi
    sr, si = (gr * pr - gi * pi) * weight, (gr * pi + gi * pr) * weight
    tr, ti = sr * qr + si * qi, sr * qi - si * qr
    back = floor - tr - si, floor - ti - sr, si - tr, ti - sr
    sums = value + error * error, pulled + gr, total + energy + rr * rr + ri * ri, largest.larger(weight)
    return *back, *sums


@njit(**_options)
def _colorless_run(numbers, first, second, constants, sums):
    own = (0, BIN_LANES, 2 * BIN_LANES, 3 * BIN_LANES)
    outputs = (numbers, numbers, sums, sums, sums, sums)
    inputs = (numbers, numbers, constants, constants, constants, constants, sums, sums, sums, sums)
    _colorless_lanes(outputs, (first, second, *own), inputs, (first, second, *own, *own))


@njit(**_options)
def _colorless_few(numbers, first, second, count, constants, totals, spare, sums):
    """Fewer bins than lanes, by way of spare memory; a bin may be its own mirror."""
    last = 4 * BIN_LANES - 2
    spare[:] = 1
    sums[:] = 0
    for k in range(count):
        for part in range(2):
            spare[2 * k + part] = numbers[first + 2 * k + part]
            spare[last - 2 * k + part] = numbers[second + 2 * (count - 1 - k) + part]
    _colorless_run(spare, 0, 2 * BIN_LANES, constants, sums)
    for k in range(count):
        for part in range(2):
            if first == second:
                spare[last - 2 * k + part] += spare[2 * k + part]
            numbers[first + 2 * k + part] = spare[2 * k + part]
            numbers[second + 2 * (count - 1 - k) + part] = spare[last - 2 * k + part]
    _add(sums, count, totals)


@njit(**_options)
def _add(sums, count, totals):
    for k in range(count):
        for j in range(3):
            totals[j] += sums[j * BIN_LANES + k]
        totals[3] = max(totals[3], sums[3 * BIN_LANES + k])


@njit(**_options)
def _colorless_pairs(numbers, first, second, count, constants, totals, spare, sums):
    """`count` bins from place `first` on, with their mirrors in reverse order from `second` on."""
    sums[:] = 0
    done = 0
    while done + BIN_LANES <= count:
        mirror = second + 2 * (count - done - BIN_LANES)
        _colorless_run(numbers, first + 2 * done, mirror, constants, sums)
        done += BIN_LANES
    _add(sums, BIN_LANES, totals)
    if done < count:
        _colorless_few(numbers, first + 2 * done, second, count - done, constants, totals, spare, sums)


@njit(**_options)
def colorless_bins(numbers, rows, columns, constants):
    """Pass for the mean of (|H| - 1)²; the transform is replaced by the derivatives.

    Parameters
    ----------
    numbers : (rows * columns * 2,) transform
    rows, columns : its shape
    constants : (4, lanes) of its type: 1, D, the factor of the derivatives, and what is added to squares

    Returns
    -------
    (4,) sum of (|H| - 1)² over the bins, derivative by D, energy |2 P|² + |2 R|² over half the circle, and the
    largest 1 / |2 P|²
    """
    totals, spare = np.zeros(4), np.empty_like(numbers[: 4 * BIN_LANES])
    sums = np.empty_like(numbers[: 4 * BIN_LANES])
    for k in range(1, (rows + 1) // 2):
        first, second = 2 * k * columns, 2 * (rows - k) * columns
        _colorless_pairs(numbers, first, second, columns, constants, totals, spare, sums)
    for row in range(2 - rows % 2):
        count, first = (columns - 1, 2) if row == 0 else (columns, rows * columns)
        half = count // 2
        second = first + 2 * (count - half)
        _colorless_pairs(numbers, first, second, half, constants, totals, spare, sums)
        if count % 2:
            middle = first + 2 * half
            _colorless_few(numbers, middle, middle, 1, constants, totals, spare, sums)
    _colorless_few(numbers, 0, 0, 1, constants, totals, spare, sums)
    return totals


@njit(**_options)
def response_bins(packed, direct, floor, spectrum):
    """Writes H (bins, 2) in the order of the frequencies; returns the last two of those of `colorless_bins`."""
    rows, columns, _ = packed.shape
    length = rows * columns
    total, largest = 0.0, 0.0
    for k in range(length // 2 + 1):
        m = (length - k) % length
        a, b = packed[k % rows, k // rows], packed[m % rows, m // rows]
        _, _, qr, qi, weight, energy = _ratio(a[0], a[1], b[0], b[1], floor)
        spectrum[k, 0], spectrum[k, 1] = direct + qr, qi
        total += energy
        largest = max(largest, weight)
    return total, largest


@njit(**_options)
def pullback_bins(packed, gradient, floor, returned):
    """Writes the derivatives by the sequences (rows, columns, 2) from those by H (bins, 2)."""
    rows, columns, _ = packed.shape
    length = rows * columns
    for k in range(length // 2 + 1):
        m = (length - k) % length
        a, b = packed[k % rows, k // rows], packed[m % rows, m // rows]
        pr, pi, qr, qi, weight, _ = _ratio(a[0], a[1], b[0], b[1], floor)
        c, d, e, f = _returned(pr, pi, qr, qi, weight, gradient[k, 0], gradient[k, 1])
        own, mirror = returned[k % rows, k // rows], returned[m % rows, m // rows]
        if k == m:
            own[0], own[1] = c + e, d + f
        else:
            own[0], own[1], mirror[0], mirror[1] = c, d, e, f
