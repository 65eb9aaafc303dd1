"""Frames side by side, against their definition."""

from __future__ import annotations

import numpy as np
import pytest

from tonewright.timbre.lanes import LANES
from tonewright.timbre.spectra import FRAME, PAIR, hann_window, hops, lay_frames
from tonewright.timbre.turning import turn_all


def _noise(count: int) -> np.ndarray:
    return np.random.default_rng(0).standard_normal(count)


@pytest.mark.parametrize(
    ("count", "lead", "hop"), [(40, 0, 512), (33, 1024, 512), (20, 4097, 128), (5, 7, 16)]
)
def test_hops_are_the_sound_side_by_side(count: int, lead: int, hop: int) -> None:
    samples = _noise(9000)
    found = hops(samples, count, lead=lead, hop=hop)
    padded = np.concatenate((np.zeros(lead), samples, np.zeros(found.size)))[: found.size]
    np.testing.assert_array_equal(found, padded.reshape(-1, hop).T.astype(np.float32))


@pytest.mark.parametrize(("length", "hop"), [(2048, 512), (4096, 128)])
def test_frames_are_laid_side_by_side(length: int, hop: int) -> None:
    samples, window, first = _noise(16_000).astype(np.float32), _noise(length).astype(np.float32), 3
    work = np.empty((length, 2, LANES), np.float32)
    lay_frames(hops(samples, first + PAIR + length // hop, lead=0, hop=hop), window, first, work)
    padded = np.concatenate((samples, np.zeros(PAIR * hop + length, np.float32)))
    for frame in range(PAIR):
        begin = (first + frame) * hop
        expected = window * padded[begin : begin + length]
        np.testing.assert_array_equal(work[:, frame // LANES, frame % LANES], expected)


def test_the_window_adds_up_with_a_hop_of_a_quarter() -> None:
    np.testing.assert_allclose(hann_window().reshape(4, -1).sum(axis=0), 2, rtol=1e-6)
    np.testing.assert_allclose((hann_window() ** 2).reshape(4, -1).sum(axis=0), 1.5, rtol=1e-6)
    assert hann_window()[FRAME // 2] == 1


def test_turning_all_is_the_transpose() -> None:
    rows = _noise(48 * 80).reshape(48, 80).astype(np.float32)
    turned = np.empty((80, 48), np.float32)
    turn_all(rows, turned)
    np.testing.assert_array_equal(turned, rows.T)
