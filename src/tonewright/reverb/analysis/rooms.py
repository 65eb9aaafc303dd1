"""A measured room response in figures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.fft

from tonewright.audio.clips import Clip
from tonewright.reverb.analysis import density
from tonewright.reverb.analysis.bands import FRACTIONS, band_centers_hz, band_signals, band_weights
from tonewright.reverb.analysis.decay import block_energies
from tonewright.reverb.analysis.doubts import doubts, prepared
from tonewright.reverb.analysis.measure import BLOCK_S, Measured, Split, measure
from tonewright.reverb.analysis.result import DecayFigures, RoomAnalysis

ONSET_DB = -20.0
DIRECT_S = 0.0025
# Silence that separates the end of the sound from the ringing before its start, on the FFT's circle.
_PAD_S = 0.3
_BORDERS_S = (0.05, 0.08)
_FADE_S = 0.002
_FIGURES = tuple(DecayFigures.__dataclass_fields__)
CURVE_POINTS = 400


@dataclass(frozen=True)
class Truncation:
    """Where the decays of another response end, for an analysis over the same range.

    Attributes
    ----------
    bands_s : (channels, bands) seconds after the onset; NaN to find it here
    broadband_s : (channels,)
    """

    bands_s: np.ndarray
    broadband_s: np.ndarray

    @classmethod
    def of(cls, analysis: RoomAnalysis) -> Truncation:
        """Those of an analysis."""
        return cls(analysis.truncation_s, analysis.broadband.truncation_s)


def analyse(
    clip: Clip, *, bands: str = "octave", truncation: Truncation | None = None, name: str = "the response"
) -> RoomAnalysis:
    """Measure a room response: decay times, clarity, noise, echo density, direct sound, per band and channel.

    Parameters
    ----------
    clip : the response; anything may lie before its onset
    bands : "octave" or "third"
    truncation : where the decays end, taken from a measurement, for responses without noise of their
        own; found in the response unless given
    name : what the response is called in errors

    Raises
    ------
    AudioError
        If the response is empty, silent, or holds numbers that are not finite.
    """
    samples, odd = prepared(clip, name=name)
    centers = band_centers_hz(clip.sample_rate, bands=bands)
    found = [
        _channel(channel, clip.sample_rate, centers, bands=bands, truncation=_of_channel(truncation, index))
        for index, channel in enumerate(samples)
    ]
    return _collected(clip, centers, found, odd)


def onset(samples: np.ndarray) -> int:
    """First sample within 20 dB of the largest (ISO 3382-1); 0 for silence.

    Parameters
    ----------
    samples : (time,)
    """
    size = np.abs(samples)
    peak = size.max(initial=0.0)
    return int(np.argmax(size >= peak * 10 ** (ONSET_DB / 20))) if peak > 0 else 0


@dataclass(frozen=True)
class _Channel:
    """What is known of one channel."""

    onset: int
    bands: list[Measured]
    whole: Measured
    direct_db: float
    direct_to_reverberant_db: float
    density: tuple[np.ndarray, np.ndarray]
    spectrum_db: np.ndarray


def _of_channel(truncation: Truncation | None, channel: int) -> tuple[Sequence[float | None], float | None]:
    if truncation is None:
        return (), None
    whole = float(truncation.broadband_s[channel % len(truncation.broadband_s)])
    row = truncation.bands_s[channel % len(truncation.bands_s)]
    return [float(t) if np.isfinite(t) else None for t in row], whole if np.isfinite(whole) else None


def _channel(
    samples: np.ndarray, sample_rate: int, centers: np.ndarray, *, bands: str, truncation: tuple
) -> _Channel:
    start = onset(samples)
    spectra, length, seconds = _spectra(samples, start, sample_rate)
    ends, whole_end = truncation
    measured = []
    for index, (signal, rate) in enumerate(
        band_signals(spectra[0], length, sample_rate, centers, fraction=FRACTIONS[bands])
    ):
        split = _split(spectra, length, sample_rate, float(centers[index]), fraction=FRACTIONS[bands])
        end = ends[index] if index < len(ends) else None
        measured.append(_measured(signal, rate, seconds, split, sample_rate, end))
    whole = _whole(spectra, length, sample_rate, seconds, whole_end)
    heard = samples[
        start : start + max(1, round(whole.figures["truncation_s"] * sample_rate))
        if whole.levels_db.size
        else start + 1
    ]
    direct = round(DIRECT_S * sample_rate)
    lead = samples[max(0, start - direct // 4) : start + direct]
    direct_energy = float(np.square(lead).sum())
    rest = 10 ** (whole.figures["level_db"] / 10) - direct_energy
    return _Channel(
        start, measured, whole,
        10 * np.log10(direct_energy) if direct_energy > 0 else -np.inf,
        10 * np.log10(direct_energy / rest) if rest > 0 and direct_energy > 0 else np.nan,
        density.echo_density(heard, sample_rate),
        _third_levels(spectra[0], length, sample_rate, seconds, centers, measured, whole),
    )  # fmt: skip


def _spectra(samples: np.ndarray, start: int, sample_rate: int) -> tuple[np.ndarray, int, float]:
    """Spectra of the response and of its first 50 and 80 ms, the onset at sample 0 of the FFT's circle."""
    fade = min(start, round(0.001 * sample_rate))
    lead = samples[start - fade : start] * np.sin(0.5 * np.pi * np.arange(fade) / max(1, fade)) ** 2
    sound = samples[start:]
    length = scipy.fft.next_fast_len(len(sound) + fade + round(2 * _PAD_S * sample_rate), real=True)
    rows = np.zeros((1 + len(_BORDERS_S), length))
    rows[:, : len(sound)] = sound
    time = np.arange(len(sound)) / sample_rate
    for row, border in zip(rows[1:], _BORDERS_S, strict=True):
        row[: len(sound)] *= np.cos(0.5 * np.pi * np.clip((time - border) / _FADE_S + 0.5, 0.0, 1.0)) ** 2
    if fade:
        rows[:, -fade:] = lead
    return scipy.fft.rfft(rows), length, len(sound) / sample_rate


