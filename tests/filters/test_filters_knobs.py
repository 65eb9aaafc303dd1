"""What knobs are said to do, against spectra whose answer is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tonewright.errors import RunError
from tonewright.filters.config import Config
from tonewright.filters.knobs import (
    KNOBS_FILE,
    QUALITIES,
    Knob,
    correlations,
    describe,
    explained_variance,
    load_knobs,
    names_of,
    ordered,
    qualities,
    save_knobs,
)
from tonewright.filters.model import ParametricVAE
from tonewright.filters.network import Turning, expected, turned
from tonewright.filters.spectra import erb_grid
from tonewright.filters.spectra.grids import erb_rate
from tonewright.filters.trained import load
from tonewright.learning.runs import Run

GRID = erb_grid(400)
RATE = erb_rate(GRID.frequencies_hz)


def bell_db(centre: float, width: float) -> np.ndarray:
    """A Gaussian of power along the ear's scale, on a floor that does not count."""
    return 10 * np.log10(np.exp(-0.5 * ((RATE - centre) / width) ** 2) + 1e-12)


def test_qualities_of_a_bell_are_its_centre_and_its_width() -> None:
    for centre, width in ((12.0, 2.0), (20.0, 3.0), (30.0, 1.0)):
        found = qualities(bell_db(centre, width), GRID)
        assert found["brightness"] == pytest.approx(centre, abs=0.02)
        assert found["width"] == pytest.approx(width, abs=0.02)


def test_warmth_is_the_share_between_200_hz_and_2_khz() -> None:
    warm = (GRID.frequencies_hz >= 200) & (GRID.frequencies_hz <= 2000)
    assert qualities(np.where(warm, 0.0, -150.0), GRID)["warmth"] == pytest.approx(0, abs=1e-3)
    share = np.ptp(erb_rate(np.array([200.0, 2000.0]))) / np.ptp(RATE)
    assert qualities(np.zeros(400), GRID)["warmth"] == pytest.approx(10 * np.log10(share), abs=0.05)


def test_level_is_that_of_white_noise() -> None:
    assert qualities(np.full(400, -7.0), GRID)["level"] == pytest.approx(-7)
    half = np.where(GRID.frequencies_hz < 10_010, 0.0, -150.0)
    assert qualities(half, GRID)["level"] == pytest.approx(10 * np.log10(0.5), abs=0.1)


@settings(deadline=None, max_examples=25)
@given(arrays.arrays(np.float64, 400, elements=st.floats(-400, 60)), st.floats(-30, 30))
def test_only_level_hears_the_level(response_db: np.ndarray, change_db: float) -> None:
    plain, louder = (qualities(response_db + change, GRID) for change in (0.0, change_db))
    assert all(np.isfinite(value) for value in plain.values())
    if response_db.min() < -150:
        return  # below, nothing is heard
    assert louder["level"] - plain["level"] == pytest.approx(change_db, abs=1e-6)
    for name in ("brightness", "warmth", "width"):
        assert louder[name] == pytest.approx(plain[name], abs=1e-4)


def test_explained_variance_of_a_linear_decoder_is_known() -> None:
    generator = np.random.default_rng(0)
    matrix, means = generator.normal(size=(3, 400)), generator.normal(1.0, [1, 2, 3], (300, 3))
    found = explained_variance(lambda z: z @ matrix, means, GRID)
    wanted = means.var(axis=0) * (matrix**2 @ GRID.weights)
    np.testing.assert_allclose(found, wanted, rtol=1e-10)


def steered(z: np.ndarray) -> np.ndarray:
    """A decoder whose numbers are width, downwards, brightness, and nothing that has a name."""
    ripple = 0.5 * np.cos(40 * np.pi * np.arange(400) / 400)
    rows = [bell_db(20 + 3 * row[1], 3.0 * 2 ** (-row[0] / 4)) + row[2] * ripple for row in z]
    return np.stack(rows)


def test_names_say_what_a_knob_moves() -> None:
    correlated = correlations(steered, 3, GRID)
    assert names_of(correlated) == ["width", "brightness", "shape"]
    assert correlated[0, QUALITIES.index("width")] < -0.9
    assert correlated[1, QUALITIES.index("brightness")] > 0.95


@settings(deadline=None, max_examples=50)
@given(arrays.arrays(np.float64, st.tuples(st.integers(1, 9), st.just(4)), elements=st.floats(-1, 1)))
def test_no_name_comes_twice(correlated: np.ndarray) -> None:
    names = names_of(correlated)
    assert len(set(names)) == len(names) == len(correlated)


