"""Rooms that were never built, and sounds in them: what the blind reverberation time is fitted to.

Half of the rooms are those of the demo band (image sources, then noise); the others are noise that fades at a
rate of its own in each octave, with or without a second, faster slope, sparse at first or dense, behind a
direct sound of any level. Many carry the noise of a measurement.
"""

from __future__ import annotations

import numpy as np
from numpy.fft import irfft, rfft, rfftfreq

from tonewright.audio.band.rooms import draw_room, room_response
from tonewright.audio.band.synthesis import fast_length

RATE = 44100
_OCTAVES_HZ = 62.5 * 2.0 ** np.arange(9)
_AIR_S = np.array([60.0, 40.0, 25.0, 14.0, 8.0, 5.0, 2.6, 1.1, 0.5])
_BAND_ROOM_S = (0.12, 4.5)


def drawn_room(rng: np.random.Generator, *, shortest_s: float = 0.08, longest_s: float = 9.0) -> np.ndarray:
    """A response (1 or 2, time) at 44.1 kHz, noise of its measurement not yet added."""
    decay_s = float(np.exp(rng.uniform(np.log(shortest_s), np.log(longest_s))))
    if rng.random() < 0.6:
        return _noise_room(decay_s, rng)
    room = draw_room(float(np.clip(decay_s, *_BAND_ROOM_S)), rng)
    response = room_response(room, rng).astype(np.float64)[: 1 if rng.random() < 0.4 else 2]
    if rng.random() < 0.5:
        response[:, :60] *= 10 ** (rng.uniform(-15, 12) / 20)
    return response