def _split(
    spectra: np.ndarray, length: int, sample_rate: int, center: float | None, *, fraction: int
) -> Split:
    frequencies = np.arange(spectra.shape[1]) * (sample_rate / length)
    weights = (
        _whole_weights(frequencies)
        if center is None
        else band_weights(frequencies, center, fraction=fraction)
    )
    scale = 2.0 / length / sample_rate

    def energy(spectrum: np.ndarray) -> float:
        return float(np.square(np.abs(spectrum * weights)).sum() * scale)

    early = [energy(spectrum) for spectrum in spectra[1:]]
    late = [energy(spectra[0] - spectrum) for spectrum in spectra[1:]]
    return Split((early[0], early[1]), (late[0], late[1]))


def _measured(
    signal: np.ndarray, rate: float, seconds: float, split: Split, sample_rate: int, end: float | None
) -> Measured:
    energy, step_s = block_energies(signal[: max(1, round(seconds * rate))], rate, block_s=BLOCK_S)
    before = float(np.square(signal[-round(_PAD_S * rate) :]).sum() / rate)
    return measure(energy, step_s, before=before, split=split, sample_rate=sample_rate, truncation_s=end)


def _whole_weights(frequencies_hz: np.ndarray) -> np.ndarray:
    """All frequencies from the lower edge of the 63 Hz octave on, by a sixth-order slope without delay."""
    with np.errstate(divide="ignore"):
        return 1.0 / (1.0 + (62.5 * 2**-0.5 / frequencies_hz) ** 6)


def _whole(spectra: np.ndarray, length: int, sample_rate: int, seconds: float, end: float | None) -> Measured:
    weights = _whole_weights(np.arange(spectra.shape[1]) * (sample_rate / length))
    signal = scipy.fft.irfft(spectra[0] * weights, length)
    split = _split(spectra, length, sample_rate, None, fraction=1)
    return _measured(signal, sample_rate, seconds, split, sample_rate, end)


def _third_levels(
    spectrum: np.ndarray, length: int, sample_rate: int, seconds: float,
    centers: np.ndarray, measured: list[Measured], whole: Measured,
) -> np.ndarray:  # fmt: skip
    """Energy of each third octave until the decay around it ends, without its noise, in dB."""
    thirds = band_centers_hz(sample_rate, bands="third")
    levels = []
    for center, (signal, rate) in zip(
        thirds, band_signals(spectrum, length, sample_rate, thirds, fraction=3), strict=True
    ):
        near = int(np.argmin(np.abs(np.log(centers / center)))) if len(centers) else -1
        ending = measured[near] if near >= 0 else whole
        energy, step_s = block_energies(signal[: max(1, round(seconds * rate))], rate, block_s=0.001)
        before = float(np.square(signal[-round(_PAD_S * rate) :]).sum() / rate)
        blocks = max(1, round(ending.ending.blocks * ending.step_s / step_s))
        noise = float(energy[blocks:].mean()) if ending.ending.flat and blocks < len(energy) else 0.0
        total = before + float((energy[:blocks] - noise).sum())
        levels.append(10 * np.log10(total * sample_rate) if total > 0 else -np.inf)
    return np.array(levels)


def _collected(clip: Clip, centers: np.ndarray, found: list[_Channel], odd: list[str]) -> RoomAnalysis:
    per_band = {
        name: np.array([[band.figures[name] for band in channel.bands] for channel in found]).reshape(
            len(found), -1
        )
        for name in _FIGURES
    }
    whole = DecayFigures(
        **{name: np.array([channel.whole.figures[name] for channel in found]) for name in _FIGURES}
    )
    longest = max((len(m.levels_db) * m.step_s for c in found for m in (*c.bands, c.whole)), default=0.0)
    times = np.linspace(0.0, longest, CURVE_POINTS)
    most = max((channel.density[0] for channel in found), key=len)
    densities = np.full((len(found), len(most)), np.nan)
    for row, channel in zip(densities, found, strict=True):
        row[: len(channel.density[1])] = channel.density[1]
    return RoomAnalysis(
        **per_band,
        clip=clip,
        bands_hz=centers,
        broadband=whole,
        onset_samples=np.array([channel.onset for channel in found]),
        direct_level_db=np.array([channel.direct_db for channel in found]),
        direct_to_reverberant_db=np.array([channel.direct_to_reverberant_db for channel in found]),
        mixing_time_s=np.array([density.mixing_time_s(*channel.density) for channel in found]),
        echo_density_times_s=most,
        echo_density=densities,
        thirds_hz=band_centers_hz(clip.sample_rate, bands="third"),
        spectrum_db=np.stack([channel.spectrum_db for channel in found]),
        curve_times_s=times,
        curves_db=np.array([[_curve(band, times) for band in channel.bands] for channel in found]),
        broadband_curves_db=np.array([_curve(channel.whole, times) for channel in found]),
        warnings=(*odd, *doubts(clip, centers, per_band, whole)),
    )


def _curve(measured: Measured, times_s: np.ndarray) -> np.ndarray:
    if not measured.levels_db.size:
        return np.full(len(times_s), np.nan)
    own = np.arange(len(measured.levels_db)) * measured.step_s
    return np.interp(times_s, own, measured.levels_db, right=np.nan)
