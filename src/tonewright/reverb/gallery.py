"""Networks to start from: delay lengths, feedback matrices and whole builds, drawn by chance."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from tonewright.errors import NetworkError, nearest
from tonewright.reverb.network import FDNBuild

DISTRIBUTIONS = ("uniform", "geometric", "lognormal")
GAINS = ("ones", "normalized", "identity", "random")


def sample_delay_lengths(
    N: int,
    delay_range: tuple[int, int] = (400, 1200),
    *,
    distribution: str = "uniform",
    coprime: bool = False,
    sort: bool = False,
    rng: np.random.Generator | int | None = None,
) -> np.ndarray:
    """Delay lengths drawn by chance.

    Parameters
    ----------
    N : number of delay lines
    delay_range : shortest and longest length in samples; coprime lengths may lie a little outside
    distribution : "uniform" in samples, "geometric" (uniform in octaves) or "lognormal" (the range spans
        two standard deviations either side)
    coprime : lengths without a common factor in any pair, so that no two echoes fall together early
    sort : ascending
    rng : generator or seed

    Returns
    -------
    (N,) whole samples
    """
    low, high = delay_range
    _check_count(N)
    if low < 1 or high <= low:
        raise NetworkError(f"delay_range is {tuple(delay_range)}; it must ascend from at least 1")
    wanted = _drawn_lengths(N, low, high, distribution, np.random.default_rng(rng))
    delays = _coprime_near(wanted) if coprime else np.maximum(np.round(wanted), 1).astype(np.int64)
    return np.sort(delays) if sort else delays


def _drawn_lengths(
    count: int, low: float, high: float, distribution: str, rng: np.random.Generator
) -> np.ndarray:
    if distribution == "uniform":
        return rng.uniform(low, high, size=count)
    if distribution == "geometric":
        return low * (high / low) ** rng.uniform(0.0, 1.0, size=count)
    if distribution == "lognormal":
        middle, spread = (math.log(low) + math.log(high)) / 2, (math.log(high) - math.log(low)) / 4
        return np.clip(np.exp(rng.normal(middle, spread, size=count)), low, high)
    raise NetworkError(f"distribution is '{distribution}'; {nearest(distribution, DISTRIBUTIONS)}")


def _coprime_near(wanted: np.ndarray) -> np.ndarray:
    """Pairwise coprime lengths, longest first each the nearest to what is wanted that is still free."""
    taken: list[int] = []
    lengths = np.empty(wanted.size, dtype=np.int64)
    for index in np.argsort(wanted)[::-1]:
        centre = max(round(float(wanted[index])), 2)
        away = 0
        while True:
            near = [n for n in dict.fromkeys((centre + away, centre - away)) if n >= 2]
            free = [n for n in near if all(math.gcd(n, other) == 1 for other in taken)]
            if free:
                break
            away += 1
        taken.append(free[0])
        lengths[index] = free[0]
    return lengths


def random_orthogonal(N: int, *, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """An orthogonal matrix of Haar's measure (Mezzadri, Notices of the AMS 54, 2007).

    Parameters
    ----------
    N : size
    rng : generator or seed

    Returns
    -------
    (N, N)
    """
    q, r = np.linalg.qr(np.random.default_rng(rng).standard_normal((N, N)))
    return q * np.where(np.diag(r) < 0, -1.0, 1.0)


def random_rotation(N: int, *, rng: np.random.Generator | int | None = None) -> np.ndarray:
    """An orthogonal matrix of determinant 1: `random_orthogonal` with its last column turned if need be.

    Parameters
    ----------
    N : size
    rng : generator or seed

    Returns
    -------
    (N, N)
    """
    matrix = random_orthogonal(N, rng=rng)
    if np.linalg.det(matrix) < 0:
        matrix[:, -1] *= -1.0
    return matrix


def fdn_build_gallery(
    N: int | None = None,
    *,
    fs: float = 48000.0,
    delays: ArrayLike | None = None,
    delay_range: tuple[int, int] = (400, 1200),
    sort_delays: bool = False,
    num_inputs: int = 1,
    num_outputs: int = 1,
    io_type: str = "normalized",
    input_scale: float = 1.0,
    output_scale: float = 1.0,
    direct_gain: float | None = 0.0,
    rt: float | None = 2.0,
    rt_nyquist: float | None = None,
    rt_crossover: float | None = None,
    post_eq_db_dc: ArrayLike | None = None,
    post_eq_db_nyquist: ArrayLike | None = None,
    post_eq_crossover: float | None = None,
    rng: np.random.Generator | int | None = None,
) -> FDNBuild:
    """A whole network drawn by chance: random orthogonal feedback, absorption and a tone filter.

    Parameters
    ----------
    N : number of delay lines; that of `delays` when they are given
    fs : sample rate in Hz
    delays : (lines,) whole samples; drawn from `delay_range` (its end left out) when not given
    sort_delays : ascending
    num_inputs, num_outputs : channels
    io_type : gains of inputs and outputs: "ones", "normalized" (ones / √N), "identity" or "random"
    input_scale, output_scale : factors of these gains
    direct_gain : every entry of D, or None for random ones
    rt, rt_nyquist : decay times in seconds at 0 Hz and at half the sample rate; rt None is lossless
    rt_crossover, post_eq_crossover : half the frequency in the middle of the shelves, in Hz (default: an
        eighth of the sample rate)
    post_eq_db_dc, post_eq_db_nyquist : tone filter at 0 Hz and half the sample rate, one for all outputs or
        one each; none when neither is given
    rng : generator or seed; without one the same network is drawn every time

    Returns
    -------
    the network
    """
    generator = np.random.default_rng(0 if rng is None else rng)
    for name, value in (("rt", rt), ("rt_nyquist", rt_nyquist), ("fs", fs)):
        if value is not None and not value > 0:
            raise NetworkError(f"{name} is {value}; it must be positive")
    lengths = given_lengths(N, delays)
    if lengths is None:
        lengths = _evenly_drawn(N, delay_range, generator)
    lengths = np.sort(lengths) if sort_delays else lengths
    matrix = random_orthogonal(lengths.size, rng=generator)
    if min(num_inputs, num_outputs) < 1:
        raise NetworkError("num_inputs and num_outputs must be at least 1")
    b, c = _gains(lengths.size, num_inputs, num_outputs, io_type, generator)
    shape = (num_outputs, num_inputs)
    d = generator.standard_normal(shape) if direct_gain is None else np.full(shape, float(direct_gain))
    filters = None
    if rt is not None:
        from tonewright.reverb.absorption import shelf_absorption

        top = rt if rt_nyquist is None else rt_nyquist
        filters = shelf_absorption(rt, top, lengths, fs, crossover_hz=rt_crossover)
    post_eq = _tone_shelf(num_outputs, fs, post_eq_db_dc, post_eq_db_nyquist, post_eq_crossover)
    return FDNBuild(matrix, input_scale * b, output_scale * c, d, lengths, fs, filters, post_eq)


def given_lengths(N: int | None, delays: ArrayLike | None) -> np.ndarray | None:
    """Delay lengths (lines,) that were given, or None where N of them are to be drawn."""
    if delays is None:
        if N is None:
            raise NetworkError("give the number of delay lines N=, or their lengths delays=")
        _check_count(N)
        return None
    lengths = np.asarray(delays).ravel()
    if N is not None and lengths.size != N:
        raise NetworkError(f"delays holds {lengths.size} lengths, but N is {N}; give one of them")
    return lengths


def _check_count(N: int | None) -> None:
    if not isinstance(N, int | np.integer) or N < 1:
        raise NetworkError(f"N is {N}; give the number of delay lines, at least one")


def _evenly_drawn(N: int | None, span: tuple[int, int], rng: np.random.Generator) -> np.ndarray:
    _check_count(N)
    if span[0] < 1 or span[1] <= span[0]:
        raise NetworkError(f"delay_range is {tuple(span)}; it must ascend from at least 1")
    return rng.integers(span[0], span[1], size=N)


def _gains(
    lines: int, inputs: int, outputs: int, kind: str, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    if kind == "identity":
        return np.eye(lines, inputs), np.eye(outputs, lines)
    if kind == "random":
        return rng.standard_normal((lines, inputs)), rng.standard_normal((outputs, lines))
    if kind not in GAINS:
        raise NetworkError(f"io_type is '{kind}'; {nearest(kind, GAINS)}")
    level = 1 / math.sqrt(lines) if kind == "normalized" else 1.0
    return np.full((lines, inputs), level), np.full((outputs, lines), level)


def _tone_shelf(
    outputs: int, fs: float, dc_db: Any, nyquist_db: Any, crossover_hz: float | None
) -> np.ndarray | None:
    if dc_db is None and nyquist_db is None:
        if crossover_hz is not None:
            raise NetworkError("post_eq_crossover needs post_eq_db_dc or post_eq_db_nyquist")
        return None
    both = []
    for value, other in ((dc_db, nyquist_db), (nyquist_db, dc_db)):
        values = np.asarray(other if value is None else value, dtype=np.float64).ravel()
        if values.size not in (1, outputs):
            raise NetworkError(
                f"the tone filter has {values.size} gains for {outputs} outputs; give 1 or {outputs}"
            )
        both.append(np.broadcast_to(values, (outputs,)))
    from tonewright.reverb.absorption.shelves import first_order_shelf

    nyquist, root = 10 ** (both[1] / 20), 10 ** ((both[0] - both[1]) / 40)
    return first_order_shelf(nyquist, root, fs, crossover_hz=crossover_hz)
