"""What happens to every sound before it is measured: mono, rate, mean, ends, loudness; differentiable."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.array_utils import byte_bounds

from tonewright.audio.clips import resample
from tonewright.errors import UsageError
from tonewright.timbre.audible import audible_band, taps
from tonewright.timbre.differentiable.arithmetic import with_slope_of
from tonewright.timbre.differentiable.filtering import SAMPLE_RATE, fast_length, like
from tonewright.timbre.differentiable.loudness import normalising_gain
from tonewright.timbre.differentiable.resampling import resampled
from tonewright.timbre.front import END_LEVEL, SILENT_PEAK, mixed
from tonewright.timbre.mixing import SHORT, moments, without_ends, without_silence
from tonewright.timbre.names import UnmeasurableError

_STAND_IN_S, _STAND_IN_HZ, _STAND_IN_DECAY_S = 0.3, 440.0, 0.2


class Taken(NamedTuple):
    """What is taken of one sound, decided in NumPy.

    channels : (channels, time) float64, as it came, or the tone that stands in for it
    sample_rate : of `channels`, in Hz
    weights : (channels,) of the channels in the mono sound
    mono : (new time,) float64, at 44.1 kHz
    first, end : where `mono` begins and ends without silent ends
    state : "audible", "silent", or "broken" by NaN or infinite samples
    """

    channels: np.ndarray
    sample_rate: int
    weights: np.ndarray
    mono: np.ndarray
    first: int
    end: int
    state: str

    @property
    def length(self) -> int:
        """Samples that are measured."""
        return self.end - self.first


def front(samples: torch.Tensor, sample_rate: int, *, exact: bool) -> tuple[torch.Tensor, list[Taken]]:
    """Prepare a batch.

    For silent and broken sounds a tone stands in, so that nothing further on divides by zero.

    Parameters
    ----------
    samples : (batch, time) or (batch, channels, time), float32 or float64
    sample_rate : in Hz
    exact : take what soxr makes of another sample rate, and the gradient alone from the Fourier transform;
        else both from that. They differ by 2e-7, but for the first few samples.

    Returns
    -------
    sounds : (batch, time) float64 where the device has it, mono at 44.1 kHz and −24 LUFS, without silent
        ends; zero beyond each length
    taken : decisions for each sound
    """
    samples = checked(samples, sample_rate)
    if samples.device.type != "mps":
        samples = samples.to(torch.float64)
    numbers = samples.detach().to("cpu", torch.float64).numpy()
    taken = [_taken(channels, sample_rate) for channels in numbers]
    weights = np.zeros(samples.shape[:2])
    for row, each in zip(weights, taken, strict=True):
        row[:] = each.weights
    mono = (samples * like(weights, samples)[:, :, None]).sum(1)
    if sample_rate != SAMPLE_RATE:
        mono = resampled(mono, from_rate=sample_rate, to_rate=SAMPLE_RATE)
    mono = _audible(mono - mono.mean(-1, keepdim=True))
    rows = [_row(sound, each, exact=exact) for sound, each in zip(mono, taken, strict=True)]
    longest = max(each.length for each in taken)
    mono = torch.stack([torch.nn.functional.pad(row, (0, longest - len(row))) for row in rows])
    return mono * normalising_gain(mono, np.array([each.length for each in taken]))[:, None], taken


def _row(sound: torch.Tensor, taken: Taken, *, exact: bool) -> torch.Tensor:
    """Mono sound (time,) without its ends and its mean, or the tone that stands in for it."""
    if taken.state != "audible":
        tone = like(taken.mono, sound)
        # Nothing is selected, but a graph is kept, so that a batch of silence can be differentiated as well.
        sound = torch.where(torch.zeros_like(tone, dtype=torch.bool), sound[:1], tone)
    elif exact:
        sound = with_slope_of(like(taken.mono, sound), sound)
    sound = sound[taken.first : taken.end]
    return sound - sound.mean() if len(sound) >= SHORT else sound


def _audible(mono: torch.Tensor) -> torch.Tensor:
    """Sounds (batch, time) without what lies above 19 kHz or so, as by `audible_band`."""
    time = mono.shape[-1]
    n_fft = fast_length(time + 2 * taps().size)
    kernel = np.zeros(n_fft)
    kernel[: taps().size] = taps()
    kernel[1 - taps().size :] = taps()[:0:-1]
    spectrum = torch.fft.rfft(mono, n=n_fft) * like(np.fft.rfft(kernel).real, mono)
    return torch.fft.irfft(spectrum, n=n_fft)[..., :time]


def checked(samples: torch.Tensor, sample_rate: int) -> torch.Tensor:
    """Samples (batch, channels, time), or a `UsageError`."""
    if samples.ndim == 2:
        samples = samples[:, None]
    if samples.ndim != 3 or samples.dtype not in (torch.float32, torch.float64) or 0 in samples.shape:
        raise UsageError(
            f"samples of {samples.dtype} with shape {tuple(samples.shape)}: needs float32 or float64, "
            "(batch, time) or (batch, channels, time), none of them 0"
        )
    if int(sample_rate) != sample_rate or sample_rate <= 0:
        raise UsageError(f"sample_rate={sample_rate}: a rate is a whole number above 0")
    return samples


def _taken(channels: np.ndarray, sample_rate: int) -> Taken:
    try:
        mono = mixed(channels, corrected=True)
    except UnmeasurableError:
        return _stand_in("silent" if np.isfinite(channels).all() else "broken")
    weights = np.full(len(channels), 1 / len(channels))
    if mono.note:
        weights = np.eye(len(channels))[np.var(channels, axis=1).argmax()]
    samples, found = mono.samples, mono.moments
    if sample_rate != SAMPLE_RATE:
        samples = resample(samples[None], from_rate=sample_rate, to_rate=SAMPLE_RATE)[0]
        found = moments(samples)
    if found.peak <= SILENT_PEAK:
        return _stand_in("silent")
    place, rest = without_silence(samples)
    heard = np.zeros_like(samples)
    heard[place] = sound = audible_band(samples[place] - rest)
    kept = without_ends(sound, END_LEVEL * moments(sound).largest)
    # It is a view, so that its address tells where it begins.
    first = place.start + (byte_bounds(kept)[0] - byte_bounds(sound)[0]) // sound.itemsize
    return Taken(channels, sample_rate, weights, heard, first, first + kept.size, "audible")


def _stand_in(state: str) -> Taken:
    seconds = np.arange(round(_STAND_IN_S * SAMPLE_RATE)) / SAMPLE_RATE
    tone = 0.1 * np.sin(2 * math.pi * _STAND_IN_HZ * seconds) * np.exp(-seconds / _STAND_IN_DECAY_S)
    return Taken(tone[None], SAMPLE_RATE, np.ones(1), tone, 0, len(tone), state)
