"""Programme loudness after ITU-R BS.1770-4: K-weighting, 400 ms blocks, two gates."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from tonewright.dsp.array import Array, as_complex, as_like, indices_like, namespace, pad_last
from tonewright.dsp.biquads import series_response
from tonewright.errors import UsageError

# Left, right, centre, left surround, right surround; with six channels the fourth is the low-frequency
# channel, in the order of a WAV file, which the standard leaves out.
_CHANNEL_WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)
_CHANNEL_WEIGHTS_WITH_LFE = (1.0, 1.0, 1.0, 0.0, 1.41, 1.41)
_OFFSET_DB = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE = 0.1  # −10 LU as a ratio of energies
_STEPS_PER_SECOND = 10
_STEPS_PER_BLOCK = 4
_STEPS_PER_PIECE = 125
# The slowest pole of the weighting decays by 240 nepers a second: after 0.3 s nothing is left in float64.
_MEMORY_S = 0.3
_LOWEST_SAMPLE_RATE = 4000.0


def k_weighting(sample_rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients of the two filters of the K-weighting at any sample rate.

    The standard tabulates them at 48 kHz. Here the bilinear transform, with K = tan(π f₀/f_s), is applied
    to the analogue prototypes behind that table,

        shelf  (V s² + √V̂ s/Q + 1) / (s² + s/Q + 1),     high-pass  s² / (s² + s/Q + 1),

    with f₀, Q and V as found by B. De Man ("Evaluation of implementations of the EBU R128 loudness
    measurement", AES 145, 2018); √V̂ = V^0.49967. At 48 kHz the table results. As in common meters, the
    high-pass keeps the numerator 1, −2, 1 of the table at every rate; that costs −0.02 dB at 96 kHz and
    +0.22 dB at 8 kHz.

    Parameters
    ----------
    sample_rate : in Hz, 4000 or more

    Returns
    -------
    b, a : (2, 3) each, the shelf first
    """
    if not sample_rate >= _LOWEST_SAMPLE_RATE:
        raise UsageError(
            f"loudness at {sample_rate:g} Hz: needs {_LOWEST_SAMPLE_RATE:g} Hz or more; resample it"
        )
    shelf_q, high_gain = 0.7071752369554193, 10 ** (3.99984385397 / 20)
    middle_gain = high_gain**0.499666774155
    k = math.tan(math.pi * 1681.9744509555319 / sample_rate)
    shelf_b = [
        high_gain + middle_gain * k / shelf_q + k * k,
        2 * (k * k - high_gain),
        high_gain - middle_gain * k / shelf_q + k * k,
    ]
    shelf_a = [1 + k / shelf_q + k * k, 2 * (k * k - 1), 1 - k / shelf_q + k * k]
    pass_q = 0.5003270373253953
    k = math.tan(math.pi * 38.13547087613982 / sample_rate)
    pass_a = [1 + k / pass_q + k * k, 2 * (k * k - 1), 1 - k / pass_q + k * k]
    b = np.array([np.array(shelf_b) / shelf_a[0], [1.0, -2.0, 1.0]])
    a = np.array([np.array(shelf_a) / shelf_a[0], np.array(pass_a) / pass_a[0]])
    return b, a


def integrated_loudness(
    samples: Array, *, sample_rate: float, channel_weights: Sequence[float] | None = None
) -> Array:
    """Loudness of a whole sound in LUFS, gated, after ITU-R BS.1770-4.

    The mean square of the K-weighted channels, weighted and summed, is taken over blocks of 400 ms every
    100 ms. Blocks at or below −70 LUFS are dropped, then blocks 10 LU or more below the mean of the rest;
    the answer is −0.691 + 10 log₁₀ of the mean of what remains. Only whole blocks count. A sound shorter
    than 400 ms is one block of its own length. When no block passes, silence above all, the answer is −∞,
    with gradient zero.

    Parameters
    ----------
    samples : (…, channels, time)
    sample_rate : in Hz, 4000 or more
    channel_weights : energy weight of each channel. By default 1, 1, 1, 1.41, 1.41 for as many of left,
        right, centre and surrounds as there are, and for six channels 0 for the fourth, the low-frequency
        one.

    Returns
    -------
    (…)
    """
    xp = namespace(samples)
    if samples.ndim < 2:
        raise UsageError(f"loudness of shape {tuple(samples.shape)}: needs (…, channels, time)")
    weights = as_like(_weights(samples.shape[-2], channel_weights), samples)
    if samples.shape[-1] == 0:
        return xp.sum(samples, axis=(-2, -1)) - math.inf
    bounds, shared = _step_bounds(samples.shape[-1], sample_rate)
    energies = []
    for start in range(0, bounds.shape[0] - 1, _STEPS_PER_PIECE):
        piece = _step_energies(samples, bounds[start : start + _STEPS_PER_PIECE + 1], sample_rate)
        energies.append(xp.sum(piece * weights[:, None], axis=-2))
    steps = xp.concat(energies, axis=-1)
    blocks = steps.shape[-1] - shared + 1
    energy = sum(steps[..., step : step + blocks] for step in range(shared))
    # Plain numbers throughout: one of NumPy's would turn float32 into float64.
    block = float(bounds[-1]) if shared == 1 else float(sample_rate) * shared / _STEPS_PER_SECOND
    return _gated_loudness(energy / block)


