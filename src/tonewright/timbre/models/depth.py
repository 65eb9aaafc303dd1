"""Depth: how deep a sound is, from its low frequencies, the length of its notes and its pitch."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import scipy.fft
from numba import njit

from tonewright.dsp.spectra import window
from tonewright.timbre.envelope import envelope
from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.onsets import find_onsets
from tonewright.timbre.peaks import peak_bins, refined_peak

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_FRAME, _HOP = 4096, 1024
_FRAMES_PER_PIECE = 32
_AUDIBLE = 1e-3
_CENTROID_LIMIT_HZ = 2000.0
_DECAY_S = 0.2
_BLOCK = 256
_DECAYED = 0.01
_NEAR_START = 512
_CONTRAST = 0.01
_LOWEST_PITCH_HZ = 20.0
_WEIGHTS = (
    -0.0043703565847874465,
    32.83743202462131,
    4.750862716905235,
    -14.217438690256062,
    3.8782339862813924,
    -0.8544826091735516,
)
_CONSTANT = 66.69534393444391


class DepthFeatures(NamedTuple):
    """What depth is regressed on.

    Attributes
    ----------
    lower_centroid : centroid of what is below 2 kHz, in Hz, 2000 at most
    lower_ratio : share of the power that is below 500 Hz
    log_duration : log₁₀ of the mean length of the notes in seconds
    log_pitch : log₁₀ of the lowest spectral peak in Hz
    ratio_x_duration : lower_ratio · log_duration
    sigmoid_ratio_x_duration : σ(lower_ratio) · log_duration, σ(r) = r¹⁰ / (r¹⁰ + 0.2)
    """

    lower_centroid: float
    lower_ratio: float
    log_duration: float
    log_pitch: float
    ratio_x_duration: float
    sigmoid_ratio_x_duration: float


class _Spectra(NamedTuple):
    """Powers of frames; spectra one-sided, a sine of amplitude A having A²/2.

    Attributes
    ----------
    power : (frames,) of the sound above 20 Hz
    low_power : (frames,) of what is below 500 Hz
    centroid : (frames,) of what is below 2 kHz, in bins of 1/4096 of the sample rate
    total : (2049,) spectrum of the sound above 20 Hz, summed over the frames
    """

    power: np.ndarray
    low_power: np.ndarray
    centroid: np.ndarray
    total: np.ndarray


def features(hearing: Hearing) -> DepthFeatures:
    """Features of depth.

    Parameters
    ----------
    hearing : the sound

    Raises
    ------
    UnmeasurableError
        If no frame has any power, or no note lasts.
    """
    spectra = _spectra(hearing)
    weight = float(spectra.power.sum())
    if not weight > 0:
        raise UnmeasurableError("nothing above 20 Hz")
    heard = spectra.power > _AUDIBLE
    centroids = spectra.centroid[heard] * spectra.power[heard]
    centroid_hz = float(centroids.sum()) / weight * hearing.sample_rate / _FRAME
    ratio = float(spectra.low_power[heard].sum()) / weight
    log_duration = _log_duration(hearing)
    log_pitch = _log_pitch(spectra.total, hearing)
    tenth = ratio**10
    return DepthFeatures(
        min(centroid_hz, _CENTROID_LIMIT_HZ),
        ratio,
        log_duration,
        log_pitch,
        ratio * log_duration,
        tenth / (tenth + 0.2) * log_duration,
    )


def value(features: DepthFeatures) -> float:
    """Depth on the scale of listeners' ratings, 0 to 100 but for what lies outside of them."""
    return sum(weight * feature for weight, feature in zip(_WEIGHTS, features, strict=True)) + _CONSTANT


