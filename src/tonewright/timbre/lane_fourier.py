"""Fourier transforms of many frames at once, one in each lane of a vector.

The frames of a sound overlap, so that sample n of 16 frames that follow each other at a hop of h stands in
memory as 16 numbers h apart. `columns` turns the sound once, so that they are neighbours, and `transform`
transforms all lanes together: no number ever changes its lane, and nothing is shuffled. Two real frames make
one complex one, a + i b; its transform Z has

    A_k = (Z_k + Z*_{N−k}) / 2,    B_k = (Z_k − Z*_{N−k}) / 2i,    |Z_k|² + |Z_{N−k}|² = 2 (|A_k|² + |B_k|²).

The transform decimates in frequency, by eight as long as it can (J. W. Cooley, J. W. Tukey, Math. Comp. 19,
1965), in place, and leaves bin k at `places(N)[k]`.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types

from tonewright.timbre.lanes import CONTRACTED, LANES, OPTIONS, first_number, in_all, instructions
from tonewright.timbre.turning import turn_all

RADIX = 8
# Of eight points with their factors: seven complex numbers.
_FACTORS = 2 * (RADIX - 1)
# Points whose vectors stay in the cache nearest to the processor.
_NEAR = 256


def _steps(points: int) -> list[int]:
    """By what is divided, step by step."""
    steps = []
    while points > RADIX:
        steps.append(RADIX)
        points //= RADIX
    return [*steps, points]


@lru_cache(maxsize=8)
def factors(points: int) -> np.ndarray:
    """Rotations exp(−2πi p r / n) of `transform`: for each n and p, r = 1 … 7, real and imaginary parts.

    Parameters
    ----------
    points : a power of two, from 2
    """
    parts = [np.zeros(0)]
    for _ in _steps(points)[1:]:
        angle = -2 * np.pi / points * np.outer(np.arange(points // RADIX), np.arange(1, RADIX))
        parts.append(np.stack([np.cos(angle), np.sin(angle)], axis=-1).ravel())
        points //= RADIX
    # Zeros are exact: what silence is multiplied by must not leave numbers that processors are slow with.
    return np.concatenate(parts).round(12).astype(np.float32)


@lru_cache(maxsize=8)
def places(points: int) -> np.ndarray:
    """Where `transform` leaves each bin: (points,)."""
    bins = np.arange(points)
    place, size = np.zeros(points, np.intp), points
    for step in _steps(points):
        size //= step
        place += bins % step * size
        bins //= step
    return place


def columns(samples: np.ndarray, hop: int, count: int) -> np.ndarray:
    """A sound in columns of one hop each, c[n, j] = x[n + hop·j], and zeros after its end.

    Sample n of frame f, of any length, is c[n mod hop, f + n div hop].

    Parameters
    ----------
    samples : (time,)
    hop : samples
    count : of columns

    Returns
    -------
    (hop or more, count or more) float32, both multiples of 16
    """
    rows = np.zeros([-(-size // LANES) * LANES for size in (count, hop)], np.float32)
    whole, rest = divmod(min(samples.size, rows.shape[0] * hop), hop)
    rows[:whole, :hop] = samples[: whole * hop].reshape(whole, hop)
    if rest:
        rows[whole, :rest] = samples[whole * hop : whole * hop + rest]
    turned = np.empty(rows.shape[::-1], np.float32)
    turn_all(rows, turned)
    return turned


@numba.njit(**OPTIONS)
def transform(work: np.ndarray, rotations: np.ndarray) -> None:
    """Transform all lanes in place: Z_k = Σ z_n exp(−2πi k n / N).

    Parameters
    ----------
    work : (N, 2, LANES) float32, real and imaginary parts; N a power of two, from 2
    rotations : `factors(N)`
    """
    points = work.shape[0]
    near, near_at = points, 0
    while near > _NEAR:
        near_at += _FACTORS * (near // RADIX)
        near //= RADIX
    # All points are divided down to parts that stay near; then each of these to its end.
    first, end, size, at = 0, points, points, 0
    while first < points:
        if size > RADIX:
            part = size // RADIX
            for begin in range(first, end, size):
                for k in range(part):
                    _eight_turned(work, begin + k, part, rotations, at + _FACTORS * k)
            at += _FACTORS * part
            size = part
            if size == near:
                end = first + near
        else:
            for begin in range(first, end, size):
                if size == 8:
                    _eight(work, begin, 1, rotations, 0)
                elif size == 4:
                    _four(work, begin, 1, rotations, 0)
                else:
                    _two(work, begin, 1, rotations, 0)
            first, end, size, at = end, end + near, near, near_at


class _Complex:
    """A complex number in each lane, while instructions are written."""

    def __init__(self, builder: Any, real: Any, imaginary: Any) -> None:
        self.builder, self.real, self.imaginary = builder, real, imaginary

    def _with(self, name: str, other: _Complex) -> _Complex:
        write: Any = getattr(self.builder, name)
        return _Complex(
            self.builder,
            write(self.real, other.real, flags=CONTRACTED),
            write(self.imaginary, other.imaginary, flags=CONTRACTED),
        )

    def __add__(self, other: _Complex) -> _Complex:
        return self._with("fadd", other)

    def __sub__(self, other: _Complex) -> _Complex:
        return self._with("fsub", other)

    def turned_back(self) -> _Complex:
        """Times −i."""
        return _Complex(self.builder, self.imaginary, self.builder.fneg(self.real))

    def scaled(self, factor: float) -> _Complex:
        """Times a real number."""
        number = ir.Constant(self.real.type, [factor] * LANES)
        return self._with("fmul", _Complex(self.builder, number, number))

    def times(self, real: Any, imaginary: Any) -> _Complex:
        """Times real + i imaginary."""

        def product(name: str, one: Any, two: Any) -> Any:
            write = getattr(self.builder, name)
            first = self.builder.fmul(self.real, one, flags=CONTRACTED)
            return write(first, self.builder.fmul(self.imaginary, two, flags=CONTRACTED), flags=CONTRACTED)

        return _Complex(self.builder, product("fsub", real, imaginary), product("fadd", imaginary, real))


def _transformed(z: list[_Complex]) -> list[_Complex]:
    """The transform of 2, 4 or 8 points."""
    half = len(z) // 2
    sums = [z[k] + z[k + half] for k in range(half)]
    rest = [z[k] - z[k + half] for k in range(half)]
    if half == 1:
        return sums + rest
    rest[half // 2] = rest[half // 2].turned_back()
    if half == 4:
        rest[1] = (rest[1] + rest[1].turned_back()).scaled(math.sqrt(0.5))
        rest[3] = (rest[3].turned_back() - rest[3]).scaled(math.sqrt(0.5))
    pairs = zip(_transformed(sums), _transformed(rest), strict=True)
    return [value for pair in pairs for value in pair]


def _butterfly(radix: int, *, turned: bool) -> Any:
    """A function (work, first, step, rotations, place) that transforms points a step apart in place."""

    @instructions
    def run(typingctx, work, first, step, rotations, place):  # type: ignore[no-untyped-def]
        def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
            kind = ir.VectorType(ir.FloatType(), LANES)
            vectors = first_number(context, builder, sig, args, 0)
            vectors = builder.bitcast(vectors, kind.as_pointer())
            table = first_number(context, builder, sig, args, 3)
            whole = ir.IntType(64)

            def pointer(k, part):  # type: ignore[no-untyped-def]
                point = builder.add(args[1], builder.mul(args[2], whole(k)))
                return builder.gep(vectors, [builder.add(builder.mul(point, whole(2)), whole(part))])

            def rotation(k):  # type: ignore[no-untyped-def]
                number = builder.load(builder.gep(table, [builder.add(args[4], whole(k))]))
                return in_all(builder, number, LANES)

            pointers = [[pointer(k, part) for part in (0, 1)] for k in range(radix)]
            points = [_Complex(builder, *(builder.load(p, align=4) for p in pair)) for pair in pointers]
            points = _transformed(points)
            if turned:
                turns = range(0, 2 * radix - 2, 2)
                points[1:] = [
                    z.times(rotation(k), rotation(k + 1)) for z, k in zip(points[1:], turns, strict=True)
                ]
            for pair, z in zip(pointers, points, strict=True):
                builder.store(z.real, pair[0], align=4)
                builder.store(z.imaginary, pair[1], align=4)
            return context.get_dummy_value()

        return types.void(work, types.intp, types.intp, rotations, types.intp), generate

    return run


_eight_turned, _eight = _butterfly(8, turned=True), _butterfly(8, turned=False)
_four, _two = _butterfly(4, turned=False), _butterfly(2, turned=False)
