"""Energy of a sound in bands, over short frames."""

from __future__ import annotations

import numpy as np
from numba import njit

WINDOW_S = 0.0116
# Half octaves but for the lowest, in Hz.
EDGES_HZ = np.array([250.0, 500.0, 707.1, 1000.0, 1414.2, 2000.0, 2828.4, 4000.0, 5656.9, 8000.0])
BANDS = EDGES_HZ.size - 1
_BLOCK = 128


def frame_lengths(sample_rate: int) -> tuple[int, int]:
    """Samples of a window, near 11.6 ms, and of a hop, half of it; 512 and 256 at 44.1 kHz."""
    hop = max(round(sample_rate * WINDOW_S / 2), 4)
    return 2 * hop, hop


def band_energies(channels: np.ndarray, sample_rate: int) -> np.ndarray:
    """Energy in bands from 250 Hz to 8 kHz, the sum over the channels, under a Hann window.

    Parameters
    ----------
    channels : (channels, time)
    sample_rate : in Hz; bands beyond half of it hold nothing

    Returns
    -------
    (bands, frames) float32; no frame reaches beyond the end of the sound
    """
    from scipy.fft import rfft

    length, hop = frame_lengths(sample_rate)
    frames = max((channels.shape[-1] - length) // hop + 1, 0)
    energies = np.zeros((BANDS, frames), np.float32)
    if frames == 0:
        return energies
    window = (0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)).astype(np.float32)
    first = np.ceil(EDGES_HZ * length / sample_rate).astype(np.int64)
    bins = np.minimum(first, length // 2 + 1)
    for channel in channels:
        views = np.lib.stride_tricks.sliding_window_view(channel, length)[::hop]
        for start in range(0, frames, _BLOCK):
            block = views[start : start + _BLOCK] * window
            spectra = rfft(block.astype(np.float32, copy=False), axis=1)
            _add_bands(spectra.view(np.float32), bins, energies[:, start : start + _BLOCK])
    return energies


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _add_bands(spectra: np.ndarray, bins: np.ndarray, energies: np.ndarray) -> None:
    """Add the squares of spectra (frames, 2 bins), real and imaginary parts in turn, to (bands, frames)."""
    for frame in range(energies.shape[1]):
        for band in range(energies.shape[0]):
            total = np.float32(0.0)
            for part in range(2 * bins[band], 2 * bins[band + 1]):
                total += spectra[frame, part] * spectra[frame, part]
            energies[band, frame] += total
