"""A singer: glottal pulses, breath and friction through a vocal tract that moves.

Pulses and breath pass five moving formants, an antiformant for nasals and a fixed upper tract; friction
has moving bands of its own. Both are filtered frame by frame, each frame with the response of its moment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.audio.band.articulation import (
    CURVE_RATE,
    Curves,
    articulate,
    curve_values,
    pitch_curve,
    split_phrases,
    time_phones,
)
from tonewright.audio.band.glottis import glottal_source
from tonewright.audio.band.melody import REGISTERS
from tonewright.audio.band.score import Sung
from tonewright.audio.band.synthesis import SAMPLE_RATE, hz_from_pitch, moving_filter, place, smooth_random

HOP = 256
N_FFT = 2048
_OMEGA = (2 * np.pi * np.arange(N_FFT // 2 + 1) / N_FFT).astype(np.float32)
_Z1 = np.exp(-1j * _OMEGA).astype(np.complex64)
_Z2 = (_Z1 * _Z1).astype(np.complex64)
_FREQUENCY = np.arange(N_FFT // 2 + 1) * (SAMPLE_RATE / N_FFT)


@dataclass(frozen=True, slots=True)
class Singer:
    """What makes one voice differ from another."""

    formant_scale: float
    upper_formants: tuple[float, float]
    breathiness: float
    pressing: float
    vibrato_hz: float
    vibrato_cents: float
    vibrato_onset_s: float
    dip_hz: float


def draw_singer(register: str, rng: np.random.Generator) -> Singer:
    """A singer of a register."""
    scale = REGISTERS[register].formant_scale * float(rng.uniform(0.96, 1.04))
    ring = float(rng.uniform(0.0, 1.0))  # a trained voice draws the fourth and fifth formants together
    return Singer(
        formant_scale=scale,
        upper_formants=(3450.0 - 350.0 * ring, 4250.0 - 650.0 * ring),
        breathiness=float(rng.uniform(0.008, 0.035)),
        pressing=float(rng.uniform(-0.25, 0.35)),
        vibrato_hz=float(rng.uniform(5.0, 6.3)),
        vibrato_cents=float(rng.uniform(30, 65)),
        vibrato_onset_s=float(rng.uniform(0.18, 0.34)),
        dip_hz=float(rng.uniform(4600, 5400)) * scale,
    )


def _resonance(center_hz: np.ndarray, bandwidth_hz: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Coefficients a₁, a₂ of ``1 + a₁z⁻¹ + a₂z⁻²`` with roots at a frequency and bandwidth, (frames, 1)."""
    radius = np.exp(-np.pi * bandwidth_hz / SAMPLE_RATE)
    first = -2 * radius * np.cos(2 * np.pi * center_hz / SAMPLE_RATE)
    return first.astype(np.float32)[:, None], (radius**2).astype(np.float32)[:, None]


def _rise(frequency_hz: np.ndarray) -> np.ndarray:
    """A smooth step from 0 to 1 around 5 kHz: cross-modes of the tract keep its upper octaves up."""
    return 1.0 / (1.0 + (5000.0 / np.maximum(frequency_hz, 1.0)) ** 4)


