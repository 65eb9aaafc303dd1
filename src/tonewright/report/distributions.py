"""Figures of many sounds at once: how much there is of what, and how a quantity is spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tonewright.report.figures import frequency_name
from tonewright.report.sheet import name_lines, sheet
from tonewright.report.theme import SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_BARS = 40
_FEWEST_BINS, _MOST_BINS = 8, 48


def bars(amounts: Mapping[str, float], *, unit: str, title: str = "") -> Figure:
    """Amounts by name, the largest on top; what is beyond forty names is added up in the last.

    Parameters
    ----------
    amounts : name to amount
    unit : of the amounts
    title : words above the axes
    """
    ordered = sorted(amounts.items(), key=lambda item: -item[1])
    shown, rest = ordered[:MOST_BARS], ordered[MOST_BARS:]
    if rest:
        shown.append((f"{len(rest)} more", sum(amount for _, amount in rest)))
    with sheet(height_in=0.7 + 0.24 * len(shown)) as (figure, (axes,)):
        names = [name if len(name) <= 40 else f"{name[:39]}…" for name, _ in shown][::-1]
        values = [amount for _, amount in shown][::-1]
        places = np.arange(len(shown))
        axes.barh(places, values, color=SERIES[0], height=0.7)
        axes.set_yticks(places, names)
        for place, value in zip(places, values, strict=True):
            axes.annotate(
                f"{value:.3g}", (value, place), xytext=(4, 0), textcoords="offset points", va="center"
            )
        axes.margins(x=0.08)
        axes.grid(axis="y", visible=False)
        axes.set(xlabel=unit, title=title)
    return figure


def spread(
    values: Mapping[str, Sequence[float]],
    *,
    label: str,
    weights: Mapping[str, Sequence[float]] | None = None,
    logarithmic: bool = False,
    title: str = "",
) -> Figure:
    """How a quantity is spread in each of several groups: share of the group, as steps.

    Parameters
    ----------
    values : group to its values
    label : the quantity with its unit
    weights : group to the weight of each value, such as its length; all alike unless given
    logarithmic : a logarithmic axis; values of 0 and less are left out
    title : words above the axes
    """
    chosen = {name: _usable(np.asarray(v, float), logarithmic) for name, v in values.items()}
    everything = np.concatenate([np.asarray(values[name], float)[keep] for name, keep in chosen.items()])
    with sheet() as (figure, (axes,)):
        handles, names = [], []
        edges = _edges(everything, logarithmic=logarithmic)
        for index, (name, keep) in enumerate(chosen.items()):
            weight = np.ones(len(keep)) if weights is None else np.asarray(weights[name], float)
            if not keep.any() or not weight[keep].sum():
                continue
            counts, _ = np.histogram(np.asarray(values[name], float)[keep], edges, weights=weight[keep])
            share = 100 * counts / counts.sum()
            style = "-" if index < len(SERIES) else "--"
            handles.append(
                axes.stairs(share, edges, color=SERIES[index % len(SERIES)], linewidth=1.6, linestyle=style)
            )
            names.append(name)
        if logarithmic:
            axes.set_xscale("log")
            _plain_ticks(axes, edges)
        axes.set(xlabel=label, ylabel="share of the group (%)", title=title, ylim=(0, None))
        axes.margins(x=0)
        if len(names) > 1:
            name_lines(axes, handles, names)
    return figure


def _plain_ticks(axes: Axes, edges: np.ndarray) -> None:
    decades = range(int(np.floor(np.log10(edges[0]))), int(np.ceil(np.log10(edges[-1]))) + 1)
    ticks = [digit * 10.0**power for power in decades for digit in (1, 2, 5)]
    ticks = [tick for tick in ticks if edges[0] <= tick <= edges[-1]]
    axes.set_xticks(ticks, [frequency_name(tick) for tick in ticks])
    axes.set_xticks([], minor=True)


def _usable(values: np.ndarray, logarithmic: bool) -> np.ndarray:
    return np.isfinite(values) & ((values > 0) | (not logarithmic))


def _edges(values: np.ndarray, *, logarithmic: bool) -> np.ndarray:
    """Edges of the steps, over the middle 99.8 % of all values; the rest counts in no step."""
    if not len(values):
        return np.array([1.0, 10.0])
    low, high = np.quantile(values, (0.001, 0.999))
    bins = min(max(_FEWEST_BINS, round(2 * len(values) ** 0.5)), _MOST_BINS)
    if logarithmic:
        low, high = low / 1.05, high * 1.05
        return np.geomspace(low, high, bins + 1)
    margin = max(1e-6, 0.02 * (high - low))
    return np.linspace(low - margin, high + margin, bins + 1)
