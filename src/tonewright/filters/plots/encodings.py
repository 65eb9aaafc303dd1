"""`plot_encodings`: sounds, the numbers that stand for them, and what the numbers make."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from tonewright.audio.plotting import BLUE, GRID, MUTED, entitle, named, sheet
from tonewright.errors import UsageError
from tonewright.filters.plots.comparisons import draw_pair, positive
from tonewright.filters.plots.frame import frequency_level_axes, saved, shortened

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

MOST_SOUNDS = 8
KNOWN = 2.0  # models know the numbers up to here
_LEAST_REACH = 3.0
_LONGEST = 46


def plot_encodings(
    names: Sequence[str],
    z: np.ndarray,
    path: str | os.PathLike[str] | None = None,
    *,
    frequencies_hz: np.ndarray,
    target_db: np.ndarray,
    achieved_db: np.ndarray,
    knobs: Sequence[str] = (),
    title: str = "",
    overwrite: bool = False,
) -> Figure:
    """Draw a row for each sound: its numbers as bars, its spectrum, and the bank of the numbers.

    Parameters
    ----------
    names : of the sounds; the first eight are drawn
    z : (sounds, latent) their numbers
    path : where to write it, ending in .png, .svg or .pdf
    frequencies_hz : (frequencies,); what lies at 0 Hz is not drawn
    target_db, achieved_db : (sounds, frequencies) spectra, and responses of the banks
    knobs : what the numbers are called
    title : words above it
    overwrite : replace what is there

    Returns
    -------
    a figure that belongs to no window
    """
    z = np.atleast_2d(np.asarray(z, dtype=float))
    frequencies, (targets, reached) = positive(
        frequencies_hz, np.atleast_2d(target_db), np.atleast_2d(achieved_db)
    )
    counts = {len(names), len(z), len(targets), len(reached)}
    if len(counts) > 1 or not names or len(knobs) not in (0, z.shape[1]):
        raise UsageError("names, numbers, spectra and responses must be as many as there are sounds")
    labels = [f"{index + 1}  {name}" for index, name in enumerate(knobs)] or [
        str(index + 1) for index in range(z.shape[1])
    ]
    shown = min(len(names), MOST_SOUNDS)
    reach = max(_LEAST_REACH, 1.05 * float(np.abs(z[:shown]).max()))
    ratios = {"width_ratios": [1.0, 2.4]}
    with sheet(shown, 2, height_in=0.9 + 1.6 * shown, sharex="col", gridspec_kw=ratios) as (figure, grid):
        handles: list[Any] = []
        for index, (left, right) in enumerate(grid):
            _draw_numbers(left, z[index], labels, reach)
            handles = draw_pair(right, frequencies, targets[index], reached[index])
            frequency_level_axes(right, [targets[:shown], reached[:shown]], high_hz=float(frequencies[-1]))
            right.set_title(shortened(names[index], _LONGEST))
            for axes in (left, right):
                if index < shown - 1:
                    axes.set_xlabel("")
        named(figure, handles, ["sound", "bank"])
        more = f" ({shown} of {len(names)} sounds)" if shown < len(names) else ""
        if title or more:
            entitle(figure, f"{shortened(title)}{more}".strip())
    return saved(figure, path, overwrite=overwrite)


def _draw_numbers(axes: Axes, z: np.ndarray, labels: Sequence[str], reach: float) -> None:
    """Bars from 0 to each number, the first on top; grey where models know them."""
    places = np.arange(len(z))
    axes.axvspan(-KNOWN, KNOWN, color=GRID, alpha=0.6, linewidth=0)
    axes.axvline(0.0, color=MUTED, linewidth=0.9)
    axes.barh(places, z, height=0.55, color=BLUE)
    axes.set_yticks(places, list(labels))
    axes.set_ylim(len(z) - 0.4, -0.6)
    axes.set_xlim(-reach, reach)
    axes.grid(axis="y", visible=False)
    axes.set_xlabel("setting")
