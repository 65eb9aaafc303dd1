"""How notes are sung: the course of the pitch and of the level.

Glides, vibrato and slow wandering are those that T. Saitou, M. Unoki, M. Akagi, "Development of an F0
control model based on F0 dynamic characteristics for singing-voice synthesis", Speech Communication 46,
2005, found listeners to need.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from tonewright.audio.sources.singing.placing import Placed
from tonewright.audio.sources.singing.score import SingingSettings
from tonewright.audio.sources.singing.world import FRAME_S

_EARLY = 0.3
_VIBRATO_RISE_S = 0.2
_VIBRATO_FALL_S = 0.05
_SLOW_S = 0.1
_RATE_SPREAD = 0.03
_ACCENT_S = 0.03
_FADE_IN_S, _FADE_OUT_S = 0.015, 0.03
_SUSTAIN = 0.5
_SUSTAIN_EDGE_S = 0.06


@dataclass(frozen=True, slots=True)
class Manner:
    """How a singer sings a phrase."""

    glide_s: float
    vibrato_hz: float
    vibrato_semitones: float
    vibrato_after_s: float
    vibrato_level_db: float
    vibrato_level_phase: float
    jitter_semitones: float
    accent_db: float


def draw_manner(settings: SingingSettings, rng: np.random.Generator) -> Manner:
    """A manner within the ranges of the settings."""
    return Manner(
        glide_s=float(rng.uniform(*settings.glide_s)),
        vibrato_hz=float(rng.uniform(*settings.vibrato_hz)),
        vibrato_semitones=float(rng.uniform(*settings.vibrato_semitones)),
        vibrato_after_s=float(rng.uniform(*settings.vibrato_after_s)),
        vibrato_level_db=float(rng.uniform(*settings.vibrato_level_db)),
        vibrato_level_phase=float(rng.uniform(0, 2 * np.pi)),
        jitter_semitones=float(rng.uniform(*settings.jitter_semitones)),
        accent_db=settings.accent_db,
    )


def pitch_and_level(
    placed: Sequence[Placed], frames: int, manner: Manner, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """The course of pitch and level.

    p(t) = glide(notes)(t) + d(t) sin φ(t) + jitter(t), where φ′ = 2π · rate and d rises from 0 after a note
    has been held for a while. A glide is all but over when the vowel begins.

    Parameters
    ----------
    placed : in order
    frames : of the song, 5 ms each
    manner : how
    rng : decides jitter, accents, and each vibrato's beginning

    Returns
    -------
    (frames,) MIDI pitch, (frames,) dB
    """
    kernel = np.hanning(max(3, round(manner.glide_s / FRAME_S)) + 2)
    lead = round(_EARLY * len(kernel))
    starts = np.array([int(np.ceil(one.vowel_start)) for one in placed])
    pitch = _smooth_steps([one.pitch for one in placed], starts - lead, frames, kernel)
    pitch += manner.jitter_semitones * _slow_noise(frames, rng)
    depth = _vibrato_depth(placed, frames, manner)
    rate = manner.vibrato_hz * (1 + _RATE_SPREAD * _slow_noise(frames, rng))
    phase = 2 * np.pi * np.cumsum(rate) * FRAME_S + rng.uniform(0, 2 * np.pi)
    pitch += manner.vibrato_semitones * depth * np.sin(phase)
    accents = rng.uniform(-manner.accent_db, manner.accent_db, len(placed))
    level_db = _smooth_steps(accents, starts, frames, np.hanning(round(_ACCENT_S / FRAME_S) + 2))
    level_db += manner.vibrato_level_db * depth * np.sin(phase + manner.vibrato_level_phase)
    return pitch, level_db


def sustain_db(placed: Sequence[Placed], level_db: np.ndarray, heard_db: np.ndarray) -> np.ndarray:
    """(frames,) dB that hold a stretched vowel up: speech dies away within a vowel more than song does.

    Parameters
    ----------
    placed : in order
    level_db : (time,) of the speech
    heard_db : (frames,) the same at each frame of the song
    """
    gain = np.zeros(len(heard_db))
    edge = _SUSTAIN_EDGE_S / FRAME_S
    for one in placed:
        word = one.syllable
        if one.vowel_end - one.vowel_start <= word.vowel_end - word.vowel_start:
            continue
        peak = level_db[word.vowel_start : word.vowel_end].max()
        time = np.arange(max(0, int(np.ceil(one.vowel_start))), min(len(gain), int(one.vowel_end)))
        inside = np.minimum(time - one.vowel_start, one.vowel_end - time) / edge
        gain[time] = _SUSTAIN * (peak - heard_db[time]) * np.clip(inside, 0, 1)
    return gain


def gate(placed: Sequence[Placed], heard: np.ndarray) -> np.ndarray:
    """(frames,) factor that fades in and out where a syllable does not go over into the next."""
    factor = heard.astype(np.float64)
    for number, one in enumerate(placed):
        time = np.arange(max(0, int(np.ceil(one.start))), min(len(factor), int(np.ceil(one.end))))
        if not one.joined:
            factor[time] *= np.clip((time - one.start) * FRAME_S / _FADE_IN_S, 0, 1)
        if number + 1 == len(placed) or not placed[number + 1].joined:
            factor[time] *= np.clip((one.end - time) * FRAME_S / _FADE_OUT_S, 0, 1)
    return factor


def _smooth_steps(
    values: Sequence[float] | np.ndarray, starts: np.ndarray, frames: int, kernel: np.ndarray
) -> np.ndarray:
    """(frames,) a step to each value at its start, smoothed by a kernel of sum 1; the first holds before."""
    number = np.searchsorted(starts, np.arange(frames), side="right") - 1
    steps = np.asarray(values, dtype=np.float64)[np.maximum(number, 0)]
    return ndimage.convolve1d(steps, kernel / kernel.sum(), mode="nearest")


def _vibrato_depth(placed: Sequence[Placed], frames: int, manner: Manner) -> np.ndarray:
    """(frames,) 0 to 1."""
    depth = np.zeros(frames)
    for one in placed:
        time = np.arange(max(0, int(np.ceil(one.vowel_start))), min(frames, int(one.vowel_end)))
        rise = ((time - one.vowel_start) * FRAME_S - manner.vibrato_after_s) / _VIBRATO_RISE_S
        fall = (one.vowel_end - time) * FRAME_S / _VIBRATO_FALL_S
        depth[time] = np.clip(np.minimum(rise, fall), 0, 1)
    return depth


def _slow_noise(frames: int, rng: np.random.Generator) -> np.ndarray:
    """(frames,) noise of variance 1 that changes within about a tenth of a second."""
    sigma = _SLOW_S / FRAME_S
    noise = ndimage.gaussian_filter1d(rng.standard_normal(frames), sigma, mode="wrap")
    return noise * np.sqrt(2 * sigma * np.sqrt(np.pi))
