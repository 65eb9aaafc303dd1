"""Onset strength: how much louder the bands of a sound become from frame to frame."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import scipy.fft
from numba import njit

from tonewright.dsp.hearing import mel_filterbank
from tonewright.timbre.spectra import FRAME, HOP, hann_window

_BANDS = 128
_LEAST_POWER = 1e-10
_RANGE = 1e-8  # 80 dB
# A rise lies between two frames, and a frame is centred half its length later than it begins.
_DELAY = 1 + FRAME // (2 * HOP)
_FRAMES_PER_PIECE = 32


def onset_strength(spectrum: np.ndarray, *, sample_rate: float) -> np.ndarray:
    """Mean rise of 128 mel bands in dB from one frame to the next, three frames late.

    s[t + 3] = mean over bands of max(0, L[t + 1] − L[t]), L being no lower than −100 dB and no more than
    80 dB below its highest value. (S. Böck and G. Widmer, "Maximum filter vibrato suppression for onset
    detection", DAFx 2013, without the filter.)

    Parameters
    ----------
    spectrum : (frames, 1025) complex64, centred Hann frames of 2048 every 512 samples
    sample_rate : in Hz

    Returns
    -------
    (frames,) float64
    """
    spectrum = np.ascontiguousarray(spectrum, dtype=np.complex64)
    return _mean_rises(_band_powers(spectrum, *_mel_rows(sample_rate)))


def strength_of_samples(samples: np.ndarray, *, sample_rate: float) -> np.ndarray:
    """Onset strength of a sound whose spectrum nobody else needs: the same, in pieces that stay in the cache.

    Parameters
    ----------
    samples : (time,)
    sample_rate : in Hz

    Returns
    -------
    (1 + time // 512,) float64
    """
    padded = np.zeros(samples.size + FRAME, dtype=np.float32)
    padded[FRAME // 2 : FRAME // 2 + samples.size] = samples
    rows = np.lib.stride_tricks.sliding_window_view(padded, FRAME)[::HOP]
    powers = np.empty((rows.shape[0], _BANDS), dtype=np.float32)
    for first in range(0, rows.shape[0], _FRAMES_PER_PIECE):
        piece = slice(first, first + _FRAMES_PER_PIECE)
        spectrum = scipy.fft.rfft(rows[piece] * hann_window(), axis=1, overwrite_x=True, workers=1)
        powers[piece] = _band_powers(spectrum, *_mel_rows(sample_rate))
    return _mean_rises(powers)


def _mean_rises(powers: np.ndarray) -> np.ndarray:
    """Onset strength from the power of each band: (frames, bands), overwritten, to (frames,)."""
    frames = powers.shape[0]
    result = np.zeros(frames)
    if frames > _DELAY:
        floor = np.float32(max(_LEAST_POWER, _RANGE * float(powers.max())))
        levels = np.log(np.maximum(powers, floor, out=powers), out=powers)
        result[_DELAY:] = _summed_rises(levels)[: frames - _DELAY] * (10 / math.log(10) / _BANDS)
    return result


@lru_cache(maxsize=8)
def _mel_rows(sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """What of each band is not zero.

    Returns
    -------
    bounds : (bands, 2) int64, its first bin, and the one after its last
    weights : (bands, widest) float32, from the first bin on
    """
    bank = mel_filterbank(sample_rate=sample_rate, n_fft=FRAME, n_mels=_BANDS)
    filled = [np.flatnonzero(row) for row in bank]
    bounds = np.array([(bins[0], bins[-1] + 1) if bins.size else (0, 0) for bins in filled])
    weights = np.zeros((_BANDS, int(np.max(bounds[:, 1] - bounds[:, 0]))), dtype=np.float32)
    for row, (first, end), band in zip(weights, bounds, bank, strict=True):
        row[: end - first] = band[first:end]
    return bounds, weights


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _band_powers(spectrum: np.ndarray, bounds: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Power of each band in each frame: (frames, bands) float32."""
    result = np.empty((spectrum.shape[0], bounds.shape[0]), dtype=np.float32)
    power = np.empty(spectrum.shape[1], dtype=np.float32)
    for t in range(spectrum.shape[0]):
        for k in range(power.size):
            power[k] = spectrum[t, k].real ** 2 + spectrum[t, k].imag ** 2
        for b in range(bounds.shape[0]):
            first = bounds[b, 0]
            total = np.float32(0)
            for k in range(bounds[b, 1] - first):
                total += weights[b, k] * power[first + k]
            result[t, b] = total
    return result


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _summed_rises(levels: np.ndarray) -> np.ndarray:
    """Sum over bands of what each rises by from a frame to the next: (frames − 1,) float64."""
    result = np.empty(levels.shape[0] - 1)
    for t in range(result.size):
        total = np.float32(0)
        for b in range(levels.shape[1]):
            total += max(np.float32(0), levels[t + 1, b] - levels[t, b])
        result[t] = total
    return result
