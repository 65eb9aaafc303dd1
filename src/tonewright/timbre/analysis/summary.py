"""All that a table of descriptors tells, in one go."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.errors import UsageError
from tonewright.timbre.analysis.clusters import Merge, distances, groups_below, leaf_order, merges
from tonewright.timbre.analysis.correlation import Correlations, spearman
from tonewright.timbre.analysis.measurements import Measurements, measurements
from tonewright.timbre.analysis.neighbours import nearest
from tonewright.timbre.analysis.outliers import Outlier, Strangeness, described, strangeness
from tonewright.timbre.analysis.projection import (
    MapKind,
    Projection,
    neighbourhood_map,
    principal_components,
    standardised,
)
from tonewright.timbre.analysis.spreads import FEWEST_SOUNDS, Spread, objection, spread_of
from tonewright.timbre.analysis.subset import THRESHOLD, Subset, suggest_subset
from tonewright.timbre.names import DESCRIPTORS

if TYPE_CHECKING:
    from tonewright.timbre.tables import Table

SAME = 0.2
MOST_OUTLIERS = 100


@dataclass(frozen=True, eq=False)
class Analysis:
    """What a table of descriptors tells.

    Parameters
    ----------
    sounds : the table
    used : descriptors that are analysed together
    left_out : those that cannot be, and why
    spreads : column -> its figures, of all columns
    correlations : of the descriptors used, then of the other columns that vary
    steps : how the descriptors used join into groups, by 1 − |ρ|
    subset : few of them that stand for all
    strangeness : how far each sound is from the majority
    outliers : the farthest, at most a hundred
    outlier_count : how many there are
    projection : the sounds as points in a plane
    standard : (n, used) descriptors with mean 0 and variance 1
    repeated : sounds whose values are all those of an earlier one
    """

    sounds: Measurements
    used: tuple[str, ...]
    left_out: dict[str, str]
    spreads: dict[str, Spread]
    correlations: Correlations
    steps: tuple[Merge, ...]
    subset: Subset
    strangeness: Strangeness
    outliers: tuple[Outlier, ...]
    outlier_count: int
    projection: Projection
    standard: np.ndarray
    repeated: int

    @property
    def measured(self) -> np.ndarray:
        """Rows with a value of at least one descriptor used, (n,) bool."""
        return np.any(np.isfinite(self.sounds.matrix(self.used)), axis=1)

    def order(self) -> tuple[str, ...]:
        """The descriptors used, those that tell the same next to each other."""
        return tuple(self.used[index] for index in leaf_order(self.steps, len(self.used)))

    def groups(self, *, height: float = SAME) -> list[tuple[str, ...]]:
        """Descriptors that tell the same: 1 − |ρ| between them is at most `height` on average."""
        found = groups_below(self.steps, len(self.used), height)
        return [tuple(self.used[index] for index in group) for group in found]

    def neighbours(self, rows: Sequence[int], *, count: int = 3) -> list[list[tuple[int, float]]]:
        """For each of some rows the most similar others, as (row, distance), nearest first."""
        places, apart = nearest(self.standard, np.asarray(rows, np.int64), count=count)
        return [
            [(int(row), float(far)) for row, far in zip(*pair, strict=True) if np.isfinite(far)]
            for pair in zip(places, apart, strict=True)
        ]

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON; NaN where there is no figure."""
        pairs = self.correlations
        upper = zip(*np.triu_indices(len(pairs.names), k=1), strict=True)
        return {
            "sounds": len(self.sounds),
            "measured": int(self.measured.sum()),
            "repeated": self.repeated,
            "used": list(self.used),
            "left_out": self.left_out,
            "spreads": {name: asdict(spread) for name, spread in self.spreads.items()},
            "correlations": [
                {"first": pairs.names[i], "second": pairs.names[j]}
                | {
                    key: getattr(pairs, key)[i, j].item()
                    for key in ("rho", "p_value", "low", "high", "count")
                }
                for i, j in upper
            ],
            "groups": self.groups(),
            "subset": asdict(self.subset),
            "outlier_count": self.outlier_count,
            "outliers": [asdict(outlier) for outlier in self.outliers],
            "map": {
                "kind": self.projection.kind,
                "explained": self.projection.explained.tolist(),
                "loadings": [
                    dict(zip(self.projection.names, row, strict=True))
                    for row in self.projection.loadings.tolist()
                ],
            },
        }


