"""Brightness: how bright a sound is, from its share of high frequencies and its spectral centroid."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import numba
import numpy as np

from tonewright.dsp.spectra import window
from tonewright.timbre.branches import frame_power
from tonewright.timbre.lane_fourier import columns, factors, places, transform
from tonewright.timbre.lanes import LANES, OPTIONS, load, spread, store, summed
from tonewright.timbre.names import UnmeasurableError

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_FRAME, _HOP = 2048, 512
_QUARTERS = _FRAME // _HOP
# Two real frames make a complex one.
_FRAMES_AT_ONCE = 2 * LANES
_WEIGHTS = (4.613128018020465, 17.378889309312974)
_CONSTANT = 17.434733750553022


class BrightnessFeatures(NamedTuple):
    """What brightness is regressed on.

    Attributes
    ----------
    log_ratio : log₁₀ of the share of the power above 20 Hz that is above 2 kHz
    log_centroid : log₁₀ of the centroid, in Hz, of the power above 100 Hz
    """

    log_ratio: float
    log_centroid: float


def features(hearing: Hearing) -> BrightnessFeatures:
    """Features of brightness, over Hamming frames of 2048 samples every 512.

    A shorter sound is one frame.

    Raises
    ------
    UnmeasurableError
        If nothing is left above one of the three frequencies.
    """
    whole, above_100, above_2000 = (getattr(hearing.branches, f"above_{hz}") for hz in (20, 100, 2000))
    if whole.size < _FRAME:
        power = float(_short_spectrum(whole).sum())
        high_power = float(_short_spectrum(above_2000).sum())
        spectrum = _short_spectrum(above_100)
        weighted, total = float(np.arange(spectrum.size) @ spectrum), float(spectrum.sum())
    else:
        power, high_power = (float(frame_power(part, _window()).sum()) for part in (whole, above_2000))
        weighted, total = centroid_sums(above_100)
    for found, above in ((power, "20 Hz"), (high_power, "2 kHz"), (weighted, "100 Hz")):
        if not found > 0:
            raise UnmeasurableError(f"nothing above {above}")
    centroid_hz = weighted / total * hearing.sample_rate / _FRAME
    return BrightnessFeatures(math.log10(high_power / power), math.log10(centroid_hz))


def value(features: BrightnessFeatures) -> float:
    """Brightness on the scale of listeners' ratings, 0 to 100 but for what lies outside of them."""
    return sum(weight * feature for weight, feature in zip(_WEIGHTS, features, strict=True)) + _CONSTANT


@lru_cache(maxsize=1)
def _window() -> np.ndarray:
    return window("hamming", _FRAME).astype(np.float32)


@lru_cache(maxsize=1)
def _bins() -> np.ndarray:
    """Which bin of a real spectrum stands where `transform` leaves it."""
    bins = np.empty(_FRAME, np.float32)
    numbers = np.arange(_FRAME)
    bins[places(_FRAME)] = np.minimum(numbers, _FRAME - numbers)
    return bins


def _short_spectrum(samples: np.ndarray) -> np.ndarray:
    """Power of the 1025 bins of a sound of less than a frame, with zeros after it."""
    frame = (samples - samples.mean(dtype=np.float64)) * window("hamming", samples.size)
    spectrum = np.abs(np.fft.rfft(frame, _FRAME)) ** 2 / frame.size**2
    spectrum[1:-1] *= 2
    return spectrum


def centroid_sums(samples: np.ndarray) -> tuple[float, float]:
    """Over all frames, the sums Σ k P_k and Σ P_k of their power spectra, of an unstated unit.

    Both are taken from the transforms of two frames at once: |Z_k|² + |Z_{N−k}|² is twice the sum of the
    powers of the two.

    Parameters
    ----------
    samples : (time,) float32, at least a frame
    """
    frames = (samples.size - _FRAME) // _HOP + 1
    count = -(-frames // _FRAMES_AT_ONCE) * _FRAMES_AT_ONCE + _QUARTERS
    sound = columns(samples, _HOP, count)
    work = np.empty((_FRAME, 2, LANES), np.float32)
    means = np.empty(_FRAMES_AT_ONCE, np.float32)
    sums = np.zeros(2)
    for first in range(0, frames, _FRAMES_AT_ONCE):
        _lay_frames(work, sound, first, _window(), means)
        for lane in range(frames - first, _FRAMES_AT_ONCE):
            work[:, lane // LANES, lane % LANES] = 0
        transform(work, factors(_FRAME))
        _add_sums(work, _bins(), sums)
    return float(sums[0]), float(sums[1])


@numba.njit(**OPTIONS)
def _add_sums(work: np.ndarray, bins: np.ndarray, sums: np.ndarray) -> None:
    """Add the sums of power times bin, and of power."""
    moment = mass = spread(np.float32(0))
    for place in range(bins.size):
        real, imaginary = load(work, 2 * LANES * place), load(work, 2 * LANES * place + LANES)
        power = real * real + imaginary * imaginary
        mass += power
        moment += spread(bins[place]) * power
    sums[0] += summed(moment)
    sums[1] += summed(mass)


@numba.njit(**OPTIONS)
def _lay_frames(
    work: np.ndarray, sound: np.ndarray, first: int, weights: np.ndarray, means: np.ndarray
) -> None:
    """Frames less their means, windowed: the first 16 as real parts, the next as imaginary parts."""
    width = sound.shape[1]
    for part in range(2):
        left = first + part * LANES
        total = spread(np.float32(0))
        for row in range(_HOP):
            at = row * width + left
            total += (load(sound, at) + load(sound, at + 1)) + (load(sound, at + 2) + load(sound, at + 3))
        store(means, part * LANES, total * spread(np.float32(1 / _FRAME)))
    for quarter in range(_QUARTERS):
        mean, next_mean = load(means, 0), load(means, LANES)
        for row in range(_HOP):
            at = row * width + first + quarter
            point = quarter * _HOP + row
            weight = spread(weights[point])
            store(work, 2 * LANES * point, weight * (load(sound, at) - mean))
            store(work, 2 * LANES * point + LANES, weight * (load(sound, at + LANES) - next_mean))
