"""How loud a sound is, whole or as it comes in blocks: K-weighting, steps of 100 ms, two gates.

After ITU-R BS.1770-4, with the K-weighting made of cookbook filters: a shelf of +4 dB with Q = 1/√2 at
1500 Hz, then a high-pass with Q = ½ at 38 Hz. At 48 kHz that is within 0.1 dB of the standard's table.
"""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numba import njit

from tonewright.timbre.lanes import OPTIONS

TARGET_LUFS = -24.0
_OFFSET_DB = -0.691
_ABSOLUTE_GATE_LUFS = -70.0
_RELATIVE_GATE = 0.1  # −10 LU as a ratio of energies
_STEPS_PER_SECOND = 10
_STEPS_PER_BLOCK = 4
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1500.0, 4.0, math.sqrt(0.5)
_PASS_HZ, _PASS_Q = 38.0, 0.5


@lru_cache(maxsize=16)
def k_weighting(sample_rate: int) -> np.ndarray:
    """Coefficients of the two filters of the K-weighting, after R. Bristow-Johnson's cookbook.

    With ω = 2π f₀/f_s, α = sin ω / 2Q and A = 10^(dB/40), divided by a₀,

        high-pass  b = (1 + cos ω)/2 · (1, −2, 1),  a = (1 + α, −2 cos ω, 1 − α),
        shelf      b = A (A₊ + A₋ cos ω + β, −2 (A₋ + A₊ cos ω), A₊ + A₋ cos ω − β),
                   a = (A₊ − A₋ cos ω + β, 2 (A₋ − A₊ cos ω), A₊ − A₋ cos ω − β),

    A± = A ± 1, β = 2 √A α.

    Returns
    -------
    (2, 5) float64: b₀, b₁, b₂, a₁, a₂ of the shelf, then of the high-pass
    """
    omega = 2 * math.pi * _SHELF_HZ / sample_rate
    a = 10 ** (_SHELF_DB / 40)
    cosine, beta = math.cos(omega), 2 * math.sqrt(a) * math.sin(omega) / (2 * _SHELF_Q)
    b = a * np.array(
        [
            a + 1 + (a - 1) * cosine + beta,
            -2 * (a - 1 + (a + 1) * cosine),
            a + 1 + (a - 1) * cosine - beta,
        ]
    )
    poles = np.array([2 * (a - 1 - (a + 1) * cosine), a + 1 - (a - 1) * cosine - beta])
    shelf = np.concatenate([b, poles]) / (a + 1 - (a - 1) * cosine + beta)
    omega = 2 * math.pi * _PASS_HZ / sample_rate
    cosine, alpha = math.cos(omega), math.sin(omega) / (2 * _PASS_Q)
    half = (1 + cosine) / 2
    high_pass = np.array([half, -2 * half, half, -2 * cosine, 1 - alpha]) / (1 + alpha)
    return np.stack([shelf, high_pass])


