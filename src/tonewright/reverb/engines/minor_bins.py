r"""Passes over the subsets and the bins: two real sequences travel as one complex one.

With p the coefficients of :math:`P_A` and r those of :math:`P_{A-BC} - P_A`, the transform F of p + j r holds
both, as p and r are real: :math:`2 P_k = F_k + \bar F_{-k}` and :math:`2 R_k = -j (F_k - \bar F_{-k})`. Bin
:math:`k_1 + n_1 k_2` stands at :math:`[k_1, k_2]`; see `minor_transform.PackedTransform`. Complex numbers are
given as pairs of real ones, and derivatives come back conjugated, ready for another forward transform.
"""

from __future__ import annotations

import numpy as np
from numba import njit

from tonewright.reverb.engines.minor_lanes import Vectors, lane_formula

BIN_LANES = 8
TERM_LANES = 4
_options = {
    "cache": True,
    "nogil": True,
    "no_cfunc_wrapper": True,
    "error_model": "numpy",
    "fastmath": True,
}
_inlined = {**_options, "cache": False, "inline": "always"}


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


@lane_formula(written=("pairs",), read=("pairs", "plain", "same", "same"), lanes=TERM_LANES)
def _more_terms(first, second, terms, first_minor, second_minor):
    return first + terms * first_minor, second + terms * second_minor


@lane_formula(read=("pairs", "plain", "plain", "plain"), lanes=TERM_LANES)
def _more_sums(first, second, terms, first_sum, second_sum):
    return first_sum + terms * first, second_sum + terms * second


@njit(**_options)
def scatter_polynomials(minors, positions, polynomials, length, numbers):
    """As `scatter`, with a polynomial for each minor; wraps what passes `length`.

    Parameters
    ----------
    minors : (subsets * 2,)
    positions : (subsets,)
    polynomials : (subsets * terms,), terms a multiple of the lanes
    length : of the transform
    numbers : (samples * 2,) the packed sequence, with room for all terms after `length`
    """
    numbers[:] = 0
    terms = polynomials.size // positions.size
    pair = np.empty(2)
    for k in range(positions.size):
        place = 2 * positions[k]
        pair[0] = minors[2 * k]
        pair[1] = minors[2 * k + 1] - pair[0]
        for t in range(0, terms, TERM_LANES):
            at = place + 2 * t
            read, places = (numbers, polynomials, pair, pair), (at, k * terms + t, 0, 1)
            _more_terms((numbers,), (at,), read, places)
    for t in range(2 * length, numbers.size):
        numbers[t % (2 * length)] += numbers[t]


@njit(**_options)
def gather_polynomials(numbers, positions, polynomials, length, given):
    """Adjoint of `scatter_polynomials`; writes (subsets * 2,)."""
    for t in range(2 * length, numbers.size):
        numbers[t] = numbers[t % (2 * length)]
    terms = polynomials.size // positions.size
    sums = np.empty(2 * TERM_LANES)
    for k in range(positions.size):
        sums[:] = 0
        for t in range(0, terms, TERM_LANES):
            places = (2 * (positions[k] + t), k * terms + t, 0, TERM_LANES)
            _more_sums((sums, sums), (0, TERM_LANES), (numbers, polynomials, sums, sums), places)
        second = np.sum(sums[TERM_LANES:])
        given[2 * k] = np.sum(sums[:TERM_LANES]) + second
        given[2 * k + 1] = -second


def _ratio(ar, ai, br, bi, one, floor):
    """2 P, R / P, 1 / |2 P|² and |2 P|² + |2 R|² from the packed transform at a bin and at its mirror."""
    pr, pi, rr, ri = ar + br, ai - bi, ai + bi, br - ar
    energy = pr * pr + pi * pi + floor
    weight = one / energy
    qr, qi = (rr * pr + ri * pi) * weight, (ri * pr - rr * pi) * weight
    return pr, pi, qr, qi, weight, energy + rr * rr + ri * ri


def _returned(pr, pi, qr, qi, weight, gr, gi):
    """Packed derivatives of one bin and of its mirror, from that by H."""
    sr, si = (gr * pr - gi * pi) * weight, (gr * pi + gi * pr) * weight
    tr, ti = sr * qr + si * qi, sr * qi - si * qr
    return -tr - si, -ti - sr, si - tr, ti - sr


def _colorless(ar, ai, br, bi, one, direct, scale, floor, value, pulled, total, largest):
    """Derivatives of (|H| - 1)² by a bin and its mirror, and the sums of `colorless_bins` so far."""
    pr, pi, qr, qi, weight, energy = _ratio(ar, ai, br, bi, one, floor)
    hr = direct + qr
    size = (hr * hr + qi * qi + floor).root()
    error, pull = size - one, scale - scale / size
    back = _returned(pr, pi, qr, qi, weight, pull * hr, pull * qi)
    return *back, value + error * error, pulled + pull * hr, total + energy, largest.larger(weight)


def _own_mirror(formula):
    """The formula for bins that are their own mirrors."""

    def own(*values):
        c, d, e, f, *others = formula(*values)
        return c + e, d + f, *others

    return own


_SUMS = (Vectors(2),) * 4
_PAIR = Vectors(0, mark="pairs"), Vectors(0, mark="mirrored")
_read = (*_PAIR, Vectors(1, 4, "same"), *_SUMS)
_colorless_lanes = lane_formula(_colorless, written=(*_PAIR, *_SUMS), read=_read, lanes=BIN_LANES)
_colorless_one = lane_formula(_colorless, written=(*_PAIR, *_SUMS), read=_read, lanes=1)
_colorless_own = lane_formula(_own_mirror(_colorless), written=(_PAIR[0], *_SUMS), read=_read, lanes=1)


