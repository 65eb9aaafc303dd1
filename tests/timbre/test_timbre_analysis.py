from __future__ import annotations

import csv
import sys
from itertools import combinations
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.cluster import hierarchy
from scipy.spatial.distance import squareform

from tonewright.errors import MissingExtraError, UsageError
from tonewright.timbre.analysis import analyse_table, nearest, spearman, suggest_subset
from tonewright.timbre.analysis.clusters import distances, groups_below, leaf_order, merges
from tonewright.timbre.analysis.measurements import Measurements, measurements
from tonewright.timbre.analysis.outliers import strangeness
from tonewright.timbre.analysis.projection import neighbourhood_map, principal_components, standardised
from tonewright.timbre.analysis.ranks import normal_scores, ranks
from tonewright.timbre.analysis.robust import majority, squared_distances
from tonewright.timbre.analysis.spreads import objection, spread_of
from tonewright.timbre.analysis.subset import explained, positive
from tonewright.timbre.analysis.words import component_words, signed, subset_reasons
from tonewright.timbre.names import DESCRIPTORS

SEVEN = DESCRIPTORS[:7]


def table(values: np.ndarray, names=SEVEN, **more) -> Measurements:
    files = [f"{index}.wav" for index in range(len(values))]
    return measurements({"file": files} | dict(zip(names, values.T, strict=True)) | more)


def mixed(n: int, *, seed: int = 0, factors: int = 3, noise: float = 0.4) -> np.ndarray:
    """Seven columns that share three causes."""
    rng = np.random.default_rng(seed)
    causes = rng.standard_normal((n, factors)) @ rng.standard_normal((factors, 7))
    return 50 + 10 * (causes + noise * rng.standard_normal((n, 7)))


