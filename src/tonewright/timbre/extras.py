"""What comes with the descriptors at next to no cost: loudness, crest, centroid, flatness, onset rate."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from tonewright.timbre.audible import AUDIBLE_HZ
from tonewright.timbre.onsets import pick_frames

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_FRAME = 2048
# Empty bands, as of sounds that were raised from a lower rate, count as 120 dB below the highest bin.
_LEAST_SHARE = 1e-12
_LEAST_RISE_DB = 3.0


def extras(hearing: Hearing) -> dict[str, float]:
    """Measures of the sound, as one channel but for its loudness, from what was computed already.

    With the samples x, and P_k the power spectrum of centred Hann frames of 2048 samples every 512, summed
    over the frames, without bin 0:

    - loudness_lufs: integrated loudness of all channels as they came, ITU-R BS.1770-4
    - crest_db: 20 log₁₀(max |x| / √mean x²)
    - centroid_hz: Σ f_k P_k / Σ P_k
    - flatness: exp(mean log P_k) / mean P_k, no bin counting as lower than 120 dB below the highest; 1 for
      white noise, 0 for a sine
    - onsets_per_s: peaks of the onset strength of 3 dB or more, over the length in seconds

    The corrected mode takes P up to 18 kHz, which is what it hears.

    A sound that has no spectrum without its mean has a flatness and centroid of NaN.
    """
    samples = hearing.samples
    spectrum = hearing.parts.power[1:]
    if hearing.corrected:  # what lies above was taken away
        spectrum = spectrum[: int(AUDIBLE_HZ * _FRAME / hearing.sample_rate)]
    centroid_hz, flatness = math.nan, math.nan
    if spectrum.max() > 0:
        bins = np.arange(1, spectrum.size + 1)
        centroid_hz = float(bins @ spectrum / spectrum.sum()) * hearing.sample_rate / _FRAME
        heard = np.maximum(spectrum, _LEAST_SHARE * spectrum.max())
        flatness = math.exp(float(np.log(heard).mean())) / float(heard.mean())
    return {
        "loudness_lufs": hearing.programme_lufs,
        "crest_db": hearing.crest_db,
        "centroid_hz": centroid_hz,
        "flatness": flatness,
        "onsets_per_s": _onsets(hearing.strength, hearing.sample_rate) * hearing.sample_rate / samples.size,
    }


def _onsets(strength: np.ndarray, sample_rate: int) -> int:
    """How many onsets are as strong as 3 dB somewhere before the next."""
    frames = np.unique(pick_frames(strength, sample_rate=sample_rate))
    if frames.size == 0:
        return 0
    return int((np.maximum.reduceat(strength, frames) >= _LEAST_RISE_DB).sum())
