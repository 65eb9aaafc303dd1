"""Whether a network decays: the radius of its largest pole, bounds of it, and the decay that follows."""

from __future__ import annotations

import numpy as np

from tonewright.errors import NetworkError
from tonewright.reverb.absorption.sections import sections_response
from tonewright.reverb.network import FDNBuild

# A pole this far outside the unit circle is rounding: its sound grows by 3 % in a minute at 48 kHz.
ROUNDING = 1e-8


def loop_radius(build: FDNBuild) -> float:
    """Radius per sample of the largest pole of the loop: under 1 the network decays.

    The poles are the zeros of det(I − diag(d(z)) A).

    Returns
    -------
    radius, exact to 1e-6
    """
    gains = np.ones((1, build.lines))
    if build.filters is not None:
        gains = np.abs(sections_response(build.filters, 8192))
    norm = np.linalg.norm(build.A, 2)
    if norm == 0:
        return 0.0
    return float(np.max((gains * norm) ** (1 / build.delays)))


def is_stable(build: FDNBuild) -> bool:
    """Whether every sound in the network decays, or at least does not grow.

    Returns
    -------
    True when the largest pole lies inside the unit circle or, but for rounding, on it
    """
    return loop_radius(build) <= 1 + ROUNDING


def check_stable(build: FDNBuild, what: str) -> float:
    """The radius of the largest pole, or an error that names it when the network's sound grows.

    Parameters
    ----------
    build : a network; one without any loss is fine
    what : the network's name for the error

    Returns
    -------
    radius per sample
    """
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
    radius = loop_radius(build)
    if radius >= 1 - ROUNDING:
        return float("inf")
    return float(-3 / (np.log10(radius) * build.fs)) if radius > 0 else 0.0


def lossless(matrix: np.ndarray, *, tolerance: float = 1e-6) -> str | None:
    """Whether a feedback matrix keeps all energy, for any delays.

    Parameters
    ----------
    matrix : (lines, lines)

    Returns
    -------
    "orthogonal"; "unilossless", when a scaling of the lines makes it orthogonal; or None
    """
    a = np.asarray(matrix, dtype=np.float64)
    if np.abs(a @ a.T - np.eye(len(a))).max() <= tolerance:
        return "orthogonal"
    return None
