"""Spearman's rank correlation of every pair of columns, from the rows that hold both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tonewright.timbre.analysis.ranks import ranks_within, sorted_rows

FEWEST_PAIRS = 3
_INTERVAL = 1.959963984540054  # 95 % of a normal lies within


@dataclass(frozen=True, eq=False)
class Correlations:
    """Rank correlations of d columns; NaN where a column is constant or fewer than three rows hold both.

    Parameters
    ----------
    names : of the columns
    rho : (d, d) Spearman's coefficients
    p_value : (d, d) how likely so strong a correlation is where there is none
    low, high : (d, d) 95 % interval of each coefficient; NaN below four rows
    count : (d, d) rows that hold both
    """

    names: tuple[str, ...]
    rho: np.ndarray
    p_value: np.ndarray
    low: np.ndarray
    high: np.ndarray
    count: np.ndarray

    def of(self, first: str, second: str) -> float:
        """The coefficient of two columns by name."""
        return float(self.rho[self.names.index(first), self.names.index(second)])


def spearman(values: np.ndarray, names: tuple[str, ...] = ()) -> Correlations:
    """Rank correlations of all pairs of columns, each from the rows where both are finite.

    The probability is that of t = ρ √((m − 2) / (1 − ρ²)) with m − 2 degrees of freedom; the interval is
    tanh(artanh ρ ± 1.96 √((1 + ρ²/2) / (m − 3))) (Bonett and Wright, Psychometrika 65, 2000).

    Parameters
    ----------
    values : (n, d)
    names : of the columns; their numbers unless given
    """
    values = np.asarray(values, np.float64)
    names = tuple(names) or tuple(map(str, range(values.shape[1])))
    rho, count = _coefficients(values)
    low, high = _interval(rho, count)
    return Correlations(names, rho, _probability(rho, count), low, high, count)


def _coefficients(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    columns = [np.ascontiguousarray(column) for column in values.T]
    finite = [np.isfinite(column) for column in columns]
    orders = [sorted_rows(column) for column in columns]
    whole = [_centred(ranks_within(*parts)) for parts in zip(columns, orders, finite, strict=True)]
    rho = np.full((len(columns), len(columns)), np.nan)
    count = np.zeros_like(rho, dtype=np.int64)
    for i in range(len(columns)):
        for j in range(i, len(columns)):
            both = finite[i] & finite[j]
            count[i, j] = count[j, i] = rows = int(both.sum())
            # Ranks among all rows of a column serve where the other column lacks none of them.
            first, second = (
                whole[k] if rows == len(whole[k]) else _centred(ranks_within(columns[k], orders[k], both))
                for k in (i, j)
            )
            rho[i, j] = rho[j, i] = _cosine(first, second)
    return rho, count


def _centred(ranks: np.ndarray) -> np.ndarray:
    return ranks - (len(ranks) + 1) / 2


def _cosine(first: np.ndarray, second: np.ndarray) -> float:
    size = np.sqrt(float(first @ first) * float(second @ second))
    if len(first) < FEWEST_PAIRS or size == 0.0:
        return np.nan
    return float(np.clip(first @ second / size, -1.0, 1.0))


def _probability(rho: np.ndarray, count: np.ndarray) -> np.ndarray:
    from scipy.special import stdtr

    degrees = np.maximum(count - 2, 1)
    # Full correlation gives an infinite t, whose probability is 0.
    with np.errstate(divide="ignore"):
        t = np.abs(rho) * np.sqrt(degrees / ((1 - rho) * (1 + rho)))
    return np.where(np.isfinite(rho), 2 * stdtr(degrees, -t), np.nan)


def _interval(rho: np.ndarray, count: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    known = np.isfinite(rho) & (count > 3)
    inner = np.clip(np.where(known, rho, 0.0), -1 + 1e-15, 1 - 1e-15)
    half = _INTERVAL * np.sqrt((1 + inner**2 / 2) / np.maximum(count - 3, 1))
    sides = (np.tanh(np.arctanh(inner) + sign * half) for sign in (-1, 1))
    low, high = (np.where(known, np.where(np.abs(rho) == 1, rho, side), np.nan) for side in sides)
    return low, high
