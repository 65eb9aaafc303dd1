"""Levels of a sound in bands, over short frames."""

from __future__ import annotations

import itertools

import numpy as np

WINDOW_S = 0.0116
# Half octaves but for the lowest, in Hz.
EDGES_HZ = (250.0, 500.0, 707.1, 1000.0, 1414.2, 2000.0, 2828.4, 4000.0, 5656.9, 8000.0)
BANDS = len(EDGES_HZ) - 1
_BLOCK = 128
_LEAST_ENERGY = 1e-20


def frame_lengths(sample_rate: int) -> tuple[int, int]:
    """Samples of a window, near 11.6 ms, and of a hop, half of it; 512 and 256 at 44.1 kHz."""
    hop = max(round(sample_rate * WINDOW_S / 2), 4)
    return 2 * hop, hop


def band_levels_db(channels: np.ndarray, sample_rate: int) -> np.ndarray:
    """Level in bands from 250 Hz to 8 kHz under a Hann window, 10 lg of the energy of all channels.

    Parameters
    ----------
    channels : (channels, time)
    sample_rate : in Hz; bands beyond half of it hold nothing

    Returns
    -------
    (bands, frames) re the sound's own peak; no frame reaches beyond the end of the sound
    """
    from scipy.fft import rfft

    length, hop = frame_lengths(sample_rate)
    frames = max((channels.shape[-1] - length) // hop + 1, 0)
    energies = np.zeros((frames, BANDS), np.float32)
    peak = np.abs(channels).max(initial=0.0)
    if frames == 0 or not peak > 0:
        return np.full((BANDS, frames), 10 * np.log10(_LEAST_ENERGY))
    window = ((0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)) / peak).astype(np.float32)
    membership = _membership(length, sample_rate)
    for channel in channels:
        views = np.lib.stride_tricks.sliding_window_view(channel, length)[::hop]
        for start in range(0, frames, _BLOCK):
            block = np.multiply(views[start : start + _BLOCK], window, dtype=np.float32)
            spectra = np.asarray(rfft(block, axis=1)).view(np.float32)[:, : len(membership)]
            energies[start : start + _BLOCK] += np.square(spectra) @ membership
    return 10 * np.log10(np.maximum(energies.T, _LEAST_ENERGY))


def _membership(length: int, sample_rate: int) -> np.ndarray:
    """(2 bins, bands), 1 where a bin lies in a band; real and imaginary parts have a row each."""
    bins = np.minimum(np.ceil(np.array(EDGES_HZ) * length / sample_rate).astype(int), length // 2 + 1)
    membership = np.zeros((2 * int(bins[-1]), BANDS), np.float32)
    for band, (first, end) in enumerate(itertools.pairwise(bins)):
        membership[2 * first : 2 * end, band] = 1.0
    return membership
