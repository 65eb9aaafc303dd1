"""`plot_bank`: the response of a bank with its filters beneath."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import BLUE, INK, MUTED, ORANGE, entitle, named, sheet
from tonewright.filters.plots.frame import frequency_level_axes, heard_frequencies, saved, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from tonewright.filters.bank import Bank


def plot_bank(
    bank: Bank,
    path: str | os.PathLike[str] | None = None,
    *,
    title: str = "",
    sample_rate: float = 44100,
    overwrite: bool = False,
) -> Figure:
    """Draw the response of a bank; beneath it, faint, each of its filters.

    Filters side by side are blue, or orange where their gain is negative and they take away from their
    neighbours; of filters one after another those that raise are blue and those that lower are orange.

    Parameters
    ----------
    bank : the filters
    path : where to write it, ending in .png, .svg or .pdf
    title : words above it
    sample_rate : at which the filters are designed
    overwrite : replace what is there

    Returns
    -------
    a figure that belongs to no window
    """
    frequencies = heard_frequencies(sample_rate)
    whole = bank.magnitude_db(frequencies, sample_rate=sample_rate)
    singles = single_responses(bank, frequencies, sample_rate=sample_rate)
    with sheet(height_in=3.6) as (figure, grid):
        axes = grid[0, 0]
        names = _draw_singles(axes, bank, frequencies, singles) if bank.filters > 1 else {}
        (line,) = axes.plot(frequencies, whole, color=INK, linewidth=2.0, zorder=3)
        peaks = singles.max(axis=1) if bank.kind == "parallel" else singles
        frequency_level_axes(axes, [whole, peaks], high_hz=float(frequencies[-1]))
        named(figure, [line, *names.values()], ["bank", *names])
        if title:
            entitle(figure, shortened(title))
    return saved(figure, path, overwrite=overwrite)


def single_responses(bank: Bank, frequencies_hz: np.ndarray, *, sample_rate: float) -> np.ndarray:
    """Level of each filter alone, in dB.

    Returns
    -------
    (filters, frequencies); with the bank's level for filters side by side, without for others
    """
    from tonewright.filters.bank import Bank

    parallel = bank.kind == "parallel"
    rows = [
        Bank(
            bank.frequency_hz[index : index + 1],
            bank.q[index : index + 1],
            bank.gain[index : index + 1],
            kind=bank.kind,
            shapes=() if parallel else (bank.shapes[index],),
            order=bank.order,
            level_db=bank.level_db if parallel else 0.0,
        ).magnitude_db(frequencies_hz, sample_rate=sample_rate)
        for index in range(bank.filters)
    ]
    return np.stack(rows)


def _draw_singles(axes: Axes, bank: Bank, frequencies: np.ndarray, singles: np.ndarray) -> dict[str, Any]:
    """Each filter, faint; a handle for each kind that occurs."""
    parallel = bank.kind == "parallel"
    words = ("filters", "filters of negative gain") if parallel else ("raises", "lowers")
    faint = float(np.clip(8.0 / bank.filters, 0.15, 0.55))
    handles: dict[str, Any] = {}
    for gain, single in zip(bank.gain, singles, strict=True):
        name, colour = (words[1], ORANGE) if gain < 0 else (words[0], BLUE)
        if parallel:
            (handle,) = axes.plot(frequencies, single, color=colour, linewidth=1.0, alpha=faint)
        else:
            handle = axes.fill_between(frequencies, single, color=colour, alpha=faint / 2, linewidth=0.8)
        handles.setdefault(name, _opaque(handle, colour))
    if not parallel:
        axes.axhline(0.0, color=MUTED, linewidth=0.9, linestyle=":")
    return {name: handles[name] for name in words if name in handles}


def _opaque(drawn: Any, colour: str) -> Any:
    """What stands for it in the legend, plain to see."""
    from matplotlib.lines import Line2D
    from matplotlib.patches import Patch

    if isinstance(drawn, Line2D):
        return Line2D([], [], color=colour, linewidth=1.2)
    return Patch(facecolor=colour, alpha=0.45, linewidth=0.0)
