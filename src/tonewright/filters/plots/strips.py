"""`plot_morph`: the way from one response to another in small pictures."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import MUTED, entitle, sheet
from tonewright.errors import UsageError
from tonewright.filters.plots.frame import (
    LONGEST_TITLE,
    colours,
    fill_grid,
    frequency_level_axes,
    heard_frequencies,
    level_limits,
    saved,
    shortened,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tonewright.filters.bank import Bank

MOST_STEPS = 64
_COLUMNS = 8


def plot_morph(
    steps: Sequence[Bank] | np.ndarray,
    path: str | os.PathLike[str] | None = None,
    *,
    frequencies_hz: np.ndarray | None = None,
    labels: Sequence[str] = (),
    title: str = "",
    sample_rate: float = 44100,
    overwrite: bool = False,
) -> Figure:
    """Draw a strip of small pictures, a step each; the first response stays behind as a dotted line.

    Parameters
    ----------
    steps : banks, or (steps, frequencies) levels in dB
    path : where to write it, ending in .png, .svg or .pdf
    frequencies_hz : (frequencies,) of levels
    labels : a word for each step; its number where there are none
    title : words above it
    sample_rate : at which banks are designed
    overwrite : replace what is there

    Returns
    -------
    a figure that belongs to no window
    """
    frequencies, levels = _responses(steps, frequencies_hz, sample_rate)
    count = len(levels)
    columns = min(count, _COLUMNS)
    names = [shortened(label, LONGEST_TITLE // columns) for label in labels]
    names = names or [str(step + 1) for step in range(count)]
    if len(names) != count:
        raise UsageError(f"{count} steps have {len(names)} labels; give each one, or none")
    rows = -(-count // columns)
    low, high = level_limits(list(levels))
    with sheet(rows, columns, height_in=0.75 + 1.35 * rows, sharex=True, sharey=True) as (figure, grid):
        for axes, level, name, colour in zip(grid.flat, levels, names, colours(count), strict=False):
            axes.fill_between(frequencies, level, low, color=colour, alpha=0.3, linewidth=0)
            axes.plot(frequencies, level, color=colour, linewidth=1.4)
            axes.plot(frequencies, levels[0], color=MUTED, linewidth=0.8, linestyle=":")
            frequency_level_axes(axes, list(levels), high_hz=float(frequencies[-1]), few=columns > 2)
            axes.set_ylim(low, high)
            axes.set_title(name, fontsize=8.5)
            axes.tick_params(labelsize=8)
            axes.set(xlabel="", ylabel="")
        fill_grid(grid, count)
        figure.supxlabel("frequency (Hz)", fontsize=9)
        figure.supylabel("level (dB)", fontsize=9)
        if title:
            entitle(figure, shortened(title))
    return saved(figure, path, overwrite=overwrite)


def _responses(
    steps: Any, frequencies_hz: np.ndarray | None, sample_rate: float
) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies above 0 and (steps, frequencies) levels."""
    if not 1 <= len(steps) <= MOST_STEPS:
        raise UsageError(f"a strip has 1 to {MOST_STEPS} steps; got {len(steps)}")
    if hasattr(steps[0], "magnitude_db"):
        frequencies = heard_frequencies(sample_rate)
        levels = [bank.magnitude_db(frequencies, sample_rate=sample_rate) for bank in steps]
        return frequencies, np.stack(levels)
    if frequencies_hz is None:
        raise UsageError("levels are drawn over frequencies; give frequencies_hz")
    frequencies, levels = np.asarray(frequencies_hz, float), np.asarray(steps, float)
    if levels.ndim != 2 or levels.shape[1:] != frequencies.shape:
        raise UsageError(f"levels of shape {levels.shape} do not go with {frequencies.size} frequencies")
    return frequencies[frequencies > 0], levels[:, frequencies > 0]
