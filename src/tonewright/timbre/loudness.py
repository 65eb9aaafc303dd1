"""How loud a sound is, whole or as it comes in blocks: blocks of 0.4 s every 0.1 s, two gates.

After ITU-R BS.1770-4, but for the last block, which may reach beyond the end, and the cookbook's filters.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from tonewright.timbre.k_weighting import STATE, STEPS_PER_SECOND, step_energies
from tonewright.timbre.mixing import energy

TARGET_LUFS = -24.0
_OFFSET_DB = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_QUIET_LUFS = -50.0
_RELATIVE_GATE = 0.1  # −10 LU as a ratio of energies
_STEPS_PER_BLOCK = 4
_WEIGHTS = (1.0, 1.0, 1.0, 1.41, 1.41)
_WEIGHTS_WITH_LFE = (1.0, 1.0, 1.0, 0.0, 1.41, 1.41)


class LoudnessMeter:
    """Loudness and peak of a mono sound that comes in blocks, the same as of the whole.

    Keeps ten numbers a second and the state of the filters.

    Parameters
    ----------
    sample_rate : in Hz, 4000 or more
    """

    def __init__(self, sample_rate: int = 44100) -> None:
        self.sample_rate = sample_rate
        self._state = np.zeros(STATE)
        self._energies = np.zeros(0)
        self._sums = np.zeros(2)  # of the samples and of their squares
        self._range = (math.inf, -math.inf)
        self.length = 0

    def add(self, samples: np.ndarray) -> None:
        """Take in one block (time,)."""
        if samples.size == 0:
            return
        samples = np.ascontiguousarray(samples, dtype=np.float64)
        self._sums += samples.sum(), energy(samples)
        self._range = min(self._range[0], samples.min()), max(self._range[1], samples.max())
        self._energies = self._with(samples, self._state)
        self.length += samples.size

    @property
    def mean(self) -> float:
        """Of all samples."""
        return float(self._sums[0]) / self.length if self.length else 0.0

    @property
    def peak(self) -> float:
        """Largest distance of a sample from the mean; 0 of an empty sound."""
        low, high = self._range
        return float(max(high - self.mean, self.mean - low)) if self.length else 0.0

    def crest_db(self) -> float:
        """Peak over root mean square, about the mean; NaN of silence."""
        power = float(self._sums[1]) / self.length - self.mean**2 if self.length else 0.0
        return 20 * math.log10(self.peak) - 10 * math.log10(power) if power > 0 else math.nan

    def loudness_lufs(self) -> float:
        """Integrated loudness; of a sound under 0.4 s, with zeros after it. −∞ of silence.

        Of a sound whose loudest block is under −50 LUFS, the gate of −70 LUFS is lowered as if that block
        were at −24 LUFS.
        """
        return loudness_together([self])

    def energies(self) -> np.ndarray:
        """(steps,) energy in each tenth of a second; of a sound under 0.4 s, with zeros after it."""
        missing = max(_shortest(self.sample_rate) - self.length, 0)
        return self._with(np.zeros(missing), self._state.copy()) if missing else self._energies

    def _with(self, samples: np.ndarray, state: np.ndarray) -> np.ndarray:
        """Energies with those of more samples; the state is carried on."""
        found = step_energies(samples, sample_rate=self.sample_rate, position=self.length, state=state)
        first = self.length * STEPS_PER_SECOND // self.sample_rate
        grown = np.zeros(max(first + found.size, self._energies.size))
        grown[: self._energies.size] = self._energies
        grown[first : first + found.size] += found
        return grown


def loudness_together(meters: Sequence[LoudnessMeter]) -> float:
    """Integrated loudness of a sound whose channels went each to a meter of its own, as by `loudness`."""
    rate, length = meters[0].sample_rate, max(meters[0].length, _shortest(meters[0].sample_rate))
    energies = [
        weight * meter.energies() for meter, weight in zip(meters, _weights(len(meters)), strict=False)
    ]
    return _integrated(_block_powers(energies, length, rate), lower_gate=True)


def loudness(channels: np.ndarray, *, sample_rate: int, lower_gate: bool = True) -> float:
    """Integrated loudness of a whole sound in LUFS, with zeros after it up to 0.4 s; −∞ of silence.

    Parameters
    ----------
    channels : (channels, time) float64, contiguous; left and right, centre, and surrounds, which weigh 1.41;
        of six channels the fourth, for low frequencies, is left out, and of more all beyond the fifth
    sample_rate : in Hz, 4000 or more
    lower_gate : as in `LoudnessMeter.loudness_lufs`; otherwise what does not reach −70 LUFS is silence
    """
    missing = max(_shortest(sample_rate) - channels.shape[1], 0)
    energies = []
    for channel, weight in zip(channels, _weights(len(channels)), strict=False):
        if weight:
            padded = np.concatenate([channel, np.zeros(missing)]) if missing else channel
            energies.append(weight * step_energies(padded, sample_rate=sample_rate))
    powers = _block_powers(energies, channels.shape[1] + missing, sample_rate)
    return _integrated(powers, lower_gate=lower_gate)


def gain_of(loudness_lufs: float, peak: float) -> float:
    """The gain that brings a sound to −24 LUFS, or its peak to 1 where that would be passed."""
    gain = 10 ** ((TARGET_LUFS - loudness_lufs) / 20)
    return gain / max(1.0, peak * gain)


def _weights(channels: int) -> tuple[float, ...]:
    return _WEIGHTS_WITH_LFE if channels == len(_WEIGHTS_WITH_LFE) else _WEIGHTS


def _shortest(sample_rate: int) -> int:
    """Samples of one block."""
    return sample_rate * _STEPS_PER_BLOCK // STEPS_PER_SECOND


def _block_powers(energies: list[np.ndarray], length: int, sample_rate: int) -> np.ndarray:
    """Mean squares of blocks of 0.4 s every 0.1 s, summed over channels; round((T − 0.4)/0.1) + 1 of them.

    The last may reach beyond the end, and is then taken as 0.4 s all the same.
    """
    blocks = int(np.round((length / sample_rate - 0.4) / 0.1)) + 1
    steps = np.zeros(blocks + _STEPS_PER_BLOCK - 1)
    for channel in energies:
        count = min(steps.size, channel.size)
        steps[:count] += channel[:count]
    windows = np.lib.stride_tricks.sliding_window_view(steps, _STEPS_PER_BLOCK)
    return windows.sum(axis=1) / (0.4 * sample_rate)


def _integrated(powers: np.ndarray, *, lower_gate: bool) -> float:
    """Loudness of blocks of weighted mean square that pass both gates."""
    gate, loudest = _power(_ABSOLUTE_GATE_LUFS), powers.max()
    if lower_gate and loudest < _power(_QUIET_LUFS):
        gate = loudest * 10 ** ((_ABSOLUTE_GATE_LUFS - TARGET_LUFS) / 10)
    if loudest < gate or loudest == 0:
        return -math.inf
    first = powers[powers >= gate].mean()
    second = powers[(powers > gate) & (powers > _RELATIVE_GATE * first)]
    return _OFFSET_DB + 10 * math.log10(second.mean() if second.size else first)


def _power(loudness_lufs: float) -> float:
    return 10 ** ((loudness_lufs - _OFFSET_DB) / 10)