@njit(**_inlined)
def _stretch(which, rows, columns):
    """Places of bins that follow each other and of their mirrors in reverse order, and how many they are."""
    if which == 0:
        return 0, 0, 1
    if which < 3:
        begin, count = 2, columns - 1
    elif which < 5:
        begin, count = rows * columns, columns * (1 - rows % 2)
    else:
        return 2 * (which - 4) * columns, 2 * (rows - which + 4) * columns, columns
    half = count // 2
    if which % 2:
        return begin, begin + 2 * (count - half), half
    return begin + 2 * half, begin + 2 * half, count % 2


@njit(**_options)
def colorless_bins(numbers, rows, columns, constants, sums, totals):
    """Pass for the mean of (|H| - 1)²; the transform is replaced by the derivatives.

    Parameters
    ----------
    numbers : (rows * columns * 2,) transform
    rows, columns : its shape
    constants : (4,) of its type: 1, D, the factor of the derivatives, and what is added to squares
    sums : (4 * lanes,) scratch of its type
    totals : (4,) where are written the sum of (|H| - 1)² over the bins, the derivative by D, the energy
        |2 P|² + |2 R|² over half the circle, and the largest 1 / |2 P|²
    """
    arrays, own = (numbers, constants, sums), (0, BIN_LANES, 2 * BIN_LANES, 3 * BIN_LANES)
    for j in range(4):
        totals[j] = 0.0
    for which in range(4 + (rows + 1) // 2):
        first, second, count = _stretch(which, rows, columns)
        for k in range(sums.size):
            sums[k] = 0
        whole = count - count % BIN_LANES
        for done in range(0, whole, BIN_LANES):
            near, far = first + 2 * done, second + 2 * (count - done - BIN_LANES)
            _colorless_lanes(arrays, (near, far, *own), arrays, (near, far, 0, *own))
        for done in range(whole, count):
            near, far = first + 2 * done, second + 2 * (count - done - 1)
            if near == far:
                _colorless_own(arrays, (near, *own), arrays, (near, far, 0, *own))
            else:
                _colorless_one(arrays, (near, far, *own), arrays, (near, far, 0, *own))
        for k in range(BIN_LANES):
            for j in range(3):
                totals[j] += sums[j * BIN_LANES + k]
            totals[3] = max(totals[3], sums[3 * BIN_LANES + k])


@njit(**_inlined)
def _mirror(row, column, rows, columns):
    """Where the mirror of the bin at [row, column] stands, in the flat transform."""
    if row:
        return 2 * ((rows - row) * columns + columns - 1 - column)
    return 2 * (columns - column) if column else 0


@lane_formula(
    written=(Vectors(2, mark="pairs"), Vectors(3, 2)),
    read=(Vectors(0, mark="pairs"), Vectors(0, mark="pairs"), Vectors(1, 4, "same")),
    lanes=1,
)
def _response(ar, ai, br, bi, one, direct, scale, floor):
    _, _, qr, qi, weight, energy = _ratio(ar, ai, br, bi, one, floor)
    return direct + qr, qi, energy, weight


@njit(**_options)
def _response_bins(packed, constants, spectrum, pair):
    arrays, total, largest = (packed, constants, spectrum, pair), 0.0, 0.0
    rows, columns, _ = packed.shape
    bins = spectrum.shape[0]
    for row in range(min(rows, bins)):
        for column in range((bins - row + rows - 1) // rows):
            near, far = 2 * (row * columns + column), _mirror(row, column, rows, columns)
            _response(arrays, (2 * (row + rows * column), 0), arrays, (near, far, 0))
            total += pair[0]
            largest = max(largest, pair[1])
    return total, largest


def response_bins(packed: np.ndarray, constants: np.ndarray, spectrum: np.ndarray) -> tuple[float, float]:
    """Writes H (bins, 2) in the order of the frequencies; returns the last two of those of `colorless_bins`.

    Parameters
    ----------
    packed : (rows, columns, 2) transform
    constants : as of `colorless_bins`
    spectrum : (bins, 2)
    """
    return _response_bins(packed, constants, spectrum, np.empty(2, packed.dtype))


def _pulled(ar, ai, br, bi, gr, gi, one, direct, scale, floor):
    pr, pi, qr, qi, weight, _ = _ratio(ar, ai, br, bi, one, floor)
    return _returned(pr, pi, qr, qi, weight, gr, gi)


_RETURNED = Vectors(3, mark="pairs")
_read = (*(Vectors(k, mark="pairs") for k in (0, 0, 2)), Vectors(1, 4, "same"))
_pulled_one = lane_formula(_pulled, written=(_RETURNED, _RETURNED), read=_read, lanes=1)
_pulled_own = lane_formula(_own_mirror(_pulled), written=(_RETURNED,), read=_read, lanes=1)


@njit(**_options)
def pullback_bins(packed, constants, gradient, returned):
    """Writes the derivatives by the sequences (rows, columns, 2) from those by H (bins, 2)."""
    arrays = packed, constants, gradient, returned
    rows, columns, _ = packed.shape
    bins = gradient.shape[0]
    for row in range(min(rows, bins)):
        for column in range((bins - row + rows - 1) // rows):
            near, far = 2 * (row * columns + column), _mirror(row, column, rows, columns)
            read = near, far, 2 * (row + rows * column), 0
            if near == far:
                _pulled_own(arrays, (near,), arrays, read)
            else:
                _pulled_one(arrays, (near, far), arrays, read)
