"""Whether a network decays: the radius of its largest pole, bounds of it, and the decay that follows."""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.sparse.csgraph import connected_components

from tonewright.errors import NetworkError
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.poles import TIGHT, bounds, largest, loops

# A pole this far outside the unit circle is rounding: its sound grows by 3 % in a minute at 48 kHz.
ROUNDING = 1e-8


def loop_radius(build: FDNBuild) -> float:
    """Radius per sample of the largest pole of the loop: under 1 the network decays.

    The poles are the zeros of det(I − diag(d(z)) A). A bound that needs no search is exact enough for
    matrices that are orthogonal, or were before their rows or columns were scaled, in loops whose lines decay
    alike; for others the pole is found.

    Returns
    -------
    radius, exact to 1e-6; 0 for a network without feedback
    """
    return float(np.exp(_log_radius(build)))


def radius_bounds(build: FDNBuild) -> tuple[float, float]:
    """Radii between which the largest pole lies, in milliseconds of work; the lower one may be 0.

    Returns
    -------
    low, high
    """
    found = [bounds(loop) for loop in loops(build)]
    low = max((each.low for each in found), default=-np.inf)
    high = max((each.high for each in found), default=-np.inf)
    return float(np.exp(low)), float(np.exp(high))


def is_stable(build: FDNBuild) -> bool:
    """Whether every sound in the network decays, or at least does not grow.

    Returns
    -------
    True when the largest pole lies inside the unit circle or, but for rounding, on it
    """
    return radius_bounds(build)[1] <= 1 + ROUNDING or loop_radius(build) <= 1 + ROUNDING


def check_stable(build: FDNBuild, what: str) -> float:
    """The radius of the largest pole, or an error that names it when the network's sound grows.

    Parameters
    ----------
    build : a network; one without any loss is fine
    what : the network's name for the error

    Returns
    -------
    radius per sample; a bound of it where the bound proves that the network is stable
    """
    high = radius_bounds(build)[1]
    if high <= 1 + ROUNDING:
        return high
    radius = loop_radius(build)
    if radius > 1 + ROUNDING:
        growth = 20 * np.log10(radius) * build.fs
        raise NetworkError(
            f"{what}: the network is unstable: its largest pole has radius {radius:.9g}, so that its sound "
            f"grows by {growth:.3g} dB each second; scale the feedback matrix down or add absorption"
        )
    return radius


def slowest_decay_s(build: FDNBuild) -> float:
    """T60 of the slowest part of a network's sound; infinite when it does not decay.

    Returns
    -------
    seconds
    """
    rate = _log_radius(build)
    if rate >= -ROUNDING:
        return float("inf")
    return float(np.log(1e-3) / (rate * build.fs))


def lossless(matrix: np.ndarray, *, tolerance: float = 1e-6) -> Literal["orthogonal", "unilossless"] | None:
    """Whether a feedback matrix keeps all energy, for any delays.

    A matrix is unilossless when some scaling of the lines makes each of its loops orthogonal (S. J. Schlecht
    and E. A. P. Habets, "On lossless feedback delay networks", IEEE Trans. Signal Process. 65, 2017).

    Parameters
    ----------
    matrix : (lines, lines)
    tolerance : largest error of an entry

    Returns
    -------
    "orthogonal", "unilossless", or None
    """
    a = np.asarray(matrix, dtype=np.float64)
    if _is_orthogonal(a, tolerance):
        return "orthogonal"
    count, member = connected_components(a != 0, directed=True, connection="strong")
    for k in range(count):
        lines = np.flatnonzero(member == k)
        block = a[np.ix_(lines, lines)]
        # Energy kept in the scaled lines, AᵀEA = E, makes e an eigenvector of the transposed squares.
        values, vectors = np.linalg.eig((block**2).T)
        nearest = np.abs(values - 1).argmin()
        scale = np.abs(vectors[:, nearest])
        if abs(values[nearest] - 1) > tolerance or scale.min() <= 0:
            return None
        if not _is_orthogonal(np.sqrt(scale)[:, None] * block / np.sqrt(scale), tolerance):
            return None
    return "unilossless"


def _is_orthogonal(a: np.ndarray, tolerance: float) -> bool:
    return bool(np.abs(a @ a.T - np.eye(len(a))).max() <= tolerance)


def _log_radius(build: FDNBuild) -> float:
    rate = -np.inf
    for loop in loops(build):
        known = bounds(loop)
        if known.high > rate:
            rate = max(rate, known.high if known.high - known.low <= TIGHT else largest(loop, known))
    return float(rate)