def _spectra(hearing: Hearing) -> _Spectra:
    """Frames of 4096 samples every 1024; a sound that is no longer is one frame."""
    branches = hearing.branches
    if branches.above_20.size <= _FRAME:
        return _short_spectra(branches.above_20, branches.below_500, branches.below_2000)
    power, _, total = _frame_sums(branches.above_20, _FRAME)
    # Next to nothing of what is below 2 kHz lies above a quarter of the sample rate.
    step = 2 if hearing.corrected else 1
    lower_power, moment, _ = _frame_sums(branches.below_2000[::step], _FRAME // step)
    centroid = (moment / np.maximum(lower_power, np.finfo(float).tiny))[: power.size]
    return _Spectra(power, _frame_power(branches.below_500, _squared_window(), _HOP), centroid, total)


def _short_spectra(sound: np.ndarray, low: np.ndarray, lower: np.ndarray) -> _Spectra:
    length = sound.size
    weights = window("hamming", length)
    spectra = []
    for part in (sound, low, lower):
        frame = (part - part.mean(dtype=np.float64)) * weights / weights.sum()
        spectrum = np.abs(scipy.fft.rfft(frame, _FRAME)) ** 2
        spectrum[1:-1] *= 2
        spectra.append(spectrum)
    whole, lowest, lower = spectra
    centroid = np.arange(whole.size) @ lower / max(float(lower.sum()), np.finfo(float).tiny)
    return _Spectra(whole.sum(keepdims=True), lowest.sum(keepdims=True), np.array([centroid]), whole)


def _frame_sums(samples: np.ndarray, length: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sums over the power spectra of Hamming frames that overlap by three quarters, less their mean.

    A frame without a window has its mean in bin 0 alone, and the window is (−.23, .54, −.23) over bins.

    Parameters
    ----------
    samples : (time,)
    length : of a frame

    Returns
    -------
    power : (frames,)
    moment : (frames,) sum over the bins of their number times their power
    total : (length // 2 + 1,) sum over the frames
    """
    samples = samples.astype(np.float32, copy=False)
    rows = np.lib.stride_tricks.sliding_window_view(samples, length)[:: length // 4]
    power, moment = np.empty(rows.shape[0]), np.empty(rows.shape[0])
    total = np.zeros(length // 2 + 1)
    for first in range(0, rows.shape[0], _FRAMES_PER_PIECE):
        piece = slice(first, first + _FRAMES_PER_PIECE)
        _add_sums(scipy.fft.rfft(rows[piece], axis=1, workers=1), power[piece], moment[piece], total)
    return power, moment, total


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _add_sums(spectrum: np.ndarray, power: np.ndarray, moment: np.ndarray, total: np.ndarray) -> None:
    last = spectrum.shape[1] - 1
    scale = np.float32(1 / (0.54 * 2 * last))
    middle, side = np.float32(0.54) * scale, np.float32(-0.23) * scale
    row = np.empty(last + 1, dtype=np.float32)
    for t in range(spectrum.shape[0]):
        bins = spectrum[t]
        bins[0] = 0
        for k in range(1, last):
            value = middle * bins[k] + side * (bins[k - 1] + bins[k + 1])
            row[k] = np.float32(2) * (value.real**2 + value.imag**2)
        # Beyond either end the spectrum goes on mirrored and conjugate.
        row[0] = (2 * side * bins[1].real) ** 2
        row[last] = (middle * bins[last].real + 2 * side * bins[last - 1].real) ** 2
        summed, weighted = np.float32(0), np.float32(0)
        for k in range(last + 1):
            summed += row[k]
            weighted += np.float32(k) * row[k]
            total[k] += row[k]
        power[t], moment[t] = summed, weighted


@lru_cache(maxsize=1)
def _squared_window() -> np.ndarray:
    return (window("hamming", _FRAME) ** 2).astype(np.float32)


@njit(cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _frame_power(samples: np.ndarray, squares: np.ndarray, hop: int) -> np.ndarray:
    """Power of Hamming frames less their mean, by Parseval's relation: (frames,)."""
    length = squares.size
    result = np.empty((samples.size - length) // hop + 1)
    whole = np.float32(0)
    for n in range(length):
        whole += squares[n]
    for t in range(result.size):
        plain, weighted, power = np.float32(0), np.float32(0), np.float32(0)
        for n in range(length):
            sample = samples[t * hop + n]
            plain += sample
            weighted += squares[n] * sample
            power += squares[n] * sample * sample
        mean = plain / length
        result[t] = (power - 2 * mean * weighted + mean * mean * whole) / (0.54 * 0.54 * length)
    return result


def _log_duration(hearing: Hearing) -> float:
    """log₁₀ of how long notes last from their loudest block on, in seconds, on average.

    Blocks are of 256 samples; a note lasts until its level is 40 dB below that of the loudest block of the
    sound, or until the next note.
    """
    sound = hearing.branches.above_20
    course = envelope(sound, sample_rate=hearing.sample_rate, decay_s=_DECAY_S)
    # That of the sound before the filter is at hand.
    strength = hearing.strength if hearing.corrected else None
    onsets = find_onsets(sound, course, _NEAR_START, sample_rate=hearing.sample_rate, strength=strength)
    levels = _block_levels(sound)
    starts = np.minimum(onsets // _BLOCK, levels.size - 1)
    lengths = []
    for start, end in zip(starts, [*starts[1:], levels.size], strict=True):
        note = levels[start:end]
        decay = note[note.argmax() :] if note.size else note
        quiet = np.flatnonzero(decay < _DECAYED)
        lengths.append(quiet[0] if quiet.size else decay.size)
    mean_s = float(np.mean(lengths)) * _BLOCK / hearing.sample_rate
    if hearing.corrected:
        mean_s = max(mean_s, _BLOCK / hearing.sample_rate)
    if not mean_s > 0:
        raise UnmeasurableError("no note rises to 40 dB below the loudest moment")
    return math.log10(mean_s)


def _block_levels(samples: np.ndarray) -> np.ndarray:
    """RMS of blocks of 256 samples, of which the last may be shorter, relative to the highest."""
    whole = (samples.size - 1) // _BLOCK
    blocks = samples[: whole * _BLOCK].reshape(whole, _BLOCK)
    rest = samples[whole * _BLOCK :]
    powers = np.append(np.einsum("ij,ij->i", blocks, blocks) / _BLOCK, rest @ rest / rest.size)
    levels = np.sqrt(powers)
    return levels / levels.max()


def _log_pitch(total: np.ndarray, hearing: Hearing) -> float:
    """log₁₀ of the frequency of the lowest peak, in Hz; 0 where the highest peak is at 0 Hz."""
    low, high = float(total.min()), float(total.max())
    scaled = (total - low) / (high - low) if high > low else np.zeros_like(total)
    bins = peak_bins(scaled, _CONTRAST)
    if hearing.corrected:
        bins = bins[bins > 0]
        if bins.size == 0:
            return math.log10(_LOWEST_PITCH_HZ)
    elif bins.size == 0:
        raise UnmeasurableError("no spectral peak")
    elif bins[0] == 0:
        return 0.0
    lowest = int(bins.min())
    if lowest == 0:
        raise UnmeasurableError("the lowest spectral peak is at 0 Hz")
    return math.log10(refined_peak(scaled, lowest)[0] * hearing.sample_rate / _FRAME)
