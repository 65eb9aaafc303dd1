"""A feedback delay network as data: matrices, delays, filters and early reflections."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tonewright.errors import NetworkError


@dataclass(frozen=True, eq=False)
class Taps:
    """A sparse finite impulse response: early reflections between every input and output.

    Attributes
    ----------
    positions : (taps,) whole samples after the sound enters, ascending
    gains : (outputs, inputs, taps)
    """

    positions: np.ndarray
    gains: np.ndarray

    def __post_init__(self) -> None:
        """Bring both to arrays of fixed types and check that they belong together."""
        positions = np.atleast_1d(np.asarray(self.positions, dtype=np.int64))
        gains = np.asarray(self.gains, dtype=np.float64)
        if gains.ndim != 3 or gains.shape[2] != positions.size:
            raise NetworkError(
                f"early reflections: gains have shape {gains.shape}; they must be (outputs, inputs, "
                f"{positions.size}), one for each position"
            )
        if positions.size and (positions[0] < 0 or (np.diff(positions) <= 0).any()):
            raise NetworkError("early reflections: positions must ascend from 0 on, in samples")
        if not np.isfinite(gains).all():
            raise NetworkError("early reflections: a gain is not a finite number")
        object.__setattr__(self, "positions", positions)
        object.__setattr__(self, "gains", gains)


@dataclass(frozen=True, eq=False)
class FDNBuild:
    r"""A whole feedback delay network.

    With d_i(z) = z^{-m_i} g_i(z) for delay m_i and absorption g_i, and P(z) = z^{-p},

    H(z) = E(z) + D + Q(z) C (I - diag(d) A)^{-1} diag(d) B P(z),

    where E are the early reflections and Q the tone filter of each output.

    Attributes
    ----------
    A : (lines, lines) feedback matrix
    B : (lines, inputs)
    C : (outputs, lines)
    D : (outputs, inputs) direct path
    delays : (lines,) whole samples, at least 1
    fs : sample rate in Hz
    filters : (sections, 6, lines) absorption as second-order sections [b0 b1 b2 a0 a1 a2], or None
    post_eq : (sections, 6, outputs) tone filter of the late sound, or None
    early : early reflections, or None
    pre_delay : samples by which the late sound's input is delayed
    """

    A: np.ndarray
    B: np.ndarray
    C: np.ndarray
    D: np.ndarray
    delays: np.ndarray
    fs: float = 48000.0
    filters: np.ndarray | None = None
    post_eq: np.ndarray | None = None
    early: Taps | None = None
    pre_delay: int = 0

    def __post_init__(self) -> None:
        """Bring everything to arrays of fixed types, shapes checked and numbers finite."""
        for name, value in _checked(self).items():
            object.__setattr__(self, name, value)

    @property
    def lines(self) -> int:
        """Number of delay lines."""
        return self.delays.size

    @property
    def inputs(self) -> int:
        """Number of inputs."""
        return self.B.shape[1]

    @property
    def outputs(self) -> int:
        """Number of outputs."""
        return self.C.shape[0]

    def changed(self, **values: Any) -> FDNBuild:
        """A copy with some values changed."""
        return replace(self, **values)


def _checked(build: FDNBuild) -> dict[str, Any]:
    delays = _whole(build.delays)
    lines = delays.size
    a = np.asarray(build.A, dtype=np.float64)
    b = np.asarray(build.B, dtype=np.float64)
    c = np.asarray(build.C, dtype=np.float64)
    b = b.reshape(lines, -1) if b.size and b.size % max(1, lines) == 0 and b.ndim < 2 else b
    c = c.reshape(-1, lines) if c.size and c.size % max(1, lines) == 0 and c.ndim < 2 else c
    for name, matrix, axis in (("A", a, 0), ("A", a, 1), ("B", b, 0), ("C", c, 1)):
        if matrix.ndim != 2 or matrix.shape[axis] != lines or not matrix.size:
            raise NetworkError(f"{name} has shape {matrix.shape}, which does not fit {lines} delay lines")
    shape = (c.shape[0], b.shape[1])
    d = np.asarray(0.0 if build.D is None else build.D, dtype=np.float64)
    d = np.full(shape, float(d)) if d.ndim == 0 else d
    if d.size != shape[0] * shape[1]:
        raise NetworkError(f"D has shape {d.shape}; with these B and C it must be {shape}")
    if not (np.isfinite(build.fs) and build.fs > 0):
        raise NetworkError(f"the sample rate is {build.fs}; it must be a positive number of Hz")
    if build.pre_delay < 0:
        raise NetworkError(f"the pre-delay is {build.pre_delay} samples; it cannot be negative")
    found = {"A": a, "B": b, "C": c, "D": d.reshape(shape), "delays": delays}
    found["filters"] = _sections("filters", build.filters, lines)
    found["post_eq"] = _sections("post_eq", build.post_eq, shape[0])
    for name, value in found.items():
        if value is not None and not np.isfinite(value).all():
            raise NetworkError(f"{name} holds a number that is not finite")
    if build.early is not None and build.early.gains.shape[:2] != shape:
        given = build.early.gains.shape[:2]
        raise NetworkError(f"early reflections have shape {given}; with these B and C it must be {shape}")
    return {**found, "fs": float(build.fs), "pre_delay": int(build.pre_delay)}


def _whole(delays: Any) -> np.ndarray:
    values = np.asarray(delays, dtype=np.float64).ravel()
    if not values.size:
        raise NetworkError("a network needs at least one delay line")
    if not np.isfinite(values).all() or (values != np.round(values)).any() or values.min() < 1:
        raise NetworkError(
            f"delays are {np.array2string(values, threshold=8)}; they must be whole samples, at least 1"
        )
    return values.astype(np.int64)


def _sections(name: str, sections: Any, count: int) -> np.ndarray | None:
    if sections is None:
        return None
    values = np.asarray(sections, dtype=np.float64)
    if values.ndim != 3 or values.shape[1:] != (6, count):
        raise NetworkError(f"{name} has shape {values.shape}; it must be (sections, 6, {count})")
    if (values[:, 3] == 0).any():
        raise NetworkError(f"{name} has a section whose a0 is 0")
    normalised = values / values[:, 3:4]
    _, _, _, _, a1, a2 = np.moveaxis(normalised, 1, 0)
    if (np.abs(a2) >= 1).any() or (np.abs(a1) >= 1 + a2).any():
        raise NetworkError(f"{name} has an unstable section; the poles must lie inside the unit circle")
    return normalised
