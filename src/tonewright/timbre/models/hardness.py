"""Hardness: how hard a sound is struck, from its attacks, its bandwidth and its percussive share.

A. Pearce, T. Brookes and R. Mason, "Modelling timbral hardness", Applied Sciences 9 (2019) 466.

What the corrected mode does otherwise: the silence put before the sound is a whole number of hops; what lies
above 18 kHz, which depends on the rate that a sound came with, enters neither the bandwidth nor the centroid;
a note that begins at its peak has an attack of one sample, where the classic mode has no value; and a sound
shorter than 2048 samples, a click, is followed by silence up to that length, so that all features exist.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tonewright.timbre.envelope import envelope as sample_and_hold
from tonewright.timbre.models.hardness_attacks import attack, attack_centroids
from tonewright.timbre.models.hardness_bandwidth import bandwidth_curve, onset_bandwidths
from tonewright.timbre.names import UnmeasurableError
from tonewright.timbre.onset_strength import HOP, onset_strength
from tonewright.timbre.onsets import find_onsets
from tonewright.timbre.percussion import Parts, parts
from tonewright.timbre.sound import ENVELOPE_DECAY_S
from tonewright.timbre.specific_loudness import bump

if TYPE_CHECKING:
    from tonewright.timbre.sound import Hearing

_NEAR_START = 4096
_CORRECTED_END_HZ = 18000.0
_LEAST_SAMPLES = 2048
_MIDDLE = (70, 140)  # tenths of a Bark
_LEAST_CENTROID_HZ, _LEAST_BANDWIDTH_HZ = 200.0, 512.0
_WEIGHTS = (
    12.079781720638145,
    18.52100377170042,
    14.139883645260355,
    5.567690321917516,
    3.9346817690405635,
    -4.326890461087848,
)
_CONSTANT = -85.60352209068202


class HardnessFeatures(NamedTuple):
    """What hardness is regressed on.

    Attributes
    ----------
    log_bandwidth : log₁₀ of the attacks' mean bandwidth in Hz, strong onsets counting more
    log_attack_centroid : log₁₀ of the mean spectral centroid of the 125 ms after the attacks begin, in Hz
    log_midband : log₁₀ of the specific loudness from 7 to 14 Bark, louder frames counting more
    log_percussive_ratio : log₁₀ of the percussive share
    log_onset_strength : log₁₀ of the onsets' mean strength in dB
    mean_log_attack_time : mean of the log₁₀ of the attacks' lengths in seconds
    """

    log_bandwidth: float
    log_attack_centroid: float
    log_midband: float
    log_percussive_ratio: float
    log_onset_strength: float
    mean_log_attack_time: float


class _Sound(NamedTuple):
    """A sound as it is measured; the strength is that with silence before it."""

    samples: np.ndarray
    parts: Parts
    envelope: np.ndarray
    strength: np.ndarray


class _Notes(NamedTuple):
    """What the onsets of a sound have.

    Attributes
    ----------
    bandwidths_hz : NaN where the bandwidth does not rise
    centroids_hz : of those that are long enough
    strengths : the highest onset strength of each
    log_times : log₁₀ of the attack time in seconds
    """

    bandwidths_hz: np.ndarray
    centroids_hz: list[float]
    strengths: np.ndarray
    log_times: list[float]


def features(hearing: Hearing) -> HardnessFeatures:
    """Features of hardness.

    Parameters
    ----------
    hearing : the sound

    Raises
    ------
    UnmeasurableError
        If nothing is heard from 7 to 14 Bark, nothing is percussive, or no onset has any strength; in the
        classic mode, if a note begins at its peak.
    """
    middle = np.einsum("tz,z->t", hearing.specific.pattern, bump(*_MIDDLE))
    weights = np.sqrt(hearing.specific.power)
    sound = _long_enough(hearing)
    notes = _notes(sound, hearing.sample_rate, lead=hearing.lead, corrected=hearing.corrected)
    centroid_hz = float(np.mean(notes.centroids_hz)) if notes.centroids_hz else 0.0
    return HardnessFeatures(
        math.log10(_bandwidth(notes, hearing.sample_rate)),
        math.log10(max(centroid_hz, _LEAST_CENTROID_HZ)),
        _logarithm(middle @ weights / weights.sum(), "nothing is heard from 7 to 14 Bark"),
        _logarithm(_percussive_share(sound.parts), "nothing is percussive"),
        _logarithm(notes.strengths.mean(), "too short for an onset"),
        float(np.mean(notes.log_times)),
    )


def value(features: HardnessFeatures) -> float:
    """Hardness on the scale of listeners' ratings, 0 to 100 but for what lies outside of them."""
    return sum(weight * feature for weight, feature in zip(_WEIGHTS, features, strict=True)) + _CONSTANT