@pytest.fixture(scope="module")
def real(shared) -> Measurements:
    rows: dict[str, dict[str, str]] = {}
    with (shared / "timbre" / "reference.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            rows.setdefault(row["file"], {})[row["descriptor"]] = row["value"]
    return measurements(
        {"file": list(rows)} | {name: [row[name] for row in rows.values()] for name in DESCRIPTORS}
    )


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


def test_what_is_explained_is_the_adjusted_share_of_a_regression_of_ranks():
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
def test_the_subset_is_the_smallest_that_reaches_the_threshold(threshold):
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


def test_too_few_sounds_leave_nothing_out():
    assert not analyse_table(table(mixed(3))).subset.explained


def test_correlations_from_different_rows_are_made_consistent():
    rho = np.array([[1.0, 0.9, -0.9], [0.9, 1.0, 0.9], [-0.9, 0.9, 1.0]])
    mended = positive(rho)
    assert np.linalg.eigvalsh(mended).min() > -1e-9
    np.testing.assert_allclose(np.diag(mended), 1.0)
    good = np.corrcoef(mixed(30), rowvar=False)
    np.testing.assert_array_equal(positive(good), good)


def test_the_majority_is_that_of_scikit_learns_minimum_covariance_determinant():
    covariance = pytest.importorskip("sklearn.covariance")
    values = mixed(400, noise=1.0)
    values[:60] += 300.0  # a far minority
    found = majority(values)
    expected = covariance.MinCovDet(support_fraction=0.75, random_state=0).fit(values)
    np.testing.assert_allclose(found.centre, expected.location_, atol=1.0)
    ratio = squared_distances(values[60:], found) / expected.mahalanobis(values[60:])
    assert 0.9 < np.median(ratio) < 1.1
    assert squared_distances(values[:60], found).min() > 20 * np.median(squared_distances(values, found))


def test_a_tenth_of_far_sounds_is_found_and_few_others():
    values = mixed(500, noise=1.0)
    values[:50] += 200 * np.eye(7)[np.arange(50) % 7]
    found = strangeness(values, SEVEN)
    assert set(range(50)) <= set(found.rows().tolist())
    assert len(found.rows()) < 50 + 10
    np.testing.assert_array_equal(np.nanargmax(found.part[:50], axis=1), np.arange(50) % 7)


def test_a_descriptors_part_is_what_the_distance_shrinks_by_without_it():
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


def test_an_outlier_says_which_descriptor_makes_it_one():
    values = mixed(200)
    values[7, 4] = 500.0
    sounds = table(values)
    found = analyse_table(sounds)
    assert found.outliers[0].name == "7.wav"
    assert found.outliers[0].descriptor == "warmth"
    assert found.outliers[0].words.startswith("warmth 500 where the other descriptors suggest")
    assert found.outliers[0].words.endswith("the highest of all")
    assert found.outliers[0].expected == pytest.approx(values[7, 4], abs=500)


def test_few_sounds_are_judged_descriptor_by_descriptor_and_very_few_not_at_all():
    values = mixed(20)
    values[3, 0] = -900.0
    found = analyse_table(table(values))
    assert found.outliers[0].row == 3
    assert "where the middle is" in found.outliers[0].words
    assert "by itself" in found.strangeness.method
    few = analyse_table(table(values[:5]))
    assert not few.outliers
    assert "fewer than 8" in few.strangeness.method


def test_columns_that_say_nothing_are_named():
    values = mixed(30)
    values[:, 1] = 7.0
    values[:20, 2] = np.nan
    values[:, 3] = np.nan
    values[:16, 5] = 0.0
    found = analyse_table(table(values))
    assert found.left_out == {
        "depth": "the same for every sound: 7",
        "brightness": "measured for 10 of 30 sounds only",
        "roughness": "measured for no sound",
    }
    assert found.used == ("hardness", "warmth", "sharpness", "boominess")
    assert found.strangeness.left_out == {"sharpness": "more than half of the sounds have the same value"}
    assert found.projection.names == found.used
    assert objection(spread_of(np.array([1.0, np.nan, 2.0, 3.0]))) == ""


@given(st.integers(3, 60), st.integers(0, 10_000))
@settings(max_examples=20, deadline=None)
def test_the_map_is_that_of_the_eigenvectors_of_the_correlations(n, seed):
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


def test_a_sound_without_most_of_its_values_is_not_on_the_map_and_one_without_few_is():
    values = mixed(30)
    values[4, :2] = np.nan
    values[6, 1:] = np.nan
    found = analyse_table(table(values))
    on_map = np.isfinite(found.projection.coordinates).all(axis=1)
    assert on_map[4]
    assert not on_map[6]
    assert on_map.sum() == 29
    assert found.neighbours([6]) == [[]]


def test_neighbours_are_the_nearest_by_all_descriptors():
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


def test_groups_and_subset_of_real_sounds(real):
    found = analyse_table(real)
    assert ("depth", "boominess") in found.groups()
    assert {"brightness", "sharpness"} <= set(found.groups()[0])
    assert len(found.subset.chosen) == 4
    assert "reverb" in found.subset.chosen
    words = {name: (verdict, why) for name, verdict, why in subset_reasons(found)}
    assert words.keys() == set(DESCRIPTORS)
    assert words["boominess"][0] == "leave out"
    assert "depth (ρ +.92)" in words["boominess"][1]
    assert "stands for" in words["depth"][1]
    more, less = component_words(found.projection.loadings[0], found.used)
    assert "brightness" in more
    assert "warmth" in less


def test_reverb_is_looked_at_by_its_probability_where_there_is_one():
    rng = np.random.default_rng(0)
    probability = rng.random(40)
    sounds = table(mixed(40), reverb=(probability > 0.5).astype(float), reverb_probability=probability)
    found = analyse_table(sounds)
    assert "reverb_probability" in found.used
    assert "reverb" not in found.used
    assert "reverb" in found.spreads


def test_pieces_repeats_and_missing_cells():
    values = mixed(6)
    values[5] = values[2]
    sounds = measurements(
        {"file": ["a.wav"] * 5 + ["b.wav"], "start_s": [0.0, 2.5, 5.0, 7.5, 10.0, None], "notes": [None] * 6}
        | dict(zip(SEVEN, values.T.tolist(), strict=True))
    )
    assert sounds.pieces
    assert [sounds.name(1), sounds.name(5)] == ["a.wav at 2.5 s", "b.wav"]
    assert [sounds.label(1), sounds.label(5)] == ["a.wav at 2.5 s", "b.wav"]
    found = analyse_table(sounds)
    assert found.repeated == 1
    plain = found.as_dict()
    assert plain["measured"] == 6
    assert len(plain["correlations"]) == 21
    assert plain["map"]["loadings"][0].keys() == set(SEVEN)


@pytest.mark.parametrize(
    ("files", "folder", "labels"),
    [
        (["/a/b/x.wav", "/a/b/y.wav"], "/a/b", ["x.wav", "y.wav"]),
        (["/a/b/x.wav", "/a/c/y.wav"], "/a", ["b/x.wav", "c/y.wav"]),
        (["s/x.wav", "y.wav"], "", ["s/x.wav", "y.wav"]),
        (["/s/x.wav", "y.wav"], "", ["/s/x.wav", "y.wav"]),
        (["/a/bc/x.wav", "/a/bd/y.wav"], "/a", ["bc/x.wav", "bd/y.wav"]),
    ],
)
def test_files_are_named_as_seen_from_the_folder_they_share(files, folder, labels):
    sounds = measurements({"file": files, "depth": [1.0, 2.0]})
    assert sounds.folder == folder
    assert [sounds.label(row) for row in range(2)] == labels


def test_what_cannot_be_analysed_is_said():
    with pytest.raises(UsageError, match="2 sounds with values"):
        analyse_table(table(mixed(2)))
    with pytest.raises(UsageError, match="no sounds with values"):
        analyse_table(table(np.full((5, 7), np.nan)))
    with pytest.raises(UsageError, match="nothing to analyse"):
        analyse_table(table(np.ones((5, 7))))
    with pytest.raises(UsageError, match="threshold"):
        analyse_table(table(mixed(9)), subset_threshold=1.5)
    with pytest.raises(UsageError, match="table: has no column fuzz"):
        analyse_table(table(mixed(9)), descriptors=["hardness", "fuzz"])
    with pytest.raises(UsageError, match=r"x\.csv: no table of timbre: it lacks the descriptors"):
        measurements({"file": ["a"], "loudness_lufs": [1.0]}, source="x.csv")
    with pytest.raises(UsageError, match="lacks the column file"):
        measurements({"depth": [1.0]})
    with pytest.raises(UsageError, match=r"column depth: .*'deep'"):
        measurements({"file": ["a"], "depth": ["deep"]})


def test_many_sounds_take_bounded_memory_and_give_the_same_figures_as_their_half():
    values = mixed(20_000)
    values[::97, 3] = np.nan
    whole, half = analyse_table(table(values)), analyse_table(table(values[::2]))
    np.testing.assert_allclose(whole.correlations.rho, half.correlations.rho, atol=0.02)
    assert whole.subset.chosen == half.subset.chosen


class FirstColumns:
    """In place of UMAP, which takes half a minute to compile."""

    def __init__(self, *, n_neighbors: int, random_state: int, n_jobs: int) -> None:
        self.neighbours = n_neighbors

    def fit_transform(self, z: np.ndarray) -> np.ndarray:
        assert np.isfinite(z).all()
        assert 2 <= self.neighbours < len(z)
        return z[:, :2]


def test_a_umap_needs_its_package_and_ten_sounds(monkeypatch):
    z = standardised(mixed(30))
    with pytest.raises(UsageError, match="needs 10 sounds"):
        neighbourhood_map(z[:9], SEVEN)
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(MissingExtraError, match=r"tonewright\[umap\]"):
        neighbourhood_map(z, SEVEN)


def test_a_umap_holds_the_sounds_with_values_and_at_most_five_thousand(monkeypatch):
    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=FirstColumns))
    z = standardised(mixed(6000))
    z[7] = np.nan
    found = neighbourhood_map(z, SEVEN)
    shown = np.isfinite(found.coordinates).all(axis=1)
    assert shown.sum() == 5000
    assert not shown[7]
    np.testing.assert_allclose(found.coordinates[shown], z[shown, :2], atol=1e-4)
    assert analyse_table(table(mixed(12)), map_kind="umap").as_dict()["map"]["kind"] == "umap"


def test_coefficients_are_written_with_their_sign():
    assert [signed(value) for value in (0.934, -0.6, 1.0, 0.001, -0.004, np.nan)] == [
        "+.93",
        "−.60",
        "+1",
        "0",
        "0",
        "–",
    ]
