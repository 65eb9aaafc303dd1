"""Basses: plucked with finger or pick, a synthesizer with a filter that closes, a sub."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.audio.band.score import Note
from tonewright.audio.band.synthesis import (
    SAMPLE_RATE,
    breakpoints,
    faded,
    high_pass,
    hz_from_pitch,
    phase_of,
    place,
    plucked_string,
    read_table,
    shaped,
    wavetables,
)


@dataclass(frozen=True, slots=True)
class Bass:
    """A bass: its style, and what makes it differ from others of the style."""

    style: str
    brightness: float
    decay_s: float
    pick: float
    drive: float
    resonance: float
    square: float


def draw_bass(style: str, rng: np.random.Generator) -> Bass:
    """A bass of a style."""
    return Bass(
        style=style,
        brightness=float(rng.uniform(0.0, 1.0)),
        decay_s=float(rng.uniform(2.0, 5.0)),
        pick=float(rng.uniform(0.08, 0.25)),
        drive=float(rng.uniform(0.6, 2.0)),
        resonance=float(rng.uniform(0.0, 2.5)),
        square=float(rng.uniform(0.0, 1.0)),
    )


def filtered_tables(
    frequency_hz: float, cutoffs_hz: np.ndarray, *, square: float, resonance: float
) -> np.ndarray:
    """Tables of a saw or square behind a resonant low-pass, one a cutoff, band-limited for a frequency.

    ``a_k = 1/k · |1 / (1 − (kf/f_c)² + j (kf/f_c)/Q)|``, with even k weakened for a square.
    """
    harmonics = np.arange(1, max(2, int(0.45 * SAMPLE_RATE / frequency_hz)) + 1)
    ratio = harmonics * frequency_hz / np.asarray(cutoffs_hz, dtype=np.float64)[:, None]
    gain = 1.0 / np.sqrt((1 - ratio**2) ** 2 + (ratio / (0.7 + resonance)) ** 2)
    even = np.where(harmonics % 2 == 0, 1.0 - square, 1.0)
    return wavetables(even / harmonics * np.minimum(gain, 6.0))


def pluck(bass: Bass, note: Note, rng: np.random.Generator) -> np.ndarray:
    """One string note, (time,), stopped at its end."""
    hz = float(hz_from_pitch(note.pitch))
    picked = bass.style == "pick"
    sound = plucked_string(
        hz,
        note.seconds + 0.12,
        decay_s=bass.decay_s,
        damping_hz=(1500 if picked else 800) * (1 + bass.brightness),
        pick=bass.pick,
        brightness_hz=(3600 if picked else 1600) * (0.6 + bass.brightness) * (0.5 + note.level),
        rng=rng,
        stiffness=2e-5,
    )
    if picked:
        knock = rng.standard_normal(400).astype(np.float32) * np.hanning(400).astype(np.float32)
        sound[:400] += 0.08 * note.level * knock
    envelope = breakpoints([0.0, note.seconds, note.seconds + 0.08], [1.0, 1.0, 0.0], len(sound))
    return np.tanh(1.6 * bass.drive * sound * envelope) / np.tanh(bass.drive)


def synth(bass: Bass, note: Note) -> np.ndarray:
    """One synthesizer note, (time,): the filter opens with the level and closes again."""
    hz = float(hz_from_pitch(note.pitch))
    samples = int((note.seconds + 0.06) * SAMPLE_RATE)
    cutoffs = np.geomspace(120.0, 9000.0, 10)
    tables = filtered_tables(hz, cutoffs, square=bass.square, resonance=bass.resonance)
    top = 4.5 + 3.5 * bass.brightness * note.level + note.level
    rest = 1.5 + 2.0 * bass.brightness
    fall = 0.08 + 0.25 * bass.pick * 4
    position = rest + (top - rest) * np.exp(-np.arange(samples) / SAMPLE_RATE / fall)
    phase = phase_of(np.full(samples, hz))
    sound = read_table(tables, phase, position) + 0.3 * read_table(tables, phase * 1.004 + 0.3, position)
    return np.tanh(0.9 * sound * _gate(note, samples, 0.004, 0.05))


def sub(bass: Bass, note: Note) -> np.ndarray:
    """One sub note, (time,): a sine with a soft knee, a touch of its octaves and a short thump."""
    samples = int((note.seconds + 0.08) * SAMPLE_RATE)
    hz = float(hz_from_pitch(note.pitch))
    t = np.arange(samples) / SAMPLE_RATE
    phase = 2 * np.pi * phase_of(hz * (1 + 0.35 * np.exp(-t / 0.012)))
    sound = np.sin(phase) + 0.25 * bass.square * np.sin(2 * phase) + 0.12 * np.sin(3 * phase)
    sound = np.tanh((1.2 + bass.drive) * sound) * _gate(note, samples, 0.006, 0.07)
    return sound.astype(np.float32)


def _gate(note: Note, samples: int, attack_s: float, release_s: float) -> np.ndarray:
    times = [
        0.0,
        attack_s,
        max(note.seconds, attack_s + 0.001),
        max(note.seconds, attack_s + 0.001) + release_s,
    ]
    return breakpoints(times, [0.0, 1.0, 0.75, 0.0], samples)


def play_note(bass: Bass, note: Note, rng: np.random.Generator) -> np.ndarray:
    """One note of a bass of any style, (time,)."""
    if bass.style == "synth":
        return synth(bass, note)
    if bass.style == "sub":
        return sub(bass, note)
    return pluck(bass, note, rng)


def play_bass(notes: tuple[Note, ...], bass: Bass, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """A whole bass line, (2, time): centred, with a little width above 300 Hz."""
    track = np.zeros(round(seconds * SAMPLE_RATE), dtype=np.float32)
    for note in notes:
        sound = play_note(bass, note, rng)
        place(track, faded(sound, attack_s=0.002, release_s=0.012), note.start_s, note.level)
    late = np.pad(track, (331, 0))[: len(track)]
    side = shaped(late, high_pass(350.0)) * np.float32(0.25)
    return np.stack([track + side, track - side])
