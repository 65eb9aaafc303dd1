"""Under a fit: residuals against banks, derivatives against differences, descents against SciPy."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from tonewright.filters.bank import Bank
from tonewright.filters.fitting.descent import descend, room_for
from tonewright.filters.fitting.problem import (
    COMPLEX_PARALLEL,
    LOG_PARALLEL,
    LOG_SERIES,
    SHAPES,
    Problem,
    bank_of,
    problem_of,
)
from tonewright.filters.fitting.search import best_values, residuals_of
from tonewright.filters.fitting.starts import first_guesses
from tonewright.filters.fitting.target import target_of_curve

RATE = 44100
HZ = np.geomspace(25.0, 20_000.0, 80)


def small_problem(mode: int, *, filters: int = 5, order: int = 1, seed: int = 0) -> Problem:
    """A problem whose target nobody knows a bank for."""
    draw = np.random.default_rng(seed)
    levels = np.cumsum(draw.standard_normal(HZ.size)) * 2
    target = target_of_curve((HZ, levels), points=60, sample_rate=RATE)
    problem = problem_of(
        target, filters=filters, kind="series" if mode == LOG_SERIES else "parallel", order=order
    )
    if mode == COMPLEX_PARALLEL:
        response = 10 ** (target.shape_db / 20) * np.exp(1j * np.cumsum(draw.standard_normal(60)) * 0.3)
        target = dataclasses.replace(target, response=response)
        problem = problem_of(target, filters=filters, kind="parallel", order=order)
    return problem._replace(roots=problem.roots * draw.uniform(0.3, 1.0, 60), ridge=0.0)


def drawn_values(problem: Problem, seed: int) -> np.ndarray:
    """Numbers of an ordinary bank."""
    draw = np.random.default_rng(seed)
    filters = problem.filters
    gains = draw.uniform(-9, 9, filters) if problem.mode == LOG_SERIES else draw.uniform(0.2, 1, filters)
    if problem.mode != LOG_SERIES:
        gains *= draw.choice([-1, 1], filters)
    places = np.log(np.tan(np.pi * np.exp(draw.uniform(np.log(40), np.log(15_000), filters)) / RATE))
    level = draw.uniform(-3, 3) * (problem.mode == LOG_SERIES)
    values = np.concatenate([places, np.log(draw.uniform(0.4, 6, filters)), gains, [level]])
    return np.clip(values, problem.low, problem.high)


MODES = [(LOG_PARALLEL, 1), (LOG_PARALLEL, 3), (LOG_SERIES, 1), (COMPLEX_PARALLEL, 1), (COMPLEX_PARALLEL, 2)]


@pytest.mark.parametrize(("mode", "order"), MODES)
def test_residuals_are_those_of_the_bank(mode: int, order: int) -> None:
    problem = small_problem(mode, order=order)
    values = drawn_values(problem, 3)
    bank = bank_of(problem, values, sample_rate=RATE, level_db=0.0)
    hz = np.arctan(problem.tangents) * RATE / np.pi
    found, _ = residuals_of(problem, values)
    response = bank.response(hz, sample_rate=RATE)
    if mode == COMPLEX_PARALLEL:
        apart = np.concatenate([np.real(response), np.imag(response)]) - problem.target
        np.testing.assert_allclose(found, apart * np.tile(problem.roots, 2), atol=1e-9)
    else:
        levels = 10 * np.log10(np.abs(response) ** 2 + 1e-12 * (mode == LOG_PARALLEL))
        np.testing.assert_allclose(found[:60], (levels - problem.target) * problem.roots, atol=1e-8)


@pytest.mark.parametrize(("mode", "order"), MODES)
def test_slopes_agree_with_differences(mode: int, order: int) -> None:
    problem = small_problem(mode, order=order)

    @settings(max_examples=8, deadline=None)
    @given(seed=st.integers(0, 2**32 - 1))
    def check(seed: int) -> None:
        values = drawn_values(problem, seed)
        _, slopes = residuals_of(problem, values)
        used = 120 if mode == COMPLEX_PARALLEL else 60
        level_is_free = int(mode == LOG_SERIES)
        for i in range(values.size - 1 + level_is_free):
            ahead, behind = values.copy(), values.copy()
            ahead[i] += 1e-6
            behind[i] -= 1e-6
            difference = (residuals_of(problem, ahead)[0] - residuals_of(problem, behind)[0]) / 2e-6
            size = np.abs(slopes[i, :used]).max()
            np.testing.assert_allclose(slopes[i, :used], difference[:used], atol=1e-5 * size + 1e-7)

    check()


def test_one_sided_points_count_only_above() -> None:
    problem = small_problem(LOG_SERIES)
    values = drawn_values(problem, 1)
    free, _ = residuals_of(problem, values)
    found, slopes = residuals_of(problem._replace(one_sided=np.ones(60, dtype=bool)), values)
    np.testing.assert_array_equal(found[:60], np.maximum(free[:60], 0))
    assert not slopes[:, :60][:, free[:60] < 0].any()


@pytest.mark.parametrize("mode", [LOG_PARALLEL, LOG_SERIES, COMPLEX_PARALLEL])
def test_a_descent_ends_in_a_minimum(mode: int) -> None:
    problem = small_problem(mode, filters=4)
    values = first_guesses(problem, 1, np.random.default_rng(0))[0]
    before = residuals_of(problem, values)[0]
    used = before.size if mode == COMPLEX_PARALLEL else 60
    cost, rounds = descend(problem, values, 400, 1e-12, room_for(problem))
    assert cost < before[:used] @ before[:used]
    assert 0 < rounds <= 400
    assert ((values >= problem.low) & (values <= problem.high)).all()
    found = residuals_of(problem, values)[0][:used]
    assert cost == pytest.approx(found @ found)
    # SciPy, from there on, finds nothing better nearby.
    free = problem.high > problem.low

    def function(x: np.ndarray) -> np.ndarray:
        whole = values.copy()
        whole[free] = x
        return residuals_of(problem, whole)[0][:used]

    inside = np.clip(values[free], problem.low[free] + 1e-9, problem.high[free] - 1e-9)
    polished = least_squares(function, inside, bounds=(problem.low[free], problem.high[free]), max_nfev=50)
    assert 2 * polished.cost > 0.98 * cost


def test_a_linear_problem_is_solved_in_a_step_or_two() -> None:
    problem = small_problem(COMPLEX_PARALLEL, filters=4)
    values = drawn_values(problem, 2)
    fixed = np.arange(values.size) < 8
    low, high = np.where(fixed, values, -1e3), np.where(fixed, values, 1e3)
    high[-1] = low[-1] = 0.0
    descend(problem._replace(low=low, high=high), values, 20, 1e-14, room_for(problem))
    hz = np.arctan(problem.tangents) * RATE / np.pi
    columns = []
    for i in range(4):
        place = np.arctan(np.exp(values[i])) * RATE / np.pi
        bank = Bank(np.array([place]), np.exp(values[4 + i : 5 + i]), np.ones(1))
        response = bank.response(hz, sample_rate=RATE)
        columns.append(np.concatenate([np.real(response), np.imag(response)]))
    weights = np.tile(problem.roots, 2)
    gains = np.linalg.lstsq(
        np.stack(columns, axis=1) * weights[:, None], problem.target * weights, rcond=None
    )[0]
    np.testing.assert_allclose(values[8:12], gains, rtol=1e-5, atol=1e-6)


def test_a_ridge_keeps_gains_small() -> None:
    problem = small_problem(LOG_SERIES)
    free, bound = drawn_values(problem, 4), drawn_values(problem, 4)
    descend(problem, free, 300, 1e-9, room_for(problem))
    cost, _ = descend(problem._replace(ridge=1e-2), bound, 300, 1e-9, room_for(problem))
    gains, found = bound[10:15], residuals_of(problem, bound)[0][:60]
    assert gains @ gains < 0.7 * (free[10:15] @ free[10:15])
    assert cost == pytest.approx(found @ found + 1e-2 * gains @ gains)


@pytest.mark.parametrize("mode", [LOG_PARALLEL, LOG_SERIES])
def test_the_search_beats_its_first_guess(mode: int) -> None:
    problem = small_problem(mode, filters=10)
    values = first_guesses(problem, 1, np.random.default_rng(0))[0]
    alone, _ = descend(problem, values, 300, 1e-9, room_for(problem))
    best = best_values(problem, draw=np.random.default_rng(0))
    found = residuals_of(problem, best)[0][:60]
    assert found @ found < 0.9 * alone


def test_shelves_stay_on_their_sides() -> None:
    problem = small_problem(LOG_SERIES, filters=6)
    bank = bank_of(problem, best_values(problem, draw=np.random.default_rng(1)), sample_rate=RATE, level_db=0)
    assert bank.shapes == (SHAPES[1], *[SHAPES[0]] * 4, SHAPES[2])
    assert bank.frequency_hz[0] <= bank.frequency_hz[-1]
    assert (np.diff(bank.frequency_hz[1:-1]) >= 0).all()
