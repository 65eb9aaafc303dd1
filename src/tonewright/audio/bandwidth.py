"""Up to which frequency there is sound: what a low-pass, a slow sample rate or a lossy codec left."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import fft

_FRAME_S = 0.046
_MOST_FRAMES = 512
_LOWEST_HZ = 20.0


def bandwidth_hz(samples: np.ndarray, *, sample_rate: int, range_db: float = 60.0) -> float:
    """Highest frequency at which the mean spectrum lies within `range_db` of its peak.

    With P(f) the mean power of Hann windows of about 46 ms, max{f : P(f) ≥ 10^(−range/10) max P}, both
    looked for above 20 Hz. Of a long sound, 512 windows spread evenly are taken.

    Parameters
    ----------
    samples : (channels, time) or (time,)
    sample_rate : Hz
    range_db : how far below its peak the spectrum still counts

    Returns
    -------
    Hz, at most half the sample rate; 0 for silence
    """
    return edge_hz(*mean_spectrum(samples, sample_rate=sample_rate), range_db=range_db)


def edge_hz(spectrum: np.ndarray, frequencies: np.ndarray, *, range_db: float = 60.0) -> float:
    """The highest frequency at which a power spectrum lies within `range_db` of its peak.

    Parameters
    ----------
    spectrum : (bins,) power
    frequencies : (bins,) Hz
    range_db : how far below its peak the spectrum still counts

    Returns
    -------
    Hz; 0 for silence
    """
    loud = spectrum[frequencies >= _LOWEST_HZ]
    peak = loud.max(initial=0.0)
    if not np.isfinite(peak) or peak <= 0:
        return 0.0
    return float(frequencies[np.flatnonzero(spectrum >= peak * 10 ** (-range_db / 10))[-1]])


def mean_spectrum(samples: np.ndarray, *, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean power spectrum of windows of about 46 ms, and its frequencies in Hz.

    Parameters
    ----------
    samples : (channels, time) or (time,)
    sample_rate : Hz

    Returns
    -------
    (bins,) power, and (bins,) Hz
    """
    channels = np.atleast_2d(np.asarray(samples, np.float32))
    size = 1 << max(4, round(np.log2(sample_rate * _FRAME_S)))
    if channels.shape[1] < size:
        channels = np.pad(channels, ((0, 0), (0, size - channels.shape[1])))
    last = channels.shape[1] - size
    count = min(_MOST_FRAMES, 1 + 2 * last // size)
    starts = np.linspace(0, last, count).astype(int)
    window = np.hanning(size + 1)[:-1].astype(np.float32)
    power = np.zeros(size // 2 + 1)
    for channel in channels:
        frames = np.lib.stride_tricks.sliding_window_view(channel, size)[starts] * window
        transforms: Any = fft.rfft(frames, axis=1)
        power += (transforms.real**2 + transforms.imag**2).sum(axis=0, dtype=np.float64)
    return power / (count * len(channels)), np.arange(size // 2 + 1) * (sample_rate / size)