@njit(**OPTIONS, fastmath={"contract"})
def _step_energies(samples, offset, filters, state, position, sample_rate, energies):
    """Add Σ y² of the K-weighted samples − offset to the steps that they lie in.

    Parameters
    ----------
    samples : (time,) float64
    offset : taken off each sample
    filters : (2, 5), of `k_weighting`
    state : (4,) of the two filters, carried on
    position : of the first sample, counted from the first of the sound
    sample_rate : in Hz; step k ends before sample ⌊(k + 1) · sample_rate / 10⌋
    energies : (steps,)
    """
    b0, b1, b2, a1, a2 = filters[0, 0], filters[0, 1], filters[0, 2], filters[0, 3], filters[0, 4]
    c0, d1, d2 = filters[1, 0], filters[1, 3], filters[1, 4]
    s1, s2, t1, t2 = state[0], state[1], state[2], state[3]
    step, n = position * 10 // sample_rate, 0
    while (step + 1) * sample_rate // 10 <= position:
        step += 1
    while n < samples.size:
        end = min(samples.size, (step + 1) * sample_rate // 10 - position)
        total = 0.0
        for i in range(n, end):
            x = samples[i] - offset
            y = b0 * x + s1
            s1 = b1 * x + s2 - a1 * y
            s2 = b2 * x - a2 * y
            y *= c0
            z = y + t1
            t1 = t2 - 2.0 * y - d1 * z
            t2 = y - d2 * z
            total += z * z
        energies[step] += total
        step, n = step + 1, end
    state[0], state[1], state[2], state[3] = s1, s2, t1, t2


class LoudnessMeter:
    """Loudness and peak of a mono sound that comes in blocks, the same as of the whole.

    Keeps ten numbers a second and the state of the filters.

    Parameters
    ----------
    sample_rate : in Hz, 4000 or more
    offset : taken off each sample before it is weighted
    """

    def __init__(self, sample_rate: int = 44100, *, offset: float = 0.0) -> None:
        self._rate, self._offset = sample_rate, offset
        self._filters = k_weighting(sample_rate)
        self._state = np.zeros(4)
        self._energies = np.zeros(0)
        self._sums = np.zeros(2)  # of the samples and of their squares
        self._range = (math.inf, -math.inf)
        self.length = 0

    def add(self, samples: np.ndarray) -> None:
        """Take in one block (time,)."""
        if samples.size == 0:
            return
        samples = np.ascontiguousarray(samples, dtype=np.float64)
        self._sums += samples.sum(), samples @ samples
        self._range = min(self._range[0], samples.min()), max(self._range[1], samples.max())
        self._energies = self._fed(self._energies, self._state, samples)
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

    def loudness_lufs(self, *, below_gate: bool = True) -> float:
        """Integrated loudness; of a sound under 0.4 s, with zeros after it up to 0.4 s.

        Parameters
        ----------
        below_gate : where no block passes the gate at −70 LUFS, measure the sound as if its loudest block
            were at −24 LUFS; otherwise that is −∞

        Returns
        -------
        LUFS; −∞ of silence
        """
        energies, length = self._energies, self.length
        missing = self._rate * _STEPS_PER_BLOCK // _STEPS_PER_SECOND - length
        if missing > 0:
            energies = self._fed(energies, self._state.copy(), np.zeros(missing))
            length += missing
        return _integrated(_block_powers(energies, length, self._rate), below_gate=below_gate)

    def _fed(self, energies: np.ndarray, state: np.ndarray, samples: np.ndarray) -> np.ndarray:
        steps = (self.length + samples.size) * _STEPS_PER_SECOND // self._rate + 1
        grown = np.zeros(steps)
        grown[: energies.size] = energies
        position = self.length
        _step_energies(samples, self._offset, self._filters, state, position, self._rate, grown)
        return grown


def measured_loudness(
    samples: np.ndarray, *, sample_rate: int, offset: float = 0.0, below_gate: bool = True
) -> float:
    """Integrated loudness in LUFS of samples (time,) − offset, as by `LoudnessMeter`."""
    meter = LoudnessMeter(sample_rate, offset=offset)
    meter._energies = meter._fed(meter._energies, meter._state, samples)
    meter.length = samples.size
    return meter.loudness_lufs(below_gate=below_gate)


def gain_of(loudness_lufs: float, peak: float) -> float:
    """The gain that brings a sound to −24 LUFS, or its peak to 1 where that would be passed."""
    gain = 10 ** ((TARGET_LUFS - loudness_lufs) / 20)
    return gain / max(1.0, peak * gain)


def _block_powers(energies: np.ndarray, length: int, sample_rate: int) -> np.ndarray:
    """Mean squares of blocks of 0.4 s every 0.1 s; as many as round((T − 0.4)/0.1) + 1.

    The last may reach beyond the end, and is then taken as 0.4 s all the same.
    """
    blocks = int(np.round((length / sample_rate - 0.4) / 0.1)) + 1
    steps = np.zeros(blocks + _STEPS_PER_BLOCK - 1)
    count = min(steps.size, energies.size)
    steps[:count] = energies[:count]
    windows = np.lib.stride_tricks.sliding_window_view(steps, _STEPS_PER_BLOCK)
    return windows.sum(axis=1) / (0.4 * sample_rate)


def _integrated(powers: np.ndarray, *, below_gate: bool) -> float:
    """Loudness of blocks of weighted mean square that pass both gates."""
    gate = 10 ** ((_ABSOLUTE_GATE_LUFS - _OFFSET_DB) / 10)
    loudest = powers.max()
    if loudest < gate:
        if not below_gate or not loudest > 0:
            return -math.inf
        gate = loudest * 10 ** ((_ABSOLUTE_GATE_LUFS - TARGET_LUFS) / 10)
    first = powers[powers >= gate].mean()
    second = powers[(powers > gate) & (powers > _RELATIVE_GATE * first)]
    return _OFFSET_DB + 10 * math.log10(second.mean() if second.size else first)
