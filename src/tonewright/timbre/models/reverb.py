"""Reverb: whether a sound is reverberant, from the likeliest decay of the stretches in which it falls."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tonewright.timbre.models.reverb_kernels import falling_decays

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_SLOPE, _CONSTANT = 2.97126461, -1.45082989
_DECAYS_S = 0.2 + 0.1 * np.arange(10)
# At 24 kHz; other rates in proportion.
_SUB_FRAME, _HOP, _REMEMBERED = 700, 200, 800
_SUB_FRAMES = 7
_INITIAL_S, _KEPT_SHARE = 0.3, 0.995
_LEAST_RATE_HZ = 44100


class ReverbFeatures(NamedTuple):
    """What the class of a sound rests on.

    Attributes
    ----------
    mean_rt60 : reverberation time in seconds, mean of the first two channels, from 0.2 to 1.1
    probability : that the sound is heard as reverberant, 1 / (1 + e^{−(2.97 mean_rt60 − 1.45)})
    """

    mean_rt60: float
    probability: float


def features(hearing: Hearing) -> ReverbFeatures:
    """Mean reverberation time and probability, after Jan and Wang.

    T. Jan and W. Wang, "Blind reverberation time estimation based on Laplace distribution", EUSIPCO (2012);
    the order statistics and the smoothing follow H. W. Löllmann, E. Yilmaz, M. Jeub and P. Vary, "An improved
    algorithm for blind reverberation time estimation", IWAENC (2010).

    Parameters
    ----------
    hearing : the sound; its channels are looked at one by one, without any gain; the classic mode raises
        rates below 44.1 kHz first
    """
    channels, rate = hearing.channels[:2], hearing.channels_rate
    if not hearing.corrected and rate < _LEAST_RATE_HZ:
        from tonewright.timbre.kaiser import raised

        channels = [raised(_double(channel), from_rate=rate, to_rate=_LEAST_RATE_HZ) for channel in channels]
        rate = _LEAST_RATE_HZ
    mean = float(np.mean([classic_time_s(channel, rate) for channel in channels]))
    return ReverbFeatures(mean, 1.0 / (1.0 + math.exp(-(_SLOPE * mean + _CONSTANT))))


def _double(samples: np.ndarray) -> np.ndarray:
    return np.ascontiguousarray(samples, np.float64)


def value(features: ReverbFeatures) -> float:
    """1.0 where a sound is reverberant, that is from a probability of one half on, otherwise 0.0."""
    return 0.0 if features.probability < 0.5 else 1.0


def classic_time_s(samples: np.ndarray, sample_rate: int) -> float:
    r"""Reverberation time of one channel, mean of a smoothed estimate over the frames that hold a decay.

    Every second sample is kept. A frame holds a decay when variance, maximum and −minimum fall over three or
    four sub-frames and then no longer all do. Its time is the likeliest of 0.2, 0.3, … 1.1 s for Laplacian
    noise that fades, with :math:`a = 10^{-3/(T f_s)}` the one of greatest

    .. math:: -N \log \frac{1}{N} \sum_n a^{-n} |x_n| - \log a \, N (N - 1) / 2

    The most frequent of the last estimates is smoothed from frame to frame.

    Parameters
    ----------
    samples : (time,)
    sample_rate : in Hz; all lengths follow it

    Returns
    -------
    0.2 where nothing falls, or the sound is shorter than a frame, 0.204 s
    """
    step = 2 if sample_rate > 8000 else 1
    scale = sample_rate / 24000.0
    sub_frame = round(scale * _SUB_FRAME / step)
    hop = round(scale * _HOP / step)
    span = _SUB_FRAMES * sub_frame * step
    if samples.size <= span or hop == 0:
        return float(_DECAYS_S[0])
    frames = (samples.size - span) // hop + 1
    kept = np.zeros((step, -(-samples.size // step)))
    for phase in range(step):
        part = samples[phase::step]
        kept[phase, : part.size] = part
    log_growth = 3.0 * math.log(10.0) * step / (_DECAYS_S * sample_rate)
    growth = np.exp(log_growth[:, None] * np.arange(4 * sub_frame))
    found = np.full(frames, -1)
    falling_decays(kept, sub_frame, hop, growth, log_growth, found)
    return _mean_smoothed(found.tolist(), round(scale * _REMEMBERED / step))


def _mean_smoothed(found: list[int], remembered: int) -> float:
    """Mean of the smoothed estimate over the frames that gave one; 0.2 where none did.

    Of the last estimates the most frequent is smoothed. The very first is never forgotten.

    Parameters
    ----------
    found : for each frame the index of a decay, or −1
    remembered : how many estimates are counted
    """
    decays_s = _DECAYS_S.tolist()
    estimates = [index for index in found if index >= 0]
    counts = [0] * len(decays_s)
    frequent = smoothed = _INITIAL_S
    total, seen = 0.0, 0
    for index in found:
        if index >= 0:
            counts[index] += 1
            seen += 1
            if seen > remembered + 1:
                counts[estimates[seen - 1 - remembered]] -= 1
            frequent = decays_s[counts.index(max(counts))]
        smoothed = _KEPT_SHARE * smoothed + (1.0 - _KEPT_SHARE) * frequent
        if index >= 0:
            total += smoothed
    return total / seen if seen else decays_s[0]