def _weights(channels: int, chosen: Sequence[float] | None) -> Sequence[float]:
    if chosen is None and channels <= len(_CHANNEL_WEIGHTS):
        return _CHANNEL_WEIGHTS[:channels]
    if chosen is None and channels == len(_CHANNEL_WEIGHTS_WITH_LFE):
        return _CHANNEL_WEIGHTS_WITH_LFE
    if chosen is None or len(chosen) != channels:
        raise UsageError(f"loudness of {channels} channels: give channel_weights, one for each channel")
    return chosen


def _step_bounds(length: int, sample_rate: float) -> tuple[np.ndarray, int]:
    """Where the 100 ms steps begin and end, and how many steps make a block."""
    steps = math.floor(length * _STEPS_PER_SECOND / sample_rate)
    if steps < _STEPS_PER_BLOCK:
        return np.array([0, length]), 1
    return np.floor(np.arange(steps + 1) * sample_rate / _STEPS_PER_SECOND).astype(int), _STEPS_PER_BLOCK


def _step_energies(samples: Array, bounds: np.ndarray, sample_rate: float) -> Array:
    """Σ y² of the K-weighted samples over each step.

    The weighting is a product of spectra. What comes round from the end falls on the samples before the
    first step, which are there to fill the filters' memory and are then dropped.

    Returns
    -------
    (…, channels, steps)
    """
    xp = namespace(samples)
    memory = math.ceil(_MEMORY_S * sample_rate)
    first, last = int(bounds[0]), int(bounds[-1])
    begin = max(first - memory, 0)
    piece = pad_last(samples[..., begin:last], memory - (first - begin), 0)
    n_fft = _fast_length(piece.shape[-1])
    weighting = _weighting_response(sample_rate, n_fft)
    gain = as_complex(as_like(np.real(weighting), samples), as_like(np.imag(weighting), samples))
    weighted = xp.fft.irfft(xp.fft.rfft(piece, n=n_fft) * gain, n=n_fft)[..., memory : memory + last - first]
    power = weighted * weighted
    sizes = np.diff(bounds)
    if (sizes == sizes[0]).all():
        return xp.sum(xp.reshape(power, (*power.shape[:-1], len(sizes), int(sizes[0]))), axis=-1)
    # Steps of uneven length, where a tenth of a second is no whole number of samples.
    offsets = (bounds[:-1] - first)[:, None] + np.arange(sizes.max())
    inside = np.arange(sizes.max()) < sizes[:, None]
    rows = xp.take(power, indices_like(np.where(inside, offsets, 0).reshape(-1), samples), axis=-1)
    rows = xp.reshape(rows, (*power.shape[:-1], *inside.shape))
    return xp.sum(rows * as_like(inside.astype(float), samples), axis=-1)


@lru_cache(maxsize=8)
def _weighting_response(sample_rate: float, n_fft: int) -> np.ndarray:
    b, a = k_weighting(sample_rate)
    return series_response(b, a, np.fft.rfftfreq(n_fft, 1 / sample_rate), sample_rate=sample_rate)


def _fast_length(length: int) -> int:
    """Least length with no prime factor above 5 that is not below `length`."""
    best = 1 << max(length - 1, 0).bit_length()
    five = 1
    while five < best:
        three = five
        while three < best:
            best = min(best, three << max(-(-length // three) - 1, 0).bit_length())
            three *= 3
        five *= 5
    return best


def _gated_loudness(energy: Array) -> Array:
    """Loudness of blocks of weighted mean square.

    Parameters
    ----------
    energy : (…, blocks)

    Returns
    -------
    (…)
    """
    xp = namespace(energy)

    def mean(passing: Array) -> tuple[Array, Array]:
        # Products, not selections, so that NaN in the sound is not gated away.
        kept = xp.astype(passing, energy.dtype)
        count = xp.sum(kept, axis=-1)
        total = xp.sum(kept * energy, axis=-1)
        return total / xp.where(count > 0, count, xp.ones_like(count)), count

    absolute = energy > as_like(10 ** ((_ABSOLUTE_GATE_LUFS - _OFFSET_DB) / 10), energy)
    first, _ = mean(absolute)
    gated, count = mean(absolute & (energy > _RELATIVE_GATE * first[..., None]))
    # A comparison with NaN is false: "not known to be silent" keeps NaN, where "loud" would hide it.
    silent = (count == 0) & (gated == 0)
    level = _OFFSET_DB + 10 * xp.log10(xp.where(silent, xp.ones_like(gated), gated))
    return xp.where(silent, as_like(-math.inf, energy), level)
