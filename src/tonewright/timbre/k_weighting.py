"""K-weighting, and the energy that is left of a sound in each tenth of a second.

The weighting of ITU-R BS.1770-4, made of cookbook filters: a shelf of +4 dB with Q = 1/√2 at 1500 Hz, then a
high-pass with Q = ½ at 38 Hz. At 48 kHz that is within 0.1 dB of the standard's table.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types

from tonewright.timbre.lanes import (
    FEW,
    OPTIONS,
    LanesType,
    first_number,
    instructions,
    load_few,
    spread_few,
    store,
)

STEPS_PER_SECOND = 10
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1500.0, 4.0, math.sqrt(0.5)
_PASS_HZ, _PASS_Q = 38.0, 0.5
# After so long the high-pass has forgotten its state but for 10⁻¹².
_MEMORY_S = 0.14
STATE = 6  # last two inputs, outputs of the shelf, outputs of the high-pass


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


def step_energies(
    samples: np.ndarray, *, sample_rate: int, position: int = 0, state: np.ndarray | None = None
) -> np.ndarray:
    """Σ y² of the K-weighted sound over each tenth of a second; step k ends before ⌊(k + 1) f_s / 10⌋.

    What is long enough is cut in four, and all are filtered side by side; each but the first starts with the
    state that a run over the last 0.14 s before it leaves.

    Parameters
    ----------
    samples : (time,) float64, contiguous
    sample_rate : in Hz
    position : of the first sample, counted from the first of the sound
    state : (STATE,) of the filters, carried on; None before the first sample

    Returns
    -------
    (steps,) from step ⌊10 position / f_s⌋ to that of the last sample
    """
    count, first = samples.size, position * STEPS_PER_SECOND // sample_rate
    last = (max(position + count - 1, 0) * STEPS_PER_SECOND + STEPS_PER_SECOND - 1) // sample_rate
    energies, filters = np.zeros((last - first + 1, FEW)), k_weighting(sample_rate)
    states, done = np.zeros((STATE, FEW)), 0
    if state is not None:
        states[:, 0] = state
    hop, memory = sample_rate // STEPS_PER_SECOND, int(_MEMORY_S * sample_rate)
    chunk = count // (hop * FEW) * hop
    if chunk > memory and sample_rate % STEPS_PER_SECOND == position % hop == 0:
        each = chunk // hop
        before, unused = np.zeros((STATE, FEW)), np.zeros((2 + memory // hop, FEW))
        _add(samples[chunk - memory :], memory, chunk, filters, before, 0, sample_rate, unused)
        states[:, 1:] = before[:, :-1]
        _add(samples, chunk, chunk, filters, states, position, sample_rate, energies)
        energies[: FEW * each, 0] = energies[:each].T.ravel()
        states[:, 0], done = states[:, -1], FEW * chunk
    rest = energies[done // hop :] if done else energies
    _add(samples[done:], count - done, 0, filters, states, position + done, sample_rate, rest)
    if state is not None:
        state[:] = states[:, 0]
    return energies[:, 0]


@instructions
def _load_apart(typingctx, array, place, step):  # type: ignore[no-untyped-def]
    """A vector of FEW numbers that are `step` apart."""
    kind = LanesType(array.dtype, FEW)

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        data = first_number(context, builder, sig, args, 0)
        vector = ir.Constant(kind.ir_type(), ir.Undefined)
        for lane in range(FEW):
            at = builder.add(args[1], builder.mul(args[2], args[2].type(lane)))
            vector = builder.insert_element(
                vector, builder.load(builder.gep(data, [at])), ir.IntType(32)(lane)
            )
        return vector

    return kind(array, types.intp, types.intp), generate


@njit(**OPTIONS, fastmath={"contract"})
def _add(samples, count, apart, filters, states, position, sample_rate, energies):
    """Run the filters over FEW chunks that begin `apart` samples from one another.

    Parameters
    ----------
    samples : (time,)
    count : samples of a chunk
    apart : 0 for one chunk alone, in every lane
    filters : of `k_weighting`
    states : (STATE, FEW), a column a chunk, carried on
    position : of the first sample of the first chunk
    sample_rate : in Hz
    energies : (steps, FEW), by the steps of the first chunk; from that of `position` on
    """
    b0, b1, b2 = spread_few(filters[0, 0]), spread_few(filters[0, 1]), spread_few(filters[0, 2])
    a1, a2, two = spread_few(filters[0, 3]), spread_few(filters[0, 4]), spread_few(2.0)
    c1, c2, gain = spread_few(filters[1, 3]), spread_few(filters[1, 4]), spread_few(filters[1, 0] ** 2)
    x1, x2, y1 = load_few(states, 0), load_few(states, FEW), load_few(states, 2 * FEW)
    y2, z1, z2 = load_few(states, 3 * FEW), load_few(states, 4 * FEW), load_few(states, 5 * FEW)
    first, n = position * STEPS_PER_SECOND // sample_rate, 0
    step = first
    while n < count:
        end = (step + 1) * sample_rate // STEPS_PER_SECOND - position
        end = end if end < count else count
        total = load_few(energies, (step - first) * FEW)
        for i in range(n, end):
            x = _load_apart(samples, i, apart)
            # The last outputs enter last: the next sample waits for one product alone.
            y = ((b0 * x + b1 * x1) + (b2 * x2 - a2 * y2)) - a1 * y1
            z = (((y + y2) - two * y1) - c2 * z2) - c1 * z1
            total = total + gain * z * z
            x2, x1, y2, y1, z2, z1 = x1, x, y1, y, z1, z
        store(energies, (step - first) * FEW, total)
        step, n = step + 1, end if end > n else n
    store(states, 0, x1)
    store(states, FEW, x2)
    store(states, 2 * FEW, y1)
    store(states, 3 * FEW, y2)
    store(states, 4 * FEW, z1)
    store(states, 5 * FEW, z2)
