"""What is constant while a network's gains are trained: where each minor goes, and with which polynomial."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from tonewright.reverb.engines.base import is_plain_gain
from tonewright.reverb.engines.minor_bins import TERM_LANES
from tonewright.reverb.engines.minor_kernels import FIRST, LAST

FEWEST_LINES = FIRST + LAST


@dataclass(frozen=True)
class MinorTables:
    """Positions of the minors in the sequence that is transformed.

    Attributes
    ----------
    gains : (lines,) plain gains of the loop
    positions : (subsets,) sum of the delays modulo the length of the DFT; -1 for lines that are added
    used : samples of the sequence that all minors together reach
    terms : numbers in a polynomial, or 1
    polynomials : (subsets * terms,) products of the numerators of the lines taken and the denominators of the
        others, or None where all are plain gains
    spread : largest norm of a polynomial over the least magnitude of the product of all denominators, or 1
    strides : (lines,) distance, in numbers, of the minors that differ by one line; lines are added up to six
    """

    gains: np.ndarray
    positions: np.ndarray
    used: int
    terms: int
    polynomials: np.ndarray | None
    spread: float
    strides: np.ndarray


def line_bits(lines: int) -> np.ndarray:
    """Which lines each minor takes, (subsets, lines), in the order in which the kernels give the minors.

    Lanes hold the first three lines, then follow the last three, then the middle ones with the last line
    as the lowest bit.
    """
    return (np.arange(1 << lines)[:, None] >> _places(lines) & 1).astype(bool)


def _places(lines: int) -> np.ndarray:
    place = np.empty(lines, dtype=np.int64)
    place[:FIRST] = np.arange(FIRST)
    place[-LAST:] = FIRST + np.arange(LAST)
    middle = lines - FIRST - LAST
    place[FIRST:-LAST] = FIRST + LAST + np.arange(middle)[::-1]
    return place


def minor_tables(delays: np.ndarray, filters: np.ndarray | None, nfft: int) -> MinorTables:
    """Tables for a network.

    Parameters
    ----------
    delays : (lines,) whole samples
    filters : (sections, 6, lines) absorption, or None
    nfft : length of the DFT
    """
    count = delays.size
    lines = max(count, FEWEST_LINES)
    bits = line_bits(lines)
    gains, ratios = split_filters(filters, count)
    padded = np.zeros(lines, dtype=np.int64)
    padded[:count] = delays.astype(np.int64) % nfft
    positions = (bits @ padded) % nfft
    unused = bits[:, count:].any(axis=1)
    polynomials, spread = None, 1.0
    if any(max(len(above), len(below)) > 1 for above, below in ratios):
        polynomials = _polynomials(bits[:, :count], ratios)
        polynomials[unused] = 0.0
        spread = np.sqrt((polynomials**2).sum(axis=1).max()) / _least_product(ratios)
    terms = 1 if polynomials is None else polynomials.shape[1]
    used = min(nfft, int(positions[~unused].max()) + terms)
    positions[unused] = 0 if polynomials is not None else -1
    return MinorTables(
        gains=gains,
        used=used,
        positions=positions.astype(np.int32),
        terms=terms,
        polynomials=None if polynomials is None else polynomials.ravel(),
        spread=float(spread),
        strides=2 << _places(lines),
    )


def split_filters(
    filters: np.ndarray | None, lines: int
) -> tuple[np.ndarray, list[tuple[np.ndarray, np.ndarray]]]:
    """Plain gains (lines,) and, for each line, numerator and denominator of the rest of its absorption."""
    gains = np.ones(lines)
    ratios: list[Any] = [(np.ones(1), np.ones(1)) for _ in range(lines)]
    if filters is None:
        return gains, ratios
    for line in range(lines):
        for section in np.asarray(filters, dtype=np.float64)[:, :, line]:
            above, below = section[:3], section[3:]
            if is_plain_gain(above, below):
                own = np.argmax(np.abs(below))
                gains[line] *= above[own] / below[own]
                continue
            first, second = ratios[line]
            terms = 3 if above[2] or below[2] else 2
            ratios[line] = (
                np.convolve(first, above[:terms] / below[0]),
                np.convolve(second, below[:terms] / below[0]),
            )
    return gains, ratios


def _polynomials(bits: np.ndarray, ratios: list[tuple[np.ndarray, np.ndarray]]) -> np.ndarray:
    subsets = bits.shape[0]
    terms = 1 + sum(above.size - 1 for above, _ in ratios)
    found = np.zeros((subsets, -(-terms // TERM_LANES) * TERM_LANES))
    found[:, 0] = 1.0
    filled = 1
    for line, (above, below) in enumerate(ratios):
        factors = np.where(bits[:, line, None], above, below)
        product = np.zeros((subsets, filled + above.size - 1))
        for k in range(above.size):
            product[:, k : k + filled] += found[:, :filled] * factors[:, k, None]
        filled = product.shape[1]
        found[:, :filled] = product
    return found


def _least_product(ratios: list[tuple[np.ndarray, np.ndarray]]) -> float:
    circle = np.exp(-1j * np.concatenate([[0.0], np.geomspace(1e-4, np.pi, 2048)]))
    product = np.ones(circle.size)
    for _, below in ratios:
        product *= np.abs(np.polynomial.polynomial.polyval(circle, below))
    return float(product.min())
