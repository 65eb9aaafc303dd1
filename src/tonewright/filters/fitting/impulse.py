"""Magnitude and phase of an impulse response, smoothed as the ear smooths."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.filters.fitting.target import Sound, Target, span_text, without_level
from tonewright.filters.spectra.grids import erb_bandwidth_hz

# The first sample within 20 dB of the peak is taken for the beginning.
_BEGINNING = 0.1
# Longer than any band of the ear remembers.
_REMEMBERED_S = 0.35
_LONGEST_RISE_S = 0.05
_DECAYED = 0.1


def with_response(target: Target, sound: Sound) -> Target:
    """The target of an impulse response with its phase.

    The complex response is averaged over the bands of the ear, which keeps of each band what comes within
    about the inverse of its width after the beginning (P. D. Hatziantoniou and J. N. Mourjopoulos,
    "Generalized fractional-octave smoothing of audio and acoustic responses", Journal of the AES 48 (2000)).

    Parameters
    ----------
    target : of the same sound, as `target_of_sound` gives it
    """
    from tonewright.audio.files import read

    clip = sound if isinstance(sound, Clip) else read(Path(sound))
    samples = clip.samples.astype(np.float64)
    channel = int(np.argmax(np.square(samples).sum(axis=1)))
    samples = samples[channel]
    begin = int(np.argmax(np.abs(samples) >= _BEGINNING * np.abs(samples).max()))
    smooth = _smoothed_response(samples[begin:], clip.sample_rate, target.frequencies_hz)
    shape, level_db = without_level(20 * np.log10(np.maximum(np.abs(smooth), 1e-200)))
    said = [
        f"magnitude and phase from {span_text(target.frequencies_hz)}, averaged over bandwidths of the ear",
        f"the response begins at its sample {begin} ({1e3 * begin / clip.sample_rate:.3g} ms): "
        "what comes before is left out",
    ]
    if clip.channels > 1:
        said.append(f"of {clip.channels} channels, only the loudest, {channel + 1}, is fitted")
    if not is_impulse_response(samples[begin:], clip.sample_rate):
        said.append(
            "this does not look like an impulse response, which peaks at its beginning and dies away: "
            "its phase says when things happen in it, and no bank can follow that"
        )
    return dataclasses.replace(
        target,
        shape_db=shape,
        level_db=level_db,
        at_floor=np.zeros(shape.size, dtype=bool),
        response=smooth / 10 ** (level_db / 20),
        assumptions=tuple(said),
    )


def is_impulse_response(samples: np.ndarray, sample_rate: int) -> bool:
    """Whether a sound, from its beginning on, peaks within 50 ms and then dies away.

    Parameters
    ----------
    samples : (time,)
    """
    peak = int(np.argmax(np.abs(samples)))
    energy = np.square(samples[peak:])
    half = energy.size // 2
    early, late = float(energy[:half].sum()), float(energy[half + 1 :].sum())
    return peak <= _LONGEST_RISE_S * sample_rate and late <= _DECAYED * max(early, float(energy[0]))


def _smoothed_response(samples: np.ndarray, sample_rate: int, frequencies_hz: np.ndarray) -> np.ndarray:
    """Means of the spectrum over raised cosines 1 ERB wide, (points,) complex."""
    length = 1 << int(np.ceil(np.log2(_REMEMBERED_S * sample_rate)))
    spectrum = np.fft.rfft(samples[:length], length)
    spacing = sample_rate / length
    made = np.empty(frequencies_hz.size, dtype=np.complex128)
    widths = erb_bandwidth_hz(frequencies_hz)
    for k, (centre, width) in enumerate(zip(frequencies_hz, widths, strict=True)):
        bins = np.arange(max(0, int((centre - width) / spacing)), int((centre + width) / spacing) + 2)
        bins = bins[bins < spectrum.size]
        shares = 0.5 + 0.5 * np.cos(np.pi * np.clip((bins * spacing - centre) / width, -1, 1))
        made[k] = shares @ spectrum[bins] / shares.sum()
    return made
