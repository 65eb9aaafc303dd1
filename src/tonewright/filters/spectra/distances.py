"""How far two spectra are apart."""

from __future__ import annotations

import numpy as np


def log_spectral_distance(
    a_db: np.ndarray, b_db: np.ndarray, *, weights: np.ndarray | None = None, level_free: bool = False
) -> np.ndarray:
    """Root of the weighted mean of squared differences: √Σ w (a − b)², in dB.

    Parameters
    ----------
    a_db, b_db : (…, points), which broadcast together
    weights : (points,), how much each point counts; all alike where not given
    level_free : at the difference in level that makes it least: Σ w (a − b) is taken off first

    Returns
    -------
    (…)
    """
    difference = np.asarray(a_db, dtype=np.float64) - np.asarray(b_db, dtype=np.float64)
    share = np.full(difference.shape[-1], 1.0) if weights is None else np.asarray(weights, dtype=np.float64)
    share = share / share.sum()
    if level_free:
        difference = difference - (difference @ share)[..., None]
    return np.sqrt(difference**2 @ share)
