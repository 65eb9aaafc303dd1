"""Poles of a loop: bounds of their radius, and the largest one itself."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.sparse.csgraph import connected_components

from tonewright.reverb.balancing import balanced
from tonewright.reverb.network import FDNBuild

# Error of an entry of the product with its transpose up to which a scaled matrix is orthogonal.
ORTHOGONAL = 1e-9
SCALINGS = 200
# Sums of squares are taken for no less, lest the product of two scalings overflow.
LEAST = 1e-100
# Of what is freed of its rate, no entry is larger than e to this.
MOST_LOG = 200.0
# Bounds nearer to each other than this, in nepers per sample, are the radius itself.
TIGHT = 2e-7
# Samples for which a loop rings before its slowest modes are looked for, and in which they are.
RINGING, HEARD = 1 << 18, 1 << 17
CANDIDATES = 128
NEWTON_STEPS = 12


@dataclass(frozen=True, eq=False)
class Loop:
    """Lines that all hear one another.

    Attributes
    ----------
    matrix : (lines, lines)
    delays : (lines,) in samples
    sections : (sections, 6, lines), a0 = 1
    """

    matrix: np.ndarray
    delays: np.ndarray
    sections: np.ndarray


def loops(build: FDNBuild) -> list[Loop]:
    """The loops of a network: lines that hear one another, taken together; their poles are the network's.

    Lines in no loop have no pole but 0 and are left out.
    """
    sections = np.zeros((0, 6, build.lines)) if build.filters is None else build.filters
    count, member = connected_components(build.A != 0, directed=True, connection="strong")
    found = []
    for k in range(count):
        lines = np.flatnonzero(member == k)
        matrix = build.A[np.ix_(lines, lines)]
        if matrix.any():
            found.append(Loop(balanced(matrix), build.delays[lines], sections[:, :, lines]))
    return found


@dataclass(frozen=True)
class Bounds:
    """Logarithms of radii between which the largest pole lies, and the angle at which it is suspected."""

    low: float
    high: float
    slowest: float


def bounds(loop: Loop) -> Bounds:
    r"""Bounds of the largest pole.

    Write A = S Q T with diagonal S and T, and s_i = S_i T_i. At a pole z some x = diag(d s) Q x, so that

    .. math:: \max_i |z|^{-m_i} |s_i g_i(z)| \, \|Q\| \ge 1,

    and for orthogonal Q the smallest such product is at most 1. The lower bound takes that product over all
    frequencies as near to the slowest one as two neighbouring poles can be apart; it is -inf otherwise.
    """
    gains, is_orthogonal = scaled(loop)
    omega = _frequencies(loop)

    def rates_at(radius: float) -> np.ndarray:
        return (_log_size(loop, radius, omega) + np.log(gains)) / loop.delays

    high = _fixed_point(lambda radius: float(rates_at(radius).max()), _filter_radius(loop))
    if high == -np.inf:
        return Bounds(high, high, 0.0)
    rates = rates_at(high)
    slowest = float(omega[rates.max(axis=1).argmax()])
    near = np.abs(omega - slowest) <= 2 * np.pi / loop.delays.min()
    low = float(rates[near].min()) if is_orthogonal else -np.inf
    return Bounds(low, high, slowest)


def _fixed_point(function: Callable[[float], float], lowest: float) -> float:
    """Largest argument above `lowest` that a function leaves as it is, for one that falls or barely rises."""
    value = 0.0
    for _ in range(20):
        before, value = value, function(value)
        if value == -np.inf or abs(value - before) < 1e-13:
            return value
        if value <= lowest:
            break
    low, high = lowest, max(function(0.0), 0.0)
    while high - low > 1e-13 * max(1.0, abs(high)):
        middle = (low + high) / 2 if low > -np.inf else 2 * high - 1
        low, high = (middle, high) if function(middle) > middle else (low, middle)
    return high


def _filter_radius(loop: Loop) -> float:
    """Logarithm of the largest radius of a pole of the filters."""
    radius = np.abs(_filter_poles(loop)).max(initial=0)
    return float(np.log(radius)) if radius > 0 else -np.inf


def _filter_poles(loop: Loop) -> np.ndarray:
    _, _, _, _, a1, a2 = np.moveaxis(loop.sections, 1, 0)
    root = np.sqrt((a1**2 / 4 - a2).ravel().astype(np.complex128))
    return np.concatenate([-a1.ravel() / 2 + root, -a1.ravel() / 2 - root])


def scaled(loop: Loop) -> tuple[np.ndarray, bool]:
    """Gains (lines,) that bound a loop, and whether what they leave of its matrix is orthogonal.

    The scaling that makes all rows and columns of the squared entries sum to 1 (R. Sinkhorn and P. Knopp,
    Pacific J. Math. 21, 1967) finds the orthogonal matrix inside one whose rows and columns are scaled.
    """
    # Squares of numbers near the smallest or the largest would leave the range.
    size = float(np.abs(loop.matrix).max())
    matrix = loop.matrix / size
    squares = matrix**2
    rows, columns = np.ones((2, loop.delays.size))
    best, lowest = rows, np.inf
    for step in range(SCALINGS + 1):
        uneven = max(
            np.abs(rows * (squares @ columns) - 1).max(), np.abs(columns * (rows @ squares) - 1).max()
        )
        if uneven < 1e-13 or step in (0, 1, 5, SCALINGS):
            inner = np.sqrt(rows[:, None] * columns) * matrix
            if np.abs(inner @ inner.T - np.eye(len(inner))).max() < ORTHOGONAL:
                return size / np.sqrt(rows * columns), True
            gains = size * np.linalg.norm(inner, 2) / np.sqrt(rows * columns)
            bound = float(np.max(np.log(gains) / loop.delays))
            if bound < lowest:
                best, lowest = gains, bound
        if uneven < 1e-13:
            break
        rows = 1 / np.maximum(squares @ columns, LEAST)
        columns = 1 / np.maximum(rows @ squares, LEAST)
    return best, False


def largest(loop: Loop, known: Bounds) -> float:
    """Logarithm of the radius of the largest pole.

    Where the matrix is orthogonal, a pole next to the slowest frequency is often as large as the bound
    allows. Otherwise the loop rings until its slowest modes remain. Newton's method starts from there.

    Parameters
    ----------
    known : from `bounds`
    """
    if known.low > -np.inf:
        apart = np.pi / loop.delays.sum()
        poles: Any = _newton(loop, known.high + 1j * (known.slowest + apart * np.arange(-12, 13)))
        if poles.size and known.high - poles.real.max() < TIGHT:
            return float(poles.real.max())
    rate, heard = _rung(loop, known.high)
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(heard.size)))
    spectrum[~np.isfinite(spectrum)] = 0
    around = np.pad(spectrum, 1)
    peaks = np.flatnonzero((spectrum >= around[:-2]) & (spectrum >= around[2:]) & (spectrum > 0))
    loudest = peaks[np.argsort(spectrum[peaks])[::-1][:CANDIDATES]]
    if not loudest.size:
        return rate
    poles = _newton(loop, rate + 2j * np.pi * loudest / heard.size)
    found = float(poles.real.max()) if poles.size else -np.inf
    # The rate of growth itself is only as good as the loudness is even, but no pole found may lie far below.
    return found if found > rate - 1e-5 else rate


def _rung(loop: Loop, high: float) -> tuple[float, np.ndarray]:
    """Rate of growth per sample (a logarithm) and the last of the sound, freed of that rate."""
    from tonewright.reverb.engines.growth_kernels import ring

    rng = np.random.default_rng(0)
    lengths = loop.delays.astype(np.int64)
    starts = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    mix = rng.choice([-1.0, 1.0], lengths.size)
    rate, heard = high, np.zeros(0)
    state = rng.standard_normal(int(lengths.sum()))
    places, memory = np.zeros_like(starts), np.zeros((loop.sections.shape[0], 2, lengths.size))
    # Short enough that the sound of short delays neither vanishes nor overflows on the way.
    block = int(np.clip(32 * lengths.min(), 64, 4096))
    for samples in (RINGING, RINGING, HEARD):
        # Sound that decays at the rate found so far stays as loud as it is.
        matrix, sections = _without_rate(loop, rate)
        heard, grown = np.empty(samples), 0.0
        for start in range(0, samples, block):
            ring(state, starts, places, matrix, sections, memory, mix, heard[start : start + block])
            size = float(np.sqrt(np.square(state).sum()))
            if not 0 < size < np.inf:
                return (-np.inf if size == 0 else rate), np.zeros(2)
            if samples != HEARD:
                grown += np.log(size) * (start > 0)
                state /= size
                memory /= size
        if samples != HEARD:
            rate += grown / (samples - block)
    return rate, heard


def _without_rate(loop: Loop, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Transposed matrix and [b0 b1 b2 a1 a2] of the loop at z e^rate instead of z."""
    with np.errstate(divide="ignore"):
        logs = np.log(np.abs(loop.matrix)) - rate * loop.delays
    matrix = np.ascontiguousarray((np.sign(loop.matrix) * np.exp(np.minimum(logs, MOST_LOG))).T)
    powers = np.exp(-rate * np.arange(3))[None, :, None]
    sections = np.concatenate([loop.sections[:, :3] * powers, loop.sections[:, 4:] * powers[:, 1:]], axis=1)
    return matrix, np.ascontiguousarray(sections)


