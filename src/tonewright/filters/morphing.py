"""From one bank of filters to another in steps: through the numbers of a model, or filter by filter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tonewright.audio.clips import Clip
from tonewright.errors import UsageError
from tonewright.filters.bank import Bank

if TYPE_CHECKING:
    from tonewright.filters.trained import FilterModel

# Sound, the bank itself, or the numbers that steer a model.
Place = Bank | Clip | Sequence[float] | np.ndarray

MOST_STEPS = 1000
# Filters of opposite signs are matched as if they lay this much farther apart.
_SIGN_OCTAVES = 0.5
_IMPULSE_SECONDS = 4.0


@dataclass(frozen=True, eq=False)
class Morph:
    """A way from one place to another.

    Attributes
    ----------
    banks : one a step; the first and the last stand for the two places
    positions : (steps,), from 0 to 1 in equal steps
    z : (steps, latent), the numbers of the model; None where there was none
    """

    banks: tuple[Bank, ...]
    positions: np.ndarray
    z: np.ndarray | None = None


def morph(model: FilterModel | None, a: Place, b: Place, *, steps: int = 8) -> Morph:
    """Banks on the way from one place to another.

    With a model, the way is the straight line between the numbers of both, z = (1 − t) z_a + t z_b, and the
    levels of banks go in a straight line of dB. Without one both places are banks, and the way is that of
    `morph_banks`. Every bank on either is stable.

    Parameters
    ----------
    model : a trained one, as `load` gives it
    a, b : sounds, banks, or the numbers of the model, (latent,); a sound brings its shape and no level
    steps : banks, the two ends among them, at least 2

    Raises
    ------
    UsageError
        If a place is no bank where there is no model, or its numbers are not those of the model.
    AudioError
        If a sound is silent or broken.
    """
    positions = _positions(steps)
    if model is None:
        if not (isinstance(a, Bank) and isinstance(b, Bank)):
            raise UsageError("a morph without a model goes from one bank to another; load a model for sounds")
        return Morph(morph_banks(a, b, steps=steps), positions)
    (first, first_db), (last, last_db) = (_numbers(model, place) for place in (a, b))
    share = positions[:, None]
    z = (1 - share) * first + share * last
    levels_db = (1 - positions) * first_db + positions * last_db
    banks = tuple(model.bank(row, level_db=level) for row, level in zip(z, levels_db, strict=True))
    return Morph(banks, positions, z)


def morph_banks(a: Bank, b: Bank, *, steps: int = 8) -> tuple[Bank, ...]:
    """Banks on the way from one bank to another, filter by filter.

    Filters are matched so that the sum of their distances in octaves is least, those of a series within their
    shape (H. W. Kuhn, "The Hungarian method for the assignment problem", Naval Research Logistics Quarterly 2
    (1955)). Matched ones go in straight lines of log f, log Q, and gain: of dB where both gains have one sign
    or the bank is a series, else of the factor, through zero. What has no match stays where it is and fades.

    Parameters
    ----------
    a, b : of one kind and order
    steps : banks, the two ends among them, which are `a` and `b` themselves

    Raises
    ------
    UsageError
        If the banks are not of one kind and order.
    """
    positions = _positions(steps)
    if a.kind != b.kind or a.order != b.order:
        raise UsageError(
            f"a {a.kind} bank of order {a.order} does not turn into a {b.kind} one of order {b.order}; "
            "choose two banks of one kind and order"
        )
    first, last, shapes = _matched(a, b)
    between = [_between(first, last, shapes, a, b, float(share)) for share in positions[1:-1]]
    return (a, *between, b)


def _positions(steps: int) -> np.ndarray:
    if isinstance(steps, bool) or int(steps) != steps or not 2 <= steps <= MOST_STEPS:
        raise UsageError(f"a morph has 2 to {MOST_STEPS} steps; got {steps}")
    return np.linspace(0.0, 1.0, int(steps))


def _numbers(model: FilterModel, place: Place) -> tuple[np.ndarray, float]:
    """The numbers of a place, (latent,), and the level in dB of the bank there."""
    if isinstance(place, Clip):
        return np.asarray(model.encode(place).z, dtype=np.float64), 0.0
    if isinstance(place, Bank):
        found = model.encode(impulse_response(place))
        flat = model.encode(impulse())
        return np.asarray(found.z, dtype=np.float64), float(found.level_db - flat.level_db)
    numbers = np.asarray(place, dtype=np.float64)
    count = len(model.knobs)
    if numbers.shape != (count,) or not np.isfinite(numbers).all():
        raise UsageError(f"this model is steered by {count} finite numbers; got {np.array(place)}")
    return numbers, 0.0


def impulse(sample_rate: int = 44100) -> Clip:
    """A sound with as much of every frequency: one sample, and silence after it."""
    samples = np.zeros((1, round(_IMPULSE_SECONDS * sample_rate)), dtype=np.float32)
    samples[0, 0] = 1.0
    return Clip(samples, sample_rate)


def impulse_response(bank: Bank, *, sample_rate: int = 44100) -> Clip:
    """What a bank makes of `impulse`: a sound whose spectrum is its response."""
    return bank.apply(impulse(sample_rate))


def _matched(a: Bank, b: Bank) -> tuple[np.ndarray, np.ndarray, tuple[str, ...]]:
    """Filters of both banks in one order, (3, filters) each of f, Q and gain, and their shapes."""
    starts, ends = (np.stack([bank.frequency_hz, bank.q, bank.gain]) for bank in (a, b))
    silent = np.array([1.0, 1.0, 0.0])
    rows, shapes = [], []
    for shape, group_a, group_b in _groups(a, b):
        for at, to in _assigned(starts, ends, group_a, group_b, kind=a.kind):
            here = None if at is None else starts[:, at]
            there = None if to is None else ends[:, to]
            rows.append((silent * there if here is None else here, silent * here if there is None else there))
            shapes.append(shape)
    matched = np.array(rows)
    return matched[:, 0].T, matched[:, 1].T, tuple(shapes) if a.kind == "series" else ()


def _groups(a: Bank, b: Bank) -> list[tuple[str, np.ndarray, np.ndarray]]:
    """Which filters of both may be matched: all, or those of one shape."""
    if a.kind == "parallel":
        return [("", np.arange(a.filters), np.arange(b.filters))]
    first, last = np.array(a.shapes), np.array(b.shapes)
    return [
        (shape, np.flatnonzero(first == shape), np.flatnonzero(last == shape))
        for shape in dict.fromkeys((*a.shapes, *b.shapes))
    ]


def _assigned(
    starts: np.ndarray, ends: np.ndarray, group_a: np.ndarray, group_b: np.ndarray, *, kind: str
) -> list[tuple[int | None, int | None]]:
    """Pairs of filters of a group, None for what one side lacks."""
    from scipy.optimize import linear_sum_assignment

    cost = np.abs(np.log2(starts[0, group_a][:, None] / ends[0, group_b]))
    if kind == "parallel":
        cost = cost + _SIGN_OCTAVES * (starts[2, group_a][:, None] * ends[2, group_b] < 0)
    rows, columns = linear_sum_assignment(cost)
    pairs: list[tuple[int | None, int | None]] = [
        (int(group_a[row]), int(group_b[column])) for row, column in zip(rows, columns, strict=True)
    ]
    pairs += [(int(at), None) for at in np.delete(group_a, rows)]
    return pairs + [(None, int(to)) for to in np.delete(group_b, columns)]


def _between(
    first: np.ndarray, last: np.ndarray, shapes: tuple[str, ...], a: Bank, b: Bank, share: float
) -> Bank:
    """The bank at a share of the way."""
    low, high = np.minimum(first, last), np.maximum(first, last)
    frequency_hz, q = first[:2] ** (1 - share) * last[:2] ** share
    gain = (1 - share) * first[2] + share * last[2]
    if a.kind == "parallel":
        alike = first[2] * last[2] > 0
        factors = np.abs(first[2][alike]) ** (1 - share) * np.abs(last[2][alike]) ** share
        gain[alike] = np.sign(first[2][alike]) * factors
    numbers = np.clip([frequency_hz, q, gain], low, high)  # rounding may pass the ends, which may be limits
    level_db = (1 - share) * a.level_db + share * b.level_db
    return Bank(*numbers, kind=a.kind, shapes=shapes, order=a.order, level_db=level_db)
