"""The voice's source: pulses after the model of Liljencrants and Fant.

G. Fant, J. Liljencrants, Q. Lin, "A four-parameter model of glottal flow", STL-QPSR 26(4), 1985, and
G. Fant, "The LF-model revisited. Transformations and frequency domain analysis", STL-QPSR 36(2–3), 1995,
whose shape parameter Rd goes from pressed (0.4) to breathy (2.7).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.optimize import brentq
from scipy.signal import resample_poly

from tonewright.audio.band.synthesis import SAMPLE_RATE, read_table

SHAPES = (0.4, 0.6, 0.8, 1.0, 1.3, 1.7, 2.2, 2.7)

_SIZE = 2048


def _root(function: Callable[[float], float], low: float, high: float) -> float:
    return float(np.asarray(brentq(function, low, high)))


def pulse(shape: float, size: int = _SIZE) -> np.ndarray:
    """One period of the derivative of glottal flow for ``Rd = shape``, (size,); its negative peak is −1.

    ``E(t) = E₀ e^{αt} sin(ω_g t)`` until ``t_e``, then
    ``−(e^{−ε(t−t_e)} − e^{−ε(1−t_e)}) / (ε t_a)``; α and ε follow from a flow that returns to zero.
    """
    return_ratio = (-1.0 + 4.8 * shape) / 100.0
    skew = (22.4 + 11.8 * shape) / 100.0
    glottal = 0.25 * skew / (0.11 * shape / (0.5 + 1.2 * skew) - return_ratio)
    peak = 1.0 / (2.0 * glottal)
    closing = peak * (1.0 + skew)
    back = max(return_ratio, 1e-3)
    rest = 1.0 - closing
    rate = _root(lambda e: e * back - 1.0 + np.exp(-e * rest), 0.05 / back, 2.0 / back)
    return_area = -(1.0 / (rate * back)) * ((1 - np.exp(-rate * rest)) / rate - rest * np.exp(-rate * rest))
    omega = np.pi / peak

    def open_area(growth: float) -> float:
        sine, cosine = np.sin(omega * closing), np.cos(omega * closing)
        area = (growth * sine - omega * cosine + omega * np.exp(-growth * closing)) / (growth**2 + omega**2)
        return float(-area / sine)  # scaled so that E(t_e) = −1

    growth = _root(lambda a: open_area(a) + return_area, -60.0, 200.0)
    t = np.arange(size) / size
    opening = -np.exp(growth * (t - closing)) * np.sin(omega * t) / np.sin(omega * closing)
    closure = -(np.exp(-rate * (t - closing)) - np.exp(-rate * rest)) / (rate * back)
    return np.where(t <= closing, opening, closure)


@lru_cache(maxsize=1)
def _pulses() -> np.ndarray:
    """The pulses of all shapes, closures aligned, as tables with the first sample repeated."""
    tables = np.stack([pulse(shape) for shape in SHAPES])
    tables = np.stack([np.roll(table, -int(np.argmin(table))) for table in tables])
    tables -= tables.mean(axis=1, keepdims=True)
    return np.concatenate([tables, tables[:, :1]], axis=1)


def glottal_source(
    frequency_hz: np.ndarray,
    shape: np.ndarray,
    rng: np.random.Generator,
    *,
    jitter: float = 0.0012,
    shimmer: float = 0.04,
) -> tuple[np.ndarray, np.ndarray]:
    """A train of pulses with jitter and shimmer, and its phase in turns, both (time,).

    Read at twice the sample rate and decimated, for the pulses' corners are not band-limited.

    Parameters
    ----------
    frequency_hz, shape : (time,) at SAMPLE_RATE
    """
    samples = frequency_hz.shape[0]
    phase = np.cumsum(frequency_hz, dtype=np.float64) / SAMPLE_RATE
    cycles = int(phase[-1]) + 3
    wander = rng.standard_normal(cycles) * jitter
    cycle = phase.astype(np.int32)
    part = phase - cycle
    phase = phase + wander[cycle] + part * (wander[cycle + 1] - wander[cycle])
    double = np.interp(np.arange(2 * samples) * 0.5, np.arange(samples), phase)
    position = np.interp(shape, SHAPES, np.arange(len(SHAPES))).astype(np.float32)
    sound = read_table(_pulses(), double, np.repeat(position, 2))
    gains = (1.0 + shimmer * rng.standard_normal(cycles + 2)).astype(np.float32)
    sound *= gains[np.maximum(double, 0.0).astype(np.int32)]
    return resample_poly(sound, 1, 2).astype(np.float32)[:samples], phase
