"""Figures of many sounds' timbre: spreads, correlations, groups, a map, a strip a sound."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.report.sheet import sheet
from tonewright.report.theme import INK, MUTED, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_POINTS = 1500
# Not quite those of the page's theme: words on coloured cells keep their colour in the dark.
_DARK, _LIGHT = "#111111", "#fffffe"


def histogram(values: np.ndarray, *, label: str, unit: str = "sounds", scale: bool = False) -> Figure:
    """How many sounds have which value, with the median; over more than 50 : 1 on a logarithmic axis.

    Parameters
    ----------
    values : (n,), not empty; NaN does not count
    label : of the value, with its unit
    unit : what is counted
    scale : show at least 0 to 100
    """
    values = values[np.isfinite(values)]
    low, high = float(values.min()), float(values.max())
    if scale:
        low, high = min(low, 0.0), max(high, 100.0)
    if low == high:
        low, high = low - 0.5, high + 0.5
    bins = int(np.clip(2 * len(values) ** 0.4, 8, 40))
    decades = not scale and low > 0 and high > 50 * low
    space = np.geomspace if decades else np.linspace
    with sheet(height_in=1.75) as (figure, (axes,)):
        counts, edges = np.histogram(values, space(low, high, bins + 1))
        if decades:
            axes.set_xscale("log")
        axes.stairs(counts, edges, fill=True, color=SERIES[0], alpha=0.75)
        axes.axvline(float(np.median(values)), color=SERIES[1], linewidth=1.6)
        axes.set(xlabel=label, ylabel=unit, xlim=(low, high), ylim=(0, None))
        axes.locator_params(axis="y", nbins=4, integer=True)
    return figure


def heat(
    values: np.ndarray,
    *,
    rows: Sequence[str],
    columns: Sequence[str],
    words: list[list[str]],
    limits: tuple[float, float] = (-1.0, 1.0),
    colours: str = "RdBu_r",
) -> Figure:
    """A table of coloured cells, its figures in them.

    Parameters
    ----------
    values : (rows, columns); NaN stays empty
    rows, columns : their names
    words : (rows, columns) what stands in each cell
    limits : values of the first and last colour
    colours : matplotlib's name of the colour map
    """
    from matplotlib import colormaps
    from matplotlib.patches import Rectangle

    low, high = limits
    with sheet(height_in=1.0 + 0.31 * len(rows)) as (figure, (axes,)):
        for (i, j), value in np.ndenumerate(values):
            known = bool(np.isfinite(value))
            paint = np.asarray(colormaps[colours]((value - low) / (high - low) if known else 0.5))[:3]
            if known:  # drawn as shapes, because browsers blur the edges of enlarged pixels
                axes.add_patch(Rectangle((j - 0.49, i - 0.48), 0.98, 0.96, facecolor=paint, linewidth=0))
            axes.text(
                j,
                i,
                words[i][j],
                ha="center",
                va="center",
                color=_ink_on(paint) if known else MUTED,
                fontsize=7.5,
            )
        axes.set(xlim=(-0.5, len(columns) - 0.5), ylim=(len(rows) - 0.5, -0.5))
        axes.set_xticks(range(len(columns)), columns, rotation=40, ha="left", rotation_mode="anchor")
        axes.set_yticks(range(len(rows)), rows)
        axes.tick_params(length=0, top=True, labeltop=True, bottom=False, labelbottom=False)
        axes.spines[:].set_visible(False)
        axes.grid(False)
    return figure


def _ink_on(paint: np.ndarray) -> str:
    """Black or white, whichever has more contrast with a colour (3,) (WCAG 2.2)."""
    linear = np.where(paint <= 0.04045, paint / 12.92, ((paint + 0.055) / 1.055) ** 2.4)
    return _DARK if linear @ (0.2126, 0.7152, 0.0722) > 0.179 else _LIGHT


def tree(
    merges: Sequence[tuple[Sequence[int], Sequence[int], float]],
    *,
    order: Sequence[int],
    names: Sequence[str],
    same: float,
) -> Figure:
    """How descriptors join into groups, with the height up to which they tell the same.

    Parameters
    ----------
    merges : left members, right members, height; in the order of the heights
    order : of the descriptors, from top to bottom
    names : of all descriptors
    same : that height
    """
    place: dict[tuple[int, ...], float] = {(index,): float(row) for row, index in enumerate(order)}
    height = dict.fromkeys(place, 0.0)
    with sheet(height_in=0.7 + 0.21 * len(names)) as (figure, (axes,)):
        for left, right, at in merges:
            first, second = tuple(sorted(left)), tuple(sorted(right))
            y = (place[first], place[second])
            axes.plot([height[first], at, at, height[second]], [y[0], *y, y[1]], color=SERIES[0])
            joined = tuple(sorted((*first, *second)))
            place[joined], height[joined] = sum(y) / 2, at
        axes.axvline(same, color=SERIES[1], linestyle="--", linewidth=1.2)
        axes.set_yticks(range(len(order)), [names[index] for index in order])
        axes.set(
            xlim=(0, 1), ylim=(len(order) - 0.5, -0.5), xlabel="1 − |ρ|: how little they tell of each other"
        )
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.spines["left"].set_visible(False)
    return figure


def sound_map(
    coordinates: np.ndarray,
    *,
    marked: Mapping[str, int],
    strange: Sequence[int] = (),
    labels: tuple[str, str] = ("", ""),
) -> Figure:
    """Sounds as points; those marked have a letter, outliers a ring.

    Of more than 1 500 sounds, so many spread evenly over the rows are drawn, the marked ones among them.

    Parameters
    ----------
    coordinates : (n, 2); rows of NaN are not drawn
    marked : letter to row
    strange : rows of outliers
    labels : of the two axes
    """
    shown = np.flatnonzero(np.isfinite(coordinates).all(axis=1))
    if len(shown) > MOST_POINTS:
        shown = shown[np.arange(MOST_POINTS) * len(shown) // MOST_POINTS]
    rings = np.intersect1d(shown, np.asarray(strange, np.int64))
    with sheet(height_in=4.6) as (figure, (axes,)):
        size = 4.0 if len(shown) <= 400 else 2.5
        dot: dict[str, Any] = {"marker": "o", "linestyle": "none"}
        axes.plot(*coordinates[shown].T, markersize=size, color=SERIES[5], alpha=0.5, mew=0, **dot)
        axes.plot(*coordinates[rings].T, markersize=size + 3, mfc="none", mec=SERIES[1], mew=1.0, **dot)
        _letters(axes, coordinates, marked)
        axes.set(xlabel=labels[0], ylabel=labels[1])
        axes.margins(0.07)
    return figure


def _letters(axes: Axes, coordinates: np.ndarray, marked: Mapping[str, int]) -> None:
    for letter, row in marked.items():
        if not np.isfinite(coordinates[row]).all():
            continue
        axes.plot(*coordinates[row], "o", markersize=6, color=SERIES[0])
        axes.annotate(
            letter, coordinates[row], xytext=(6, 5), textcoords="offset points", color=INK, fontweight="bold",
            fontsize=11,
        )  # fmt: skip
