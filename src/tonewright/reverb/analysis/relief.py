"""The energy decay relief: what is left of each band's energy at each moment."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.analysis.decay import decibels


def decay_relief(
    samples: np.ndarray, sample_rate: float, *, rows: int = 96, columns: int = 240, low_hz: float = 50.0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backward-integrated spectrogram in dB, its loudest value 0.

    E(t, f) = Σ_{τ ≥ t} |X(τ, f)|² in bands of equal width in log f.
    J.-M. Jot, "An analysis/synthesis approach to real-time artificial reverberation", ICASSP 1992.

    Parameters
    ----------
    samples : (time,) from the onset on
    sample_rate : in Hz
    rows, columns : the most bands and moments
    low_hz : lower edge of the lowest band

    Returns
    -------
    (rows, columns) levels, (columns,) times in seconds, (rows + 1,) edges in Hz
    """
    samples = np.asarray(samples, dtype=np.float64)
    size = 2 ** max(5, round(np.log2(0.02 * sample_rate)))
    hop = max(1, -(-len(samples) // columns)) if len(samples) > columns * size // 4 else size // 4
    count = max(1, -(-len(samples) // hop))
    padded = np.concatenate([np.zeros(size // 2), samples, np.zeros(size + hop)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
    power = np.square(np.abs(np.fft.rfft(frames * np.hanning(size), axis=1)))
    edges = np.geomspace(low_hz, sample_rate / 2, rows + 1)
    left = np.cumsum((power @ _overlap(edges, size, sample_rate).T)[::-1], axis=0)[::-1].T
    levels = decibels(left / max(float(left.max()), np.finfo(float).tiny))
    return levels, np.arange(count) * hop / sample_rate, edges


def _overlap(edges_hz: np.ndarray, size: int, sample_rate: float) -> np.ndarray:
    """Mean power of the bins a band covers, interpolated where it is narrower than one: (rows, bins)."""
    step = sample_rate / size
    bins = np.arange(size // 2 + 1) * step
    middle = 0.5 * (edges_hz[1:, None] + edges_hz[:-1, None])
    half = np.maximum(np.diff(edges_hz)[:, None], step) / 2
    low, high = np.maximum(middle - half, bins - step / 2), np.minimum(middle + half, bins + step / 2)
    return np.maximum(high - low, 0.0) / (2 * half)
