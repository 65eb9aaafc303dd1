"""A map of the sounds: two directions that show most of how they differ."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from tonewright.errors import MissingExtraError, UsageError

MapKind = Literal["pca", "umap"]
MAPS: tuple[MapKind, ...] = ("pca", "umap")
MOST_EMBEDDED = 5000
FEWEST_EMBEDDED = 10


@dataclass(frozen=True, eq=False)
class Projection:
    """Sounds as points in a plane.

    Parameters
    ----------
    kind : how the plane was found
    names : descriptors that went in
    coordinates : (n, 2); NaN for sounds that are not on the map
    loadings : (components, d) unit vectors, for the principal components; (0, d) for others
    explained : (components,) share of the variance that each component holds
    """

    kind: MapKind
    names: tuple[str, ...]
    coordinates: np.ndarray
    loadings: np.ndarray
    explained: np.ndarray


def standardised(values: np.ndarray) -> np.ndarray:
    """Columns with mean 0 and variance 1; NaN becomes 0, the mean.

    A row with half of its values missing or more becomes NaN throughout.

    Parameters
    ----------
    values : (n, d), no column constant
    """
    z = (values - np.nanmean(values, axis=0)) / np.nanstd(values, axis=0)
    lost = np.isnan(z).mean(axis=1) >= 0.5
    z = np.nan_to_num(z, nan=0.0)
    z[lost] = np.nan
    return z


def principal_components(z: np.ndarray, names: Sequence[str]) -> Projection:
    """The plane of greatest variance, by singular values of the centred rows.

    A component points to where its largest loading (the first one, where several are as large) is positive.

    Parameters
    ----------
    z : (n, d) standardised; rows of NaN stay off the map
    names : of the columns
    """
    present = np.isfinite(z).all(axis=1)
    inside = z[present] - z[present].mean(axis=0)
    _, sizes, directions = np.linalg.svd(inside, full_matrices=False)
    largest = np.argmax(np.round(np.abs(directions), 9), axis=1)
    directions = directions * np.sign(directions[np.arange(len(directions)), largest])[:, None]
    coordinates = np.full((len(z), 2), np.nan)
    plane = inside @ directions[:2].T
    coordinates[present] = np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))
    total = float(np.square(sizes).sum())
    return Projection("pca", tuple(names), coordinates, directions, np.square(sizes) / (total or 1.0))


def neighbourhood_map(z: np.ndarray, names: Sequence[str]) -> Projection:
    """A plane in which neighbours stay neighbours (UMAP; McInnes, Healy and Melville 2018).

    Of more than 5 000 sounds, 5 000 spread evenly over the rows are on it. Distances between far groups and
    directions mean nothing. The same table gives the same map.

    Parameters
    ----------
    z : (n, d) standardised; rows of NaN stay off the map
    names : of the columns

    Raises
    ------
    MissingExtraError
        If umap-learn is not installed.
    UsageError
        If there are fewer than ten sounds.
    """
    rows = np.flatnonzero(np.isfinite(z).all(axis=1))
    if len(rows) < FEWEST_EMBEDDED:
        raise UsageError(f"a UMAP needs {FEWEST_EMBEDDED} sounds; there are {len(rows)}; take the map pca")
    rows = evenly(rows, MOST_EMBEDDED)
    coordinates = np.full((len(z), 2), np.nan)
    coordinates[rows] = _umap(z[rows])
    return Projection("umap", tuple(names), coordinates, np.zeros((0, z.shape[1])), np.zeros(0))


def evenly(rows: np.ndarray, most: int) -> np.ndarray:
    """At most so many of the rows, spread evenly over them."""
    return rows if len(rows) <= most else rows[np.arange(most) * len(rows) // most]


def _umap(z: np.ndarray) -> np.ndarray:
    import importlib
    import warnings

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            umap = importlib.import_module("umap")
    except ModuleNotFoundError as error:
        raise MissingExtraError("umap-learn", "umap") from error
    neighbours = min(15, len(z) - 1)
    # Equal sounds would give the graph pieces without an edge to the rest.
    still = z + 1e-6 * np.random.default_rng(0).standard_normal(z.shape)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return np.asarray(umap.UMAP(n_neighbors=neighbours, random_state=0, n_jobs=1).fit_transform(still))
