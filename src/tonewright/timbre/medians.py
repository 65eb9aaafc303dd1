"""Running medians of 31 values, exact, sixteen neighbouring ones of sixteen sequences at once.

The windows of neighbouring medians share most of their values. Those that all sixteen share are sorted once;
then the sixteen are halved again and again, and to the sorted values of each half are merged those that its
windows share besides, which doubles as far as the half shrinks. Of a sorted part of a window only those stay
that can still be its median: with n of 31 values missing, the n + 1 in the middle. All of it are exchanges of
a smaller and a larger value in a fixed order, 34 for each median, and never a decision (K. E. Batcher,
"Sorting networks and their applications", AFIPS 1968).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types

from tonewright.timbre.lanes import LANES, OPTIONS, instructions

LENGTH, REACH = 31, 15
# Rows that sixteen medians are made from.
WINDOWS = LANES + LENGTH - 1


def mirrored(places: np.ndarray, size: int) -> np.ndarray:
    """Places in a sequence that is mirrored at both ends, again and again, by half-sample symmetry."""
    places = np.mod(places, 2 * size)
    return np.minimum(places, 2 * size - 1 - places)


@instructions
def _sixteen_medians(typingctx, source, place, target, to, step):  # type: ignore[no-untyped-def]
    """Medians of 31 rows for sixteen neighbouring rows, in sixteen columns.

    Parameters
    ----------
    source : contiguous float32; 46 rows are read, `step` apart, the first at `place`
    target : contiguous float32; 16 rows are written, `step` apart, the first at `to`
    """

    def generate(context, builder, sig, args):  # type: ignore[no-untyped-def]
        kind = ir.VectorType(ir.FloatType(), LANES)

        def pointers(array: int, count: int) -> list[Any]:
            data = context.make_array(sig.args[array])(context, builder, args[array]).data
            first, size = args[array + 1], args[4]
            places = [builder.add(first, builder.mul(size, size.type(k))) for k in range(count)]
            return [builder.bitcast(builder.gep(data, [at]), kind.as_pointer()) for at in places]

        values = [_Value(builder, builder.load(pointer, align=4)) for pointer in pointers(0, WINDOWS)]
        for pointer, median in zip(pointers(2, LANES), network(values), strict=True):
            builder.store(median.value, pointer, align=4)
        return context.get_dummy_value()

    return types.void(source, types.intp, target, types.intp, types.intp), generate


@njit(**OPTIONS)
def fill_medians(source: np.ndarray, medians: np.ndarray) -> None:
    """Fill each row with the medians of 31 rows of `source`: of that row and the 30 after it.

    Parameters
    ----------
    source : (rows + 30 or more, columns) float32
    medians : (rows, columns) float32; rows and columns are multiples of 16
    """
    rows, columns = medians.shape
    for row in range(0, rows, LANES):
        for column in range(0, columns, LANES):
            at = row * columns + column
            _sixteen_medians(source, at, medians, at, columns)


class _Value:
    """A number in each lane, while instructions are written."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    def _chosen(self, comparison: str, other: _Value) -> _Value:
        condition = self.builder.fcmp_ordered(comparison, self.value, other.value)
        return _Value(self.builder, self.builder.select(condition, self.value, other.value))

    def smaller(self, other: _Value) -> _Value:
        return self._chosen("<", other)

    def larger(self, other: _Value) -> _Value:
        return self._chosen(">", other)


def network(values: list[Any]) -> list[Any]:
    """Sixteen medians of 31 among 46 values that have methods `smaller` and `larger`."""
    medians: list[Any] = [None] * LANES
    known: dict[tuple[int, int], list[Any]] = {}

    def ordered(first: int, count: int) -> list[Any]:
        """So many values from one on, sorted; windows share them."""
        if (first, count) not in known:
            half = count // 2
            known[first, count] = (
                _merged(ordered(first, half), ordered(first + half, half)) if half else [values[first]]
            )
        return known[first, count]

    def halve(middle: list[Any], first: int, count: int) -> None:
        """`middle`: candidates among the values that `count` windows from one on share."""
        half = count // 2
        before, after = ordered(first + half - 1, half), ordered(first + LENGTH, half)
        if half == 1:
            for window, (last,) in ((first, before), (first + 1, after)):
                medians[window] = middle[0].larger(middle[1].smaller(last))
            return
        halve(_middle(middle, before), first, half)
        halve(_middle(middle, after), first + half, half)

    halve(ordered(LANES - 1, LANES), 0, LANES)
    return medians


def _exchange(values: list[Any], one: int, other: int) -> None:
    low, high = values[one].smaller(values[other]), values[one].larger(values[other])
    values[one], values[other] = low, high


def _merged(first: list[Any], second: list[Any]) -> list[Any]:
    """Two sorted sequences of one length, a power of two, as one (odd-even merge)."""
    values = [*first, *second]

    def merge(begin: int, step: int) -> None:
        if 2 * step == len(values):
            _exchange(values, begin, begin + step)
            return
        merge(begin, 2 * step)
        merge(begin + step, 2 * step)
        for at in range(begin + step, len(values) - step, 2 * step):
            _exchange(values, at, at + step)

    merge(0, 1)
    return values


def _middle(many: list[Any], few: list[Any]) -> list[Any]:
    """Sorted middle third of two sorted sequences, `many` twice as long as `few`."""
    count = len(few)
    without_lowest = [one.larger(other) for one, other in zip(many, reversed(few), strict=False)]
    rest = _bitonic(without_lowest)
    without_highest = [one.smaller(other) for one, other in zip(rest, reversed(many[count:]), strict=True)]
    return _bitonic(without_highest)


def _bitonic(values: list[Any]) -> list[Any]:
    """A sequence that rises and falls, or a rotation of such a one, sorted."""
    values, step = list(values), len(values) // 2
    while step:
        for at in range(len(values)):
            if not at & step:
                _exchange(values, at, at + step)
        step //= 2
    return values
