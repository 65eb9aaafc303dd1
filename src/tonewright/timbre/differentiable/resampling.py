"""Change of sample rate that torch can differentiate."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
import torch

from tonewright.audio.clips import resample
from tonewright.timbre.differentiable.filtering import fast_length, like

# For what the low-pass adds before and after a sound, at the lower rate.
_MARGIN_SAMPLES = 1024


def resampled(samples: torch.Tensor, *, from_rate: int, to_rate: int) -> torch.Tensor:
    """Sound at another sample rate, as `audio.clips.resample` has it.

    The spectrum is cut, or continued with zeros, and multiplied by the response of soxr's high-quality
    low-pass, which is flat up to 91 % of the lower Nyquist frequency and falls to nothing there. The
    transform holds a whole number of periods of both rates, so that the sampling points agree, with zeros
    after the sound for what the low-pass adds before and after it.

    Parameters
    ----------
    samples : (…, time)
    from_rate, to_rate : Hz

    Returns
    -------
    (…, new time), round(time · to_rate / from_rate) samples, one at least
    """
    time = samples.shape[-1]
    if from_rate == to_rate:
        return samples
    common = math.gcd(from_rate, to_rate)
    period, new_period = from_rate // common, to_rate // common
    margin = -(-_MARGIN_SAMPLES * from_rate // min(from_rate, to_rate))
    periods = fast_length(max(-(-(time + 2 * margin) // period), 2))
    gain = like(_low_pass(from_rate, to_rate, periods), samples)
    spectrum = torch.fft.rfft(samples, n=periods * period)[..., : len(gain)]
    wanted = max(round(time * to_rate / from_rate), 1)
    return torch.fft.irfft(spectrum * gain, n=periods * new_period)[..., :wanted]


@lru_cache(maxsize=8)
def _low_pass(from_rate: int, to_rate: int, periods: int) -> np.ndarray:
    """Response of the low-pass, from its answer to an impulse, at the bins of both transforms: (bins,)."""
    common = math.gcd(from_rate, to_rate)
    period, new_period = from_rate // common, to_rate // common
    middle = periods // 2
    impulse = np.zeros((1, periods * period))
    impulse[0, middle * period] = 1
    answer = resample(impulse, from_rate=from_rate, to_rate=to_rate)[0]
    gain = np.fft.rfft(np.roll(answer, -middle * new_period), n=periods * new_period).real
    return gain[: periods * min(period, new_period) // 2 + 1]
