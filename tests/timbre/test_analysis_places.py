"""Where sounds lie among the others: outliers, the map and its neighbours."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tonewright.errors import MissingExtraError, UsageError
from tonewright.timbre.analysis import analyse_table, nearest
from tonewright.timbre.analysis.outliers import strangeness
from tonewright.timbre.analysis.projection import neighbourhood_map, principal_components, standardised
from tonewright.timbre.analysis.robust import majority, squared_distances
from tonewright.timbre.names import DESCRIPTORS

SEVEN = DESCRIPTORS[:7]


def test_the_majority_is_that_of_scikit_learns_minimum_covariance_determinant(mixed):
    covariance = pytest.importorskip("sklearn.covariance")
    values = mixed(400, noise=1.0)
    values[:60] += 300.0  # a far minority
    found = majority(values)
    expected = covariance.MinCovDet(support_fraction=0.75, random_state=0).fit(values)
    np.testing.assert_allclose(found.centre, expected.location_, atol=1.0)
    ratio = squared_distances(values[60:], found) / expected.mahalanobis(values[60:])
    assert 0.9 < np.median(ratio) < 1.1
    assert squared_distances(values[:60], found).min() > 20 * np.median(squared_distances(values, found))


def test_a_tenth_of_far_sounds_is_found_and_few_others(mixed):
    values = mixed(500, noise=1.0)
    values[:50] += 200 * np.eye(7)[np.arange(50) % 7]
    found = strangeness(values, SEVEN)
    assert set(range(50)) <= set(found.rows().tolist())
    assert len(found.rows()) < 50 + 10
    np.testing.assert_array_equal(np.nanargmax(found.part[:50], axis=1), np.arange(50) % 7)


def test_a_descriptors_part_is_what_the_distance_shrinks_by_without_it(mixed):
    values = mixed(60)
    values[0, 2] += 60.0
    values[5, 2] = np.nan
    found = strangeness(values, SEVEN)
    model = majority(values[np.isfinite(values).all(axis=1)])
    for row in (0, 5, 9):
        known = np.flatnonzero(np.isfinite(values[row]))

        def squared(columns, row=row):
            gap = values[row, columns] - model.centre[columns]
            return gap @ np.linalg.solve(model.covariance[np.ix_(columns, columns)], gap)

        assert found.distance[row] ** 2 == pytest.approx(squared(known))
        for j in known:
            others = known[known != j]
            assert found.part[row, j] == pytest.approx(squared(known) - squared(others), rel=1e-6)
            slopes = np.linalg.solve(model.covariance[np.ix_(others, others)], model.covariance[others, j])
            follows = model.centre[j] + slopes @ (values[row, others] - model.centre[others])
            assert found.expected[row, j] == pytest.approx(follows)
    assert np.isnan(found.part[5, 2])


def test_an_outlier_says_which_descriptor_makes_it_one(table, mixed):
    values = mixed(200)
    values[7, 4] = 500.0
    sounds = table(values)
    found = analyse_table(sounds)
    assert found.outliers[0].name == "7.wav"
    assert found.outliers[0].descriptor == "warmth"
    assert found.outliers[0].words.startswith("warmth 500 where the other descriptors suggest")
    assert found.outliers[0].words.endswith("the highest of all")
    assert found.outliers[0].expected == pytest.approx(values[7, 4], abs=500)


def test_few_sounds_are_judged_descriptor_by_descriptor_and_very_few_not_at_all(table, mixed):
    values = mixed(20)
    values[3, 0] = -900.0
    found = analyse_table(table(values))
    assert found.outliers[0].row == 3
    assert "where the middle is" in found.outliers[0].words
    assert "by itself" in found.strangeness.method
    few = analyse_table(table(values[:5]))
    assert not few.outliers
    assert "fewer than 8" in few.strangeness.method


@given(st.integers(3, 60), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_map_is_that_of_the_eigenvectors_of_the_correlations(mixed, n, seed):
    values = mixed(n, seed=seed)
    z = standardised(values)
    found = principal_components(z, SEVEN)
    sizes, axes = np.linalg.eigh(np.corrcoef(values, rowvar=False))
    kept = min(7, n - 1)
    np.testing.assert_allclose(found.explained[:kept], np.maximum(sizes[::-1], 0)[:kept] / 7, atol=1e-9)
    assert found.explained.sum() == pytest.approx(1.0)
    for axis, expected in zip(found.loadings[:2], axes.T[::-1], strict=False):
        assert abs(axis @ expected) == pytest.approx(1.0, abs=1e-6)
        assert axis[np.argmax(np.abs(axis))] > 0
    np.testing.assert_allclose(found.coordinates, z @ found.loadings[:2].T, atol=1e-9)
    turned = principal_components(standardised(-values), SEVEN)
    np.testing.assert_allclose(turned.loadings[:2], found.loadings[:2], atol=1e-6)


def test_a_sound_without_most_of_its_values_is_not_on_the_map_and_one_without_few_is(table, mixed):
    values = mixed(30)
    values[4, :2] = np.nan
    values[6, 1:] = np.nan
    found = analyse_table(table(values))
    on_map = np.isfinite(found.projection.coordinates).all(axis=1)
    assert on_map[4]
    assert not on_map[6]
    assert on_map.sum() == 29
    assert found.neighbours([6]) == [[]]


def test_neighbours_are_the_nearest_by_all_descriptors(table, mixed):
    values = mixed(50)
    values[31] = values[8] + 0.001
    found = analyse_table(table(values))
    apart = np.linalg.norm(found.standard[:, None] - found.standard[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    for row, near in zip((8, 20), found.neighbours([8, 20], count=4), strict=True):
        assert [index for index, _ in near] == list(np.argsort(apart[row])[:4])
        np.testing.assert_allclose([far for _, far in near], np.sort(apart[row])[:4])
    assert found.neighbours([8])[0][0][0] == 31
    rows, _ = nearest(found.standard[:1], np.array([0]))
    assert rows.shape == (1, 0)


class FirstColumns:
    """In place of UMAP, which takes half a minute to compile."""

    def __init__(self, *, n_neighbors: int, random_state: int, n_jobs: int) -> None:
        self.neighbours = n_neighbors

    def fit_transform(self, z: np.ndarray) -> np.ndarray:
        assert np.isfinite(z).all()
        assert 2 <= self.neighbours < len(z)
        return z[:, :2]


def test_a_umap_needs_its_package_and_ten_sounds(monkeypatch, mixed):
    z = standardised(mixed(30))
    with pytest.raises(UsageError, match="needs 10 sounds"):
        neighbourhood_map(z[:9], SEVEN)
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"tonewright\[umap\]"):
        neighbourhood_map(z, SEVEN)


def test_a_umap_holds_the_sounds_with_values_and_at_most_five_thousand(monkeypatch, table, mixed):
    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=FirstColumns))
    z = standardised(mixed(6000))
    z[7] = np.nan
    found = neighbourhood_map(z, SEVEN)
    shown = np.isfinite(found.coordinates).all(axis=1)
    assert shown.sum() == 5000
    assert not shown[7]
    np.testing.assert_allclose(found.coordinates[shown], z[shown, :2], atol=1e-4)
    assert analyse_table(table(mixed(12)), map_kind="umap").as_dict()["map"]["kind"] == "umap"
