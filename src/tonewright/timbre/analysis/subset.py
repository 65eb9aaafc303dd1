"""Few descriptors that stand for all: which, and how much of each other one follows from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

THRESHOLD = 0.8


@dataclass(frozen=True)
class Choice:
    """The best set of a size: it reaches the threshold if any does, and has the highest mean share then.

    Parameters
    ----------
    names : descriptors in it, in the table's order
    worst, worst_share : the descriptor of which least follows from them, and that share
    mean_share : over all descriptors, those in it counting as 1
    """

    names: tuple[str, ...]
    worst: str
    worst_share: float
    mean_share: float


@dataclass(frozen=True)
class Subset:
    """The smallest set of descriptors from which each of the others follows to a threshold.

    Parameters
    ----------
    chosen : their names, the one that tells most first
    explained : left-out name -> share of its rank variance that follows from the chosen ones
    needed : chosen name -> a descriptor that would not reach the threshold without it, and its share then;
        itself where it would not
    sizes : the best set of each size from 1 on
    threshold : share that every left-out one was to reach
    rows : sounds that it rests on
    """

    chosen: tuple[str, ...]
    explained: dict[str, float]
    needed: dict[str, tuple[str, float]]
    sizes: tuple[Choice, ...]
    threshold: float
    rows: int


def suggest_subset(
    rho: np.ndarray, names: Sequence[str], *, rows: int, threshold: float = THRESHOLD
) -> Subset:
    """Find the smallest set that explains every other column to the threshold; all sets are tried.

    With C the rank correlations and S the set, a column j follows from S to
    R²_j = C_jS C_SS⁻¹ C_Sj, adjusted for the size k of S by 1 − (1 − R²)(rows − 1) / (rows − k − 1).

    Parameters
    ----------
    rho : (d, d) rank correlations, without NaN; d at most about fifteen
    names : of the columns
    rows : sounds that the correlations come from
    threshold : 0 to 1
    """
    matrix, everything = positive(rho), range(len(names))
    best = [_best(matrix, size, rows, threshold) for size in range(1, len(names) + 1)]
    sizes = tuple(_choice(shares, members, names) for shares, members in best)
    enough = next(at for at, (shares, _) in enumerate(best) if shares.min() >= threshold)
    shares, members = best[enough]
    chosen = _ordered(matrix, members, rows=rows)
    needed = {j: _without(matrix, chosen, j, rows, threshold) for j in chosen}
    return Subset(
        chosen=tuple(names[j] for j in chosen),
        explained={names[j]: float(shares[j]) for j in everything if j not in chosen},
        needed={names[j]: (names[k], share) for j, (k, share) in needed.items()},
        sizes=sizes,
        threshold=threshold,
        rows=rows,
    )


def positive(rho: np.ndarray) -> np.ndarray:
    """The same correlations with no negative eigenvalue, which pairs from different rows can bring."""
    values, vectors = np.linalg.eigh(rho)
    if values.min(initial=1.0) >= 0:
        return rho
    mended = (vectors * np.maximum(values, 0.0)) @ vectors.T
    scale = 1 / np.sqrt(np.maximum(np.diag(mended), 1e-12))
    return mended * scale * scale[:, None]


def explained(rho: np.ndarray, chosen: Sequence[int], *, rows: int) -> np.ndarray:
    """Adjusted share of each column's rank variance that follows linearly from the chosen columns' ranks.

    Parameters
    ----------
    rho : (d, d) rank correlations, positive semidefinite
    chosen : indices
    rows : sounds; with too few for so many chosen ones nothing is explained

    Returns
    -------
    (d,), 0 to 1, 1 for the chosen
    """
    shares = np.zeros(len(rho))
    chosen = list(chosen)
    free = rows - len(chosen) - 1
    if chosen and free > 0:
        across = rho[:, chosen]
        slopes = np.linalg.lstsq(rho[np.ix_(chosen, chosen)], across.T, rcond=1e-10)[0]
        plain = np.einsum("jk,kj->j", across, slopes)
        shares = np.clip(1 - (1 - plain) * (rows - 1) / free, 0.0, 1.0)
    shares[chosen] = 1.0
    return shares


def _best(rho: np.ndarray, size: int, rows: int, threshold: float) -> tuple[np.ndarray, tuple[int, ...]]:
    """Shares and members of the best set of a size."""
    found = ((explained(rho, members, rows=rows), members) for members in combinations(range(len(rho)), size))
    return max(found, key=lambda pair: (pair[0].min() >= threshold, round(pair[0].mean(), 9)))


def _without(
    rho: np.ndarray, chosen: Sequence[int], dropped: int, rows: int, threshold: float
) -> tuple[int, float]:
    """A column explained too little without one of the chosen, itself before others, and its share."""
    shares = explained(rho, [k for k in chosen if k != dropped], rows=rows)
    at = dropped if shares[dropped] < threshold else int(np.argmin(shares))
    return at, float(shares[at])


def _choice(shares: np.ndarray, members: tuple[int, ...], names: Sequence[str]) -> Choice:
    worst = int(np.argmin(shares))
    chosen = tuple(names[j] for j in members)
    return Choice(chosen, names[worst], float(shares[worst]), float(shares.mean()))


def _ordered(rho: np.ndarray, members: tuple[int, ...], *, rows: int) -> list[int]:
    """The members, each next one that which adds most to what those before it explain of all columns."""
    chosen: list[int] = []
    while len(chosen) < len(members):
        rest = [j for j in members if j not in chosen]
        sums = [round(explained(rho, [*chosen, j], rows=rows).sum(), 9) for j in rest]
        chosen.append(rest[int(np.argmax(sums))])
    return chosen
