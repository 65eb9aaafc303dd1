"""How loud a sound is: dB, RMS, peak and true peak, loudness; and the two views of a stereo pair."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from tonewright.dsp.array import Array, as_arrays, as_like, frames, namespace, pad_last, safe_sqrt
from tonewright.dsp.loudness import integrated_loudness
from tonewright.errors import UsageError

__all__ = [
    "amplitude_from_db",
    "db_from_amplitude",
    "integrated_loudness",
    "left_right",
    "mid_side",
    "peak",
    "rms",
    "true_peak",
]

# Interpolator of ITU-R BS.1770-4, Annex 2: the first two of four phases of twelve taps. The other two are
# these in reverse order. Phase p lies (p − 3/2)/4 of a sample from the middle.
_QUARTER_PHASES = np.array(
    [
        [
            0.0017089843750,
            0.0109863281250,
            -0.0196533203125,
            0.0332031250000,
            -0.0594482421875,
            0.1373291015625,
            0.9721679687500,
            -0.1022949218750,
            0.0476074218750,
            -0.0266113281250,
            0.0148925781250,
            -0.0083007812500,
        ],
        [
            -0.0291748046875,
            0.0292968750000,
            -0.0517578125000,
            0.0891113281250,
            -0.1665039062500,
            0.4650878906250,
            0.7797851562500,
            -0.2003173828125,
            0.1015625000000,
            -0.0582275390625,
            0.0330810546875,
            -0.0189208984375,
        ],
    ]
)
_TAPS = _QUARTER_PHASES.shape[1]
_OUTPUTS_PER_PRODUCT = 64
_OUTPUTS_PER_PIECE = 64 * 4096


def db_from_amplitude(amplitude: Array | float, *, floor_db: float = -120.0) -> Array:
    """Level in dB, 20 log₁₀ |amplitude|, no lower than a floor.

    Parameters
    ----------
    amplitude : (…), real or complex
    floor_db : what silence is given; the gradient is zero below it

    Returns
    -------
    (…) real
    """
    (amplitude,) = as_arrays(amplitude)
    xp = namespace(amplitude)
    floor = as_like(10 ** (floor_db / 20), amplitude)
    return 20 * xp.log10(xp.maximum(xp.abs(amplitude), floor))


def amplitude_from_db(level_db: Array | float) -> Array:
    """Amplitude at a level, 10^(level/20).

    Parameters
    ----------
    level_db : (…)

    Returns
    -------
    (…)
    """
    (level_db,) = as_arrays(level_db)
    return namespace(level_db).exp(level_db * (math.log(10) / 20))


def rms(samples: Array, *, axis: int | tuple[int, ...] | None = -1) -> Array:
    """Root of the mean square, √(mean x²); zero for an empty sound.

    Parameters
    ----------
    samples : (…, time)
    axis : axis or axes to reduce; None for all

    Returns
    -------
    `samples`' shape without the axis
    """
    xp = namespace(samples)
    total = xp.sum(samples * samples, axis=axis)
    count = math.prod(samples.shape) // max(math.prod(total.shape), 1)
    return safe_sqrt(total / max(count, 1))


def peak(samples: Array, *, axis: int | tuple[int, ...] | None = -1) -> Array:
    """Largest absolute sample; zero for an empty sound.

    Parameters
    ----------
    samples : (…, time)
    axis : axis or axes to reduce; None for all

    Returns
    -------
    `samples`' shape without the axis
    """
    xp = namespace(samples)
    if 0 in samples.shape:
        return xp.sum(samples, axis=axis)
    return xp.max(xp.abs(samples), axis=axis)


def true_peak(samples: Array, *, sample_rate: float) -> Array:
    """Peak of the continuous signal between and at the samples, as amplitude (ITU-R BS.1770-4, Annex 2).

    The sound is interpolated by the Annex's 48-tap filter: fourfold, or twofold from 96 kHz on. From
    192 kHz on the samples lie close enough. The filter's ripple makes the measure up to 0.2 dB high at a
    quarter of the sample rate, and about 0.6 dB near its end. It is never below the sample peak.

    Parameters
    ----------
    samples : (…, time)
    sample_rate : in Hz

    Returns
    -------
    (…); its level in dBTP is ``db_from_amplitude`` of it
    """
    xp = namespace(samples)
    highest = peak(samples)
    phases = 4 if sample_rate < 96_000 else 2
    if sample_rate >= 192_000 or 0 in samples.shape:
        return highest
    matrix = as_like(_interpolation_matrix(phases), samples)
    overlap = _TAPS - 1
    # Pieces bound the memory; their number follows from the shape alone, so that this can be traced.
    for start in range(0, samples.shape[-1] + overlap, _OUTPUTS_PER_PIECE):
        first, last = start - overlap, min(start + _OUTPUTS_PER_PIECE, samples.shape[-1])
        piece = pad_last(samples[..., max(first, 0) : last], max(-first, 0), 0)
        outputs = min(_OUTPUTS_PER_PIECE, samples.shape[-1] + overlap - start)
        rows = -(-outputs // _OUTPUTS_PER_PRODUCT)
        piece = pad_last(piece, 0, rows * _OUTPUTS_PER_PRODUCT + overlap - piece.shape[-1])
        framed = frames(piece, frame_length=_OUTPUTS_PER_PRODUCT + overlap, hop_samples=_OUTPUTS_PER_PRODUCT)
        between = xp.max(xp.abs(xp.matmul(framed, matrix)), axis=(-2, -1))
        highest = xp.maximum(highest, between)
    return highest


@lru_cache(maxsize=4)
def _interpolation_matrix(phases: int) -> np.ndarray:
    """Filter bank as a banded matrix, so that one product gives many samples of every phase.

    Returns
    -------
    (outputs + taps − 1, outputs · phases)
    """
    taps = np.concatenate([_QUARTER_PHASES, _QUARTER_PHASES[::-1, ::-1]])[:: 4 // phases, ::-1]
    matrix = np.zeros((_OUTPUTS_PER_PRODUCT + _TAPS - 1, _OUTPUTS_PER_PRODUCT, phases))
    for output in range(_OUTPUTS_PER_PRODUCT):
        matrix[output : output + _TAPS, output] = taps.T
    return matrix.reshape(matrix.shape[0], -1)


def mid_side(samples: Array) -> Array:
    """Middle and side of a stereo pair: M = (L + R)/√2, S = (L − R)/√2.

    The map is orthonormal, so energy and gradients are kept, and it is its own inverse.

    Parameters
    ----------
    samples : (…, 2, time), left and right

    Returns
    -------
    (…, 2, time), middle and side
    """
    if samples.ndim < 2 or samples.shape[-2] != 2:
        raise UsageError(f"mid and side of shape {tuple(samples.shape)}: needs (…, 2, time), two channels")
    first, second = samples[..., 0, :], samples[..., 1, :]
    half = math.sqrt(0.5)
    return namespace(samples).stack([(first + second) * half, (first - second) * half], axis=-2)


def left_right(mid_side_samples: Array) -> Array:
    """Left and right from middle and side: the inverse of `mid_side`, and the same map.

    Parameters
    ----------
    mid_side_samples : (…, 2, time), middle and side

    Returns
    -------
    (…, 2, time), left and right
    """
    return mid_side(mid_side_samples)