def _logarithm(number: float, reason: str) -> float:
    if not number > 0:
        raise UnmeasurableError(reason)
    return math.log10(number)


def _bandwidth(notes: _Notes, sample_rate: int) -> float:
    """Mean in Hz, weighted by onset strength; a stand-in where it is low or there is none."""
    known = np.isfinite(notes.bandwidths_hz) & (notes.strengths > 0)
    if known.any():
        mean = float(np.average(notes.bandwidths_hz[known], weights=notes.strengths[known]))
        if mean > _LEAST_BANDWIDTH_HZ:
            return mean
    return sample_rate / _LEAST_BANDWIDTH_HZ


def _percussive_share(parts: Parts) -> float:
    """Σ percussive / Σ (percussive + harmonic), over the RMS of blocks of two hops, every hop."""
    energies = np.array([parts.percussive, parts.harmonic])
    if energies.shape[1] > 1:
        energies = energies[:, :-1] + energies[:, 1:]
    percussive, harmonic = np.sqrt(energies).sum(axis=1)
    if not percussive + harmonic > 0:
        raise UnmeasurableError("too short for a percussive part: fewer than 512 samples")
    return float(percussive / (percussive + harmonic))


def _long_enough(hearing: Hearing) -> _Sound:
    samples, rate = hearing.samples, hearing.sample_rate
    if samples.size >= _LEAST_SAMPLES or not hearing.corrected:
        return _Sound(samples, hearing.parts, hearing.envelope, hearing.led_strength)
    samples = np.concatenate((samples, np.zeros(_LEAST_SAMPLES - samples.size)))
    around = sample_and_hold(samples, sample_rate=rate, decay_s=ENVELOPE_DECAY_S)
    strength = onset_strength(samples, sample_rate=rate, lead=hearing.lead)
    return _Sound(samples, parts(samples), around, strength)


def _notes(sound: _Sound, rate: int, *, lead: int, corrected: bool) -> _Notes:
    samples, strength = sound.samples, sound.strength
    envelope = np.concatenate((np.zeros(lead), sound.envelope))
    found = find_onsets(samples, envelope, _NEAR_START, sample_rate=rate, strength=strength)
    onsets = [0] if found.size == 1 else found.tolist()
    ends = [*onsets[1:], envelope.size]
    attacks = [attack(envelope[begin:end], sample_rate=rate) for begin, end in zip(onsets, ends, strict=True)]
    if not corrected and any(one.seconds == 0 for one in attacks):
        raise UnmeasurableError("a note begins at its peak")
    begins = [max(0, onset + one.start - lead) for onset, one in zip(onsets, attacks, strict=True)]
    end_hz = _CORRECTED_END_HZ if corrected else math.inf
    curve = bandwidth_curve(samples, sample_rate=rate, lead=lead, end_hz=end_hz)
    return _Notes(
        np.array(onset_bandwidths(curve, onsets, sample_rate=rate)),
        attack_centroids(samples, begins, [end - lead for end in ends], sample_rate=rate, end_hz=end_hz),
        _strongest(strength, onsets),
        [math.log10(one.seconds or 1 / rate) for one in attacks],
    )


def _strongest(strength: np.ndarray, onsets: list[int]) -> np.ndarray:
    """Highest onset strength from each onset to the next."""
    frames = [onset // HOP for onset in onsets]
    ends = [*frames[1:], strength.size]
    return np.array([strength[begin:end].max(initial=0.0) for begin, end in zip(frames, ends, strict=True)])
