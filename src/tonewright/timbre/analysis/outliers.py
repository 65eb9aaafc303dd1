"""Sounds unlike the rest, and the descriptor that makes each one so."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.timbre.analysis.robust import Majority, centre_and_scale, majority, squared_distances

UNLIKELY = 1e-3
MOST_EQUAL = 0.5
ROWS_PER_COLUMN = 5
FEWEST_ROWS = 8


@dataclass(frozen=True)
class Outlier:
    """A sound unlike the rest.

    Parameters
    ----------
    row : of the table
    name : of the sound
    distance : from the centre of the majority, in standard deviations over all descriptors
    descriptor : the one without which the distance would shrink most
    value, expected : of that descriptor, and what the sound's other descriptors lead one to expect
    words : why, in a sentence
    """

    row: int
    name: str
    distance: float
    descriptor: str
    value: float
    expected: float
    words: str


@dataclass(frozen=True, eq=False)
class Strangeness:
    """How far every sound is from the majority.

    Parameters
    ----------
    names : descriptors that count
    left_out : those that cannot, and why
    distance : (n,) Mahalanobis distance from the majority; NaN without values
    probability : (n,) how often a sound of a normal majority is as far or farther
    part : (n, d) what each descriptor adds to the squared distance
    expected : (n, d) value of each descriptor that follows from the others
    together : whether `expected` comes from the other descriptors; else it is the median
    method : how the majority was found, in words
    """

    names: tuple[str, ...]
    left_out: dict[str, str]
    distance: np.ndarray
    probability: np.ndarray
    part: np.ndarray
    expected: np.ndarray
    together: bool
    method: str

    def rows(self) -> np.ndarray:
        """Rows of the outliers, farthest first."""
        order = np.argsort(-np.nan_to_num(self.distance, nan=-1.0), kind="stable")
        return order[np.nan_to_num(self.probability[order], nan=1.0) < UNLIKELY]


def strangeness(values: np.ndarray, names: tuple[str, ...]) -> Strangeness:
    """Robust distances of all rows, each by those of its descriptors that are measured.

    With K = Σ⁻¹ and x the deviation from the centre, leaving out descriptor j shortens the squared distance
    xᵀ K x by (K x)_j² / K_jj, which is its part; the others lead one to expect x_j − (K x)_j / K_jj of it.

    Parameters
    ----------
    values : (n, d) with NaN
    names : of the columns
    """
    left_out = {
        name: "more than half of the sounds have the same value"
        for name, column in zip(names, values.T, strict=True)
        if _commonest_share(column) > MOST_EQUAL
    }
    kept = [index for index, name in enumerate(names) if name not in left_out]
    used = tuple(names[index] for index in kept)
    values = values[:, kept]
    complete = values[np.isfinite(values).all(axis=1)]
    model, method = _model(values, complete)
    far, unlikely = np.full((2, len(values)), np.nan)
    part, expected = np.full((2, *values.shape), np.nan)
    together = len(complete) >= ROWS_PER_COLUMN * len(used)
    found = Strangeness(used, left_out, far, unlikely, part, expected, together, method)
    if model is not None:
        _measure(values, model, found)
    return found


def _commonest_share(column: np.ndarray) -> float:
    values = column[np.isfinite(column)]
    return float(np.unique(values, return_counts=True)[1].max(initial=0) / max(1, len(values)))


def _model(values: np.ndarray, complete: np.ndarray) -> tuple[Majority | None, str]:
    columns = values.shape[1]
    if not columns or len(values) < FEWEST_ROWS:
        return None, f"fewer than {FEWEST_ROWS} sounds cannot tell which is the odd one"
    if len(complete) >= ROWS_PER_COLUMN * columns:
        return majority(complete), "the three quarters of the sounds that lie closest together"
    centre, scale = centre_and_scale(values)
    return Majority(centre, np.diag(scale**2)), (
        "each descriptor by itself, about its median: too few sounds for how descriptors go together"
    )


def _measure(values: np.ndarray, model: Majority, found: Strangeness) -> None:
    """Fill in the distances, pattern of missing values by pattern."""
    from scipy.special import chdtrc

    present = np.isfinite(values)
    patterns, which = np.unique(present, axis=0, return_inverse=True)
    for index, pattern in enumerate(patterns):
        if not pattern.any():
            continue
        rows, columns = np.flatnonzero(which.ravel() == index), np.flatnonzero(pattern)
        at = np.ix_(rows, columns)
        part = Majority(model.centre[columns], model.covariance[np.ix_(columns, columns)])
        squared = squared_distances(values[at], part)
        precision = np.linalg.inv(part.covariance)
        pull = (values[at] - part.centre) @ precision
        found.distance[rows] = np.sqrt(squared)
        found.probability[rows] = chdtrc(len(columns), squared)
        found.part[at] = pull**2 / np.diag(precision)
        found.expected[at] = values[at] - pull / np.diag(precision)


def described(row: int, name: str, values: np.ndarray, found: Strangeness) -> Outlier:
    """An outlier in words.

    Parameters
    ----------
    row : which
    name : of the sound
    values : (n, d) the descriptors of `found`
    found : distances of all
    """
    at = int(np.nanargmax(found.part[row]))
    value, expected = float(values[row, at]), float(found.expected[row, at])
    source = "the other descriptors suggest" if found.together else "the middle is"
    reason = f"{found.names[at]} {_figure(value)} where {source} {_figure(expected)}"
    place = _place(value, values[:, at])
    if not place and found.together:
        place = "by itself it is nothing rare, with these others it is"
    words = f"{reason}; {place}" if place else reason
    return Outlier(row, name, float(found.distance[row]), found.names[at], value, expected, words)


def _place(value: float, column: np.ndarray) -> str:
    """Where a value stands among all, if it is near an end."""
    known = column[np.isfinite(column)]
    few = max(1, len(known) // 100)
    equal = int((known == value).sum())
    for side, beyond in (("low", int((known < value).sum())), ("high", int((known > value).sum()))):
        if beyond == 0:
            others = f", shared with {equal - 1} more" if equal > 1 else ""
            return f"the {side}est of all{others}"
        if beyond < few:
            return f"number {beyond + 1} from {'below' if side == 'low' else 'above'}"
    return ""


def _figure(value: float) -> str:
    text = f"{value:.0f}" if abs(value) >= 10 else f"{value:.2g}"
    return text.replace("-", "−")
