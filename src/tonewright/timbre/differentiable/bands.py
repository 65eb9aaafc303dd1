"""Power of the third-octave bands of frames, by convolution, so that torch can differentiate it."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from tonewright.timbre.differentiable.filtering import SAMPLE_RATE, like
from tonewright.timbre.specific_loudness.filters import OCTAVES, band_passes, halving_low_pass

_LOWER_BANDS = 3  # of an octave
# After so many samples e⁻⁴⁰ is left of the narrowest band-pass; all octaves use the same.
_MEMORY = 1024


def band_powers(frames: torch.Tensor) -> torch.Tensor:
    """Mean squares in 28 third-octave bands, as `timbre.specific_loudness.bands` has them.

    Each frame is filtered from rest, and what follows its end is left out. So it is convolved with as much
    of the impulse responses as a frame can hear, which is exact.

    Parameters
    ----------
    frames : (frames, 4096)

    Returns
    -------
    (frames, 28), from 25 Hz to 12.5 kHz
    """
    passes, low_pass = _impulse_responses()
    powers = [_powers(frames, passes)]
    for _ in range(OCTAVES):
        frames = _convolved(frames, low_pass)[:, 0, 1::2]
        powers.append(_powers(frames, passes[:_LOWER_BANDS]))
    return torch.cat(powers[::-1], dim=-1)


def _powers(frames: torch.Tensor, responses: np.ndarray) -> torch.Tensor:
    return (_convolved(frames, responses) ** 2).mean(-1)


def _convolved(frames: torch.Tensor, responses: np.ndarray) -> torch.Tensor:
    """Frames behind filters, as long as they are: (frames, filters, time)."""
    time = frames.shape[-1]
    memory = min(time, _MEMORY)
    n_fft = time + memory
    gains = like(np.fft.rfft(responses[:, :memory], n=n_fft), frames)
    return torch.fft.irfft(torch.fft.rfft(frames, n=n_fft)[:, None] * gains, n=n_fft)[..., :time]


@lru_cache(maxsize=1)
def _impulse_responses() -> tuple[np.ndarray, np.ndarray]:
    """Of the four band-passes, and of the low-pass: (4, 1024) and (1, 1024)."""
    sections, gains = band_passes(SAMPLE_RATE)
    delays = np.exp(-2j * np.pi * np.arange(4 * _MEMORY // 2 + 1)[:, None] / (4 * _MEMORY)) ** np.arange(3)
    ones = np.ones((len(sections), 4, 1))
    poles = np.concatenate([ones, sections.reshape(-1, 4, 2)], axis=-1)
    passes = gains[:, None] * ((1 - delays[:, 2]) / (poles @ delays.T)).prod(axis=1)
    gain, *feedback = halving_low_pass()
    low_pass = gain * (1 + delays[:, 1]) ** 2 / (delays @ [1.0, *feedback])
    return tuple(np.fft.irfft(each, axis=-1)[:, :_MEMORY] for each in (passes, low_pass[None]))  # type: ignore