def test_knobs_are_sorted_turned_upwards_and_scaled() -> None:
    means = np.random.default_rng(1).normal([1.0, -2.0, 0.5], [0.7, 1.5, 0.2], (500, 3))
    turning = ordered(steered, means, GRID)
    assert turning.order.tolist() == [1, 0, 2]
    assert turning.sign[:2].tolist() == [1, -1]
    knobs = turning.applied(means)
    np.testing.assert_allclose(knobs.mean(axis=0), 0, atol=1e-9)
    np.testing.assert_allclose(knobs.std(axis=0), 1, atol=1e-9)

    def decode_db(z: np.ndarray) -> np.ndarray:
        before = np.empty_like(z)
        before[:, turning.order] = turning.sign * z * turning.spread + turning.centre
        return steered(before)

    np.testing.assert_allclose(decode_db(knobs), steered(means), atol=1e-9)
    described = describe(decode_db, knobs, GRID)
    assert [knob.name for knob in described] == ["brightness", "width", "shape"]
    assert all(knob.correlation > 0.5 for knob in described[:2])
    shares = [knob.share for knob in described]
    assert shares == sorted(shares, reverse=True)
    assert sum(shares) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("encoder", ["dense", "convolutional"])
def test_plain_flax_sees_the_same_model_with_other_numbers(encoder: str) -> None:
    config = Config(encoder=encoder, width=24, blocks=1)
    generator = np.random.default_rng(3)
    parameters = jax.tree.map(
        lambda part: (0.1 * generator.standard_normal(part.shape)).astype(np.float32), expected(config)
    )
    turning = Turning(
        np.array([2, 0, 3, 1]),
        np.array([1.0, -1, -1, 1]),
        np.array([0.3, -1, 2, 0]),
        np.array([0.5, 3, 1, 2]),
    )
    heard = generator.normal(0, 10, (6, config.size)).astype(np.float32)
    vae: Any = ParametricVAE(config)
    before, after = (vae.apply(tree, heard) for tree in (parameters, turned(parameters, turning)))
    scale = np.abs(before.mean).max()
    np.testing.assert_allclose(after.mean, turning.applied(np.asarray(before.mean)), atol=1e-5 * scale)
    deviation = np.exp(0.5 * np.asarray(before.log_variance))[:, turning.order] / turning.spread
    np.testing.assert_allclose(np.exp(0.5 * np.asarray(after.log_variance)), deviation, rtol=1e-4)
    for ours, theirs in zip(after.bank, before.bank, strict=True):
        np.testing.assert_allclose(ours, theirs, rtol=2e-4, atol=1e-4 * np.abs(theirs).max())


def test_the_knobs_of_a_training_are_alive_and_the_first_says_where_the_noise_lies(
    learned_filters: Run,
) -> None:
    model = load(learned_filters)
    assert (learned_filters.folder / KNOBS_FILE).is_file()
    assert [knob.share for knob in model.knobs] == sorted((k.share for k in model.knobs), reverse=True)
    assert len({knob.name for knob in model.knobs}) == 4
    for row in np.eye(4):
        moved = model.decode_db(np.array([-2 * row, 2 * row]))
        assert np.sqrt(np.mean((moved[0] - moved[1]) ** 2)) > 1
    for knob in model.knobs:
        assert not knob.correlation < 0


def test_knobs_come_back_from_their_file(tmp_path: Path) -> None:
    knobs = (Knob("width", share=0.7, correlations={"width": 0.9, "level": -0.1}), Knob("shape", share=0.3))
    save_knobs(tmp_path / "knobs.json", knobs)
    assert load_knobs(tmp_path / "knobs.json", 2) == knobs
    assert json.loads((tmp_path / "knobs.json").read_text())["format"] == 1
    assert [knob.name for knob in load_knobs(tmp_path / "gone.json", 2)] == ["shape 1", "shape 2"]


def changed(change: Callable[[dict], None]) -> str:
    knob = {"name": "width", "low": -2, "high": 2, "share": 0.5, "correlations": {"width": 1.0}}
    data = {"format": 1, "kind": "knobs of filters", "knobs": [knob]}
    change(data)
    return json.dumps(data)


STRANGE = {
    "words": "not JSON",
    "a list": "[]",
    "nested without end": "[" * 100_000,
    "another format": changed(lambda data: data.update(format=2)),
    "a format in words": changed(lambda data: data.update(format="two")),
    "no knobs": changed(lambda data: data.pop("knobs")),
    "two knobs": changed(lambda data: data["knobs"].append(data["knobs"][0])),
    "a knob that cannot be turned": changed(lambda data: data["knobs"][0].update(low=2)),
    "a limit in words": changed(lambda data: data["knobs"][0].update(high="far")),
    "no correlations": changed(lambda data: data["knobs"][0].update(correlations=3)),
}


@pytest.mark.parametrize("case", STRANGE)
def test_strange_files_of_knobs_are_refused(case: str, tmp_path: Path) -> None:
    path = tmp_path / "knobs.json"
    path.write_text(STRANGE[case])
    with pytest.raises(RunError, match=r"knobs\.json") as error:
        load_knobs(path, 1)
    assert "\n" not in str(error.value)
