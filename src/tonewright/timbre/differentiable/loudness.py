"""The gain that brings sounds to −24 LUFS, differentiable; the gates are decided by comparison."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch

from tonewright.dsp.biquads import series_response
from tonewright.timbre.differentiable.arithmetic import quotient
from tonewright.timbre.differentiable.filtering import SAMPLE_RATE, filtered, transform_length
from tonewright.timbre.differentiable.framing import within
from tonewright.timbre.k_weighting import k_weighting
from tonewright.timbre.loudness import TARGET_LUFS

_OFFSET_DB, _GATE_LUFS, _QUIET_LUFS, _RELATIVE_GATE = -0.691, -70.0, -50.0, 0.1
_STEP = SAMPLE_RATE // 10
_STEPS_PER_BLOCK = 4
_BLOCK = _STEP * _STEPS_PER_BLOCK


def normalising_gain(samples: torch.Tensor, lengths: np.ndarray) -> torch.Tensor:
    """Gain to −24 LUFS, or to a peak of 1 where that would be passed, as `timbre.loudness` has it.

    Parameters
    ----------
    samples : (batch, time) at 44.1 kHz, zero beyond each sound's length, none of them silent
    lengths : (batch,) of the sounds, in samples

    Returns
    -------
    (batch,)
    """
    power = _passing_power(_block_powers(samples, lengths))
    target = 10 ** ((TARGET_LUFS - _OFFSET_DB) / 10)
    gain = torch.sqrt(target / power)
    return gain / torch.clamp(samples.abs().amax(-1) * gain, min=1)


def _block_powers(samples: torch.Tensor, lengths: np.ndarray) -> torch.Tensor:
    """Mean squares of K-weighted blocks of 0.4 s every 0.1 s: (batch, blocks), −1 where a sound has none."""
    heard = np.maximum(lengths, _BLOCK)
    counts = np.round((heard / SAMPLE_RATE - 0.4) / 0.1).astype(int) + 1
    steps = int(counts.max()) + _STEPS_PER_BLOCK - 1
    time = max(steps * _STEP, samples.shape[-1])
    n_fft = transform_length(time)
    weighted = filtered(torch.fft.rfft(samples, n=n_fft), _weighting(n_fft), n_fft=n_fft, time=time)
    squares = weighted**2 * within(heard, time, samples)
    energies = squares[:, : steps * _STEP].reshape(len(samples), steps, _STEP).sum(-1)
    powers = energies.unfold(-1, _STEPS_PER_BLOCK, 1).sum(-1) / _BLOCK
    present = torch.tensor(np.arange(powers.shape[-1]) < counts[:, None], device=samples.device)
    return torch.where(present, powers, -1)


def _passing_power(powers: torch.Tensor) -> torch.Tensor:
    """Mean of the blocks that pass the gates; of a quiet sound, as if its loudest block were at −24."""
    fixed, quiet = (10 ** ((level - _OFFSET_DB) / 10) for level in (_GATE_LUFS, _QUIET_LUFS))
    loudest = powers.detach().amax(-1, keepdim=True)
    gate = torch.where(loudest < quiet, loudest * 10 ** ((_GATE_LUFS - TARGET_LUFS) / 10), fixed)
    first = _mean(powers, powers >= gate)
    passing = (powers > gate) & (powers > _RELATIVE_GATE * first[:, None])
    return torch.where(passing.any(-1), _mean(powers, passing), first)


def _mean(powers: torch.Tensor, passing: torch.Tensor) -> torch.Tensor:
    kept = passing.to(powers.dtype)
    return quotient((kept * powers).sum(-1), kept.sum(-1))


@lru_cache(maxsize=8)
def _weighting(n_fft: int) -> np.ndarray:
    """Response of the K-weighting: (n_fft // 2 + 1,) complex."""
    sections = k_weighting(SAMPLE_RATE)
    a = np.concatenate([np.ones((2, 1)), sections[:, 3:]], axis=1)
    frequencies_hz = np.fft.rfftfreq(n_fft, 1 / SAMPLE_RATE)
    return series_response(sections[:, :3], a, frequencies_hz, sample_rate=SAMPLE_RATE)
