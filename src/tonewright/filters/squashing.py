"""Raw outputs of a decoder, squashed into filters: one formula for JAX and NumPy.

A decoder ends in three numbers a filter. Sigmoids squash them into the ranges of frequency, Q and gain, so
that whatever the network says is a bank whose poles lie inside the unit circle.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tonewright.dsp.array import Array, namespace
from tonewright.dsp.ranges import Range
from tonewright.filters.config import Config
from tonewright.filters.spectra.grids import erb_frequency_hz, erb_rate

Q = Range(0.1, 30.0, "log")
GAIN = Range(0.001, 10.0, "log")
GREATEST_SIGNED_GAIN = 10.0
_SIGNED_BEND = 7.0
_FIRST_GAIN = 0.17
_FIRST_OVERLAP = 2.0
_HIGHEST_SHARE_OF_RATE = 0.48


class BankArrays(NamedTuple):
    """Parallel band-passes, many banks at once.

    Attributes
    ----------
    frequency_hz : (…, filters)
    q : (…, filters)
    gain : (…, filters), linear factors, signed
    """

    frequency_hz: Array
    q: Array
    gain: Array


def frequency_range(config: Config) -> Range:
    """Frequencies of the filters: 20 Hz to 20 kHz, or to just below half the sample rate."""
    return Range(20.0, min(20_000.0, _HIGHEST_SHARE_OF_RATE * config.sample_rate), "log", "Hz")


def squashed(raw: Array, config: Config) -> BankArrays:
    """Filters that raw outputs stand for.

    f = 20·1000^σ(u), Q = 0.1·300^σ(v); the gain is 10^(4 σ(w) − 3), or where it is signed
    10·sinh(7 tanh(w/2))/sinh 7, which is as fine near 0 as a logarithm and passes through it.

    Parameters
    ----------
    raw : (…, 3, filters): u, v and w

    Returns
    -------
    frequency_hz, q, gain : (…, filters) each
    """
    xp = namespace(raw)
    half = xp.tanh(0.5 * raw)
    unit = 0.5 + 0.5 * half
    if config.signed:
        gain = (GREATEST_SIGNED_GAIN / math.sinh(_SIGNED_BEND)) * xp.sinh(_SIGNED_BEND * half[..., 2, :])
    else:
        gain = GAIN.from_unit(unit[..., 2, :])
    return BankArrays(frequency_range(config).from_unit(unit[..., 0, :]), Q.from_unit(unit[..., 1, :]), gain)


def spread(config: Config) -> np.ndarray:
    """Raw outputs at which the filters lie spread over the band, in equal steps of the ear's scale.

    Each is twice as wide as the steps between them, and all have one gain; where gains are signed, the signs
    of neighbours alternate, since the band-passes' phases turn from +90° to −90° and equal signs would leave
    a notch half way between.

    Returns
    -------
    (3·filters,)
    """
    band = frequency_range(config)
    edges = erb_rate(np.array([band.low, band.high]))
    edge = (np.arange(config.filters + 1) / config.filters) * (edges[1] - edges[0]) + edges[0]
    low, high = erb_frequency_hz(edge[:-1]), erb_frequency_hz(edge[1:])
    center = erb_frequency_hz((edge[:-1] + edge[1:]) / 2)
    q = np.clip(center / (_FIRST_OVERLAP * (high - low)), 1.2 * Q.low, 0.8 * Q.high)
    gain = np.full(config.filters, _FIRST_GAIN)
    if config.signed:
        bend = np.arcsinh(gain * math.sinh(_SIGNED_BEND) / GREATEST_SIGNED_GAIN) / _SIGNED_BEND
        last = 2 * np.arctanh(bend * (-1.0) ** np.arange(config.filters))
    else:
        last = _logit(GAIN.to_unit(gain))
    return np.concatenate((_logit(band.to_unit(center)), _logit(Q.to_unit(q)), last)).astype(np.float32)


def _logit(unit: np.ndarray) -> np.ndarray:
    return np.log(unit / (1 - unit))
