"""Everything else that plays notes: strings plucked and bowed, keys, mallets, winds, pads."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tonewright.audio.band.bass import filtered_tables
from tonewright.audio.band.score import Note
from tonewright.audio.band.synthesis import (
    SAMPLE_RATE,
    breakpoints,
    decay,
    high_pass,
    hz_from_pitch,
    low_pass,
    pan_gains,
    partials,
    phase_of,
    plucked_string,
    read_table,
    shaped,
    wavetables,
)


@dataclass(frozen=True, slots=True)
class Timbre:
    """Numbers 0 … 1 by which one instrument of a kind differs from another."""

    brightness: float
    length: float
    motion: float
    color: float


def draw_timbre(rng: np.random.Generator) -> Timbre:
    """Any of them."""
    return Timbre(*(float(value) for value in rng.uniform(0.0, 1.0, 4)))


def _seconds(note: Note, ring_s: float) -> tuple[np.ndarray, int]:
    samples = int((note.seconds + ring_s) * SAMPLE_RATE)
    return np.arange(samples) / SAMPLE_RATE, samples


def _held(note: Note, samples: int, attack_s: float, release_s: float, sustain: float = 1.0) -> np.ndarray:
    """Envelope of a note that is held: attack, sustain, release."""
    hold = max(note.seconds, attack_s + 0.01)
    points = [0.0, attack_s, min(attack_s * 2.5, hold), hold, hold + release_s]
    return breakpoints(points, [0.0, 1.0, sustain, sustain, 0.0], samples)


def _vibrato(t: np.ndarray, hz: float, cents: float, onset_s: float, start: float) -> np.ndarray:
    """Frequency ratio of a vibrato that sets in late."""
    depth = np.float32(np.log(2) * cents / 1200.0) * np.clip((t - onset_s) / 0.3, 0.0, 1.0).astype(np.float32)
    return np.exp(depth * np.sin((2 * np.pi * (hz * t + start)).astype(np.float32)))


def _stopped(sound: np.ndarray, note: Note, release_s: float) -> np.ndarray:
    times = [0.0, note.seconds, note.seconds + release_s]
    return sound * breakpoints(times, [1.0, 1.0, 0.0], sound.shape[-1])


def guitar(note: Note, timbre: Timbre, rng: np.random.Generator, *, steel: bool = False) -> np.ndarray:
    """A plucked string with a body: nylon, or steel with more of everything above."""
    hz = float(hz_from_pitch(note.pitch))
    sound = plucked_string(
        hz, note.seconds + 0.3,
        decay_s=(3.5 if steel else 2.2) * (0.7 + 0.6 * timbre.length),
        damping_hz=(3200 if steel else 1500) * (0.7 + 0.6 * timbre.brightness),
        pick=0.10 + 0.15 * timbre.color,
        brightness_hz=(5200 if steel else 2400) * (0.5 + note.level),
        rng=rng, stiffness=4e-5 if steel else 1e-5,
    )  # fmt: skip
    return _stopped(sound, note, 0.22)


def piano(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """Two stiff strings a little apart, struck by a hammer that hardens with the level."""
    hz = float(hz_from_pitch(note.pitch))
    length = 9.0 * 2.0 ** (-(note.pitch - 40) / 20.0) * (0.7 + 0.5 * timbre.length)
    pair = [
        plucked_string(
            hz * 2.0 ** (cents / 1200.0),
            note.seconds + 0.35,
            decay_s=max(length, 0.6),
            damping_hz=2600.0,
            pick=0.12,
            brightness_hz=(900 + 2500 * timbre.brightness) * (0.35 + 1.1 * note.level),
            rng=rng,
            stiffness=1.2e-4,
        )
        for cents in (-0.7, 0.9)
    ]
    sound = _stopped(pair[0] + 0.8 * pair[1], note, 0.25)
    thud = rng.standard_normal(700).astype(np.float32) * decay(700, 0.012)
    sound[:700] += 0.06 * note.level * thud[: len(sound)]
    return sound


def electric_piano(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """Frequency modulation after Chowning: a body and a short tine; tremolo from side to side, (2, time)."""
    t, samples = _seconds(note, 0.3)
    hz = float(hz_from_pitch(note.pitch))
    body = np.exp(-t / (1.1 + timbre.length))
    index = (0.6 + 1.8 * timbre.brightness * note.level) * np.exp(-t / 0.5)
    sound = body * np.sin(2 * np.pi * hz * t + index * np.sin(2 * np.pi * hz * t))
    tine = min(14.0, 15000.0 / hz)
    sound += (
        0.35
        * body
        * np.sin(
            2 * np.pi * hz * t
            + (0.8 * note.level) * np.exp(-t / 0.12) * np.sin(2 * np.pi * round(tine) * hz * t)
        )
    )
    sound = _stopped(sound.astype(np.float32), note, 0.2)
    swing = (
        0.35 * timbre.motion * np.sin(2 * np.pi * (4.0 + 2.0 * timbre.color) * (t + note.start_s))
    ).astype(np.float32)
    return np.stack([sound * (1 + swing), sound * (1 - swing)])[:, :samples]


def mallets(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """Bars struck with a mallet: of wood and short, or of metal and long."""
    hz = float(hz_from_pitch(note.pitch))
    metal = timbre.color > 0.5
    length = (2.5 if metal else 0.7) * (0.7 + 0.6 * timbre.length)
    ratios = np.array([1.0, 3.98, 9.3, 16.2])
    gains = np.array([1.0, 0.25 + 0.2 * note.level, 0.12 * note.level, 0.06 * note.level])
    samples = int(length * 1.2 * SAMPLE_RATE)
    sound = partials(hz * ratios, gains, length / ratios**0.7, samples)
    knock = rng.standard_normal(500).astype(np.float32) * decay(500, 0.01)
    sound[:500] += 0.12 * note.level * knock
    return sound


def organ(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """Drawbars through a turning loudspeaker, (2, time)."""
    t, samples = _seconds(note, 0.08)
    hz = float(hz_from_pitch(note.pitch))
    bars = np.array([0.8, 0.5, 1.0, 0.6, 0.35, 0.5, 0.2, 0.25, 0.35]) ** (1.6 - 1.2 * timbre.brightness)
    amplitudes = np.zeros(max(2, min(16, int(0.9 * SAMPLE_RATE / hz))))
    for footage, bar in zip((1, 3, 2, 4, 6, 8, 10, 12, 16), bars, strict=True):
        if footage <= len(amplitudes):
            amplitudes[footage - 1] = bar
    rate = 0.8 if timbre.motion < 0.5 else 6.2
    turn = 2 * np.pi * rate * (t + note.start_s)
    phase = phase_of(0.5 * hz * (1 + 0.0035 * np.sin(turn))) + float(rng.random())
    sound = read_table(wavetables(amplitudes), phase) * _held(note, samples, 0.006, 0.05)
    click = rng.standard_normal(300).astype(np.float32) * decay(300, 0.006)
    sound[:300] += 0.25 * click
    sway = (0.25 * np.cos(turn)).astype(np.float32)
    return np.stack([sound * (1 + sway), sound * (1 - sway)]) * np.float32(0.5)


def _section(
    note: Note,
    rng: np.random.Generator,
    tables: np.ndarray,
    position: np.ndarray,
    cents: float,
    vibrato_cents: float,
) -> np.ndarray:
    """Five players spread from left to right, each with a tuning and a vibrato of his own, (2, time)."""
    samples = position.shape[0]
    t = np.arange(samples) / SAMPLE_RATE
    hz = float(hz_from_pitch(note.pitch))
    total = np.zeros((2, samples), dtype=np.float32)
    for seat in np.linspace(-0.8, 0.8, 5):
        detune = 2.0 ** (float(rng.normal(0, cents)) / 1200.0)
        frequency = (
            hz * detune * _vibrato(t, float(rng.uniform(4.6, 6.0)), vibrato_cents, 0.15, float(rng.random()))
        )
        voice = read_table(tables, phase_of(frequency) + float(rng.random()), position)
        total += pan_gains(seat)[:, None] * voice
    return total * np.float32(0.3)


def strings(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """A string section, (2, time)."""
    t, samples = _seconds(note, 0.35)
    hz = float(hz_from_pitch(note.pitch))
    tables = filtered_tables(hz, np.geomspace(500, 9000, 4), square=0.0, resonance=0.0)
    position = (0.6 + 1.6 * timbre.brightness * note.level) * np.clip(t / 0.25, 0.4, 1.0)
    sound = _section(note, rng, tables, position, 5.0, 16.0)
    bow = 0.02 * shaped(
        rng.standard_normal(samples), lambda f: high_pass(900.0, 1.0)(f) * low_pass(3500.0, 1.5)(f)
    )
    return (sound + bow) * _held(note, samples, 0.06 + 0.16 * timbre.length, 0.3)


def pad(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """Detuned oscillators behind a filter that breathes, (2, time)."""
    t, samples = _seconds(note, 0.6)
    hz = float(hz_from_pitch(note.pitch))
    tables = filtered_tables(
        hz, np.geomspace(300, 7000, 6), square=timbre.color, resonance=1.2 * timbre.motion
    )
    sweep = np.sin(2 * np.pi * (0.08 + 0.3 * timbre.motion) * (t + note.start_s))
    position = 2.0 + 1.6 * timbre.brightness + 1.2 * sweep
    return _section(note, rng, tables, position, 9.0, 3.0) * _held(
        note, samples, 0.12 + 0.2 * timbre.length, 0.55
    )


def brass(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """A horn: brighter as it gets louder, a late vibrato, a small scoop at the start."""
    t, samples = _seconds(note, 0.12)
    hz = float(hz_from_pitch(note.pitch))
    tables = filtered_tables(hz, np.geomspace(500, 11000, 6), square=0.15 * timbre.color, resonance=0.6)
    swell = np.clip(t / 0.05, 0, 1) * (0.75 + 0.25 * np.exp(-t / 0.12))
    position = (2.2 + 2.2 * timbre.brightness) * swell * (0.5 + 0.5 * note.level)
    frequency = (
        hz * _vibrato(t, 5.2, 22.0, 0.25, float(rng.random())) * 2.0 ** (-0.6 / 12 * np.exp(-t / 0.03))
    )
    breath = rng.standard_normal(samples).astype(np.float32) * (0.01 + 0.05 * np.exp(-t / 0.03)).astype(
        np.float32
    )
    return (read_table(tables, phase_of(frequency), position) + breath) * _held(
        note, samples, 0.03, 0.09, 0.85
    )


def flute(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """A pipe: few harmonics, much breath, vibrato in pitch and level."""
    t, samples = _seconds(note, 0.15)
    hz = float(hz_from_pitch(note.pitch))
    soft, loud = [1.0, 0.15, 0.06, 0.02, 0.01, 0.004], [1.0, 0.45, 0.3, 0.12, 0.06, 0.03]
    tables = wavetables(np.array([soft, loud]))
    ratio = _vibrato(t, 5.0, 18.0, 0.2, 0.0)
    position = np.clip(note.level * (0.4 + 0.6 * timbre.brightness) + 8.0 * (ratio - 1.0), 0, 1)
    chiff = (0.05 + 0.16 * np.exp(-t / 0.04)).astype(np.float32)
    breath = shaped(
        rng.standard_normal(samples), lambda f: high_pass(1200.0, 1.0)(f) * low_pass(9000.0, 1.0)(f)
    )
    return (read_table(tables, phase_of(hz * ratio), position) + chiff * breath) * _held(
        note, samples, 0.05, 0.1
    )


def synth_lead(note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """Two oscillators with a filter that snaps open, (2, time)."""
    t, samples = _seconds(note, 0.2)
    hz = float(hz_from_pitch(note.pitch))
    tables = filtered_tables(
        hz, np.geomspace(600, 12000, 6), square=timbre.color, resonance=2.5 * timbre.motion
    )
    position = 1.5 + 3.0 * timbre.brightness * (0.4 + 0.6 * np.exp(-t / 0.15))
    ratio = _vibrato(t, 5.6, 25.0, 0.3, 0.0)
    left = read_table(tables, phase_of(hz * ratio), position)
    right = read_table(tables, phase_of(hz * 2.0 ** (7 / 1200) * ratio) + 0.4, position)
    return (
        np.stack([left + 0.5 * right, right + 0.5 * left])
        * _held(note, samples, 0.008, 0.15, 0.8)
        * np.float32(0.6)
    )


_INSTRUMENTS: dict[str, Callable[[Note, Timbre, np.random.Generator], np.ndarray]] = {
    "guitar": guitar,
    "steel_guitar": lambda note, timbre, rng: guitar(note, timbre, rng, steel=True),
    "piano": piano,
    "electric_piano": electric_piano,
    "mallets": mallets,
    "organ": organ,
    "strings": strings,
    "pad": pad,
    "brass": brass,
    "flute": flute,
    "synth_lead": synth_lead,
}

INSTRUMENTS = tuple(_INSTRUMENTS)


def play_instrument(name: str, note: Note, timbre: Timbre, rng: np.random.Generator) -> np.ndarray:
    """One note of an instrument, (time,) or (2, time), about unit peak whatever its level."""
    return _INSTRUMENTS[name](note, timbre, rng)
