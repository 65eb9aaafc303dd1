"""Echo density: how close to Gaussian noise a response has become."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy.special import erfc

WINDOW_S = 0.02
_CHUNK = 1 << 22


def echo_density(
    samples: np.ndarray, sample_rate: float, *, window_s: float = WINDOW_S, hop_s: float = 0.001
) -> tuple[np.ndarray, np.ndarray]:
    """Share of samples outside one standard deviation, relative to that of Gaussian noise.

    η(t) = Σ w(τ) 1{|h(τ)| > σ(t)} / erfc(1/√2) with σ² = Σ w h², w a Hann window around t of unit sum.
    A few reflections give values near 0, a fully mixed tail gives 1.
    J. Abel and P. Huang, "A simple, robust measure of reverberation echo density", AES 121, 2006.

    Parameters
    ----------
    samples : (time,) from the onset on
    sample_rate : in Hz
    window_s : length of the window
    hop_s : time from one value to the next

    Returns
    -------
    (frames,) times of the windows' middles in seconds and (frames,) densities; empty for a shorter sound
    """
    size = max(8, round(window_s * sample_rate))
    hop = max(1, round(hop_s * sample_rate))
    samples = np.asarray(samples, dtype=np.float64)
    if len(samples) < size:
        return np.zeros(0), np.zeros(0)
    weights = np.hanning(size + 2)[1:-1]
    weights /= weights.sum()
    windows = sliding_window_view(samples, size)[::hop]
    rows = max(1, _CHUNK // size)
    found = np.concatenate(
        [_outside(windows[at : at + rows], weights) for at in range(0, len(windows), rows)]
    )
    times = (np.arange(len(found)) * hop + 0.5 * size) / sample_rate
    return times, found / erfc(np.sqrt(0.5))


def _outside(windows: np.ndarray, weights: np.ndarray) -> np.ndarray:
    squares = np.square(windows)
    return (squares > (squares @ weights)[:, None]) @ weights


def mixing_time_s(times_s: np.ndarray, density: np.ndarray) -> float:
    """First time at which the echo density reaches 1, in seconds; NaN if it never does.

    Windows that reach back before the onset do not count.

    Parameters
    ----------
    times_s, density : (frames,) of `echo_density`
    """
    reached = np.flatnonzero((density >= 1.0) & (times_s >= 0.5 * WINDOW_S))
    return float(times_s[reached[0]]) if len(reached) else float("nan")
