"""Roughness: how much the partials of a sound beat against each other."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tonewright.dsp.spectra import window
from tonewright.timbre.lane_fourier import columns, factors, places, transform
from tonewright.timbre.lanes import LANES
from tonewright.timbre.models.roughness_kernels import (
    ROWS,
    find_peaks,
    lay_frames,
    pair_roughness,
    refine,
    separate,
)
from tonewright.timbre.names import UnmeasurableError

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_FRAME_S = 0.05
_ZEROS_BEFORE = 512
_CONTRAST = 0.01
# A spectrum that is flat but for rounding has no peaks.
_LEAST_RANGE = 1e-6
_HEARD = 1e-7
_LEAST = 0.01
# Of the regression, on log₁₀ of the mean roughness.
SLOPE, CONSTANT = 13.98779569, 48.97606571545886


class RoughnessFeatures(NamedTuple):
    """What roughness is regressed on.

    Attributes
    ----------
    mean_roughness : of the frames, by the model of Vassilakis
    """

    mean_roughness: float


def features(hearing: Hearing) -> RoughnessFeatures:
    """Roughness of the pairs of spectral peaks of frames of 50 ms, half overlapping, on average.

    Of two peaks of magnitudes v₁ and v₂ at f₁ < f₂, v being the magnitude of the one that is the higher bin,

        r = (v₁ v₂)^0.1 · ½ (2v / (v₁ + v₂))^3.11 · (e^(−3.51 s (f₂ − f₁)) − e^(−5.75 s (f₂ − f₁))),
        s = 0.24 / (0.0207 f₁ + 18.96),

    after P. N. Vassilakis, "SRA: A web-based research tool for spectral and roughness analysis of sound
    signals", Proc. 4th Sound and Music Computing Conference, 2007, who takes the smaller magnitude for v.

    Raises
    ------
    UnmeasurableError
        If the classic mode has no frame for a sound that is so short.
    """
    frame = int(hearing.sample_rate * _FRAME_S)
    sound = np.zeros(_ZEROS_BEFORE + hearing.samples.size, np.float32)
    sound[_ZEROS_BEFORE:] = hearing.samples
    # In the classic mode, one or two columns that hold no frame count as well.
    count = int(sound.size / (frame - frame / 2))
    if hearing.corrected:
        count = _whole_frames(max(sound.size, frame), frame)
    if count == 0:
        raise UnmeasurableError(f"shorter than {frame // 2 - _ZEROS_BEFORE} samples")
    found = _roughness(sound, frame, count, hearing)
    if hearing.corrected:
        found = found[_heard(sound, frame, count)]
    return RoughnessFeatures(float(found.mean()))


def value(features: RoughnessFeatures) -> float:
    """Roughness on the scale of listeners' ratings, 0 to 100 but for what lies outside of them."""
    roughness = features.mean_roughness
    return SLOPE * math.log10(roughness) + CONSTANT if roughness >= _LEAST else 0.0


def mean_roughness(value: float) -> float:
    """The mean roughness that has this value; 0 for 0, which stands for all below 0.01."""
    return 10 ** ((value - CONSTANT) / SLOPE) if value else 0.0


def _whole_frames(length: int, frame: int) -> int:
    """How many frames lie within a sound; the i-th begins at ⌊i · frame / 2⌋."""
    return 1 + 2 * ((length - frame) // frame) + int((length - frame) % frame >= frame // 2)


def _roughness(sound: np.ndarray, frame: int, count: int, hearing: Hearing) -> np.ndarray:
    """Of `count` frames: (count,), 0 for those beyond the end of the sound."""
    frames, weights = 1, np.ones(frame, np.float32)
    if sound.size > frame:
        frames = _whole_frames(sound.size, frame)
        weights = window("hamming", frame + 2, periodic=False)[1:-1].astype(np.float32)
    levels, highest = _magnitudes(sound, frames, weights)
    # A column without a frame is 0, and so is the lowest level then, as nearly always in the classic mode.
    lowest = 0.0 if hearing.corrected or count > frames else _lowest(levels, frames)
    result = np.zeros(max(count, 2 * LANES * levels.shape[0]))
    if highest - lowest <= _LEAST_RANGE * highest:
        return result[:count]
    contrast = _CONTRAST * (highest - lowest)
    bins = levels.shape[1]
    bin_hz = hearing.sample_rate / (2 * bins - 2)
    found, counts = np.empty((1 + LANES, bins // 2 + 1), np.float32), np.empty(LANES, np.int64)
    peaks = np.empty((LANES, ROWS, bins // 2 + 1 + LANES), np.float32)
    by_batch = result[: 2 * LANES * levels.shape[0]].reshape(-1, LANES, 2)
    for level, rough in zip(levels, by_batch, strict=True):
        for part in range(2):
            find_peaks(level, part, lowest + contrast, contrast, found, counts)
            refine(level, part, found, counts, bin_hz, peaks)
            pair_roughness(peaks, counts, part, rough)
    result[frames:] = 0
    return result[:count]


def _magnitudes(sound: np.ndarray, frames: int, weights: np.ndarray) -> tuple[np.ndarray, float]:
    """Magnitudes of the spectra of all frames, (batches, bins, 2, LANES), and the highest."""
    points = 1 << weights.size.bit_length()
    levels = np.empty((-(-frames // (2 * LANES)), points // 2 + 1, 2, LANES), np.float32)
    turned = columns(sound, weights.size, levels.shape[0] * LANES + 1)
    work = np.empty((points, 2, LANES), np.float32)
    highest = 0.0
    for batch, level in enumerate(levels):
        lay_frames(work, turned, batch * LANES, weights)
        for number in range(frames - 2 * LANES * batch, 2 * LANES):
            work[:, number % 2, number // 2] = 0
        transform(work, factors(points))
        highest = max(highest, separate(work, places(points), level))
    return levels, highest


def _lowest(levels: np.ndarray, frames: int) -> float:
    """Lowest magnitude of the frames, of (batches, bins, 2, LANES)."""
    by_frame = levels.min(axis=1).transpose(0, 2, 1).reshape(-1)
    return float(by_frame[:frames].min())


def _heard(sound: np.ndarray, frame: int, count: int) -> np.ndarray:
    """Which frames are above −70 dBFS; all where none is."""
    power = np.zeros(count)
    for parity, start in ((0, 0), (1, frame // 2)):
        rows = (sound.size - start) // frame
        if rows > 0:
            frames = sound[start : start + rows * frame].reshape(rows, frame)
            power[parity::2] = np.einsum("ij,ij->i", frames, frames) / frame
    heard = power > _HEARD
    return heard if heard.any() else ~heard
