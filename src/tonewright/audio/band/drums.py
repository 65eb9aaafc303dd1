"""Drums and cymbals, made of decaying modes and noise, and the kits they form."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tonewright.audio.band.score import Hit
from tonewright.audio.band.synthesis import (
    SAMPLE_RATE,
    decay,
    decaying_noise,
    faded,
    high_pass,
    pan_gains,
    partials,
    place,
    shaped,
)

_CHANNEL_PIECES = ("hat", "open_hat", "ride", "crash", "shaker", "clap")  # these differ from left to right
_BANDS = (150.0, 400.0, 1000.0, 2200.0, 4500.0, 8000.0, 12500.0, 18000.0)
_LAYERS = 4


@dataclass(frozen=True, slots=True)
class Kit:
    """What makes one kit differ from another: tunings in Hz, decays in seconds, how electric it is 0 … 1."""

    kick_hz: float
    kick_s: float
    click: float
    snare_hz: float
    snare_s: float
    wires: float
    tom_hz: float
    tom_s: float
    hat_s: float
    metal_hz: float
    crash_s: float
    electric: float
    drive: float
    width: float


_KIT_RANGES = {  # kick_hz, kick_s, click, snare_hz, snare_s, wires, tom_hz, tom_s, hat_s, crash_s, electric
    "acoustic": (
        (52, 62), (0.25, 0.4), (0.4, 0.8), (170, 215), (0.16, 0.26), (0.8, 1.1),
        (85, 105), (0.35, 0.6), (0.05, 0.09), (1.3, 2.2), (0.0, 0.1),
    ),
    "tight": (
        (56, 70), (0.12, 0.22), (0.7, 1.1), (200, 260), (0.09, 0.15), (0.7, 1.0),
        (100, 125), (0.2, 0.35), (0.03, 0.05), (0.9, 1.4), (0.1, 0.3),
    ),
    "machine": (
        (42, 52), (0.45, 0.8), (0.2, 0.5), (175, 235), (0.12, 0.2), (0.6, 0.9),
        (80, 110), (0.3, 0.5), (0.04, 0.07), (0.9, 1.5), (0.8, 1.0),
    ),
    "big": (
        (46, 56), (0.4, 0.6), (0.5, 0.9), (150, 190), (0.25, 0.4), (0.9, 1.3),
        (68, 88), (0.6, 1.0), (0.07, 0.12), (1.8, 2.8), (0.0, 0.1),
    ),
}  # fmt: skip


def draw_kit(name: str, rng: np.random.Generator) -> Kit:
    """A kit of a kind."""
    kick_hz, kick_s, click, snare_hz, snare_s, wires, tom_hz, tom_s, hat_s, crash_s, electric = (
        float(rng.uniform(low, high)) for low, high in _KIT_RANGES[name]
    )
    return Kit(
        kick_hz=kick_hz, kick_s=kick_s, click=click, snare_hz=snare_hz, snare_s=snare_s, wires=wires,
        tom_hz=tom_hz, tom_s=tom_s, hat_s=hat_s, metal_hz=float(rng.uniform(2300, 3600)), crash_s=crash_s,
        electric=electric, drive=float(rng.uniform(1.0, 2.2)), width=float(rng.uniform(0.5, 1.0)),
    )  # fmt: skip


def _samples(seconds: float) -> int:
    return int(seconds * SAMPLE_RATE)


def _swept(start_hz: float, end_hz: float, sweep_s: float, seconds: float, time_s: float) -> np.ndarray:
    """A sine that falls from one frequency to another while it decays."""
    t = np.arange(_samples(seconds)) / SAMPLE_RATE
    frequency = end_hz + (start_hz - end_hz) * np.exp(-t / sweep_s)
    phase = 2 * np.pi * np.cumsum(frequency) / SAMPLE_RATE
    return np.sin(phase).astype(np.float32) * decay(len(t), time_s)


def _noise(
    seconds: float, gains: tuple[float, ...], times_s: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    return decaying_noise(_samples(seconds), _BANDS, gains, list(times_s), rng)


def kick(kit: Kit, level: float, rng: np.random.Generator) -> np.ndarray:
    """A falling sine, a knock and the click of the beater."""
    body = _swept(kit.kick_hz * (3.0 + 2.5 * level), kit.kick_hz, 0.018, kit.kick_s * 1.3, kit.kick_s * 1.2)
    knock = partials(
        np.array([2.3, 3.6, 5.1]) * kit.kick_hz, np.array([0.3, 0.18, 0.12]), np.full(3, 0.09), len(body), rng
    )
    click = _noise(0.03, (0.2, 0.5, 0.9, 1.0, 0.8, 0.5, 0.25, 0.1), np.full(8, 0.018), rng)
    sound = np.tanh((0.8 + kit.drive * 0.5) * body) + (1 - kit.electric) * knock
    sound[: len(click)] += click * kit.click * 0.45 * level
    return sound


def snare(kit: Kit, level: float, rng: np.random.Generator) -> np.ndarray:
    """Two modes of the head and the rattle of the wires, brighter when struck harder."""
    seconds = kit.snare_s * 2.2 + 0.1
    modes = np.array([1.0, 1.59, 2.14, 2.65, 3.16])
    tone = partials(
        kit.snare_hz * modes,
        np.array([0.8, 0.5, 0.3, 0.2, 0.14]),
        kit.snare_s / modes**0.7,
        _samples(seconds),
        rng,
    )
    bright = 0.35 + 0.65 * level
    gains = (0.05, 0.25, 0.55, 0.7, 0.85 * bright, 0.9 * bright, 0.75 * bright**2, 0.5 * bright**2)
    times = kit.snare_s * np.array([0.5, 0.8, 1.1, 1.3, 1.25, 1.1, 0.95, 0.8])
    wires = _noise(seconds, gains, times, rng)
    sound = 0.45 * tone + 0.55 * kit.wires * wires
    return sound + 0.3 * level * _first(
        _noise(0.012, (0, 0.2, 1, 1, 1, 0.8, 0.6, 0.4), np.full(8, 0.006), rng), sound
    )


def _first(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """``part`` extended by zeros to the length of ``whole``."""
    return np.pad(part, (0, len(whole) - len(part)))


def rim(kit: Kit, level: float, rng: np.random.Generator) -> np.ndarray:
    """A stick across the rim."""
    samples = _samples(0.14)
    sound = partials(
        kit.snare_hz * np.array([2.4, 5.1, 8.3, 13.0]),
        np.array([0.5, 0.8, 0.6, 0.35]),
        np.array([0.08, 0.06, 0.04, 0.03]),
        samples,
        rng,
    )
    return sound + 0.5 * _first(
        _noise(0.02, (0, 0.1, 0.5, 1, 1, 0.8, 0.5, 0.3), np.full(8, 0.012), rng), sound
    )


def clap(kit: Kit, level: float, rng: np.random.Generator) -> np.ndarray:
    """Hands that do not quite meet at once."""
    gains, times = (0, 0.1, 1.0, 0.9, 0.5, 0.35, 0.25, 0.15), np.full(8, 0.2)
    sound = 0.6 * _noise(0.32, gains, times, rng)
    for start in (0.0, 0.009, 0.019, 0.027):
        place(sound, _noise(0.02, gains, np.full(8, 0.02), rng), start + float(rng.uniform(0, 0.003)))
    return sound


def tom(kit: Kit, level: float, ratio: float, rng: np.random.Generator) -> np.ndarray:
    """A tuned drum; ``ratio`` over the lowest."""
    hz = kit.tom_hz * ratio
    body = _swept(hz * (1.35 + 0.3 * level), hz, 0.05, kit.tom_s * 1.4, kit.tom_s)
    over = partials(
        hz * np.array([1.59, 2.3, 3.1]),
        np.array([0.35, 0.2, 0.12]),
        np.full(3, 0.3 * kit.tom_s),
        len(body),
        rng,
    )
    stick = _noise(0.06, (0.3, 0.6, 0.8, 0.8, 0.6, 0.4, 0.2, 0.1), np.full(8, 0.04), rng)
    return body + over + 0.3 * level * _first(stick, body)


def cymbal(
    kit: Kit, level: float, seconds: float, lowest_hz: float, ping: float, rng: np.random.Generator
) -> np.ndarray:
    """Dense inharmonic modes over noise whose top dies first; an electric kit has six squares instead."""
    samples = _samples(seconds * 1.2)
    count = 14 if kit.electric > 0.5 else 30
    ratios = np.exp(rng.uniform(0, np.log(14000 / lowest_hz), count))
    gains = rng.uniform(0.3, 1.0, count) * (0.25 / np.sqrt(count)) * (1 + ping)
    modes = partials(lowest_hz * ratios, gains, seconds * rng.uniform(0.3, 0.9, count), samples, rng)
    edge = np.clip(np.log2(np.array(_BANDS) / lowest_hz) + 1.0, 0.0, 1.0)
    bright = np.array([1, 1, 1, 1, 0.95, 0.9, 0.85 * (0.5 + 0.5 * level), 0.7 * (0.4 + 0.6 * level)])
    times = seconds * np.array([0.7, 0.9, 1.0, 1.0, 0.95, 0.8, 0.65, 0.5])
    wash = decaying_noise(samples, _BANDS, list(edge * bright), list(times), rng)
    return 0.42 * wash + (1.0 + kit.electric) * modes


def shaker(kit: Kit, level: float, rng: np.random.Generator) -> np.ndarray:
    """Grains against a shell."""
    sound = _noise(0.11, (0, 0, 0.05, 0.2, 0.7, 1.0, 0.8, 0.4), np.full(8, 0.12), rng)
    return faded(sound, attack_s=0.018)


_PIECES: dict[str, Callable[[Kit, float, np.random.Generator], np.ndarray]] = {
    "kick": kick,
    "snare": snare,
    "rim": rim,
    "clap": clap,
    "shaker": shaker,
    "tom_low": lambda kit, level, rng: tom(kit, level, 1.0, rng),
    "tom_mid": lambda kit, level, rng: tom(kit, level, 1.38, rng),
    "tom_high": lambda kit, level, rng: tom(kit, level, 1.85, rng),
    "hat": lambda kit, level, rng: cymbal(
        kit, level, kit.hat_s * (0.8 + 0.5 * level), kit.metal_hz * 1.4, 0.3, rng
    ),
    "open_hat": lambda kit, level, rng: cymbal(kit, level, kit.hat_s * 6.0, kit.metal_hz * 1.2, 0.4, rng),
    "ride": lambda kit, level, rng: cymbal(kit, level, 0.9, kit.metal_hz, 1.6, rng),
    "crash": lambda kit, level, rng: cymbal(kit, level, kit.crash_s, kit.metal_hz * 0.35, 0.2, rng),
}

PIECES = tuple(_PIECES)

# level in the mix and place from left to right
_SEATS = {
    "kick": (0.9, 0.0), "snare": (1.0, 0.05), "rim": (0.5, 0.08), "clap": (0.5, -0.1), "shaker": (0.16, -0.5),
    "tom_low": (0.6, 0.5), "tom_mid": (0.55, 0.1), "tom_high": (0.55, -0.35), "hat": (0.32, -0.4),
    "open_hat": (0.30, -0.4), "ride": (0.24, 0.45), "crash": (0.36, -0.3),
}  # fmt: skip


def strike(piece: str, kit: Kit, level: float, rng: np.random.Generator) -> np.ndarray:
    """One stroke, (2, time), its peak about ``level``; cymbals differ between the channels."""
    make = _PIECES[piece]
    if piece in _CHANNEL_PIECES:
        left = make(kit, level, rng)
        other = make(kit, level, rng)
        share = 0.55 * kit.width
        sound = np.stack([left, (1 - share) * left + share * other])
    else:
        sound = np.repeat(make(kit, level, rng)[None], 2, axis=0)
    return faded(sound * (level / (np.abs(sound).max() + 1e-9)), attack_s=0.0003, release_s=0.03)


def play_drums(hits: tuple[Hit, ...], kit: Kit, seconds: float, rng: np.random.Generator) -> np.ndarray:
    """All strokes of a song, (2, time). Each piece has a few recordings, by loudness and by turns."""
    track = np.zeros((2, round(seconds * SAMPLE_RATE)), dtype=np.float32)
    recorded: dict[tuple[str, int, int], np.ndarray] = {}
    for number, hit in enumerate(hits):
        layer = max(1, int(np.ceil(hit.level * _LAYERS)))
        key = (hit.piece, layer, number % 2)
        if key not in recorded:
            recorded[key] = strike(hit.piece, kit, layer / _LAYERS, rng)
        gain, seat = _SEATS[hit.piece]
        gains = pan_gains(seat * kit.width) * np.float32(gain * hit.level / (layer / _LAYERS))
        place(track, recorded[key], hit.start_s, gains)
    return shaped(np.tanh(1.1 * track) / 1.1, high_pass(25.0))
