"""Responses along a knob or along a way as small figures: lines from blue to orange, one figure each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tonewright.report.sheet import name_lines, sheet

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from tonewright.filters import Bank, FilterModel

SETTINGS = 9


def knob_figures(model: FilterModel) -> list[Figure]:
    """For each knob the responses from its lower end to its upper one, the others at 0, over one range."""
    families = []
    for knob, row in zip(model.knobs, np.eye(len(model.knobs)), strict=True):
        settings = np.linspace(knob.low, knob.high, SETTINGS)
        families.append([model.bank(setting * row) for setting in settings])
    levels = [responses(banks, sample_rate=model.config.sample_rate) for banks in families]
    figures = []
    for number, (knob, (frequencies_hz, family)) in enumerate(zip(model.knobs, levels, strict=True), 1):
        ends = [f"{end:g}".replace("-", "−") for end in (knob.low, knob.high)]
        figures.append(
            along(
                frequencies_hz,
                family,
                shown=[other for _, other in levels],
                names=(f"at {ends[0]}", f"at {ends[1]}"),
                title=f"{number}  {knob.name}",
            )
        )
    return figures


def responses(banks: Sequence[Bank], *, sample_rate: float = 44100) -> tuple[np.ndarray, np.ndarray]:
    """Frequencies (points,), and the level of each bank there, (banks, points) in dB."""
    from tonewright.filters.plots.frame import heard_frequencies

    frequencies_hz = heard_frequencies(sample_rate)
    levels = [bank.magnitude_db(frequencies_hz, sample_rate=sample_rate) for bank in banks]
    return frequencies_hz, np.stack(levels)


def along(
    frequencies_hz: np.ndarray,
    levels_db: np.ndarray,
    *,
    names: tuple[str, str],
    shown: Sequence[np.ndarray] = (),
    title: str = "",
) -> Figure:
    """Lines of levels over frequency, in colours from blue, the first, by way of grey to orange, the last.

    Parameters
    ----------
    frequencies_hz : (points,)
    levels_db : (lines, points)
    names : of the first and the last line
    shown : levels that the range is to hold; its own unless given
    title : words above the axes
    """
    from tonewright.filters.plots.frame import colours, frequency_level_axes

    with sheet(height_in=3.0) as (figure, (axes,)):
        lines = [
            axes.plot(frequencies_hz, level, color=colour, linewidth=1.4)[0]
            for level, colour in zip(levels_db, colours(len(levels_db)), strict=True)
        ]
        frequency_level_axes(axes, shown or [levels_db], high_hz=float(frequencies_hz[-1]), few=True)
        axes.set_title(title)
        name_lines(axes, [lines[0], lines[-1]], names)
    return figure
