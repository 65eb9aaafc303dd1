"""Transforms of many frames at once, against NumPy's."""

from __future__ import annotations

import numpy as np
import pytest

from tonewright.timbre.lane_fourier import columns, factors, places, transform
from tonewright.timbre.lanes import LANES


@pytest.mark.parametrize("points", [2, 4, 8, 16, 128, 1024, 2048, 4096])
def test_transform_is_the_discrete_fourier_transform(points: int) -> None:
    work = np.random.default_rng(points).standard_normal((points, 2, LANES)).astype(np.float32)
    expected = np.fft.fft(work[:, 0] + 1j * work[:, 1].astype(np.float64), axis=0)
    transform(work, factors(points))
    found = (work[:, 0] + 1j * work[:, 1])[places(points)]
    np.testing.assert_allclose(found, expected, atol=2e-6 * np.abs(expected).max())


def test_places_name_every_point_once() -> None:
    assert sorted(places(512)) == list(range(512))


@pytest.mark.parametrize(("length", "hop", "count"), [(0, 5, 3), (50, 20, 6), (50, 7, 4), (1000, 33, 31)])
def test_columns_are_the_sound_a_hop_each(length: int, hop: int, count: int) -> None:
    samples = np.random.default_rng(0).standard_normal(length)
    padded = np.concatenate([samples, np.zeros(max(0, hop * count - length))])[: hop * count]
    expected = padded.reshape(count, hop).T
    np.testing.assert_array_equal(columns(samples, hop, count)[:hop, :count], expected.astype(np.float32))
