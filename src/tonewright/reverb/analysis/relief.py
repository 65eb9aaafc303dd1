"""The energy decay relief: what is left of each band's energy at each moment."""

from __future__ import annotations

import numpy as np

from tonewright.reverb.analysis.decay import decibels

# Fewer frames behind the end say too little about the noise.
_FEWEST = 6


def decay_relief(
    samples: np.ndarray,
    sample_rate: float,
    *,
    rows: int = 96,
    columns: int = 240,
    low_hz: float = 50.0,
    end_s: float | None = None,
    loudest: float | None = None,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Backward-integrated spectrogram in dB.

    E(t, f) = Σ_{τ ≥ t} |X(τ, f)|² in bands of equal width in log f, of frames of about 21 ms.
    J.-M. Jot, "An analysis/synthesis approach to real-time artificial reverberation", ICASSP 1992.

    Parameters
    ----------
    samples : (time,) from the onset on
    sample_rate : in Hz
    rows, columns : the most bands and moments
    low_hz : lower edge of the lowest band
    end_s : where the decay ends; what follows is taken for noise, whose mean power is taken away
    loudest : energy that is called 0 dB; that of the loudest cell unless given

    Returns
    -------
    (rows, columns) levels, (columns,) times in seconds, (rows + 1,) edges in Hz
    """
    energy, times, edges = relief_energy(
        samples, sample_rate, rows=rows, columns=columns, low_hz=low_hz, end_s=end_s
    )
    reference = float(energy.max()) if loudest is None else loudest
    return decibels(energy / max(reference, np.finfo(float).tiny)), times, edges


def relief_energy(
    samples: np.ndarray, sample_rate: float, *, rows: int, columns: int, low_hz: float, end_s: float | None
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """`decay_relief` in energies instead of dB."""
    samples = np.asarray(samples, dtype=np.float64)
    size = 2 ** max(5, round(np.log2(0.02 * sample_rate)))
    shown = len(samples) if end_s is None else min(len(samples), max(1, round(end_s * sample_rate)))
    hop = max(size // 8, -(-shown // columns))
    count, kept = max(1, -(-len(samples) // hop)), max(1, -(-shown // hop))
    padded = np.concatenate([np.zeros(size // 2), samples, np.zeros(size + hop)])
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:count]
    edges = np.geomspace(min(low_hz, sample_rate / 8), sample_rate / 2, rows + 1)
    weights = _overlap(edges, size, sample_rate).T
    window = np.hanning(size)
    power = np.concatenate(
        [
            np.square(np.abs(np.fft.rfft(frames[at : at + 2048] * window, axis=1))) @ weights
            for at in range(0, count, 2048)
        ]
    )
    if count - kept > _FEWEST:
        power = power[:kept] - power[kept + 2 :].mean(axis=0)
    left = np.cumsum(power[:kept][::-1], axis=0)[::-1].T
    return np.maximum(left, 0.0), np.arange(kept) * hop / sample_rate, edges


def _overlap(edges_hz: np.ndarray, size: int, sample_rate: float) -> np.ndarray:
    """Mean power of the bins a band covers, interpolated where it is narrower than one: (rows, bins)."""
    step = sample_rate / size
    bins = np.arange(size // 2 + 1) * step
    middle = 0.5 * (edges_hz[1:, None] + edges_hz[:-1, None])
    half = np.maximum(np.diff(edges_hz)[:, None], step) / 2
    low, high = np.maximum(middle - half, bins - step / 2), np.minimum(middle + half, bins + step / 2)
    return np.maximum(high - low, 0.0) / (2 * half)
