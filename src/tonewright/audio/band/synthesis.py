"""Sound from numbers: tables, plucked strings, shaped noise, moving filters. No loop runs over samples."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from scipy import fft
from scipy.ndimage import uniform_filter1d

SAMPLE_RATE = 44100
FloatArray = np.ndarray

_TABLE_SIZE = 2048


def fast_length(length: int) -> int:
    """The next length whose Fourier transform is fast."""
    return int(np.asarray(fft.next_fast_len(length, real=True)))


def rfft(samples: FloatArray, length: int) -> FloatArray:
    """Spectrum of the last axis, padded with zeros to ``length``, at the precision of ``samples``."""
    return np.asarray(fft.rfft(samples, n=length, axis=-1))


def irfft(spectrum: FloatArray, length: int) -> FloatArray:
    """The inverse of `rfft`."""
    return np.asarray(fft.irfft(spectrum, n=length, axis=-1))


def hz_from_pitch(pitch: FloatArray | float) -> FloatArray:
    """Frequency of a MIDI pitch in equal temperament, ``440 · 2^((p − 69) / 12)`` Hz."""
    return 440.0 * 2.0 ** ((np.asarray(pitch, dtype=np.float64) - 69.0) / 12.0)


def phase_of(frequency_hz: FloatArray, *, sample_rate: float = SAMPLE_RATE, start: float = 0.0) -> FloatArray:
    """Phase in turns of an oscillator with ``frequency_hz`` : (time,)."""
    phase = np.cumsum(frequency_hz, dtype=np.float64)
    phase -= frequency_hz[0]
    phase /= sample_rate
    return phase + start if start else phase


def wavetables(amplitudes: FloatArray, phases: FloatArray | None = None) -> FloatArray:
    """One period of each harmonic series, (tables, size + 1), the first sample repeated for interpolation.

    Parameters
    ----------
    amplitudes : (tables, harmonics), of the first, second, … harmonic
    phases : radians of the sines, broadcast against amplitudes
    """
    amplitudes = np.atleast_2d(amplitudes)
    count = min(amplitudes.shape[1], _TABLE_SIZE // 2 - 1)
    spectrum = np.zeros((amplitudes.shape[0], _TABLE_SIZE // 2 + 1), dtype=np.complex128)
    turn = -1j if phases is None else -1j * np.exp(1j * np.broadcast_to(phases, amplitudes.shape)[:, :count])
    spectrum[:, 1 : count + 1] = amplitudes[:, :count] * turn
    table = irfft(spectrum, _TABLE_SIZE) * (_TABLE_SIZE / 2)
    return np.concatenate([table, table[:, :1]], axis=1)


def read_table(tables: FloatArray, phase: FloatArray, position: FloatArray | float = 0.0) -> FloatArray:
    """Bilinear reading of ``tables`` : (tables, size + 1) at a phase in turns and a table position.

    Parameters
    ----------
    phase : (time,) turns; only the fractional part counts
    position : (time,) or a number, 0 … tables − 1
    """
    count, size = tables.shape[0], tables.shape[1] - 1
    flat = tables.astype(np.float32).ravel()
    place = (phase - np.floor(phase)) * size
    index = place.astype(np.int32)
    np.minimum(index, size - 1, out=index)
    part = (place - index).astype(np.float32)
    if count == 1:
        below = flat[index]
        return below + part * (flat[index + 1] - below)
    where = np.clip(np.asarray(position, dtype=np.float32), 0.0, count - 1)
    row = np.minimum(where.astype(np.int32), count - 2)
    mix = where - row
    index += row * np.int32(size + 1)
    below = flat[index]
    below += part * (flat[index + 1] - below)
    index += np.int32(size + 1)
    above = flat[index]
    above += part * (flat[index + 1] - above)
    return below + mix * (above - below)


def breakpoints(times_s: Sequence[float], values: Sequence[float], samples: int) -> FloatArray:
    """Straight lines through (time, value) pairs, (samples,) in float32."""
    at = np.arange(samples, dtype=np.float64) / SAMPLE_RATE
    return np.interp(at, times_s, values).astype(np.float32)


def decay(samples: int, time_s: float) -> FloatArray:
    """Exponential fall by 60 dB in ``time_s``, (samples,)."""
    rate = np.log(1000.0) / max(time_s, 1e-4)
    return np.exp(-rate / SAMPLE_RATE * np.arange(samples)).astype(np.float32)


def faded(sound: FloatArray, *, attack_s: float = 0.001, release_s: float = 0.01) -> FloatArray:
    """Copy of ``sound`` : (…, time) with raised-cosine ends."""
    sound = sound.astype(np.float32)
    for seconds, side in ((attack_s, slice(None)), (release_s, slice(None, None, -1))):
        count = min(int(seconds * SAMPLE_RATE), sound.shape[-1] // 2)
        if count > 1:
            ramp = 0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / count)
            sound[..., side][..., :count] *= ramp.astype(np.float32)
    return sound


def place(track: FloatArray, sound: FloatArray, start_s: float, gain: FloatArray | float = 1.0) -> None:
    """Add ``sound`` : (time,) or (channels, time) to ``track`` at a time; what lies outside is left out.

    ``gain`` is a number or one number a channel.
    """
    start = round(start_s * SAMPLE_RATE)
    first, last = max(start, 0), min(start + sound.shape[-1], track.shape[-1])
    if last <= first:
        return
    part = sound[..., first - start : last - start]
    gain = np.asarray(gain, dtype=np.float32)
    track[..., first:last] += part * (gain[:, None] if gain.ndim else gain)


def pan_gains(position: float) -> FloatArray:
    """Left and right gain of equal power for a position −1 (left) … 1 (right), (2,)."""
    angle = (np.clip(position, -1.0, 1.0) + 1.0) * np.pi / 4
    return np.array([np.cos(angle), np.sin(angle)], dtype=np.float32) * np.float32(np.sqrt(2.0))


def shaped(sound: FloatArray, gain_of: Callable[[FloatArray], FloatArray], *, pad: int = 4096) -> FloatArray:
    """``sound`` : (…, time) through a zero-phase filter given as gain over frequency in Hz."""
    length = fast_length(sound.shape[-1] + pad)
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    spectrum = rfft(sound.astype(np.float32), length)
    spectrum *= np.asarray(gain_of(frequency), dtype=np.float32)
    return irfft(spectrum, length)[..., : sound.shape[-1]].astype(np.float32)


def low_pass(cutoff_hz: float, order: float = 2.0) -> Callable[[FloatArray], FloatArray]:
    """Gain of a Butterworth-like low-pass over frequency."""
    return lambda f: 1.0 / np.sqrt(1.0 + (f / cutoff_hz) ** (2 * order))


def high_pass(cutoff_hz: float, order: float = 2.0) -> Callable[[FloatArray], FloatArray]:
    """Gain of a Butterworth-like high-pass over frequency."""
    return lambda f: 1.0 / np.sqrt(1.0 + (cutoff_hz / np.maximum(f, 1e-3)) ** (2 * order))


def bell(center_hz: float, octaves: float) -> Callable[[FloatArray], FloatArray]:
    """Gain of a Gaussian band over log frequency, ``exp(−½ (log₂(f/f₀)/w)²)``."""
    return lambda f: np.exp(-0.5 * (np.log2(np.maximum(f, 1.0) / center_hz) / octaves) ** 2)


def decaying_noise(
    samples: int,
    centers_hz: Sequence[float],
    gains: Sequence[float],
    times_s: Sequence[float],
    rng: np.random.Generator,
) -> FloatArray:
    """Noise whose bands fall at rates of their own, ``Σ_b g_b · band_b(noise) · e^{−t/τ_b}``, (samples,)."""
    length = fast_length(samples + 512)
    spectrum = rfft(rng.standard_normal(length).astype(np.float32), length)
    position = np.log2(np.maximum(np.fft.rfftfreq(length, 1 / SAMPLE_RATE), 10.0))
    centers = np.log2(np.asarray(centers_hz, dtype=np.float64))
    total = np.zeros(samples, dtype=np.float32)
    for band, (gain, time_s) in enumerate(zip(gains, times_s, strict=True)):
        share = np.interp(position, centers, np.eye(len(centers))[band]).astype(np.float32)
        total += np.float32(gain) * irfft(spectrum * share, length)[:samples] * decay(samples, time_s)
    return total


def partials(
    frequencies_hz: FloatArray,
    gains: FloatArray,
    times_s: FloatArray,
    samples: int,
    rng: np.random.Generator | None = None,
) -> FloatArray:
    """Sum of decaying sines, ``Σ g e^{−t/τ} sin(2π f t + φ)``, (samples,); φ is 0 or random."""
    phases = np.zeros(len(frequencies_hz)) if rng is None else rng.uniform(0, 2 * np.pi, len(frequencies_hz))
    total = np.zeros(samples, dtype=np.float32)
    at = np.arange(samples) * (2 * np.pi / SAMPLE_RATE)
    for frequency, gain, time_s, phase in zip(frequencies_hz, gains, times_s, phases, strict=True):
        if gain != 0.0 and frequency < 0.48 * SAMPLE_RATE:
            count = min(samples, int(1.5 * time_s * SAMPLE_RATE) + 1)
            wave = np.sin(at[:count] * frequency + phase)
            total[:count] += np.float32(gain) * wave.astype(np.float32) * decay(count, time_s)
    return total


def plucked_string(
    frequency_hz: float,
    seconds: float,
    *,
    decay_s: float,
    damping_hz: float,
    pick: float,
    brightness_hz: float,
    rng: np.random.Generator,
    stiffness: float = 0.0,
) -> FloatArray:
    """A plucked string, (time,), at −12 dB RMS: Karplus and Strong's loop (1983) in the frequency domain.

    ``Y(z) = X(z) (1 − z^{−pN}) / (1 − H(z) z^{−N})`` is read on a circle ``|z| = r > 1`` and the result
    multiplied by ``r^n``, so that the delay ``N`` may be fractional and the tail does not wrap around.

    Parameters
    ----------
    decay_s : time in which the fundamental falls by 60 dB
    damping_hz : where the loop's losses have grown so that a partial decays four times as fast
    pick : place of the pick as a share of the string's length
    brightness_hz : cutoff of the excitation
    stiffness : shortening of the loop's delay for high partials (inharmonicity)
    """
    samples = int(seconds * SAMPLE_RATE)
    length = fast_length(samples + 256)
    growth = np.log(1e4) / length  # the wrapped tail comes back 80 dB down
    frequency = np.fft.rfftfreq(length, 1 / SAMPLE_RATE)
    delay = SAMPLE_RATE / frequency_hz
    loss = np.log(1000.0) / (decay_s * SAMPLE_RATE) * (1.0 + 3.0 * (frequency / damping_hz) ** 1.5)
    bend = 1.0 + stiffness * (frequency / frequency_hz) ** 2 / (1.0 + (frequency / 6000.0) ** 2)
    turn = -2j * np.pi * frequency / SAMPLE_RATE
    once = -(loss + growth) * delay + turn * delay * bend
    loop = np.exp(once)
    burst = int(min(delay, samples)) + 1
    excitation = rng.standard_normal(burst) * np.hanning(burst + 2)[1:-1]
    excitation += np.eye(1, burst, burst // 3)[0] * np.sqrt(burst) * 0.5
    spectrum = rfft(excitation * np.exp(-growth * np.arange(burst)), length)
    spectrum *= low_pass(brightness_hz, 1.0)(frequency) * high_pass(frequency_hz * 0.7, 2.0)(frequency)
    spectrum *= low_pass(frequency_hz * 1.5, 0.8)(frequency)
    spectrum *= (1.0 - 0.9 * np.exp(pick * once)) / (1.0 - loop)
    sound = irfft(spectrum, length)[:samples] * np.exp(growth * np.arange(samples))
    early = sound[: int(0.15 * SAMPLE_RATE)]
    sound *= 0.25 / (np.sqrt(np.mean(early**2)) + 1e-9)
    return faded(sound, attack_s=0.0005, release_s=0.02)


def moving_filter(
    sound: FloatArray,
    response_of: Callable[[slice], FloatArray],
    *,
    active: FloatArray,
    hop_samples: int = 256,
    n_fft: int = 2048,
) -> FloatArray:
    """``sound`` : (time,) through a filter that changes with every frame.

    Hann frames of two hops add up to one; each is convolved with its own response and overlap-added.

    Parameters
    ----------
    response_of : gives the responses (frames, n_fft // 2 + 1) of a slice of frames
    active : (frames,) bool; the other frames are skipped. Frame k is centred on sample k · hop
    """
    frames = active.shape[0]
    padded = np.zeros((frames + 1) * hop_samples, dtype=np.float32)
    count = min(sound.shape[0], padded.shape[0] - hop_samples)
    padded[hop_samples : hop_samples + count] = sound[:count]
    window = (0.5 - 0.5 * np.cos(np.pi * np.arange(2 * hop_samples) / hop_samples)).astype(np.float32)
    hops = n_fft // hop_samples
    total = np.zeros((frames + hops, hop_samples), dtype=np.float32)
    chunks = padded.reshape(frames + 1, hop_samples)
    for first in range(0, frames, 256):
        part = slice(first, min(first + 256, frames))
        if not active[part].any():
            continue
        block = np.concatenate([chunks[part], chunks[part.start + 1 : part.stop + 1]], axis=1) * window
        spectrum = rfft(block, n_fft) * response_of(part)
        pieces = irfft(spectrum, n_fft).reshape(-1, hops, hop_samples)
        for hop in range(hops):
            total[part.start + hop : part.stop + hop] += pieces[:, hop]
    return total.reshape(-1)[hop_samples : hop_samples + sound.shape[0]]


def smooth_random(samples: int, rate_hz: float, rng: np.random.Generator) -> FloatArray:
    """A slow random curve of about unit variance that turns ``rate_hz`` times a second, (samples,)."""
    points = max(4, int(samples / SAMPLE_RATE * rate_hz) + 4)
    values = rng.standard_normal(points)
    at = np.arange(samples) * (rate_hz / SAMPLE_RATE)
    curve = np.interp(at, np.arange(points), values)
    width = max(1, int(SAMPLE_RATE / rate_hz / 2))
    return uniform_filter1d(curve, width, mode="nearest").astype(np.float32) * 1.2
