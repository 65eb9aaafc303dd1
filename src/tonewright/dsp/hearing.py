"""Scales of hearing: pitch in mel, mel bands, the A-weighting."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np

from tonewright.dsp.array import Array, as_arrays, as_like, namespace
from tonewright.errors import UsageError

# M. Slaney's Auditory Toolbox (1998): linear below 1 kHz, 27 bands per factor 6.4 above.
_SLANEY_LINEAR_HZ = 200 / 3
_SLANEY_BREAK_HZ = 1000.0
_SLANEY_BREAK_MEL = _SLANEY_BREAK_HZ / _SLANEY_LINEAR_HZ
_SLANEY_LOG_STEP = math.log(6.4) / 27
_HTK_MEL = 2595 / math.log(10)


def _check_scale(scale: str) -> None:
    if scale not in ("slaney", "htk"):
        raise UsageError(f"mel scale {scale!r}: not known; choose slaney or htk")


def mel_from_hz(frequency_hz: Array | float, *, scale: str = "slaney") -> Array:
    """Pitch in mel.

    Parameters
    ----------
    frequency_hz : (…), 0 or more
    scale : "slaney", linear below 1 kHz and logarithmic above; "htk", 2595 log₁₀(1 + f/700)

    Returns
    -------
    (…)
    """
    _check_scale(scale)
    (frequency,) = as_arrays(frequency_hz)
    xp = namespace(frequency)
    if scale == "htk":
        return _HTK_MEL * xp.log1p(frequency / 700)
    ratio = xp.maximum(frequency / _SLANEY_BREAK_HZ, as_like(1.0, frequency))
    above = _SLANEY_BREAK_MEL + xp.log(ratio) / _SLANEY_LOG_STEP
    return xp.where(frequency < _SLANEY_BREAK_HZ, frequency / _SLANEY_LINEAR_HZ, above)


def hz_from_mel(pitch_mel: Array | float, *, scale: str = "slaney") -> Array:
    """Frequency in Hz; the inverse of `mel_from_hz`.

    Parameters
    ----------
    pitch_mel : (…)
    scale : "slaney" or "htk"

    Returns
    -------
    (…)
    """
    _check_scale(scale)
    (pitch,) = as_arrays(pitch_mel)
    xp = namespace(pitch)
    if scale == "htk":
        return 700 * xp.expm1(pitch / _HTK_MEL)
    excess = xp.maximum(pitch - _SLANEY_BREAK_MEL, as_like(0.0, pitch))
    above = _SLANEY_BREAK_HZ * xp.exp(excess * _SLANEY_LOG_STEP)
    return xp.where(pitch < _SLANEY_BREAK_MEL, pitch * _SLANEY_LINEAR_HZ, above)


def mel_filterbank(
    *,
    sample_rate: float,
    n_fft: int,
    n_mels: int,
    low_hz: float = 0.0,
    high_hz: float | None = None,
    scale: str = "slaney",
    normalised: bool = True,
    like: Array | None = None,
) -> Array:
    """Triangular bands, evenly spaced in mel, over the bins of a spectrum.

    Parameters
    ----------
    sample_rate : in Hz
    n_fft : samples a frame of the spectrum
    n_mels : number of bands
    low_hz, high_hz : where the first band begins and the last one ends; half the sample rate by default
    scale : "slaney" or "htk"
    normalised : bands of area 1 over frequency in Hz; otherwise of height 1
    like : array whose framework, device and precision to follow; NumPy's float64 by default

    Returns
    -------
    (n_mels, n_fft//2 + 1)
    """
    high_hz = sample_rate / 2 if high_hz is None else high_hz
    bands = _mel_filterbank(sample_rate, n_fft, n_mels, low_hz, high_hz, scale, normalised)
    return bands.copy() if like is None else as_like(bands, like)


@lru_cache(maxsize=32)
def _mel_filterbank(
    sample_rate: float, n_fft: int, n_mels: int, low_hz: float, high_hz: float, scale: str, normalised: bool
) -> np.ndarray:
    if n_mels < 1 or not 0 <= low_hz < high_hz:
        raise UsageError(
            f"mel bands: {n_mels} from {low_hz:g} to {high_hz:g} Hz; needs some, from low to high"
        )
    first, last = (float(mel_from_hz(edge, scale=scale)) for edge in (low_hz, high_hz))
    edges = hz_from_mel(np.linspace(first, last, n_mels + 2), scale=scale)
    bins = np.fft.rfftfreq(n_fft, 1 / sample_rate)
    low, center, high = edges[:-2, None], edges[1:-1, None], edges[2:, None]
    bands = np.maximum(0, np.minimum((bins - low) / (center - low), (high - bins) / (high - center)))
    return bands * (2 / (high - low)) if normalised else bands


def a_weighting_db(frequency_hz: Array | float, *, floor_db: float = -80.0) -> Array:
    """A-weighting of IEC 61672-1 in dB: the ear's sensitivity to quiet tones, 0 dB at 1 kHz.

    A(f) = 20 log₁₀ [f₄² f⁴ / ((f² + f₁²) √(f² + f₂²) √(f² + f₃²) (f² + f₄²))] + 2.00

    Parameters
    ----------
    frequency_hz : (…)
    floor_db : what 0 Hz is given, and every frequency weighted less

    Returns
    -------
    (…)
    """
    (frequency,) = as_arrays(frequency_hz)
    xp = namespace(frequency)
    squared = frequency * frequency

    def log_pole(pole_hz: float) -> Array:
        return xp.log10(squared + pole_hz**2)

    poles = (
        20 * log_pole(20.598997) + 10 * (log_pole(107.65265) + log_pole(737.86223)) + 20 * log_pole(12194.217)
    )
    # No frequency that matters lies below 1 mHz; zero itself would have no logarithm.
    zeros = 80 * xp.log10(xp.maximum(xp.abs(frequency), as_like(1e-3, frequency)))
    level = zeros - poles + (2.0 + 40 * math.log10(12194.217))
    return xp.maximum(level, as_like(floor_db, frequency))
