"""The largest pole against closed forms and eigenvalues of the whole state, its bounds, and what follows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.linalg import hadamard

from tonewright.errors import NetworkError
from tonewright.reverb.absorption import graphic_absorption, shelf_absorption
from tonewright.reverb.network import FDNBuild
from tonewright.reverb.stability import (
    check_stable,
    is_stable,
    loop_radius,
    lossless,
    radius_bounds,
    slowest_decay_s,
)


def network(matrix, delays, filters: np.ndarray | None = None) -> FDNBuild:
    matrix = np.atleast_2d(np.asarray(matrix, dtype=float))
    lines = len(matrix)
    return FDNBuild(matrix, np.ones((lines, 1)), np.ones((1, lines)), np.zeros(1), delays, filters=filters)


def orthogonal(rng: np.random.Generator, lines: int) -> np.ndarray:
    return np.linalg.qr(rng.standard_normal((lines, lines)))[0]


def eigenvalue_radius(build: FDNBuild) -> float:
    """Of the matrix that takes the whole state, samples in the lines and memories of filters, one step on."""
    lines, ends = build.lines, np.cumsum(build.delays)
    sections = np.zeros((0, 6, lines)) if build.filters is None else build.filters
    size = int(ends[-1]) + 2 * lines * len(sections)
    state = np.eye(size)
    after = np.zeros((size, size))
    values = state[ends - 1]
    for k, (b0, b1, b2, _, a1, a2) in enumerate(sections[..., None]):
        first = ends[-1] + 2 * lines * k
        memory = state[first : first + 2 * lines].reshape(2, lines, size)
        out = b0 * values + memory[0]
        after[first : first + lines] = b1 * values - a1 * out + memory[1]
        after[first + lines : first + 2 * lines] = b2 * values - a2 * out
        values = out
    starts = np.concatenate([[0], ends[:-1]])
    for start, end, entering in zip(starts, ends, build.A @ values, strict=True):
        after[start + 1 : end] = state[start : end - 1]
        after[start] = entering
    return float(np.abs(np.linalg.eigvals(after)).max())


@pytest.mark.parametrize(("gain", "delay"), [(0.7, 1), (-0.5, 13), (0.999, 4001), (1.3, 100)])
def test_a_comb_in_closed_form(gain: float, delay: int) -> None:
    build = network([[gain]], [delay])
    assert loop_radius(build) == pytest.approx(abs(gain) ** (1 / delay), abs=1e-12)
    assert radius_bounds(build) == pytest.approx((abs(gain) ** (1 / delay),) * 2, abs=1e-12)
    assert is_stable(build) == (abs(gain) <= 1)


@pytest.mark.parametrize("power", [-300, -246, -100, 100, 300])
def test_numbers_near_the_ends_of_the_range_are_as_good_as_others(power: int) -> None:
    matrix, delays = orthogonal(np.random.default_rng(0), 4), (300, 457, 611, 900)
    low, high = radius_bounds(network(matrix * 10.0**power, delays))
    ends = sorted(10 ** (power / delay) for delay in (300, 900))
    assert (low, high) == pytest.approx(ends)
    assert low <= loop_radius(network(matrix * 10.0**power, delays)) <= high


@pytest.mark.parametrize("gain", [0.9, 1.01])
def test_lines_of_very_different_loudness_have_the_poles_of_equal_ones(gain: float) -> None:
    matrix, delays = gain * orthogonal(np.random.default_rng(0), 4), (300, 457, 611, 900)
    loudness = 10.0 ** np.array([0, -100, -50, 90])
    build = network(loudness[:, None] * matrix / loudness, delays)
    assert loop_radius(build) == pytest.approx(loop_radius(network(matrix, delays)), abs=2e-6)
    assert is_stable(build) == (gain < 1)


@settings(deadline=None, max_examples=12)
@given(st.integers(1, 5), st.integers(0, 999), st.booleans(), st.sampled_from(("any", "orthogonal", "same")))
def test_equals_the_eigenvalues_of_the_state(lines: int, seed: int, filtered: bool, kind: str) -> None:
    rng = np.random.default_rng(seed)
    delays = np.full(lines, 11) if kind == "same" else rng.integers(1, 30, lines)
    matrix = rng.standard_normal((lines, lines)) * rng.uniform(0.3, 1.2) / np.sqrt(lines)
    if kind == "orthogonal":
        matrix = orthogonal(rng, lines) * rng.uniform(0.5, 1)
    filters = None
    if filtered:
        filters = np.concatenate(
            [shelf_absorption(0.01, 0.003, delays, 48000.0), shelf_absorption(0.02, 0.05, delays, 48000.0)]
        )
    build = network(matrix, delays, filters)
    expected = eigenvalue_radius(build)
    assert loop_radius(build) == pytest.approx(expected, abs=1e-6)
    low, high = radius_bounds(build)
    assert low - 1e-9 <= expected <= high + 1e-9
    assert is_stable(build) == (expected <= 1)


def test_orthogonal_networks_decay_as_their_absorption() -> None:
    rng = np.random.default_rng(0)
    delays, matrix = rng.integers(500, 4000, 8), orthogonal(rng, 8)
    flat = network(matrix, delays, shelf_absorption(2.0, 2.0, delays, 48000.0))
    assert loop_radius(flat) == pytest.approx(10 ** (-3 / 96000), abs=1e-12)
    assert slowest_decay_s(flat) == pytest.approx(2.0, rel=1e-6)
    within = network(matrix * 10 ** (-3 * delays / 96000), delays)
    assert slowest_decay_s(within) == pytest.approx(2.0, rel=1e-6)
    assert slowest_decay_s(network(matrix, delays, shelf_absorption(3, 1, delays, 48000.0))) == pytest.approx(
        3.0, rel=1e-3
    )
    bands = np.array([1.6, 1.7, 1.3, 1.2, 1.25, 1.1, 0.95, 0.75, 0.7])
    graphic = network(matrix, delays, graphic_absorption(bands, delays, 48000.0))
    assert slowest_decay_s(graphic) == pytest.approx(1.7, rel=0.06)
    low, high = radius_bounds(graphic)
    assert low <= loop_radius(graphic) <= high
    assert high - low < 2e-5


def test_lossless_networks_lie_on_the_circle() -> None:
    rng = np.random.default_rng(1)
    delays = rng.integers(50, 400, 4)
    scale = np.array([1, 3, 0.2, 10.0])
    for matrix in (orthogonal(rng, 4), hadamard(4) / 2, np.roll(np.eye(4), 1, axis=0)):
        for a in (matrix, scale[:, None] * matrix / scale):
            build = network(a, delays)
            assert loop_radius(build) == pytest.approx(1, abs=1e-9)
            assert check_stable(build, "hall.json") == pytest.approx(1, abs=1e-9)
            assert slowest_decay_s(build) == np.inf


def test_unstable_networks_are_refused_with_their_radius() -> None:
    rng = np.random.default_rng(2)
    delays = rng.integers(50, 400, 6)
    build = network(orthogonal(rng, 6) * 1.01, delays)
    assert not is_stable(build)
    with pytest.raises(NetworkError, match=r"hall\.json: the network is unstable.*radius 1\.0000.*grows by"):
        check_stable(build, "hall.json")
    assert slowest_decay_s(build) == np.inf


def test_stable_networks_whose_bound_says_nothing() -> None:
    rng = np.random.default_rng(4)
    delays = np.array([5, 7, 11, 13])
    builds = [network(rng.standard_normal((4, 4)) * 0.45, delays) for _ in range(40)]
    undecided = [build for build in builds if eigenvalue_radius(build) < 1 < radius_bounds(build)[1]]
    assert len(undecided) >= 3
    for build in undecided[:3]:
        assert check_stable(build, "x") == pytest.approx(eigenvalue_radius(build), abs=1e-6)


def test_networks_of_several_loops_or_none() -> None:
    triangular = network([[0.5, 0, 0], [3, 0.9, 0], [7, 5, 0]], [10, 20, 30])
    assert loop_radius(triangular) == pytest.approx(max(0.5 ** (1 / 10), 0.9 ** (1 / 20)), abs=1e-12)
    forward = network([[0, 0], [1, 0]], [10, 20])
    assert loop_radius(forward) == 0
    assert radius_bounds(forward) == (0, 0)
    assert slowest_decay_s(forward) == 0
    closed = network(
        np.eye(2), [10, 20], np.array([[[0.0] * 2, [0] * 2, [0] * 2, [1] * 2, [0] * 2, [0] * 2]])
    )
    assert loop_radius(closed) == 0


def test_a_filter_that_rings_longer_than_its_line() -> None:
    resonance = np.array([0.001, 0, 0, 1, -2 * 0.999 * np.cos(0.3), 0.999**2])
    build = network([[0.6, 0.3], [-0.2, 0.5]], [1, 3], np.tile(resonance[None, :, None], (1, 1, 2)))
    assert loop_radius(build) == pytest.approx(eigenvalue_radius(build), abs=1e-6)


def test_which_matrices_keep_all_energy() -> None:
    rng = np.random.default_rng(3)
    matrix, scale = orthogonal(rng, 5), rng.uniform(0.2, 5, 5)
    assert lossless(matrix) == "orthogonal"
    assert lossless(scale[:, None] * matrix / scale) == "unilossless"
    assert lossless(np.array([[1, 0], [3, -1.0]])) == "unilossless"
    assert lossless(matrix * 0.999) is None
    assert lossless(rng.standard_normal((5, 5))) is None
    assert lossless(np.zeros((2, 2))) is None
    # Without loss when all delays are the same, and with other delays not.
    assert lossless(np.array([[0.0, 2.0], [0.5, 0.0]])) == "unilossless"
    assert lossless(np.array([[2.0, -3.0], [1.0, -2.0]])) is None
