"""Depth: how deep a sound is, from its low frequencies, the length of its notes and its pitch."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numba import njit

from tonewright.dsp.spectra import window
from tonewright.timbre.branches import frame_power
from tonewright.timbre.envelope import envelope
from tonewright.timbre.lane_formulas import even_power, odd_power
from tonewright.timbre.lane_fourier import factors, places, transform
from tonewright.timbre.lanes import LANES, OPTIONS, load, spread, store
from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.onsets import find_onsets
from tonewright.timbre.peaks import peak_bins, refined_peak
from tonewright.timbre.spectra import hops

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_FRAME, _HOP = 4096, 1024
# Sum of the window that makes |Z_k + Z*_{N−k}|² the one-sided power of the real part.
_SCALE = math.sqrt(0.5)
# What that Hamming window leaves of the sum of a frame, in bin 0 and in those beside it.
_MEAN_IN_0, _MEAN_IN_1 = (np.float32(_SCALE / _FRAME * share) for share in (1, -0.23 / 0.54))
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
    sound, low, lower = (getattr(hearing.branches, name) for name in ("above_20", "below_500", "below_2000"))
    if sound.size <= _FRAME:
        return _short_spectra(sound, low, lower)
    centroid, total = _frame_sums(sound, lower)
    power, low_power = (frame_power(part, _window()) for part in (sound, low))
    return _Spectra(power, low_power, centroid, total)


def _short_spectra(sound: np.ndarray, low: np.ndarray, lower: np.ndarray) -> _Spectra:
    length = sound.size
    weights = window("hamming", length)
    spectra = []
    for part in (sound, low, lower):
        frame = (part - part.mean(dtype=np.float64)) * weights / weights.sum()
        spectrum = np.abs(np.fft.rfft(frame, _FRAME)) ** 2
        spectrum[1:-1] *= 2
        spectra.append(spectrum)
    whole, lowest, lower = spectra
    centroid = np.arange(whole.size) @ lower / max(float(lower.sum()), np.finfo(float).tiny)
    return _Spectra(whole.sum(keepdims=True), lowest.sum(keepdims=True), np.array([centroid]), whole)


def _frame_sums(sound: np.ndarray, lower: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Centroids of one sound's spectra and the sum of the other's, over Hamming frames less their mean.

    Parameters
    ----------
    sound, lower : (time,)

    Returns
    -------
    centroid : (frames,) of `lower`, in bins; 0 where it is silent
    total : (2049,) one-sided power spectrum of `sound`, summed over the frames
    """
    frames = (sound.size - _FRAME) // _HOP + 1
    whole = -(-frames // LANES) * LANES
    # In single precision a weak part beside a strong one would be lost.
    scale = 1 / max(float(np.abs(lower).max()), np.finfo(np.float32).tiny)
    one, two = (hops(part, whole + _FRAME // _HOP - 1, lead=0, hop=_HOP) for part in (sound, lower * scale))
    counted = (np.arange(whole) < frames).astype(np.float32)
    weights = (_window() * (_SCALE / _window().sum())).astype(np.float32)
    work, sums = np.empty((_FRAME, 2, LANES), dtype=np.float32), np.empty((2, whole), dtype=np.float32)
    plain, total = (np.zeros((size, LANES), dtype=np.float32) for size in (2, _FRAME // 2 + 1))
    # The transform is called from here, not from a kernel, which would compile it once more.
    for first in range(0, whole, LANES):
        _lay_frames(one, two, counted, weights, first, work, plain)
        transform(work, factors(_FRAME))
        _add_spectra(work, places(_FRAME), plain, first, sums, total)
    power, moment = sums[:, :frames].astype(np.float64)
    return moment / np.maximum(power, np.finfo(float).tiny), total.sum(axis=1, dtype=np.float64)


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    return window("hamming", _FRAME)


@njit(**OPTIONS)
def _lay_frames(
    sound: np.ndarray,
    lower: np.ndarray,
    counted: np.ndarray,
    window: np.ndarray,
    first: int,
    work: np.ndarray,
    plain: np.ndarray,
) -> None:
    """Sixteen windowed frames of both sounds, zeros where none counts; their sums without the window."""
    total = lower_total = spread(np.float32(0))
    for n in range(_FRAME):
        at, weight = n % _HOP * sound.shape[1] + first + n // _HOP, spread(window[n])
        one, two = load(sound, at) * load(counted, first), load(lower, at) * load(counted, first)
        store(work, 2 * LANES * n, one * weight)
        store(work, 2 * LANES * n + LANES, two * weight)
        total, lower_total = total + one, lower_total + two
    store(plain, 0, total)
    store(plain, LANES, lower_total)


@njit(**OPTIONS)
def _add_spectra(
    work: np.ndarray, place: np.ndarray, plain: np.ndarray, first: int, sums: np.ndarray, total: np.ndarray
) -> None:
    """Power and moment of sixteen frames of `lower`; power of those of `sound`, in addition to what it was.

    Of both sounds at once, Z = A + iB. The one-sided power of A is |Z_k + Z*_{N−k}|² with a window that is
    scaled by √½ / Σ w.
    """
    # Of a mean, the window leaves bins 0, 1 and −1.
    for k in (0, 1, _FRAME - 1):
        at, share = 2 * LANES * place[k], spread(_MEAN_IN_0 if k == 0 else _MEAN_IN_1)
        store(work, at, load(work, at) - load(plain, 0) * share)
        store(work, at + LANES, load(work, at + LANES) - load(plain, LANES) * share)
    power = moment = spread(np.float32(0))
    for k in range(_FRAME // 2 + 1):
        one, mirror = 2 * LANES * place[k], 2 * LANES * place[(_FRAME - k) % _FRAME]
        a, b, c, d = load(work, one), load(work, one + LANES), load(work, mirror), load(work, mirror + LANES)
        sides = spread(np.float32(0.5 if k % (_FRAME // 2) == 0 else 1.0))
        mine = sides * even_power(a, b, c, d)
        other = sides * odd_power(a, b, c, d)
        store(total, k * LANES, load(total, k * LANES) + mine)
        power, moment = power + other, moment + spread(np.float32(k)) * other
    store(sums, first, power)
    store(sums, sums.shape[1] + first, moment)


def _log_duration(hearing: Hearing) -> float:
    """log₁₀ of how long notes last from their loudest block on, in seconds, on average.

    Blocks are of 256 samples; a note lasts until its level is 40 dB below that of the loudest block of the
    sound, or until the next note.
    """
    sound = hearing.branches.above_20
    course = envelope(sound, sample_rate=hearing.sample_rate, decay_s=_DECAY_S)
    onsets = find_onsets(sound, course, _NEAR_START, sample_rate=hearing.sample_rate)
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
