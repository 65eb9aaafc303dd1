"""Running medians, against their definition and SciPy's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import median_filter

from tonewright.timbre.lanes import LANES
from tonewright.timbre.medians import LENGTH, REACH, WINDOWS, fill_medians, mirrored, network


def _medians(levels: np.ndarray) -> np.ndarray:
    """Running medians of (rows, columns), in whole blocks of sixteen of both, of which the rest is zeros."""
    rows, columns = levels.shape
    whole, wide = (-(-size // LANES) * LANES for size in levels.shape)
    source = np.zeros((whole + LENGTH - 1, wide), dtype=np.float32)
    source[: rows + LENGTH - 1, :columns] = levels[mirrored(np.arange(-REACH, rows + REACH), rows)]
    medians = np.empty((whole, wide), dtype=np.float32)
    fill_medians(source, medians)
    return medians[:rows, :columns]


def _defined(levels: np.ndarray) -> np.ndarray:
    """Medians of windows of the rows, mirrored as often as it takes."""
    around = np.pad(levels, ((REACH, REACH), (0, 0)), mode="symmetric")
    return np.median(np.lib.stride_tricks.sliding_window_view(around, LENGTH, axis=0), axis=-1)


@pytest.mark.parametrize(
    ("rows", "columns"), [(1, 1), (2, 5), (3, 17), (14, 5), (31, 16), (40, 33), (100, 3)]
)
def test_medians_are_those_of_mirrored_windows(rows: int, columns: int) -> None:
    levels = np.random.default_rng(rows).standard_normal((rows, columns)).astype(np.float32)
    np.testing.assert_array_equal(_medians(levels), _defined(levels))


def test_medians_are_scipys() -> None:
    levels = np.random.default_rng(0).standard_normal((60, 20)).astype(np.float32)
    expected = median_filter(levels, size=(LENGTH, 1), mode="reflect")
    np.testing.assert_array_equal(_medians(levels), expected)


@settings(deadline=None, max_examples=20)
@given(arrays(np.float32, st.tuples(st.integers(1, 60), st.integers(1, 20)), elements=st.integers(0, 4)))
def test_equal_values_are_no_matter(levels: np.ndarray) -> None:
    np.testing.assert_array_equal(_medians(levels), _defined(levels))


class _Threshold:
    """Many truth values at once, as the bits of a number."""

    def __init__(self, bits: int) -> None:
        self.bits = bits

    def smaller(self, other: _Threshold) -> _Threshold:
        return _Threshold(self.bits & other.bits)

    def larger(self, other: _Threshold) -> _Threshold:
        return _Threshold(self.bits | other.bits)


def test_the_network_is_right_for_every_step() -> None:
    """A network that is right for zeros and ones is right (Knuth, The Art of Computer Programming 5.3.4).

    All that rise or fall once or twice, and many more by chance.
    """
    rng = np.random.default_rng(0)
    cases = [rng.random(WINDOWS) < share for share in rng.random(3000)]
    for begin, end in itertools.combinations(range(WINDOWS + 1), 2):
        inside = (np.arange(WINDOWS) >= begin) & (np.arange(WINDOWS) < end)
        cases += [inside, ~inside]
    table = np.array(cases)
    found = network([_Threshold(int.from_bytes(np.packbits(column).tobytes())) for column in table.T])
    for window, value in enumerate(found):
        expected = table[:, window : window + LENGTH].sum(axis=1) > LENGTH // 2
        assert value.bits == int.from_bytes(np.packbits(expected).tobytes())