def upper_tract(singer: Singer) -> np.ndarray:
    """The tract above the fifth formant, (bins,): a resonance about every kilohertz, a dip near 5 kHz."""
    spacing = 1030.0 * singer.formant_scale
    centers = np.arange(5.1 * 1000 * singer.formant_scale, 0.46 * SAMPLE_RATE, spacing)
    response = np.ones(N_FFT // 2 + 1, dtype=np.complex64)
    for number, center in enumerate(centers):
        a1, a2 = _resonance(np.array([center]), np.array([300.0 + 90.0 * number]))
        response = response * ((1 + a1 + a2) / (1 + a1 * _Z1 + a2 * _Z2))[0]
    dip = 1.0 - 0.7 * np.exp(-0.5 * (np.log2(np.maximum(_FREQUENCY, 1.0) / singer.dip_hz) / 0.12) ** 2)
    low = 1.0 / np.sqrt(1.0 + (60.0 / np.maximum(_FREQUENCY, 1.0)) ** 4)
    lift = (1.0 + 9.0 * _rise(_FREQUENCY)) / (1.0 + (_FREQUENCY / 2500.0) ** 2) ** 0.25
    return (response * dip * low * lift).astype(np.complex64)


def tract_response(
    formants: np.ndarray, nasal: np.ndarray, zero_hz: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """Responses of the tract, (frames, bins).

    Parameters
    ----------
    formants : (frames, 5)
    nasal : (frames,), 0 … 1, how far the way through the nose is open
    zero_hz : (frames,), the antiformant that it brings
    """
    wide = (1.0, 1.1, 1.5, 2.0, 2.3)
    below = np.ones((formants.shape[0], 1), dtype=np.complex64)
    above = np.ones((formants.shape[0], 1), dtype=np.float32)
    for number in range(5):
        bandwidth = wide[number] * (55.0 + 0.035 * formants[:, number])
        a1, a2 = _resonance(formants[:, number], bandwidth)
        below = below * (1 + a1 * _Z1 + a2 * _Z2)
        above = above * (1 + a1 + a2)
    response = above / below * upper
    through = nasal > 0.01
    if through.any():
        count = int(through.sum())
        pole, zero = (
            _resonance(np.full(count, 1150.0), np.full(count, 900.0)),
            _resonance(zero_hz[through], np.full(count, 120.0)),
        )
        part = (1 + zero[0] * _Z1 + zero[1] * _Z2) / (1 + pole[0] * _Z1 + pole[1] * _Z2)
        part *= (1 + pole[0] + pole[1]) / (1 + zero[0] + zero[1])
        share = nasal[through, None].astype(np.float32)
        response[through] *= (1 - share) + share * part / (1 + (_FREQUENCY / 2500.0) ** 2).astype(
            np.float32
        ) ** 0.5
    return response


def friction_response(center_hz: np.ndarray, octaves: np.ndarray) -> np.ndarray:
    """Responses of friction bands, Gaussian over log frequency and half a hop late, (frames, bins)."""
    position = np.log2(np.maximum(_FREQUENCY, 40.0)).astype(np.float32)
    away = (position - np.log2(center_hz)[:, None]) / octaves[:, None]
    steep = np.where(away < 0, 1.6, 1.0)  # noise of the teeth falls fast below its band
    gain = np.exp(-0.5 * (away * steep) ** 2) + 0.02
    return (gain * np.exp(-1j * _OMEGA * (HOP / 2))).astype(np.complex64)


def sing_phrase(
    phrase: list[Sung], singer: Singer, breath_s: float, rng: np.random.Generator
) -> tuple[np.ndarray, float]:
    """Sound of one phrase, (time,), and the second at which it starts."""
    origin = phrase[0].start_s - 0.35 - breath_s
    timed = time_phones(phrase, origin)
    samples = int((timed[-1].end_s + 0.25) * SAMPLE_RATE)
    count = int(np.ceil(samples / SAMPLE_RATE * CURVE_RATE)) + 1
    curves = articulate(timed, breath_s=breath_s, breathiness=singer.breathiness)
    pitch = pitch_curve(
        phrase,
        origin,
        count,
        vibrato_hz=singer.vibrato_hz,
        vibrato_cents=singer.vibrato_cents,
        vibrato_onset_s=singer.vibrato_onset_s,
        rng=rng,
    )
    at = np.arange(samples) * (CURVE_RATE / SAMPLE_RATE)
    grid = np.arange(count)

    def audio_rate(values: np.ndarray) -> np.ndarray:
        return np.interp(at, grid, values).astype(np.float32)

    frequency = audio_rate(hz_from_pitch(pitch))
    source = _source(curves, frequency, singer, audio_rate, count, rng)
    noise = audio_rate(curve_values(curves.noise, count, default=0.0, smooth_s=0.0015))
    friction = rng.standard_normal(samples).astype(np.float32) * noise
    sound = _through_tract(source, curves, hz_from_pitch(pitch), singer, count)
    return sound + _through_bands(friction, curves, count), origin


def _source(curves: Curves, frequency: np.ndarray, singer: Singer, audio_rate, count: int, rng) -> np.ndarray:
    """Pulses and breath at the glottis; louder notes are more pressed, breath comes with the open glottis."""
    voicing = curve_values(curves.voicing, count, default=0.0, smooth_s=0.007)
    shape = audio_rate(np.clip(1.75 - 1.0 * voicing - singer.pressing, 0.45, 2.6))
    pulses, phase = glottal_source(frequency, shape, rng)
    level = audio_rate(voicing)
    level *= 1.0 + 0.06 * smooth_random(level.shape[0], 9.0, rng)
    breath = audio_rate(curve_values(curves.breath, count, default=0.0, smooth_s=0.004))
    hiss = rng.standard_normal(level.shape[0]).astype(np.float32)
    opening = (0.35 + 0.65 * (0.5 - 0.5 * np.cos(2 * np.pi * phase))).astype(np.float32)
    hiss *= breath * np.where(level > 0.05, opening, 0.7)
    return pulses * level + hiss


def _frame_values(points: list, count: int, frames: int, default: float, smooth_s: float) -> np.ndarray:
    values = curve_values(points, count, default=default, smooth_s=smooth_s)
    return np.interp(np.arange(frames) * (HOP * CURVE_RATE / SAMPLE_RATE), np.arange(count), values)


def _active(sound: np.ndarray, frames: int) -> np.ndarray:
    """Frames in which something sounds, (frames,)."""
    padded = np.zeros((frames + 1) * HOP, dtype=np.float32)
    padded[HOP : HOP + sound.shape[0]] = np.abs(sound)[: frames * HOP]
    loud = padded.reshape(-1, HOP).max(axis=1) > 1e-6
    return loud[:-1] | loud[1:]


def _through_tract(
    source: np.ndarray, curves: Curves, f0: np.ndarray, singer: Singer, count: int
) -> np.ndarray:
    frames = -(-source.shape[0] // HOP) + 1
    columns = [
        _frame_values(points, count, frames, default, 0.014) * singer.formant_scale
        for points, default in zip(curves.formants, (500.0, 1500.0, 2500.0), strict=True)
    ]
    pitch = np.interp(np.arange(frames) * (HOP * CURVE_RATE / SAMPLE_RATE), np.arange(count), f0)
    columns[0] = np.maximum(columns[0], pitch * 1.02)  # high notes take their first formant along
    columns[1] = np.maximum(columns[1], columns[0] + 200.0)
    columns += [np.full(frames, formant * singer.formant_scale) for formant in singer.upper_formants]
    formants = np.stack(columns, axis=1)
    nasal = _frame_values(curves.nasal, count, frames, 0.0, 0.006)
    zero_hz = _frame_values(curves.zero_hz, count, frames, 1000.0, 0.0) * singer.formant_scale
    upper = upper_tract(singer)
    return moving_filter(
        source,
        lambda part: tract_response(formants[part], nasal[part], zero_hz[part], upper),
        active=_active(source, frames),
        hop_samples=HOP,
        n_fft=N_FFT,
    )


def _through_bands(friction: np.ndarray, curves: Curves, count: int) -> np.ndarray:
    frames = -(-friction.shape[0] // HOP) + 1
    center = _frame_values(curves.noise_hz, count, frames, 3000.0, 0.0)
    octaves = _frame_values(curves.noise_octaves, count, frames, 1.0, 0.0)
    return moving_filter(
        friction,
        lambda part: friction_response(center[part], octaves[part]),
        active=_active(friction, frames),
        hop_samples=HOP,
        n_fft=N_FFT,
    )


def sing(notes: tuple[Sung, ...], singer: Singer, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A whole vocal line, (time,): phrases with a breath wherever there is time for one."""
    track = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    free_from = -1.0
    for phrase in split_phrases(notes):
        gap = phrase[0].start_s - free_from - 0.3
        breath_s = float(np.clip(gap, 0.0, rng.uniform(0.28, 0.5))) if gap > 0.15 else 0.0
        sound, origin = sing_phrase(phrase, singer, breath_s, rng)
        place(track, sound, origin)
        free_from = phrase[-1].start_s + phrase[-1].seconds
    return track
