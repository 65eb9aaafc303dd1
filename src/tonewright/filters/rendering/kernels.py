"""Compiled loops over time: sixteen filters side by side in vectors of double precision.

Filters of a parallel bank take a lane each, and their lanes are added at the end. Of a series, the section in
lane k is k samples behind the first one: what comes out of a lane is what goes into the next one step later.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit

from tonewright.timbre.lanes import (
    CALLED,
    LANES,
    OPTIONS,
    in_all,
    instructions,
    load,
    magnitude,
    spread,
    store,
    summed,
    where,
)

# Samples of all lanes that stay in the first cache; behind the rows of a block stand their sums.
BLOCK = 128
_SUMS = BLOCK * LANES
_SERIES_BLOCK = 1024
# States below it become zeros, block by block: numbers too small for their exponent are slow.
_NOTHING = 1e-200


@instructions
def _moved_up(typingctx, vector, number):  # type: ignore[no-untyped-def]
    """Every lane to the next one, and the number to the first."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        count = vector.count
        chosen = ir.Constant(ir.VectorType(ir.IntType(32), count), [count, *range(count - 1)])
        return builder.shuffle_vector(args[0], in_all(builder, args[1], count), chosen)

    return vector(vector, number), generate


@instructions
def _last_lane(typingctx, vector):  # type: ignore[no-untyped-def]
    """The number in the last lane."""

    def generate(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return builder.extract_element(args[0], ir.IntType(32)(vector.count - 1))

    return vector.dtype(vector), generate


@njit(**CALLED)
def _not_tiny(state):
    """The state, zero where it has died away."""
    return where(magnitude(state) > spread(_NOTHING), state, spread(0.0))


@njit(**OPTIONS)
def resonate(sound, coefficients, states, width, rows, made):
    """Sum of band-passes, each b (1 - z⁻²)/(1 - a₁ z⁻¹ - a₂ z⁻²).

    Parameters
    ----------
    sound : (2 + frames,), beginning with the two samples before
    coefficients : (3, width) flat: b, a₁, a₂
    states : (2, width) flat, the last two outputs of each filter; updated
    width : filters, filled up with zeros to whole vectors
    rows : (BLOCK, LANES) flat, room to work in
    made : (frames,), written
    """
    for start in range(0, made.size, BLOCK):
        count = min(BLOCK, made.size - start)
        for t in range(count):
            store(rows, t * LANES, spread(0.0))
        for at in range(0, width, LANES):
            b, a1 = load(coefficients, at), load(coefficients, width + at)
            a2 = load(coefficients, 2 * width + at)
            y1, y2 = _not_tiny(load(states, at)), _not_tiny(load(states, at + width))
            for t in range(count):
                x = spread(sound[start + t + 2] - sound[start + t])
                y = b * x + a2 * y2 + a1 * y1
                store(rows, t * LANES, load(rows, t * LANES) + y)
                y2 = y1
                y1 = y
            store(states, at, y1)
            store(states, at + width, y2)
        for t in range(count):
            made[start + t] = summed(load(rows, t * LANES))


@njit(**CALLED)
def _stage(coefficients, states, at, gain_at, width, rows, count, last):
    """One stage of sixteen resonators over a block, from the rows to the rows, or at last to their sums."""
    group = at % width
    a1, a2 = load(coefficients, width + group), load(coefficients, 2 * width + group)
    b = load(coefficients, gain_at + group)
    y1, y2 = _not_tiny(load(states, at)), _not_tiny(load(states, at + width))
    for t in range(0, count * LANES, LANES):
        y = b * load(rows, t) + a2 * y2 + a1 * y1
        if last:
            store(rows, _SUMS + t, load(rows, _SUMS + t) + y)
        else:
            store(rows, t, y - y2)
        y2 = y1
        y1 = y
    store(states, at, y1)
    store(states, at + width, y2)


@njit(**OPTIONS)
def resonate_in_stages(sound, coefficients, states, width, order, rows, made):
    """Sum of band-passes to the power of `order`, each [b (1 - z⁻²)/(1 - a₁ z⁻¹ - a₂ z⁻²)]ⁿ.

    A stage hands on how its output differs from that two samples ago, as the first stage gets the sound.

    Parameters
    ----------
    sound : (2 + frames,), beginning with the two samples before
    coefficients : (4, width) flat: b of the last stage, with the gain; a₁, a₂; b of the others
    states : (order, 2, width) flat, the last two outputs of each stage; updated
    width : filters, filled up with zeros to whole vectors
    order : stages
    rows : (2, BLOCK, LANES) flat, room to work in
    made : (frames,), written
    """
    for start in range(0, made.size, BLOCK):
        count = min(BLOCK, made.size - start)
        for t in range(count):
            store(rows, _SUMS + t * LANES, spread(0.0))
        for group in range(0, width, LANES):
            for t in range(count):
                store(rows, t * LANES, spread(sound[start + t + 2] - sound[start + t]))
            for stage in range(order):
                last = stage == order - 1
                at, gain_at = 2 * stage * width + group, 0 if last else 3 * width
                _stage(coefficients, states, at, gain_at, width, rows, count, last)
        for t in range(count):
            made[start + t] = summed(load(rows, _SUMS + t * LANES))


@njit(**OPTIONS)
def cascade(sound, coefficients, states, numbers):
    """Sections one after another in transposed direct form II.

    Each is (b₀ + b₁ z⁻¹ + b₂ z⁻²)/(1 - a₁ z⁻¹ - a₂ z⁻²).

    Parameters
    ----------
    sound : (frames,), overwritten by the output
    coefficients : (groups, 5, LANES) flat: b₀, b₁, b₂, a₁, a₂
    states : (groups, 2, LANES) flat, of each section; updated
    numbers : (LANES,): 0, 1, 2 and so on
    """
    lane = load(numbers, 0)
    for group in range(states.size // (2 * LANES)):
        c, s = 5 * group * LANES, 2 * group * LANES
        b0, b1, b2 = load(coefficients, c), load(coefficients, c + LANES), load(coefficients, c + 2 * LANES)
        a1, a2 = load(coefficients, c + 3 * LANES), load(coefficients, c + 4 * LANES)
        s1, s2 = load(states, s), load(states, s + LANES)
        for start in range(0, sound.size, _SERIES_BLOCK):
            count = min(_SERIES_BLOCK, sound.size - start)
            s1, s2 = _not_tiny(s1), _not_tiny(s2)
            y = spread(0.0)
            for t in range(count + LANES - 1):
                x = _moved_up(y, sound[start + t] if t < count else 0.0)
                y = b0 * x + s1
                # Lanes that are before or behind the block wait.
                running = (lane <= spread(float(t))) & (lane > spread(float(t - count)))
                s1 = where(running, b1 * x + a1 * y + s2, s1)
                s2 = where(running, b2 * x + a2 * y, s2)
                if t >= LANES - 1:
                    sound[start + t - LANES + 1] = _last_lane(y)
        store(states, s, s1)
        store(states, s + LANES, s2)


def padded(count: int) -> int:
    """Lanes for so many filters: whole vectors."""
    return -(-count // LANES) * LANES


def working_rows() -> np.ndarray:
    """Room for resonators to work in."""
    return np.empty(2 * _SUMS)
