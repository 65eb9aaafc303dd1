"""Second-order sections (sections, 6, lines): their response at any frequency."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from tonewright.errors import NetworkError

# Bins at once: what is needed for them stays in the cache.
BLOCK = 512


def sections_response(
    sections: np.ndarray,
    nfft: int | None = None,
    *,
    frequencies_hz: ArrayLike | None = None,
    sample_rate: float | None = None,
) -> np.ndarray:
    """Complex response of each line's chain of sections, at the bins of a transform or at any frequencies.

    Parameters
    ----------
    sections : (sections, 6, lines) [b0 b1 b2 a0 a1 a2]
    nfft : length of the transform whose non-negative bins are wanted
    frequencies_hz : (bins,) instead of `nfft`, with `sample_rate`

    Returns
    -------
    (bins, lines)
    """
    omega = angles(nfft, frequencies_hz, sample_rate)
    response = np.empty((omega.size, np.shape(sections)[2]), dtype=np.complex128)
    for start in range(0, omega.size, BLOCK):
        response[start : start + BLOCK] = response_at(sections, omega[start : start + BLOCK])
    return response


def response_at(sections: np.ndarray, omega: np.ndarray) -> np.ndarray:
    """Complex response of each line's chain of sections at some angles.

    Parameters
    ----------
    sections : (sections, 6, lines)
    omega : (bins,) radians per sample

    Returns
    -------
    (bins, lines)
    """
    powers = np.exp(-1j * np.outer(omega, np.arange(3)))
    above = np.ones((omega.size, np.shape(sections)[2]), dtype=np.complex128)
    below = above.copy()
    for section in np.asarray(sections, dtype=np.complex128):
        above *= powers @ section[:3]
        below *= powers @ section[3:]
    return above / below


def angles(nfft: int | None, frequencies_hz: ArrayLike | None, sample_rate: float | None) -> np.ndarray:
    """Radians per sample of the bins of a transform, or of given frequencies.

    Returns
    -------
    (bins,)
    """
    if nfft is not None and frequencies_hz is None:
        return np.arange(nfft // 2 + 1) * (2 * np.pi / nfft)
    if frequencies_hz is None or sample_rate is None:
        raise NetworkError("the response of sections needs nfft, or frequencies_hz with sample_rate")
    return np.atleast_1d(np.asarray(frequencies_hz, dtype=np.float64)) * (2 * np.pi / sample_rate)