def _newton(loop: Loop, s: np.ndarray) -> np.ndarray:
    """Logarithms of poles near starting points: zeros of det(I − diag(d(e^s)) A) that were reached."""
    move = np.full(s.size, np.inf, dtype=np.complex128)
    identity = np.eye(loop.delays.size)
    for _ in range(NEWTON_STEPS):
        with np.errstate(all="ignore"):
            terms, slopes = _terms(loop, s)
            loops_ = identity - terms[:, :, None] * loop.matrix
            turned = (terms * slopes)[:, :, None] * loop.matrix
            try:
                trace = np.trace(np.linalg.solve(loops_, turned), axis1=1, axis2=2)
            except np.linalg.LinAlgError:
                break
            move = 1 / trace
        move = np.where(np.isfinite(move), move, 0.5)
        move *= np.minimum(1, 1e-2 / np.maximum(np.abs(move), 1e-300))
        s = s + move
        if np.abs(move).max() < 1e-14:
            break
    return s[np.abs(move) < 1e-11]


def _terms(loop: Loop, s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """d (points, lines) at z = e^s, and ∂ log d / ∂s."""
    back = np.exp(-s)[:, None]
    response, slope = np.ones((2, s.size, loop.delays.size), dtype=np.complex128)
    slope = slope * -loop.delays
    for b0, b1, b2, a0, a1, a2 in loop.sections:
        above, below = b0 + back * (b1 + back * b2), a0 + back * (a1 + back * a2)
        response *= above / below
        slope -= back * (b1 + 2 * back * b2) / above - back * (a1 + 2 * back * a2) / below
    return response * np.exp(-s[:, None] * loop.delays), slope


def _log_size(loop: Loop, rate: float, omega: np.ndarray) -> np.ndarray:
    """log |g| (bins, lines) on the circle of radius e^rate."""
    back = np.exp(-rate - 1j * omega)[:, None]
    size = np.zeros((omega.size, loop.delays.size))
    with np.errstate(divide="ignore"):
        for b0, b1, b2, a0, a1, a2 in loop.sections:
            size += np.log(np.abs((b0 + back * (b1 + back * b2)) / (a0 + back * (a1 + back * a2))))
    return size


def _frequencies(loop: Loop) -> np.ndarray:
    """Angles at which filters are looked at: dense in log and linearly, and about each of their poles."""
    if not loop.sections.shape[0]:
        return np.zeros(1)
    poles = np.unique(np.round(_filter_poles(loop), 6))
    width = np.maximum(1 - np.abs(poles), 1e-9)[:, None] * np.array([-3, -1, -0.3, 0, 0.3, 1, 3])
    about = np.abs(np.angle(poles)[:, None] + width).ravel()
    grid = [[0.0], np.geomspace(1e-4, np.pi, 400), np.linspace(0, np.pi, 200), about[about <= np.pi]]
    return np.unique(np.concatenate(grid))
