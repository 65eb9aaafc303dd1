"""What columns share: ranks, correlations, groups, and the subset that stands for all."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from tonewright.timbre.analysis import analyse_table, spearman, suggest_subset
from tonewright.timbre.analysis.clusters import distances, groups_below, leaf_order, merges
from tonewright.timbre.analysis.ranks import normal_scores, ranks
from tonewright.timbre.analysis.subset import explained, positive
from tonewright.timbre.analysis.words import signed
from tonewright.timbre.names import DESCRIPTORS

SEVEN = DESCRIPTORS[:7]


@given(st.lists(st.one_of(st.integers(-3, 3).map(float), st.just(np.nan)), max_size=30))
@settings(max_examples=60, deadline=None)
def test_ranks_are_scipys_ranks_of_what_is_finite(column):
    values = np.array(column)
    expected = stats.rankdata(values, nan_policy="omit") if len(values) else values
    np.testing.assert_array_equal(ranks(values), expected)
    known = np.isfinite(values)
    np.testing.assert_allclose(
        normal_scores(values)[known], stats.norm.ppf((expected[known] - 0.5) / max(1, known.sum()))
    )


@given(st.integers(3, 40), st.integers(0, 10_000), st.sampled_from([0.0, 0.2, 0.6]), st.booleans())
@settings(max_examples=40, deadline=None)
def test_spearman_of_the_rows_that_both_columns_hold_is_scipys(n, seed, missing, tied):
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, 4)) @ rng.standard_normal((4, 4))
    values = np.round(values) if tied else values
    values[rng.random(values.shape) < missing] = np.nan
    found = spearman(values)
    for i, j in combinations(range(4), 2):
        both = np.isfinite(values[:, [i, j]]).all(axis=1)
        first, second = values[both][:, [i, j]].T
        assert found.count[i, j] == both.sum()
        if both.sum() < 3 or np.ptp(first) == 0 or np.ptp(second) == 0:
            assert np.isnan(found.rho[i, j])
            continue
        expected = stats.spearmanr(first, second)
        assert found.rho[i, j] == pytest.approx(expected.statistic, abs=1e-12)
        assert found.p_value[i, j] == pytest.approx(expected.pvalue, rel=1e-6, abs=1e-12)
    np.testing.assert_array_equal(found.rho, found.rho.T)


def test_the_interval_holds_the_true_coefficient_nineteen_times_in_twenty():
    rng = np.random.default_rng(1)
    pearson = 0.6
    true = 6 / np.pi * np.arcsin(pearson / 2)  # of a bivariate normal
    held = 0
    for _ in range(600):
        first, other = rng.standard_normal((2, 50))
        found = spearman(np.stack([first, pearson * first + 0.8 * other], axis=1))
        held += found.low[0, 1] <= true <= found.high[0, 1]
    assert 0.92 < held / 600 < 0.98


def test_correlations_of_real_sounds_are_those_of_the_published_models(real):
    found = spearman(real.values, real.columns)
    assert found.of("brightness", "sharpness") == pytest.approx(0.93, abs=0.005)
    assert found.of("depth", "boominess") == pytest.approx(0.92, abs=0.005)
    assert found.of("hardness", "warmth") == pytest.approx(-0.80, abs=0.005)
    assert found.of("boominess", "reverb") == pytest.approx(0.04, abs=0.005)


@given(st.integers(2, 8), st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_groups_are_those_of_scipys_average_linkage(count, seed):
    values = np.random.default_rng(seed).standard_normal((12, count))
    apart = distances(np.corrcoef(values, rowvar=False))
    steps = merges(apart)
    linkage = hierarchy.average(squareform(apart, checks=False))
    np.testing.assert_allclose([step.height for step in steps], linkage[:, 2], atol=1e-12)
    for height in (0.3, 0.6, 0.9):
        labels = hierarchy.fcluster(linkage, height, criterion="distance")
        expected = {tuple(np.flatnonzero(labels == label)) for label in set(labels)}
        assert set(groups_below(steps, count, height)) == expected
    order = leaf_order(steps, count)
    for step in steps:
        places = sorted(order.index(index) for index in step.left + step.right)
        assert places == list(range(places[0], places[0] + len(places)))


def test_what_is_explained_is_the_adjusted_share_of_a_regression_of_ranks(mixed):
    values = np.stack([ranks(column) for column in mixed(40).T], axis=1)
    rho = np.corrcoef(values, rowvar=False)
    found = explained(rho, [1, 4], rows=40)
    inputs = np.column_stack([np.ones(40), values[:, [1, 4]]])
    for j in range(7):
        slopes = np.linalg.lstsq(inputs, values[:, j], rcond=None)[0]
        left = values[:, j] - inputs @ slopes
        adjusted = 1 - (left.var() / values[:, j].var()) * 39 / 37
        assert found[j] == pytest.approx(1.0 if j in (1, 4) else max(0.0, adjusted), abs=1e-9)


@pytest.mark.parametrize("threshold", [0.5, 0.7, 0.85, 1.0])
def test_the_subset_is_the_smallest_that_reaches_the_threshold(threshold, mixed):
    rho = spearman(mixed(60, noise=0.7)).rho
    found = suggest_subset(rho, SEVEN, rows=60, threshold=threshold)
    enough = [
        members
        for size in range(1, 8)
        for members in combinations(range(7), size)
        if explained(rho, members, rows=60).min() >= threshold
    ]
    assert len(found.chosen) == min(map(len, enough))
    assert all(share >= threshold for share in found.explained.values())
    assert set(found.chosen) | set(found.explained) == set(SEVEN)
    if len(found.chosen) > 1:
        for name, (lacking, share) in found.needed.items():
            rest = [SEVEN.index(kept) for kept in found.chosen if kept != name]
            assert share == pytest.approx(explained(rho, rest, rows=60)[SEVEN.index(lacking)])
            assert share < threshold
    means = [choice.mean_share for choice in found.sizes]
    assert means[-1] == 1.0
    assert [len(choice.names) for choice in found.sizes] == list(range(1, 8))


def test_a_copy_is_left_out_and_a_column_of_its_own_is_kept():
    rng = np.random.default_rng(3)
    base = rng.standard_normal((200, 2))
    values = np.column_stack([base, np.exp(base[:, 0]), -(base[:, 1] ** 3)])
    found = suggest_subset(spearman(values).rho, "abcd", rows=200)
    assert len(found.chosen) == 2
    assert found.explained.keys() in ({"c", "d"}, {"a", "b"}, {"a", "d"}, {"b", "c"})
    assert all(share == pytest.approx(1.0) for share in found.explained.values())


def test_too_few_sounds_leave_nothing_out(table, mixed):
    assert not analyse_table(table(mixed(3))).subset.explained


def test_correlations_from_different_rows_are_made_consistent(mixed):
    rho = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    mended = positive(rho)
    assert np.linalg.eigvalsh(mended).min() > -1e-9
    np.testing.assert_allclose(np.diag(mended), 1.0)
    good = np.corrcoef(mixed(30), rowvar=False)
    np.testing.assert_array_equal(positive(good), good)


def test_coefficients_are_written_with_their_sign():
    assert [signed(value) for value in (0.934, -0.6, 1.0, 0.001, -0.004, np.nan)] == [
        "+.93",
        "−.60",
        "+1",
        "0",
        "0",
        "–",
    ]
