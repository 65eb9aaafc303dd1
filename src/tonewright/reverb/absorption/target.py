"""The decay that is wanted at every frequency, from its values in bands."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.interpolate import PchipInterpolator

from tonewright.errors import NetworkError

OCTAVES_HZ = (62.5, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)


def octave_centers(fs: float) -> np.ndarray:
    """Centres of the octaves from 62.5 Hz on whose centre lies under 0.45 of the sample rate.

    Returns
    -------
    (bands,) in Hz
    """
    centers = np.asarray(OCTAVES_HZ)
    return centers[centers < 0.45 * fs]


def decay_curve(decay_s: ArrayLike, centers_hz: ArrayLike, frequencies_hz: ArrayLike) -> np.ndarray:
    """T60 at any frequency: monotone cubics through log T60 over log f, constant beyond the outer bands.

    F. N. Fritsch and R. E. Carlson, "Monotone piecewise cubic interpolation", SIAM J. Numer. Anal. 17, 1980.

    Parameters
    ----------
    decay_s, centers_hz : (bands,)
    frequencies_hz : (bins,)

    Returns
    -------
    (bins,) in seconds
    """
    decay, centers = checked_decay(decay_s, centers_hz)
    if decay.size == 1:
        return np.full(np.shape(frequencies_hz), decay[0])
    log_f = np.log(np.clip(np.asarray(frequencies_hz, dtype=np.float64), centers[0], centers[-1]))
    return np.exp(PchipInterpolator(np.log(centers), np.log(decay))(log_f))


def checked_decay(decay_s: ArrayLike, centers_hz: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Decays and centres of bands as arrays that belong together.

    Returns
    -------
    decay_s, centers_hz : (bands,)
    """
    decay = np.atleast_1d(np.asarray(decay_s, dtype=np.float64))
    centers = np.atleast_1d(np.asarray(centers_hz, dtype=np.float64))
    if decay.ndim != 1 or decay.shape != centers.shape or not decay.size:
        raise NetworkError(
            f"decay_s has shape {decay.shape} and centers_hz {centers.shape}; both must be (bands,)"
        )
    if not (np.isfinite(decay) & (decay > 0)).all():
        raise NetworkError(f"decay_s holds {decay[~(decay > 0)][:1]}; every T60 must be positive and finite")
    if centers[0] <= 0 or (np.diff(centers) <= 0).any():
        raise NetworkError("centers_hz must be positive and ascend")
    return decay, centers
