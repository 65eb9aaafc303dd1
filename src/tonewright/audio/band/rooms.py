"""Rooms that were never built: image sources first, then noise whose bands fade at rates of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.audio.band.synthesis import SAMPLE_RATE, decaying_noise, low_pass, shaped

_SOUND_M_S = 343.0
_BANDS = (63.0, 125.0, 250.0, 500.0, 1000.0, 2000.0, 4000.0, 8000.0, 16000.0)
_TAPS = np.arange(-7, 9)


@dataclass(frozen=True, slots=True)
class Room:
    """A shoebox with a source and a pair of microphones.

    Parameters
    ----------
    decay_s : time in which its sound falls by 60 dB, found from the range −5 to −25 dB
    size_m : length, width, height
    source_m : place of the source
    microphones_m : place of the middle between the microphones
    spacing_m : between the microphones
    band_decays : decay of each band relative to the whole
    band_gains : level of each band's tail
    """

    decay_s: float
    size_m: tuple[float, float, float]
    source_m: tuple[float, float, float]
    microphones_m: tuple[float, float, float]
    spacing_m: float
    band_decays: tuple[float, ...]
    band_gains: tuple[float, ...]


def draw_room(decay_s: float, rng: np.random.Generator) -> Room:
    """A room of a size that suits its decay."""
    volume = 60.0 * (decay_s / 0.4) ** 1.9 * float(rng.uniform(0.6, 1.7))
    shape = np.array([1.0, rng.uniform(0.6, 0.9), rng.uniform(0.35, 0.6)])
    size = np.maximum(shape * (volume / shape.prod()) ** (1 / 3), (2.2, 1.9, 2.0))
    microphones = size * np.array([rng.uniform(0.25, 0.4), rng.uniform(0.4, 0.6), 0.45])
    source = size * np.array([rng.uniform(0.65, 0.85), rng.uniform(0.25, 0.75), rng.uniform(0.35, 0.6)])
    highs = float(rng.uniform(0.75, 1.1))
    lows = float(rng.uniform(0.9, 1.35))
    relative = np.array(
        [lows, lows, 0.5 + 0.5 * lows, 1.0, 1.0, 0.94, 0.84 * highs, 0.66 * highs, 0.45 * highs]
    )
    tilt = float(rng.uniform(1.5, 4.0))
    gains = 10 ** (-tilt * np.maximum(np.log2(np.array(_BANDS) / 500.0), 0.0) / 20)
    return Room(
        decay_s=decay_s,
        size_m=_triple(size),
        source_m=_triple(source),
        microphones_m=_triple(microphones),
        spacing_m=float(rng.uniform(0.17, 0.6)),
        band_decays=tuple(map(float, relative)),
        band_gains=tuple(map(float, gains)),
    )


def _triple(values: np.ndarray) -> tuple[float, float, float]:
    return float(values[0]), float(values[1]), float(values[2])


def wall_reflection(room: Room) -> float:
    """Amplitude that a wall gives back, from Eyring's ``T = 0.161 V / (−S ln(1 − α))``, ``β = √(1 − α)``."""
    x, y, z = room.size_m
    volume, surface = x * y * z, 2 * (x * y + y * z + x * z)
    return float(np.exp(-0.5 * 0.161 * volume / (surface * room.decay_s)))


def mixing_s(room: Room) -> float:
    """Time after which reflections are too dense to tell apart, about ``√V`` ms with V in m³."""
    return float(np.clip(1.4e-3 * np.sqrt(np.prod(room.size_m)), 0.012, 0.09))


