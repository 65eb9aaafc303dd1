"""A table of descriptors analysed as a whole: what is used of it, named and refused."""

from __future__ import annotations

import numpy as np
import pytest

from tonewright.errors import UsageError
from tonewright.timbre.analysis import analyse_table
from tonewright.timbre.analysis.measurements import measurements
from tonewright.timbre.analysis.spreads import objection, spread_of
from tonewright.timbre.analysis.words import component_words, subset_reasons
from tonewright.timbre.names import DESCRIPTORS

SEVEN = DESCRIPTORS[:7]


def test_columns_that_say_nothing_are_named(table, mixed):
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


def test_reverb_is_looked_at_by_its_probability_where_there_is_one(table, mixed):
    rng = np.random.default_rng(0)
    probability = rng.random(40)
    sounds = table(mixed(40), reverb=(probability > 0.5).astype(float), reverb_probability=probability)
    found = analyse_table(sounds)
    assert "reverb_probability" in found.used
    assert "reverb" not in found.used
    assert "reverb" in found.spreads


def test_pieces_repeats_and_missing_cells(mixed):
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


def test_what_cannot_be_analysed_is_said(table, mixed):
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


def test_many_sounds_take_bounded_memory_and_give_the_same_figures_as_their_half(table, mixed):
    values = mixed(20_000)
    values[::97, 3] = np.nan
    whole, half = analyse_table(table(values)), analyse_table(table(values[::2]))
    np.testing.assert_allclose(whole.correlations.rho, half.correlations.rho, atol=0.02)
    assert whole.subset.chosen == half.subset.chosen