def analyse_table(
    table: Measurements | Table,
    *,
    descriptors: Sequence[str] | None = None,
    subset_threshold: float = THRESHOLD,
    map_kind: MapKind = "pca",
) -> Analysis:
    """Spreads, rank correlations, groups, a subset, outliers and a map of a table of descriptors.

    Parameters
    ----------
    table : measurements, or a table as `read_table` gives it
    descriptors : columns to analyse together; the eight unless given, reverb by its probability where the
        table has it
    subset_threshold : share of each left-out descriptor's rank variance that the subset must explain
    map_kind : "pca" or "umap"

    Raises
    ------
    UsageError
        If fewer than three sounds have values, or nothing differs between them.
    MissingExtraError
        If a UMAP is asked for and umap-learn is not installed.
    """
    if not 0.0 < subset_threshold <= 1.0:
        raise UsageError(f"a subset's threshold is above 0 and at most 1; got {subset_threshold:g}")
    sounds = table if isinstance(table, Measurements) else measurements(table.columns, source=str(table.path))
    spreads = {name: spread_of(column) for name, column in zip(sounds.columns, sounds.values.T, strict=True)}
    used, left_out = _usable(sounds, spreads, descriptors)
    others = [n for n, s in spreads.items() if n not in used and n not in DESCRIPTORS and not objection(s)]
    values, standard = sounds.matrix(used), standardised(sounds.matrix(used))
    strange = strangeness(values, used)
    far = strange.rows()
    draw = neighbourhood_map if map_kind == "umap" else principal_components
    correlations = spearman(sounds.matrix((*used, *others)), (*used, *others))
    rho = np.nan_to_num(correlations.rho[: len(used), : len(used)], nan=0.0)
    rows = int(correlations.count[: len(used), : len(used)].min())
    return Analysis(
        sounds=sounds,
        used=used,
        left_out=left_out,
        spreads=spreads,
        correlations=correlations,
        steps=merges(distances(rho)),
        subset=suggest_subset(rho, used, rows=rows, threshold=subset_threshold),
        strangeness=strange,
        outliers=_outliers(sounds, strange, far[:MOST_OUTLIERS].tolist()),
        outlier_count=len(far),
        projection=draw(standard, used),
        standard=standard,
        repeated=_repeated(values),
    )


def _outliers(sounds: Measurements, strange: Strangeness, rows: Sequence[int]) -> tuple[Outlier, ...]:
    values = sounds.matrix(strange.names)
    return tuple(described(row, sounds.name(row), values, strange) for row in rows)


def _usable(
    sounds: Measurements, spreads: dict[str, Spread], wanted: Sequence[str] | None
) -> tuple[tuple[str, ...], dict[str, str]]:
    """Columns that can be analysed, and why the others of those wanted cannot."""
    if wanted is None:
        wanted = [name for name in DESCRIPTORS if name in spreads]
        probability = "reverb_probability"
        if probability in spreads and not objection(spreads[probability]):
            wanted = [probability if name == "reverb" else name for name in wanted]
    missing = [name for name in wanted if name not in spreads]
    if missing:
        raise UsageError(f"{sounds.source}: has no column {missing[0]}; it has: {', '.join(spreads)}")
    measured = int(np.isfinite(sounds.matrix(wanted)).any(axis=1).sum())
    if measured < FEWEST_SOUNDS:
        words = f"{_counted(measured)} with values; an analysis needs {FEWEST_SOUNDS} at least"
        raise UsageError(f"{sounds.source}: {words}")
    left_out = {name: why for name in wanted if (why := objection(spreads[name]))}
    used = tuple(name for name in wanted if name not in left_out)
    if not used:
        raise UsageError(
            f"{sounds.source}: no descriptor is measured for most sounds and differs between them: nothing to"
            " analyse"
        )
    return used, left_out


def _counted(sounds: int) -> str:
    return f"{sounds or 'no'} sound{'s' if sounds != 1 else ''}"


def _repeated(values: np.ndarray) -> int:
    """Rows that equal an earlier one in every descriptor."""
    complete = values[np.isfinite(values).all(axis=1)]
    return len(complete) - len(np.unique(complete, axis=0))