def image_sources(room: Room, until_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Places (images, 3) and numbers of reflections (images,) of all images that arrive before ``until_s``.

    J. Allen and D. Berkley, "Image method for efficiently simulating small-room acoustics", 1979.
    """
    size = np.array(room.size_m)
    reach = np.ceil(_SOUND_M_S * until_s / (2 * size)).astype(int) + 1
    axes = [np.arange(-n, n + 1) for n in reach]
    cells = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 1, 3)
    sides = np.stack(np.meshgrid(*[[0, 1]] * 3, indexing="ij"), axis=-1).reshape(1, -1, 3)
    places = (1 - 2 * sides) * np.array(room.source_m) + 2 * cells * size
    bounces = np.abs(cells - sides) + np.abs(cells)
    places, orders = places.reshape(-1, 3), bounces.sum(axis=-1).reshape(-1)
    near = np.linalg.norm(places - np.array(room.microphones_m), axis=1) < _SOUND_M_S * until_s
    return places[near], orders[near]


def _early(room: Room, samples: int) -> np.ndarray:
    """Images up to the mixing time at two microphones that look apart, (2, samples); the direct one is 1."""
    places, orders = image_sources(room, mixing_s(room) + 0.01 + _distance_s(room))
    beta = wall_reflection(room)
    total = np.zeros((2, samples), dtype=np.float64)
    first = _distance_s(room) * _SOUND_M_S
    for channel, side in enumerate((-1.0, 1.0)):
        microphone = np.array(room.microphones_m) + np.array([0.0, side * room.spacing_m / 2, 0.0])
        away = places - microphone
        distance = np.linalg.norm(away, axis=1)
        look = np.array([np.cos(0.8), side * np.sin(0.8), 0.0])
        pattern = 0.6 + 0.4 * (away @ look) / distance
        gain = pattern * beta**orders * first / distance
        delay = np.maximum(distance - first, 0.0) / _SOUND_M_S * SAMPLE_RATE + len(_TAPS) / 2
        for order in range(int(orders.max()) + 1):
            chosen = orders == order if order < 4 else orders >= 4
            if order <= 4 and chosen.any():
                part = _spread(delay[chosen], gain[chosen], samples)
                cutoff = 20000.0 / (1.0 + 0.9 * order)
                total[channel] += shaped(part, low_pass(cutoff, 1.0)) if order else part
    return total.astype(np.float32)


def _distance_s(room: Room) -> float:
    return float(np.linalg.norm(np.subtract(room.source_m, room.microphones_m)) / _SOUND_M_S)


def _spread(delay: np.ndarray, gain: np.ndarray, samples: int) -> np.ndarray:
    """Impulses at fractional delays, by a windowed sinc of sixteen samples."""
    whole = np.floor(delay).astype(int)
    offset = _TAPS[None, :] - (delay - whole)[:, None]
    taps = np.sinc(offset) * np.cos(np.pi * offset / 18.0) ** 2 * gain[:, None]
    index = whole[:, None] + _TAPS[None, :]
    inside = (index >= 0) & (index < samples)
    return np.bincount(index[inside], weights=taps[inside], minlength=samples)[:samples]


def decay_time_s(response: np.ndarray, *, sample_rate: float = SAMPLE_RATE) -> float:
    """Decay by 60 dB in seconds, from Schroeder's integral between −5 and −25 dB (T20, ISO 3382).

    ``response`` : (…, time); the energy of the channels is added.
    """
    energy = np.square(response.astype(np.float64)).reshape(-1, response.shape[-1]).sum(axis=0)
    left = np.cumsum(energy[::-1])[::-1]
    level = 10 * np.log10(np.maximum(left / left[0], 1e-12))
    first, last = int(np.argmax(level <= -5.0)), int(np.argmax(level <= -25.0))
    slope = np.polyfit(np.arange(first, last + 1) / sample_rate, level[first : last + 1], 1)[0]
    return float(-60.0 / slope)


def room_response(room: Room, rng: np.random.Generator) -> np.ndarray:
    """Impulse response of a room, (2, time), starting with the direct sound, whose T20 is ``decay_s``.

    The tail's rate is tuned until the whole response, with its early reflections, has the stated decay.
    """
    samples = int((1.15 * room.decay_s + 0.06) * SAMPLE_RATE)
    early = _early(room, samples)
    mixing = int(mixing_s(room) * SAMPLE_RATE)
    t = np.arange(samples)
    fade_in = (1.0 / (1.0 + np.exp(-(t - 0.7 * mixing) / (0.12 * mixing)))).astype(np.float32)
    window = slice(int(0.55 * mixing), mixing)
    target = np.sqrt(np.mean(early[:, window] ** 2) + 1e-12)
    state, rate = rng.bit_generator.state, 1.0
    response = early
    for _ in range(5):
        rng.bit_generator.state = state
        times = room.decay_s * rate * np.array(room.band_decays)
        late = np.stack(
            [decaying_noise(samples, _BANDS, room.band_gains, times.tolist(), rng) for _ in range(2)]
        )
        late *= 0.9 * target / np.sqrt(np.mean(late[:, window] ** 2))
        response = early * (1.0 - fade_in) + late * fade_in
        measured = decay_time_s(response)
        if abs(measured / room.decay_s - 1.0) < 0.02:
            break
        rate *= float(np.clip(room.decay_s / measured, 0.5, 2.0))
    end = int(0.05 * SAMPLE_RATE)
    response[:, -end:] *= np.linspace(1.0, 0.0, end, dtype=np.float32)
    return response


def reflections(room: Room, rng: np.random.Generator) -> np.ndarray:
    """A room's response without its direct sound, (2, time), at unit energy a channel."""
    response = room_response(room, rng)
    gap = int(0.0015 * SAMPLE_RATE)
    response[:, :gap] = 0.0
    response[:, gap : 2 * gap] *= np.linspace(0.0, 1.0, gap, dtype=np.float32)
    return response / np.sqrt(np.square(response).sum() / 2.0)


ROOM_NAMES = (
    "booth", "closet", "office", "bedroom", "studio", "kitchen", "living-room", "classroom",
    "stairs", "club", "theatre", "gallery", "concert-hall", "gymnasium", "church", "cathedral",
)  # fmt: skip


def room_decays_s() -> tuple[float, ...]:
    """Decays of the rooms in ROOM_NAMES, 0.15 to 4 s in equal ratios."""
    return tuple(round(float(value), 2) for value in np.geomspace(0.15, 4.0, len(ROOM_NAMES)))
