"""One channel of a response: its bands, its direct sound, its echo density."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from tonewright.reverb.analysis.bands import (
    FRACTIONS,
    band_centers_hz,
    band_signals,
    band_weights,
    bandwidth_hz,
    fast_length,
)
from tonewright.reverb.analysis.decay import block_energies
from tonewright.reverb.analysis.density import WINDOW_S, echo_density
from tonewright.reverb.analysis.measure import BLOCK_S, Band, Measured, Split, measure

ONSET_DB = -20.0
DIRECT_S = 0.0025
LOWEST_HZ = 45.0
_LEAD_S = 0.0005
# Silence that separates the end of the sound from the ringing before its start, on the FFT's circle.
_PAD_S = 0.3
_BORDERS_S = (0.05, 0.08)
_FADE_S = 0.002


@dataclass(frozen=True)
class Channel:
    """What was measured in one channel.

    Attributes
    ----------
    onset : sample
    bands, whole : figures by band and over all frequencies
    direct_db, direct_to_reverberant_db : level of the direct sound
    density : times and values of the echo density
    spectrum_db : (thirds,) energy of the decay
    flatness : of the spectrum within third octaves, NaN for silence
    """

    onset: int
    bands: list[Measured]
    whole: Measured
    direct_db: float
    direct_to_reverberant_db: float
    density: tuple[np.ndarray, np.ndarray]
    spectrum_db: np.ndarray
    flatness: float

    @property
    def all(self) -> list[Measured]:
        """Bands and whole."""
        return [*self.bands, self.whole]


@dataclass(frozen=True)
class Circle:
    """Spectra of a response on the FFT's circle, its onset at sample 0 and its lead at the end.

    Attributes
    ----------
    spectrum : (bins,)
    early, late : (2, bins) powers of what lies before and behind 50 and 80 ms
    length : samples of the circle
    sample_rate : in Hz
    seconds : of sound from the onset on
    rounding : mean square of the noise of rounding
    """

    spectrum: np.ndarray
    early: np.ndarray
    late: np.ndarray
    length: int
    sample_rate: int
    seconds: float
    rounding: float

    @property
    def step_hz(self) -> float:
        """Width of a bin."""
        return self.sample_rate / self.length

    def band(self, weights: np.ndarray, width_hz: float) -> Band:
        """What is known of a band before its decay is looked at."""
        squared = np.square(weights)
        scale = 2.0 / self.length / self.sample_rate
        early, late = (power[:, : len(weights)] @ squared * scale for power in (self.early, self.late))
        split = Split((float(early[0]), float(early[1])), (float(late[0]), float(late[1])))
        noise = self.rounding * float(squared.sum()) / len(self.spectrum)
        return Band(split, width_hz, self.sample_rate, noise)


def onset(samples: np.ndarray) -> int:
    """First sample within 20 dB of the largest (ISO 3382-1); 0 for silence.

    Parameters
    ----------
    samples : (time,)
    """
    size = np.abs(samples)
    peak = size.max(initial=0.0)
    return int(np.argmax(size >= peak * 10 ** (ONSET_DB / 20))) if peak > 0 else 0


def measured_channel(
    samples: np.ndarray,
    sample_rate: int,
    *,
    bands: str,
    ends_s: np.ndarray,
    whole_end_s: float = np.nan,
    rounding: float = 0.0,
) -> Channel:
    """Measure one channel.

    Parameters
    ----------
    samples : (time,)
    sample_rate : in Hz
    bands : "octave" or "third"
    ends_s : (bands,) where the decays end, NaN where that is to be found
    whole_end_s : the same over all frequencies
    rounding : mean square of the noise of rounding
    """
    start = onset(samples)
    circle = _circle(samples, start, sample_rate, rounding)
    centers = band_centers_hz(sample_rate, bands=bands)
    measured = _bands(circle, centers, ends_s, fraction=FRACTIONS[bands])
    signal = np.fft.irfft(circle.spectrum * whole_weights(circle), circle.length)
    whole = _measured(
        signal, sample_rate, circle.seconds, circle.band(whole_weights(circle), np.inf), whole_end_s
    )
    direct, ratio = _direct(signal, sample_rate, whole)
    frames = round(whole.figures["truncation_s"] * sample_rate) if whole.levels_db.size else 0
    return Channel(
        onset=start,
        bands=measured,
        whole=whole,
        direct_db=direct,
        direct_to_reverberant_db=ratio,
        density=_density(samples[start : start + frames], sample_rate),
        spectrum_db=_third_levels(circle, centers, measured, whole),
        flatness=_flatness(circle),
    )


def _bands(circle: Circle, centers_hz: np.ndarray, ends_s: np.ndarray, *, fraction: int) -> list[Measured]:
    frequencies = np.arange(len(circle.spectrum)) * circle.step_hz
    signals = band_signals(circle.spectrum, circle.length, circle.sample_rate, centers_hz, fraction=fraction)
    measured = []
    for center, end, (signal, rate) in zip(centers_hz, ends_s, signals, strict=True):
        weights = band_weights(frequencies, center, fraction=fraction)
        band = circle.band(weights, bandwidth_hz(center, fraction=fraction))
        measured.append(_measured(signal, rate, circle.seconds, band, end))
    return measured


def _circle(samples: np.ndarray, start: int, sample_rate: int, rounding: float) -> Circle:
    fade = min(start, round(0.001 * sample_rate))
    lead = samples[start - fade : start] * np.sin(0.5 * np.pi * np.arange(fade) / max(1, fade)) ** 2
    sound = np.trim_zeros(samples[start:], "b")
    length = fast_length(len(sound) + fade + round(2 * _PAD_S * sample_rate))
    row = np.zeros(length)
    row[: len(sound)] = sound
    row[length - fade :] = lead
    spectrum = np.fft.rfft(row)
    early, late = np.zeros((2, 2, len(spectrum)))
    for at, border in enumerate(_BORDERS_S):
        first = row.copy()
        time = np.arange(len(sound)) / sample_rate
        first[: len(sound)] *= np.cos(0.5 * np.pi * np.clip((time - border) / _FADE_S + 0.5, 0.0, 1.0)) ** 2
        part = np.fft.rfft(first)
        early[at], late[at] = _power(part), _power(spectrum - part)
    return Circle(spectrum, early, late, length, sample_rate, len(sound) / sample_rate, rounding)


def _power(spectrum: np.ndarray) -> np.ndarray:
    return np.square(np.abs(spectrum))


def whole_weights(circle: Circle) -> np.ndarray:
    """All frequencies from the lower edge of the 63 Hz octave on, by a slope without delay: (bins,)."""
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 + (LOWEST_HZ / (np.arange(len(circle.spectrum)) * circle.step_hz)) ** 6)


def _energies(
    signal: np.ndarray, rate: float, seconds: float, *, block_s: float
) -> tuple[np.ndarray, np.ndarray, float]:
    """Energies of blocks from the onset on, of blocks before the onset, and their length."""
    energy, step_s = block_energies(signal[: max(1, round(seconds * rate))], rate, block_s=block_s)
    before, _ = block_energies(signal[: -1 - round(_PAD_S * rate) : -1], rate, block_s=block_s)
    return energy, before[::-1], step_s


def _measured(signal: np.ndarray, rate: float, seconds: float, band: Band, end_s: float) -> Measured:
    energy, before, step_s = _energies(signal, rate, seconds, block_s=BLOCK_S)
    return measure(energy, step_s, band=band, before=before, truncation_s=end_s)


def _direct(signal: np.ndarray, sample_rate: int, whole: Measured) -> tuple[float, float]:
    """Level of the direct sound, and how far it lies above all that follows."""
    lead, length = round(_LEAD_S * sample_rate), round(DIRECT_S * sample_rate)
    energy = float(np.square(signal[:length]).sum() + np.square(signal[len(signal) - lead :]).sum())
    if not energy > 0:
        return -np.inf, np.nan
    rest = 10 ** (whole.figures["level_db"] / 10) - energy
    return 10 * float(np.log10(energy)), 10 * float(np.log10(energy / rest)) if rest > 0 else np.inf


def _density(samples: np.ndarray, sample_rate: int) -> tuple[np.ndarray, np.ndarray]:
    """Echo density with windows centred on the onset and later, at most some thousands of them."""
    half = round(0.5 * WINDOW_S * sample_rate)
    hop_s = max(0.001, len(samples) / sample_rate / 3000)
    padded = np.concatenate([np.zeros(half), samples])
    times, values = echo_density(padded, sample_rate, hop_s=hop_s)
    return times - half / sample_rate, values


def _flatness(circle: Circle) -> float:
    """Median over third octaves from 500 Hz to 8 kHz of the spectrum's geometric over its arithmetic mean.

    Noise and rooms have about e^−γ = 0.56, a few tones next to nothing.
    """
    power = _power(circle.spectrum)
    edges = (1000.0 * 2.0 ** (np.arange(-3.5, 10.0) / 3) / circle.step_hz).astype(int)
    parts = [power[low:high] for low, high in pairwise(edges) if high < len(power) and high - low > 8]
    found = [float(np.exp(np.log(part).mean()) / part.mean()) for part in parts if part.min() > 0]
    return float(np.median(found)) if found else np.nan


def _third_levels(
    circle: Circle, centers: np.ndarray, measured: list[Measured], whole: Measured
) -> np.ndarray:
    """Energy of each third octave until the decay around it ends, without its noise, in dB."""
    thirds = band_centers_hz(circle.sample_rate, bands="third")
    signals = band_signals(circle.spectrum, circle.length, circle.sample_rate, thirds, fraction=3)
    levels = []
    for center, (signal, rate) in zip(thirds, signals, strict=True):
        near = measured[int(np.argmin(np.abs(np.log(centers / center))))] if len(centers) else whole
        energy, before, step_s = _energies(signal, rate, circle.seconds, block_s=0.001)
        blocks = max(1, round(near.ending.blocks * near.step_s / step_s))
        noise = float(energy[blocks:].mean()) if near.ending.flat and blocks < len(energy) else 0.0
        total = (float(before.sum()) + float((energy[:blocks] - noise).sum())) * circle.sample_rate
        levels.append(10 * np.log10(total) if total > 0 else -np.inf)
    return np.array(levels)