def measured(response: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A response as it comes from a measurement: with noise, and as long as the recording ran."""
    length = max(response.shape[1], int(rng.uniform(0.4, 2.5) * RATE) if rng.random() < 0.7 else 0)
    noise = rng.standard_normal((len(response), length))
    if rng.random() < 0.5:
        noise = 0.02 * np.cumsum(noise, axis=1) + 0.2 * noise
        noise -= noise.mean(axis=1, keepdims=True)
    noise *= np.abs(response).max() * 10 ** (-rng.uniform(45, 85) / 20) / noise.std()
    noise[:, : response.shape[1]] += response
    return noise


def middle_decay_s(response: np.ndarray) -> float:
    """T30 by Schroeder's integral, geometric mean of the octaves of 500 and 1000 Hz; NaN without 35 dB."""
    octaves = [octave(response, 500.0 * 2**k) for k in range(2)]
    return float(np.sqrt(np.prod([_decay_s(one) for one in octaves])))


def octave(response: np.ndarray, center_hz: float) -> np.ndarray:
    """An octave of a response (channels, time), its edges raised cosines of 0.3 octaves."""
    length = fast_length(int(1.2 * response.shape[1]))
    away = np.abs(np.log2(np.maximum(rfftfreq(length, 1 / RATE), 1.0) / center_hz))
    gain = np.sin(np.pi / 2 * np.clip((0.5 - away) / 0.3 + 0.5, 0.0, 1.0))
    return irfft(rfft(response, length) * gain, length)[:, : response.shape[1]]


def _decay_s(response: np.ndarray) -> float:
    energy = np.square(response).sum(axis=0)
    level = 10 * np.log10(np.maximum(np.cumsum(energy[::-1])[::-1] / energy.sum(), 1e-14))
    first, last = int(np.argmax(level <= -5)), int(np.argmax(level <= -35))
    if last <= first + 5:
        return float("nan")
    return float(-60 / np.polyfit(np.arange(first, last) / RATE, level[first:last], 1)[0])


def _noise_room(decay_s: float, rng: np.random.Generator) -> np.ndarray:
    channels, samples = 1 + int(rng.random() < 0.4), int((1.1 * decay_s + 0.12) * RATE)
    high, low = rng.uniform(0, 4), rng.uniform(-1, 3)
    away = np.log2(_OCTAVES_HZ / 500)
    gains = 10 ** (-np.where(away > 0, high * away, -low * away) / 20)
    density = None if rng.random() < 0.5 else 10 ** rng.uniform(4.5, 7)
    tail = np.stack([_fading_noise(samples, decay_s, gains, density, rng) for _ in range(channels)])
    if rng.random() < 0.3:
        short_s = decay_s * rng.uniform(0.25, 0.7)
        first = np.stack([_fading_noise(samples, short_s, gains, None, rng) for _ in range(channels)])
        tail += first * 10 ** (rng.uniform(3, 20) / 20)
    build_s = rng.choice([0, 0, 0.003, 0.01, 0.03, 0.06, 0.1]) * min(2.0, decay_s / 0.5)
    if build_s > 0:
        tail *= 1 - np.exp(-np.arange(samples) / RATE / build_s)
    tail /= np.sqrt(np.square(tail).sum(axis=1, keepdims=True))
    return _with_direct_sound(tail, decay_s, rng)


def _with_direct_sound(tail: np.ndarray, decay_s: float, rng: np.random.Generator) -> np.ndarray:
    """A tail of unit energy behind a direct sound, 20 dB weaker to 15 dB stronger, and a few reflections."""
    direct_db = rng.uniform(-20, 15)
    gap = int(rng.uniform(0, rng.choice([0.02, 0.08])) * min(1.0, decay_s) * RATE)
    response = np.zeros((len(tail), tail.shape[1] + gap))
    response[:, gap:] = tail
    response[:, 0] += 10 ** (direct_db / 20)
    count = int(rng.integers(0, 12))
    for channel in response:
        places = (rng.uniform(0.001, 0.05, count) * RATE * min(1.0, decay_s / 0.4)).astype(int)
        levels_db = min(direct_db, 0.0) - rng.uniform(4, 25, count)
        channel[places] += rng.choice([-1, 1], count) * 10 ** (levels_db / 20)
    return response


def _fading_noise(
    samples: int, decay_s: float, gains: np.ndarray, density: float | None, rng: np.random.Generator
) -> np.ndarray:
    """Noise (time,) whose octaves fade at rates of their own; its echoes grow denser with time squared."""
    noise, t = rng.standard_normal(samples), np.arange(samples) / RATE
    if density is not None:
        share = np.minimum(1.0, 3 * density * (t + 1e-3) ** 2 / RATE)
        noise *= (rng.random(samples) < share) / np.sqrt(np.maximum(share, 1e-3))
    length = fast_length(samples)
    spectrum = rfft(noise, length)
    place = np.log2(np.maximum(rfftfreq(length, 1 / RATE), 1.0) / _OCTAVES_HZ[0]).clip(0, 8)
    times, total = _octave_decays_s(decay_s, rng), np.zeros(samples)
    for octave_number, (gain, time_s) in enumerate(zip(gains, times, strict=True)):
        weight = np.sqrt(np.clip(1 - np.abs(place - octave_number), 0, 1))
        total += gain * irfft(spectrum * weight, length)[:samples] * 10 ** (-3 * t / time_s)
    return total


def _octave_decays_s(decay_s: float, rng: np.random.Generator) -> np.ndarray:
    """Decays of the octaves: longer below, shorter above, and the air's absorption in large rooms."""
    away = np.log2(_OCTAVES_HZ / 700)
    low, high = rng.uniform(-0.05, 0.25), rng.uniform(0, 0.35)
    walls = decay_s * 2 ** -np.where(away < 0, low * away, high * away) * np.exp(0.1 * rng.standard_normal(9))
    return 1 / (1 / walls + min(1.0, decay_s / 0.6) / (_AIR_S * rng.uniform(0.8, 1.6)))


def in_room(dry: np.ndarray, response: np.ndarray | None, rng: np.random.Generator) -> np.ndarray:
    """A dry sound (time,) as a recording of it might come, (channels, time): cut, noisy, dull, in 16 bits.

    Parameters
    ----------
    dry : (time,)
    response : (channels, time), or none for the sound as it is
    """
    wet = dry[None] if response is None else _convolved(dry, response)
    end = dry.size
    if rng.random() > 0.45:
        end += int((1.0 if rng.random() > 0.45 else rng.random()) * (wet.shape[1] - dry.size))
    wet = wet[:, :end]
    if rng.random() < 0.5:
        wet = wet + _coloured_noise(end, rng) * np.sqrt(np.square(wet).mean()) * 10 ** (
            -rng.uniform(28, 80) / 20
        )
    if rng.random() < 0.2:
        cutoff_hz = np.exp(rng.uniform(np.log(3000), np.log(12000)))
        wet = irfft(rfft(wet) / np.sqrt(1 + (rfftfreq(end, 1 / RATE) / cutoff_hz) ** 16), end)
    if rng.random() < 0.5:
        wet = np.round(wet / np.abs(wet).max() * rng.uniform(0.1, 1) * 32767) / 32768
    return np.ascontiguousarray(wet, dtype=np.float32)


def _convolved(dry: np.ndarray, response: np.ndarray) -> np.ndarray:
    length = dry.size + response.shape[1] - 1
    fast = fast_length(length)
    spectrum = rfft(dry.astype(np.float32), fast) * rfft(response.astype(np.float32), fast)
    return irfft(spectrum, fast)[:, :length]


def _coloured_noise(samples: int, rng: np.random.Generator) -> np.ndarray:
    """Noise of unit power whose spectrum falls by 0 to 6 dB an octave."""
    spectrum = rfft(rng.standard_normal(samples))
    noise = irfft(spectrum * np.arange(1, spectrum.size + 1) ** -rng.uniform(0, 1), samples)
    return noise / noise.std()
