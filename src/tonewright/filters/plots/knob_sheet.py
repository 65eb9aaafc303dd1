"""`plot_knobs`: what each of a model's numbers does."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import MUTED, entitle, sheet
from tonewright.filters.plots.frame import (
    blue_to_orange,
    colours,
    fill_grid,
    frequency_level_axes,
    heard_frequencies,
    saved,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tonewright.filters.knobs import Knob

LOW, HIGH = -2.0, 2.0
_SETTINGS, _COLUMNS = 9, 2


def plot_knobs(
    model: Any,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    overwrite: bool = False,
) -> Figure:
    """Draw the responses along each knob from -2 to 2, the others at 0.

    Parameters
    ----------
    model : as `tonewright.filters.load` gives it: its `knobs`, and `bank` for the filters of some numbers
    path : where to write it, ending in .png, .svg or .pdf
    title : words above it
    overwrite : replace what is there

    Returns
    -------
    a figure that belongs to no window
    """
    knobs: Sequence[Knob] = model.knobs
    sample_rate = float(getattr(getattr(model, "config", None), "sample_rate", 44100))
    frequencies, turned = heard_frequencies(sample_rate), np.linspace(LOW, HIGH, _SETTINGS)
    levels = np.array(
        [
            [
                model.bank(setting * row).magnitude_db(frequencies, sample_rate=sample_rate)
                for setting in turned
            ]
            for row in np.eye(len(knobs))
        ]
    )
    rows = -(-len(knobs) // _COLUMNS)
    with sheet(rows, _COLUMNS, height_in=0.7 + 2.3 * rows, sharex=True, sharey=True) as (figure, grid):
        for index, (axes, knob) in enumerate(zip(grid.flat, knobs, strict=False)):
            for level, colour in zip(levels[index], colours(_SETTINGS), strict=True):
                axes.plot(frequencies, level, color=colour, linewidth=1.3)
            frequency_level_axes(axes, list(levels), high_hz=float(frequencies[-1]))
            _entitled(axes, index, knob)
        fill_grid(grid, len(knobs))
        _scale(figure, list(grid.flat))
        if title:
            entitle(figure, shortened(title))
    return saved(figure, path, overwrite=overwrite)


def _entitled(axes: Axes, index: int, knob: Knob) -> None:
    """The knob's number and name, and how much of the sounds' variety it explains."""
    axes.set_title(f"{index + 1}  {knob.name}")
    share = float(getattr(knob, "share", math.nan))
    if math.isfinite(share):
        axes.set_title(
            f"explains {100 * share:.0f} %", loc="right", fontsize=8.5, weight="normal", color=MUTED
        )


def _scale(figure: Figure, axes: list[Axes]) -> None:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    drawn = ScalarMappable(Normalize(LOW, HIGH), blue_to_orange())
    bar = figure.colorbar(drawn, ax=axes, pad=0.015, fraction=0.03, aspect=30, ticks=[-2, -1, 0, 1, 2])
    bar.ax.set_yticklabels(["−2", "−1", "0", "1", "2"])
    bar.outline.set_visible(False)  # pyright: ignore[reportCallIssue]
    bar.set_label("knob")
