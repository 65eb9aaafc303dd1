"""The network before its filters: groups of lines, delays, rotations, and gains with a given correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.linalg import hadamard

from tonewright.reverb.fitting.slopes import SECOND

# Fewer lines than these in two groups would be too few modes in each.
LEAST_FOR_TWO = 8
# Shortest and longest delay of each group in a room of 1 s. Wide ranges grow dense soon and still have many
# modes; the second group, which is the slower and fainter one, needs modes more than density.
_DELAYS_S = {1: ((0.004, 0.06),), 2: ((0.004, 0.035), (0.01, 0.1))}
_SCALES = (0.35, 2.5)
# When the first line is heard, as a part of the time until late sound takes over.
_WAIT = 0.1


@dataclass(frozen=True, eq=False)
class Layout:
    """A lossless network.

    Attributes
    ----------
    delays : (lines,) in samples
    group : (lines,) which slope of the decay a line has
    feedback : (lines, lines) orthogonal, and zero between groups
    inputs : (lines,) gains, of unit energy in each group
    rows : (channels, lines) directions of the outputs, orthonormal in each group where there are lines enough
    pre_delay : in samples
    """

    delays: np.ndarray
    group: np.ndarray
    feedback: np.ndarray
    inputs: np.ndarray
    rows: np.ndarray
    pre_delay: int

    @property
    def slopes(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    def outputs(self, correlation: np.ndarray) -> np.ndarray:
        """Gains (channels, lines) whose outputs have about this correlation, and the groups' powers.

        The power of a group's sound is |b|² |c|² / Σ m over its lines.

        Parameters
        ----------
        correlation : (channels, channels)
        """
        mixed = square_root(correlation) @ self.rows
        gains = np.zeros_like(mixed)
        for group, power in zip(range(self.slopes), (1.0, SECOND), strict=False):
            mine = self.group == group
            size = np.sqrt(np.square(mixed[:, mine]).sum(axis=1, keepdims=True))
            gains[:, mine] = (
                mixed[:, mine] * np.sqrt(power * self.delays[mine].sum()) / np.maximum(size, 1e-12)
            )
        return gains


def draw_layout(
    lines: int,
    channels: int,
    *,
    slopes: int,
    decay_s: float,
    split_s: float,
    sample_rate: int,
    rng: np.random.Generator,
) -> Layout:
    """A network whose delays suit a room.

    Parameters
    ----------
    lines : number of delay lines
    channels : number of outputs
    slopes : number of groups, 1 or 2
    decay_s : of the room at middle frequencies; longer decays need more modes, and so longer delays
    split_s : when the late sound takes over from the early reflections
    sample_rate : in Hz
    rng : source of chance
    """
    group = np.arange(lines) % slopes
    scale = np.clip(np.sqrt(decay_s * 16 / max(lines, 4)), *_SCALES)
    delays = np.zeros(lines, dtype=np.int64)
    feedback, rows = np.zeros((lines, lines)), np.zeros((channels, lines))
    for number in range(slopes):
        mine = np.flatnonzero(group == number)
        low, high = _DELAYS_S[slopes][number]
        wanted = scale * np.geomspace(low, high, len(mine)) * rng.uniform(0.95, 1.05, len(mine)) * sample_rate
        delays[mine] = _distinct(wanted, taken=set(delays.tolist()))
        feedback[np.ix_(mine, mine)] = mixing_matrix(len(mine), rng)
        rows[:, mine] = _directions(channels, len(mine), rng)
    inputs = rng.choice([-1.0, 1.0], lines)
    for number in range(slopes):
        inputs[group == number] /= np.sqrt((group == number).sum())
    pre_delay = max(0, round(_WAIT * split_s * sample_rate) - int(delays.min()))
    return Layout(delays, group, feedback, inputs, rows, pre_delay)


def mixing_matrix(size: int, rng: np.random.Generator) -> np.ndarray:
    """An orthogonal matrix of determinant 1 that spreads sound evenly, as echoes then grow dense soonest.

    Hadamard's, rows and signs shuffled, where the size is a power of two; otherwise uniform among all (F.
    Mezzadri, "How to generate random matrices from the classical compact groups", Notices AMS 54, 2007).
    """
    if size & (size - 1) == 0:
        matrix = hadamard(size)[rng.permutation(size)] / np.sqrt(size)
        matrix = matrix * rng.choice([-1.0, 1.0], size) * rng.choice([-1.0, 1.0], (size, 1))
    else:
        q, r = np.linalg.qr(rng.standard_normal((size, size)))
        matrix = q * np.where(np.diag(r) < 0, -1.0, 1.0)
    if np.linalg.det(matrix) < 0:
        matrix[:, 0] = -matrix[:, 0]
    return matrix


def square_root(correlation: np.ndarray) -> np.ndarray:
    """Symmetric square root of the nearest correlation matrix, (channels, channels)."""
    values, vectors = np.linalg.eigh(0.5 * (correlation + correlation.T))
    root = (vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T
    return root / np.maximum(np.sqrt(np.square(root).sum(axis=1, keepdims=True)), 1e-12)


def _directions(channels: int, lines: int, rng: np.random.Generator) -> np.ndarray:
    """Unit rows, orthogonal as far as there are lines."""
    blocks = [mixing_matrix(lines, rng) for _ in range(-(-channels // lines))]
    return np.concatenate(blocks)[:channels]


def _distinct(wanted: np.ndarray, *, taken: set[int]) -> np.ndarray:
    """The nearest primes that are still free, or whole numbers where there are none."""
    sieve = _primes(int(2 * wanted.max()) + 64)
    found = []
    for value in wanted:
        near = sieve[np.argsort(np.abs(sieve - value), kind="stable")[:64]]
        free = [int(prime) for prime in near if prime not in taken]
        choice = free[0] if free and abs(free[0] - value) < 0.1 * value + 2 else None
        if choice is None:
            choice = next(k for k in range(max(1, round(value)), 1 << 30) if k not in taken)
        taken.add(choice)
        found.append(choice)
    return np.array(found)


def _primes(limit: int) -> np.ndarray:
    sieve = np.ones(limit + 1, dtype=bool)
    sieve[:2] = False
    for number in range(2, int(limit**0.5) + 1):
        if sieve[number]:
            sieve[number * number :: number] = False
    return np.flatnonzero(sieve)
