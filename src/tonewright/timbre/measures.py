"""The eight descriptors one by one: of a clip, or of an array and its rate."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.timbre.description import (
    as_samples,
    checked,
    clipped,
    model,
    reverberation_time_s,
)
from tonewright.timbre.names import Mode, UnmeasurableError

Sound = Clip | np.ndarray


class Reverb(NamedTuple):
    """Whether a sound is reverberant.

    Parameters
    ----------
    value : 1 where the probability is at least one half, else 0; NaN where it cannot be said
    probability : of the class, from the logistic model
    time_s : reverberation time, T60, heard from the sound alone; NaN where no decay is heard
    """

    value: float
    probability: float
    time_s: float


def hardness(
    sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected", raw: bool = False
) -> float:
    """How hard a sound is struck: sudden, bright attacks against soft ones.

    A regression on bandwidth, centroid and strength of the attacks, level of the middle of the critical
    bands, share of percussive sound and attack time; A. Pearce, T. Brookes, R. Mason, "Modelling timbral
    hardness", Applied Sciences 9 (2019) 466.

    Parameters
    ----------
    sound : a clip, or samples (time,) or (channels, time), full scale ±1
    sample_rate : of an array, in Hz
    mode : "corrected", or "classic", which repeats the reference implementation with its faults
    raw : leave a value that the regression puts outside 0 to 100

    Returns
    -------
    0 to 100; NaN where the sound has no value, and `describe` says why
    """
    return _value("hardness", sound, sample_rate, mode, raw)


def depth(
    sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected", raw: bool = False
) -> float:
    """How deep a sound is: low energy, and how long it lasts.

    A regression on the centroid below 2 kHz, the share below 500 Hz, the length of notes and the lowest
    pitch; parameters as in `hardness`.
    """
    return _value("depth", sound, sample_rate, mode, raw)


def brightness(
    sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected", raw: bool = False
) -> float:
    """How bright a sound is: 4.61 log₁₀ r + 17.4 log₁₀ c + 17.4.

    r is the share of power above 2 kHz, c the centroid above 100 Hz in Hz; parameters as in `hardness`.
    """
    return _value("brightness", sound, sample_rate, mode, raw)


def roughness(
    sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected", raw: bool = False
) -> float:
    """How rough a sound is: beating of partials that share a critical band; zero for a sine.

    After P. N. Vassilakis, "SRA: a web-based research tool for spectral and roughness analysis of sound
    signals", Sound and Music Computing (2007); parameters as in `hardness`.
    """
    return _value("roughness", sound, sample_rate, mode, raw)


def warmth(
    sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected", raw: bool = False
) -> float:
    """How warm a sound is: loudness of the low-mid bands against centroid, treble and steepness of spectra.

    Parameters as in `hardness`.
    """
    return _value("warmth", sound, sample_rate, mode, raw)


def sharpness(
    sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected", raw: bool = False
) -> float:
    """How sharp a sound is: where its specific loudness N' lies on the Bark scale, .11 Σ N' g z / Σ N'.

    After H. Fastl and E. Zwicker; parameters as in `hardness`.
    """
    return _value("sharpness", sound, sample_rate, mode, raw)


def boominess(
    sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected", raw: bool = False
) -> float:
    """How much a sound booms: weighted specific loudness of its lowest bands.

    After S. Hatano and T. Hashimoto, "Booming index as a measure for evaluating booming sensation",
    Inter-noise (2000); parameters as in `hardness`.
    """
    return _value("boominess", sound, sample_rate, mode, raw)


def reverb(sound: Sound, sample_rate: int | None = None, *, mode: Mode = "corrected") -> Reverb:
    """Whether a sound is reverberant, with the probability and the reverberation time heard from it.

    Parameters
    ----------
    sound : a clip, or samples (time,) or (channels, time), full scale ±1
    sample_rate : of an array, in Hz
    mode : "corrected", or "classic", whose time is the one that the class is made from
    """
    from tonewright.timbre.sound import Hearing

    samples, rate = as_samples(sound, sample_rate)
    try:
        hearing = Hearing(samples, rate, mode=mode)
        features = model("reverb").features(hearing)
    except UnmeasurableError:
        return Reverb(math.nan, math.nan, math.nan)
    try:
        time_s = reverberation_time_s(hearing)
    except UnmeasurableError:
        time_s = math.nan
    return Reverb(model("reverb").value(features), features.probability, time_s)


def _value(name: str, sound: Sound, sample_rate: int | None, mode: Mode, raw: bool) -> float:
    from tonewright.timbre.sound import Hearing

    samples, rate = as_samples(sound, sample_rate)
    try:
        value = checked(model(name).value(model(name).features(Hearing(samples, rate, mode=mode))))
    except UnmeasurableError:
        return math.nan
    return value if raw else clipped(name, value)
