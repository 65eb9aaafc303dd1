"""Single hits and notes."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from tonewright.audio.band.bass import draw_bass, play_note
from tonewright.audio.band.composing import BASS_STYLES, KITS
from tonewright.audio.band.drums import draw_kit, strike
from tonewright.audio.band.other import INSTRUMENTS, draw_timbre, play_instrument
from tonewright.audio.band.score import NOTE_NAMES, Note, Sung
from tonewright.audio.band.synthesis import SAMPLE_RATE, faded
from tonewright.audio.band.voice import draw_singer, sing

_HITS = (
    ("kick", 4), ("snare", 4), ("hat", 3), ("open_hat", 2), ("tom_low", 1), ("tom_mid", 1), ("tom_high", 1),
    ("clap", 2), ("rim", 2), ("crash", 2), ("ride", 1), ("shaker", 1),
)  # fmt: skip
_BASS_PITCHES = (28, 38)
_VOICES = (
    ("baritone", "AA", 50), ("tenor", "OW", 57), ("alto", "EH", 62), ("soprano", "UW", 69),
    ("soprano", "IY", 64),
)  # fmt: skip


def note_name(pitch: int) -> str:
    """A MIDI pitch with its octave, fit for the name of a file: 60 is C4, 66 is Fs4."""
    return f"{NOTE_NAMES[pitch % 12].replace('#', 's')}{pitch // 12 - 1}"


def _peaked(sound: np.ndarray, peak: float = 0.7) -> np.ndarray:
    samples = np.atleast_2d(sound).astype(np.float32)
    return samples * np.float32(peak / (np.abs(samples).max() + 1e-9))


def one_shots(seed: int) -> Iterator[tuple[str, np.ndarray]]:
    """(name, samples (channels, time)) of every hit and note; 48 in all."""
    rng = np.random.default_rng([seed, 1 << 20])
    for piece, count in _HITS:
        for number in range(count):
            kit = draw_kit(KITS[number % len(KITS)], rng)
            yield f"{piece.replace('_', '-')}-{number + 1}", _peaked(strike(piece, kit, 0.95, rng))
    for style in BASS_STYLES:
        bass = draw_bass(style, rng)
        for pitch in _BASS_PITCHES:
            sound = faded(play_note(bass, Note(0.0, 1.0, pitch, 0.9), rng), release_s=0.03)
            yield f"bass-{style}-{note_name(pitch)}", _peaked(sound)
    for name in INSTRUMENTS:
        pitch = int(rng.integers(55, 73))
        sound = faded(
            play_instrument(name, Note(0.0, 1.0, pitch, 0.85), draw_timbre(rng), rng), release_s=0.05
        )
        yield f"{name.replace('_', '-')}-{note_name(pitch)}", _peaked(sound)
    for register, vowel, pitch in _VOICES:
        note = Sung(0.1, 1.6, pitch, 0.9, (vowel,))
        sound = sing((note,), draw_singer(register, rng), 2.0, rng)
        yield (
            f"voice-{register}-{vowel.lower()}-{note_name(pitch)}",
            _peaked(sound[int(0.05 * SAMPLE_RATE) :]),
        )
