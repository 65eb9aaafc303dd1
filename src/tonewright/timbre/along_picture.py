"""`plot_along`: a picture of descriptors along time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import BLUE, INK, MUTED, ORANGE, STYLE
from tonewright.timbre.along import Along
from tonewright.timbre.names import DESCRIPTORS
from tonewright.timbre.tables.finding import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

# Told apart by colour and by marker; more than these would be a knot.
LINES = (
    (BLUE, "o"),
    (ORANGE, "s"),
    ("#0b7a5b", "^"),
    ("#8a3f9e", "D"),
    ("#7d5c00", "v"),
    ("#4f5863", "P"),
)
MOST_SOUNDS = len(LINES)
LEAST_SPAN = 10.0


def plot_along(along: Along | Mapping[str, Along], *, title: str = "") -> Figure:
    """Draw the eight descriptors along time, a row each; reverb by its probability.

    A point stands in the middle of its window; where a window has no value, there is none. Every axis spans
    at least 10 points, so that what hardly changes looks like it.

    Parameters
    ----------
    along : a sound, or several by name over the same time; the first six are drawn
    title : words above everything

    Returns
    -------
    a figure that belongs to no window; ``figure.savefig(path)`` writes it
    """
    import matplotlib as mpl
    from matplotlib.figure import Figure

    sounds = dict(list(along.items())[:MOST_SOUNDS]) if isinstance(along, Mapping) else {"": along}
    unit, name = (60.0, "min") if max(_end_s(one) for one in sounds.values()) > 300 else (1.0, "s")
    with mpl.rc_context(STYLE):
        figure = Figure(figsize=(8.0, 9.2), layout="constrained", facecolor="white", dpi=120)
        rows = figure.subplots(len(DESCRIPTORS), 1, sharex=True)
        handles: list[Any] = []
        for axes, descriptor in zip(rows, DESCRIPTORS, strict=True):
            handles = _draw(axes, descriptor, list(sounds.values()), unit)
        rows[-1].set_xlabel(f"time ({name})")
        rows[-1].set_xlim(0.0, max(_end_s(one) for one in sounds.values()) / unit)
        figure.align_ylabels(rows)
        _name(figure, handles, [printable(name) for name in sounds], printable(title))
    return figure


def _name(figure: Figure, handles: list[Any], names: list[str], title: str) -> None:
    """Put the title and, of several sounds, their names above everything."""
    style: Any = {"size": 11, "weight": "bold"}
    if len(names) == 1:
        figure.suptitle(title, x=0.01, ha="left", color=INK, parse_math=False, **style)
        return
    legend = figure.legend(
        handles, names, loc="outside upper left", ncols=min(3, len(names)), alignment="left"
    )
    legend.set_title(title, prop=style)


def _draw(axes: Axes, descriptor: str, sounds: list[Along], unit: float) -> list[Any]:
    """One descriptor of all sounds."""
    column = "reverb_probability" if descriptor == "reverb" else descriptor
    handles = []
    for sound, (colour, marker) in zip(sounds, LINES, strict=False):
        middles = (sound.start_s + sound.seconds / 2) / unit
        size = 3.5 if len(sound) <= 80 else 0.0
        handles += axes.plot(
            middles, sound[column], color=colour, marker=marker, markersize=size, linewidth=1.4
        )
    axes.set_ylabel(descriptor, rotation=0, ha="right", va="center")
    if descriptor == "reverb":
        axes.axhline(0.5, color=MUTED, linewidth=0.9, linestyle=":")
        axes.set(ylim=(-0.05, 1.05), yticks=(0.0, 0.5, 1.0))
        return handles
    low, high = _span(np.concatenate([sound[column] for sound in sounds]))
    axes.set_ylim(low, high)
    return handles


def _span(values: np.ndarray) -> tuple[float, float]:
    """The range of an axis: that of the values, at least 10 points, with a little air."""
    good = values[np.isfinite(values)]
    if not good.size:
        return 0.0, 100.0
    low, high = float(good.min()), float(good.max())
    wider = max(0.0, LEAST_SPAN - (high - low)) / 2
    air = 0.06 * max(LEAST_SPAN, high - low)
    return low - wider - air, high + wider + air


def _end_s(along: Along) -> float:
    return float(along.start_s[-1] + along.seconds[-1])
