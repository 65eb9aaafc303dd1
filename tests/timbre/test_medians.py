"""Running medians, against SciPy's."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.ndimage import median_filter

from tonewright.timbre import medians
from tonewright.timbre.medians import LENGTH, WINDOWS, mirrored, network, running_medians


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (3, 17), (14, 5), (31, 16), (40, 33), (100, 3)])
def test_medians_are_scipys(rows: int, columns: int) -> None:
    levels = np.random.default_rng(rows).standard_normal((rows, columns)).astype(np.float32)
    expected = median_filter(levels, size=(LENGTH, 1), mode="reflect")
    np.testing.assert_array_equal(running_medians(levels), expected)


@settings(deadline=None, max_examples=20)
@given(arrays(np.float32, st.tuples(st.integers(3, 60), st.integers(1, 20)), elements=st.integers(0, 4)))
def test_equal_values_are_no_matter(levels: np.ndarray) -> None:
    expected = median_filter(levels, size=(LENGTH, 1), mode="reflect")
    np.testing.assert_array_equal(running_medians(levels), expected)


def test_two_rows() -> None:
    """Mirrored, two rows alternate in pairs, and the window's middle row comes up once more."""
    levels = np.array([[1.0], [2.0]], dtype=np.float32)
    rows = mirrored(np.arange(-medians.REACH, 2 + medians.REACH), 2)
    expected = [np.median(levels[rows[t : t + LENGTH], 0]) for t in range(2)]
    np.testing.assert_array_equal(running_medians(levels)[:, 0], expected)


def test_nothing_has_no_medians() -> None:
    assert running_medians(np.zeros((0, 3), dtype=np.float32)).shape == (0, 3)
    assert running_medians(np.zeros((3, 0), dtype=np.float32)).shape == (3, 0)


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
